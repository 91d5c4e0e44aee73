"""Videos, poses and lists from mmengine's backends, as clusters keep them."""

import functools
import json
import pickle
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from conftest import ROOT
from mmaction.registry import DATASETS, TRANSFORMS

from integral_action.datasets.label_map import LabelMap
from integral_action.datasets.video_list import read_video_list
from integral_action.datasets.video_reader import VideoReader
from integral_action.fileio import (
    SampleError,
    read_annotations,
    write_annotations,
    write_text,
)
from integral_action.pose.files import read_poses, write_poses
from integral_action.storage import open_file

sys.path.append(str(ROOT / 'tools'))  # at the end: it holds a test.py
import check_dataset

HTTP = dict(backend='http')


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def folder(tmp_path, make_video):
    """Two videos of 4 frames, frame i of the grey 10 * i, and their poses."""
    records = []
    for number in range(2):
        grey = 10 * np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1)
        make_video(np.broadcast_to(grey, (4, 16, 16, 3)), f'{number}.avi')
        poses = np.full((1, 4, 18, 2), 5 + number), np.ones((1, 4, 18))
        write_poses(tmp_path / f'{number}.npz', *poses)
        records.append(
            dict(
                filename=f'{number}.avi',
                pose_file=f'{number}.npz',
                label=number,
                total_frames=4,
            )
        )
    write_annotations(tmp_path / 'list.jsonl', records)
    write_text(tmp_path / 'classes.txt', 'run\nwalk\n')
    write_text(tmp_path / 'list.txt', '0.avi run\n')
    content = dict(split=dict(a=['1.avi']), annotations=records)
    (tmp_path / 'list.pkl').write_bytes(pickle.dumps(content))
    (tmp_path / 'half.npz').write_bytes(b'PK')
    (tmp_path / 'empty.avi').touch()
    return tmp_path


@pytest.fixture
def address(folder):
    """The folder on a server of the test's own."""
    handler = functools.partial(Quiet, directory=folder)
    with ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        serve = functools.partial(server.serve_forever, poll_interval=0.01)
        threading.Thread(target=serve, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()


def samples(place, backend_args, ann_file='list.jsonl', **options):
    """The frames' greys, the keypoints and the label of each video."""
    dataset = DATASETS.build(
        dict(
            type='VideoPoseDataset',
            ann_file=f'{place}/{ann_file}',
            data_prefix=dict(video=place, pose=place),
            backend_args=backend_args,
            num_classes=2,
            pipeline=[
                dict(
                    type='SampleTwoStreamFrames',
                    clip_len=dict(RGB=4, Pose=4),
                    frame_interval=dict(RGB=1, Pose=1),
                ),
                dict(type='DecodeTwoStream', backend_args=backend_args),
            ],
            test_mode=True,
            **options,
        )
    )
    found = []
    for sample in map(dataset.__getitem__, range(len(dataset))):
        greys = np.stack(sample['imgs']).mean((1, 2, 3)).round().tolist()
        x = sample['keypoint'][0, 0, 0, 0]
        found.append((greys, x, sample['label']))
    return found, dataset.metainfo.get('classes')


@pytest.mark.parametrize('ann_file', ['list.jsonl', 'list.pkl'])
def test_a_dataset_is_the_same_from_every_backend(folder, address, ann_file):
    options = dict(ann_file=ann_file, split='a' if 'pkl' in ann_file else None)
    options['class_file'] = f'{folder}/classes.txt'
    expected = [([0, 10, 20, 30], 5.5 + n, n) for n in range(2)]
    expected = expected[-1:] if options['split'] else expected
    local = dict(backend='local')
    for backend_args in (None, local, {}):
        assert samples(str(folder), backend_args, **options) == (
            expected,
            ['run', 'walk'],
        )
    options['class_file'] = f'{address}/classes.txt'
    for backend_args in (HTTP, {}):  # {} goes by the start of the address
        assert samples(address, backend_args, **options) == (
            expected,
            ['run', 'walk'],
        )
    options['class_file'] = None
    assert samples(address, HTTP, **options)[1] is None


CONFIG = """
backend_args = {http!r}
train_dataloader = dict(dataset=dict(
    type='VideoPoseDataset', ann_file='{address}/list.jsonl',
    data_prefix=dict(video='{address}', pose='{address}'),
    backend_args=backend_args, pipeline=[
        dict(type='DecodeTwoStream', backend_args=backend_args)]))
"""


def test_a_dataset_is_checked_where_it_is(folder, address):
    config, report = folder / 'config.py', folder / 'report.json'
    config.write_text(CONFIG.format(http=HTTP, address=address))
    arguments = [str(config), '--json', str(report), '--workers', '1']
    assert check_dataset.main(arguments) == 0
    (folder / '1.avi').unlink()
    (folder / '0.npz').write_bytes(b'PK')
    assert check_dataset.main(arguments) == 1
    found = json.loads(report.read_text())['videos']
    assert {name: one[0]['problem'] for name, one in found.items()} == {
        f'{address}/0.avi': 'unreadable_poses',
        f'{address}/1.avi': 'unreadable_video',
    }


def test_a_list_that_was_read_travels_to_workers(folder, address):
    videos = read_annotations(f'{address}/list.jsonl', None, HTTP)
    (folder / 'list.jsonl').unlink()
    again = pickle.loads(pickle.dumps(videos))
    assert [one['label'] for one in again] == [0, 1]
    assert again[1]['filename'] == '1.avi'


def test_other_lists(folder, address):
    assert LabelMap.read(f'{address}/classes.txt', HTTP)['walk'] == 1
    (line,) = read_video_list(f'{address}/list.txt', HTTP)
    assert (line.filename, line.label) == ('0.avi', 'run')
    assert line.place == f'{address}/list.txt, line 1'


def test_what_cannot_be_read_is_named(folder, address):
    for place, backend_args in (
        (address, HTTP),
        (str(folder), dict(backend='local')),
    ):
        gone = f'{place}/gone'
        with pytest.raises(OSError, match=gone):
            open_file(gone, backend_args)
        with pytest.raises(OSError, match=f'{gone}.jsonl'):
            read_annotations(f'{gone}.jsonl', None, backend_args)
        with pytest.raises(SampleError, match=f'{gone}.avi'):
            VideoReader(f'{gone}.avi', backend_args=backend_args)
        load = TRANSFORMS.build(
            dict(type='LoadPoses', backend_args=backend_args)
        )
        with pytest.raises(SampleError, match=f'{gone}.npz'):
            load(dict(pose_file=f'{gone}.npz', total_frames=4))
        with pytest.raises(ValueError, match=f'{place}/half.npz: not a pose'):
            read_poses(f'{place}/half.npz', backend_args=backend_args)
        with pytest.raises(SampleError, match='empty.avi: an empty file'):
            VideoReader(f'{place}/empty.avi', backend_args=backend_args)
    with pytest.raises(OSError, match='nowhere: cannot be read .KeyError'):
        open_file('nowhere', dict(backend='magic'))


def test_the_older_argument_is_understood(folder, address):
    build = TRANSFORMS.build
    assert build(dict(type='DecodeTwoStream')).backend_args is None
    disk = dict(type='DecodeTwoStream', io_backend='disk')
    assert build(disk).backend_args is None
    http = build(dict(type='DecodeTwoStream', io_backend='http'))
    sample = dict(
        filename=f'{address}/0.avi',
        total_frames=4,
        RGB_inds=np.array([2]),
        modality=['RGB'],
    )
    assert http(sample)['imgs'][0].mean() == 20
