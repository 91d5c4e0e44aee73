"""Bad inputs, at the doors where people bring them: one sentence each.

A row is an input, where it goes in, and words of the sentence. The sentence
names the file, it is one line, and nothing is left behind.
"""

import io
import json
import pickle
import sys
import zipfile

import numpy as np
import pytest
import torch
from conftest import CONFIGS, ROOT
from converters import load_tool, make_video, write_json
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config

from integral_action.apis import IntegralActionInferencer
from integral_action.fileio import SampleError, write_annotations
from integral_action.pose.files import write_poses

sys.path.append(str(ROOT / 'tools'))  # at the end: it holds a test.py
import check_dataset
import extract_poses

coco, jhmdb, kinetics, mimetics, ntu, hold_out, video_folder = map(
    load_tool,
    'coco_results jhmdb kinetics_skeleton mimetics ntu_rgbd hold_out '
    'video_folder'.split(),
)
FRAMES, SIZE = 4, (48, 64)  # height, width
GOOD = np.full((1, FRAMES, 17, 2), 20.0), np.full((1, FRAMES, 17), 0.9)
POSE_ONLY = [
    dict(
        type='SampleTwoStreamFrames',
        clip_len=dict(Pose=2),
        frame_interval=dict(Pose=1),
    ),
    dict(type='DecodeTwoStream'),
]


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    return make_video(tmp_path_factory.mktemp('film') / 'a.mp4', FRAMES)


@pytest.fixture(scope='module')
def inferencer(tmp_path_factory):
    from mmengine.registry import init_default_scope

    init_default_scope('mmaction')
    name = 'integralaction-pose_r18w16_1xb32-8x1x1-8e_puppets'
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    cfg.test_dataloader.dataset.layout = 'coco17'
    cfg.model.data_preprocessor.layout = 'coco17'
    cfg.model.backbone.pose.in_channels = 55
    path = tmp_path_factory.mktemp('model') / 'model.pth'
    weights = MODELS.build(cfg.model).state_dict()
    torch.save(dict(meta=dict(cfg=cfg.pretty_text), state_dict=weights), path)
    return IntegralActionInferencer(path, device='cpu', show_progress=False)


@pytest.fixture
def world(tmp_path, video):
    """A folder with a video of the class run, and its poses."""
    for name in ('run/a', 'walk/b'):
        path = tmp_path / 'videos' / f'{name}.mp4'
        path.parent.mkdir(parents=True)
        path.symlink_to(video)
        write_poses(tmp_path / 'poses' / f'{name}.npz', *GOOD)
    return tmp_path


def record(**kwargs):
    """A line of a list; what is None is left out."""
    values = dict(
        filename='run/a.mp4',
        label=0,
        total_frames=FRAMES,
        img_shape=list(SIZE),
        pose_file='run/a.npz',
    )
    values |= kwargs
    return {key: one for key, one in values.items() if one is not None}


# ---------------------------------------------------------------- the doors


def said(function, *arguments, kind=(OSError, ValueError), **kwargs):
    """What an error of a kind says."""
    with pytest.raises(kind) as error:
        function(*arguments, **kwargs)
    return str(error.value)


def load(world, file='list.jsonl', kind=(OSError, ValueError), **kwargs):
    def first():
        config = dict(
            type='VideoPoseDataset',
            ann_file=file,
            data_root=str(world),
            data_prefix=dict(video='videos', pose='poses'),
            layout='coco17',
            pipeline=POSE_ONLY,
            num_classes=3,
        )
        return DATASETS.build({**config, **kwargs})[0]

    return said(first, kind=kind)


def check(world, file='list.jsonl', *options):
    """All messages of the report."""
    arguments = [world / file, '--data-root', world, '--video-prefix']
    arguments += ['videos', '--pose-prefix', 'poses', '--layout', 'coco17']
    arguments += ['--num-classes', 3, '--streams', 'Pose', '--workers', 1]
    report = world / 'report.json'
    arguments += ['--json', report, *options]
    assert check_dataset.main(list(map(str, arguments))) == 1
    found = json.loads(report.read_text())['videos']
    report.unlink()
    return '; '.join(
        f'{name}: {one["message"]}'
        for name, entries in found.items()
        for one in entries
    )


def command(capsys, tool, *arguments):
    """What a command line says, and its exit status."""
    capsys.readouterr()
    try:
        status = tool.main([str(one) for one in arguments])
    except SystemExit as error:
        status = error.code
    printed = capsys.readouterr().err.strip()
    text = status if isinstance(status, str) else printed
    assert status not in (0, None), 'nothing is said'
    return text


def converted(capsys, tool, world, *arguments):
    """What a converter says: at the end, or of a video that it leaves out."""
    text = command(capsys, tool, *arguments, '--workers', 0)
    report = world / 'out' / 'problems.json'
    if not report.exists():
        assert '\n' not in text
        return text
    left_out = json.loads(report.read_text())['left_out']
    assert not list((world / 'out').rglob('*.npz'))
    report.unlink()
    return left_out[0]['message']


def files(folder):
    """All files, but for what a converter goes on from."""
    return {
        path.relative_to(folder)
        for path in folder.rglob('*')
        if path.is_file()
        and not path.name.startswith(('.converted', 'classes'))
    }


@pytest.fixture
def nothing_left(world):
    """Take stock with it when the input is made: the end looks again."""
    before = []
    yield lambda: before.append(files(world))
    assert not files(world) - before[0]


# --------------------------------------------------------------- pose files


def npz(**arrays):
    """The bytes of a pose file, with other arrays."""
    buffer = io.BytesIO()
    good = dict(keypoint=GOOD[0], keypoint_score=GOOD[1])
    arrays = {k: v for k, v in {**good, **arrays}.items() if v is not None}
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def member(data):
    """A pose file whose keypoint.npy are these bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as file:
        file.writestr('keypoint.npy', data)
        with zipfile.ZipFile(io.BytesIO(npz())) as good:
            file.writestr(
                'keypoint_score.npy', good.read('keypoint_score.npy')
            )
    return buffer.getvalue()


def encrypted():
    """Its flag alone: bit 0, in both headers of the first member."""
    data = bytearray(npz())
    data[data.index(b'PK\3\4') + 6] |= 1
    data[data.index(b'PK\1\2') + 8] |= 1
    return bytes(data)


def array(content):
    buffer = io.BytesIO()
    np.save(buffer, content)
    return buffer.getvalue()


def damaged(data):
    """Other values than those of the checksum."""
    return data.replace(GOOD[0].tobytes()[:64], bytes(64), 1)


def outliers(points, share=0.3):
    points = points.copy()
    points.reshape(-1, 2)[: int(share * points.size / 2)] = 500
    return points


RNG = np.random.default_rng(0)
FRACTIONS = RNG.uniform(0.1, 1, GOOD[0].shape)
HEADER = b'\x93NUMPY\1\0\x76\0'
POSE_FILES = {
    'empty': (b'', 'not a pose file: no .npz'),
    'text': (b'keypoint', 'not a pose file: no .npz'),
    'one array': (array(GOOD[0]), 'one array alone, not .npz'),
    'a pickle': (pickle.dumps(GOOD), 'not a pose file: no .npz'),
    'half of it': (npz()[:700], 'not a pose file'),
    'the start of a zip': (b'PK\3\4', 'not a pose file'),
    'damaged': (damaged(npz()), 'not a pose file: keypoint: '),
    'encrypted': (encrypted(), "keypoint: File 'keypoint.npy' is encrypted"),
    'bytes for an array': (member(b'x'), 'keypoint: no array'),
    'a cut header': (member(HEADER), 'not a pose file: keypoint: '),
    'no header': (
        member(HEADER + b"{'descr'".ljust(118)),
        'not a pose file: keypoint: ',
    ),
    'an object': (
        npz(keypoint=np.array([None])),
        'keypoint: Object arrays cannot be loaded',
    ),
    'no keypoint': (npz(keypoint=None), 'no keypoint'),
    'no scores': (npz(keypoint_score=None), 'no keypoint_score'),
    'numbers as text': (
        npz(keypoint=GOOD[0].astype(str)),
        'keypoint is no array of numbers (<U32)',
    ),
    'complex numbers': (
        npz(keypoint_score=GOOD[1] * 1j),
        'keypoint_score is no array of numbers (complex128)',
    ),
    'times': (
        npz(keypoint=GOOD[0].astype('M8[s]')),
        'keypoint is no array of numbers (datetime64[s])',
    ),
    'scores of 1000': (npz(keypoint_score=GOOD[1] * 1111), 'goes up to 999.9'),
    'percent': (
        npz(keypoint_score=GOOD[1] * 100),
        'keypoint_score goes up to',
    ),
    'one person flat': (npz(keypoint=GOOD[0][0]), 'keypoint has shape [4, 17'),
    'scores of others': (
        npz(keypoint_score=GOOD[1][:, :3]),
        'keypoint has shape [1, 4, 17, 2] and keypoint_score [1, 3, 17]',
    ),
    'four columns': (
        npz(keypoint=np.zeros((1, 4, 17, 4))),
        'keypoint has shape [1, 4, 17, 4]',
    ),
    'other keypoints': (
        npz(keypoint=GOOD[0][:, :, :13], keypoint_score=GOOD[1][..., :13]),
        "13 keypoints, the layout 'coco17' has 17",
    ),
    'other frames': (
        npz(keypoint=GOOD[0][:, :3], keypoint_score=GOOD[1][:, :3]),
        'poses of 3 frames, but total_frames is 4',
    ),
    'fractions': (npz(keypoint=FRACTIONS), 'fractions or metres, not pixels'),
    'fractions beyond 1': (
        npz(keypoint=FRACTIONS * 2.4),
        'fractions or metres, not pixels',
    ),
    'fractions, outliers': (
        npz(keypoint=outliers(FRACTIONS)),
        'fractions or metres, not pixels',
    ),
    'metres': (
        npz(keypoint=outliers(FRACTIONS * 4 - 2)),
        'fractions or metres, not pixels',
    ),
}
ALIKE = {  # what the check, which goes on, says otherwise
    "13 keypoints, the layout 'coco17' has 17": (
        "13 keypoints, but the layout 'coco17' has 17"
    )
}


@pytest.mark.parametrize('name', POSE_FILES)
def test_pose_files(world, nothing_left, inferencer, name):
    data, words = POSE_FILES[name]
    path = world / 'poses' / 'run' / 'a.npz'
    path.write_bytes(data)
    write_annotations(world / 'list.jsonl', [record()])
    nothing_left()
    for text in (
        load(world, kind=SampleError),  # which a training may skip
        said(inferencer, world / 'videos/run/a.mp4', path, kind=SampleError),
    ):
        assert words in text and str(path) in text and '\n' not in text
    text = check(world)
    assert ALIKE.get(words, words) in text and 'run/a' in text


def test_a_pose_file_that_is_none(world, inferencer):
    """A folder in its place, or nothing."""
    path, film = world / 'poses' / 'run' / 'a.npz', world / 'videos/run/a.mp4'
    path.unlink()
    write_annotations(world / 'list.jsonl', [record()])
    words = '1 of 1 files named by "pose_file" are missing'
    assert words in load(world)
    assert 'no file' in check(world)
    assert 'there is no such pose file' in said(inferencer, film, path)
    path.mkdir()
    assert 'Is a directory' in load(world)
    assert 'no file' in check(world)
    assert 'there is no such pose file' in said(inferencer, film, path)


# -------------------------------------------------------------------- lists


def lines(*records):
    return ''.join(f'{json.dumps(one)}\n' for one in records).encode()


def listed(*records, **content):
    """A pickle."""
    return pickle.dumps(
        dict(content, annotations=records) if content else list(records)
    )


def inside(keypoint=None, **kwargs):
    keypoint = GOOD[0].tolist() if keypoint is None else keypoint
    return record(pose_file=None, keypoint=keypoint, **kwargs)


class Calls:
    def __reduce__(self):
        return print, ('called',)


SPLITS = dict(train=['run/a'], val=[])
LISTS = {
    'list.jsonl': {
        'nothing': (b'', 'list.jsonl: no videos'),
        'half a line': (lines(record()) + b'{"f', 'line 2: not JSON'),
        'binary': (b'\x80\x04\x95', 'line 1: not JSON'),
        'UTF-16': (
            lines(record()).decode().encode('utf-16'),
            'list.jsonl: UTF-16 text, save it as UTF-8',
        ),
        'Latin-1': ('{"filename": "\u00fc"}'.encode('latin-1'), 'not JSON'),
        'a number': (b'3\n', 'video 1: not a video but 3'),
        'a list': (b'["a.mp4", 0]\n', "video 1: not a video but ['a.mp4', 0]"),
        'no name': (lines(record(filename=None)), 'frame_dir is None'),
        'a name that is a number': (
            lines(record(filename=3)),
            'filename is 3, expected a path',
        ),
        'poses that are a number': (
            lines(record(pose_file=3)),
            'pose_file is 3, expected a path',
        ),
        'no label': (lines(record(label=None)), 'label is None'),
        'a label below 0': (lines(record(label=-1)), 'label is -1'),
        'a label too high': (
            lines(record(label=3)),
            'label is 3, expected a whole number from 0 to 2',
        ),
        'a label in quotes': (lines(record(label='1')), "label is '1'"),
        'half a label': (lines(record(label=0.5)), 'label is 0.5'),
        'labels': (lines(record(label=[0, 1])), 'label is [0, 1]'),
        'no frames': (
            lines(record(total_frames=0)),
            'total_frames is 0, expected a whole number from 1',
        ),
        'frames with a point': (
            lines(record(total_frames=4.0)),
            'total_frames is 4.0, expected a whole number from 1',
        ),
        'no number of frames': (
            lines(record(total_frames=None)),
            'total_frames is None',
        ),
        'another number of frames': (
            lines(record(total_frames=9)),
            'poses of 4 frames, but total_frames is 9',
        ),
        'no size': (
            lines(record(img_shape=None)),
            'img_shape is None, expected (height, width)',
        ),
        'a size of three': (
            lines(record(img_shape=[48, 64, 3])),
            'img_shape is [48, 64, 3]',
        ),
        'no height': (
            lines(record(img_shape=[0, 64])),
            'img_shape is [0, 64]',
        ),
        'half pixels': (
            lines(record(img_shape=[48.5, 64])),
            'img_shape is [48.5, 64]',
        ),
        'no poses': (
            lines(record(pose_file=None)),
            'the annotation has neither "keypoint" nor "pose_file"',
        ),
        'text for poses': (
            lines(inside('x')),
            'run/a.mp4: keypoint is no array of numbers (<U1)',
        ),
        'poses of several lengths': (
            lines(inside([[[[1, 2], [3]]]])),
            'run/a.mp4: keypoint is no array of numbers',
        ),
        'a 3D skeleton': (
            lines(inside([[[[-1, 1, -3]] * 17] * 4])),
            'is it a 3D skeleton?',
        ),
        'scores alone': (
            lines(inside(keypoint_score=[[[0.5]]])),
            'keypoint_score [1, 1, 1]',
        ),
    },
    'list.json': {
        'no JSON': (b'[{]', 'list.json: not JSON'),
        'a text': (b'"a"', 'list.json: not a list of videos'),
        'a dict': (b'{"a": 1}', 'list.json: not a list of videos'),
        'nothing inside': (b'[]', 'list.json: no videos'),
        'too deep': (b'[' * 100000, 'list.json: not JSON'),
        'UTF-16': ('[]'.encode('utf-16'), 'list.json: UTF-16 text'),
    },
    'list.pkl': {
        'no pickle': (b'abc', 'list.pkl: cannot be read as a pickle'),
        'empty': (b'', 'list.pkl: cannot be read as a pickle'),
        'half': (listed(inside())[:-30], 'cannot be read as a pickle'),
        'a call': (
            pickle.dumps([Calls()]),
            'it names builtins.print; only arrays, tensors and plain',
        ),
        'a class of yours': (
            b'cyour_module\nThing\n.',
            'it names your_module.Thing',
        ),
        'a number': (pickle.dumps(3), 'list.pkl: not a list of videos'),
        'numbers': (
            pickle.dumps(dict(annotations=[1, 2])),
            'list.pkl: its annotations are no videos',
        ),
        'splits that are a list': (
            listed(record(), split=['run/a']),
            'list.pkl: its annotations are no videos',
        ),
        'which split': (
            listed(record(), split=SPLITS),
            "split is None, but there are the splits ['train', 'val']",
        ),
        'an array of text': (
            listed(inside(np.full((1, 4, 17, 2), 'a'))),
            'run/a.mp4: keypoint is no array of numbers (<U1)',
        ),
        '(x, y, z) in metres': (
            listed(inside(np.full((1, 4, 17, 3), 2.5))),
            'run/a.mp4: half of the found keypoints',
        ),
    },
    'list.txt': {
        'text': (b'run/a.mp4 0\n', 'annotations are .jsonl, .json or .pkl'),
    },
}
LISTS = {
    (file, name): row
    for file, rows in LISTS.items()
    for name, row in rows.items()
}


@pytest.mark.parametrize('key', LISTS, ids=': '.join)
def test_lists(world, nothing_left, key):
    data, words = LISTS[key]
    (world / key[0]).write_bytes(data)
    nothing_left()
    for text in (load(world, key[0]), check(world, key[0])):
        assert words in text and '\n' not in text
        assert 'list.' in text or 'run/a' in text


def test_settings_of_a_list(world, capsys):
    """Splits, layouts, prefixes and names of classes."""
    write_annotations(world / 'list.jsonl', [record()])
    (world / 'list.pkl').write_bytes(listed(record(), split=SPLITS))
    (world / 'two.txt').write_text('run\nRun\nwalk\n')
    (world / 'none.txt').write_text('\n')
    (world / 'wide.txt').write_bytes('run\nwalk\n'.encode('utf-16'))
    for words, file, settings in (
        ("no split 'trian'; there are", 'list.pkl', dict(split='trian')),
        ("no split 'train'; there are []", 'list.jsonl', dict(split='train')),
        ('list.pkl: no videos', 'list.pkl', dict(split='val')),
        ("layout 'coco'; there are", 'list.jsonl', dict(layout='coco')),
        (
            "names ['pictures']",
            'list.jsonl',
            dict(data_prefix={'pictures': ''}),
        ),
        ('missing', 'list.jsonl', dict(data_prefix=dict(pose='nowhere'))),
        ("two.txt: 'Run' stands", 'list.jsonl', dict(class_file='two.txt')),
        ('none.txt: no class', 'list.jsonl', dict(class_file='none.txt')),
        ('wide.txt: UTF-16', 'list.jsonl', dict(class_file='wide.txt')),
        ('gone.txt', 'list.jsonl', dict(class_file='gone.txt')),
    ):
        assert words in load(world, file, **settings)


# --------------------------------------------------------------- converters


def coco_result(frame=0, values=(20.0, 20.0, 0.5) * 17, **kwargs):
    return dict(image_id=frame, keypoints=list(values), **kwargs)


def openpose(values):
    return dict(people=[dict(pose_keypoints_2d=list(values))])


RESULTS = {
    'no JSON': ('[{', 'not JSON'),
    'two values': ('[1]\n[', 'not JSON'),
    'a dict': ('{"a": 1}', 'expected a list of results, got dict'),
    'a text': ('"a"', 'expected a list of results, got str'),
    'a number inside': ('[3]', 'result 0: expected a dict, got 3'),
    'no frame': ([dict(keypoints=[])], 'image_id is None, expected a frame'),
    'a frame below 0': ([coco_result(-1)], 'image_id is -1'),
    'half a frame': ([coco_result(0.5)], 'image_id is 0.5'),
    'a frame without a number': (
        [coco_result('a.jpg')],
        "image_id is 'a.jpg'",
    ),
    'a frame of another video': (
        [coco_result(10**9)],
        'image_id is 1000000000',
    ),
    'frames from 1': (
        [coco_result(1), coco_result(FRAMES)],
        'it counts from 1, but is to count from 0',
    ),
    'frames behind the end': ([coco_result(50)], 'poses of 51 frames'),
    'no keypoints': ([dict(image_id=0)], 'keypoints are None'),
    'keypoints of others': (
        [coco_result(values=[1.0] * 75)],
        'keypoints are 75, expected a list of 51 numbers: x, y and score of',
    ),
    'keypoints in quotes': (
        [coco_result(values=['1'] * 51)],
        'result 0: keypoints are not all numbers',
    ),
    'keypoints that are null': ([coco_result(values=[None] * 51)], 'not all'),
    'a score in quotes': ([coco_result(score='1')], "its score is '1'"),
    'points without scores': (
        [dict(frame_id=0, instances=[dict(keypoints=[[1, 2]] * 17)])],
        'keypoints are 34',
    ),
    'scores of others': (
        [
            dict(
                frame_id=0,
                instances=[
                    dict(keypoints=[[9, 9]] * 17, keypoint_scores=[0.5])
                ],
            )
        ],
        'keypoints are ',
    ),
    'no y': (
        [[dict(keypoints=dict(x=[1.0] * 17, visible=[1] * 17))]],
        'keypoints are ',
    ),
    'fractions': (
        [coco_result(i, FRACTIONS[0, 0].repeat(2)[:51]) for i in range(4)],
        'fractions or metres, not pixels',
    ),
    'percent': (
        [coco_result(values=(20.0, 20.0, 95.0) * 17)],
        'keypoint_score goes up to 95',
    ),
    'UTF-16': ('[]'.encode('utf-16'), 'a.json: UTF-16 text, save it as UTF-8'),
    'an empty folder': ({}, 'a: no JSON in this folder'),
    'a file without a number': ({'keypoints': openpose([])}, 'has no number'),
    'a broken file of a frame': ({'a_0': '{'}, 'a_0.json: not JSON'),
    'BODY_25': ({'a_0': openpose([1.0] * 75)}, 'keypoints are 75'),
}


@pytest.mark.parametrize('name', RESULTS)
def test_coco_results(world, nothing_left, capsys, name):
    content, words = RESULTS[name]
    path = world / 'json' / 'run' / 'a.json'
    path.parent.mkdir(parents=True)
    write_json(world / 'json' / 'walk' / 'b.json', [])
    if isinstance(content, dict):
        path.with_suffix('').mkdir()
        for stem, one in content.items():
            file = path.with_suffix('') / f'{stem}.json'
            file.write_text(one if isinstance(one, str) else json.dumps(one))
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text)
    (world / 'list.txt').write_text('run/a.mp4 0\n')
    nothing_left()
    arguments = [world / 'videos', world / 'json', world / 'out']
    arguments += ['--lists', world / 'list.txt']
    text = converted(capsys, coco, world, *arguments)
    assert words in text and str(path.with_suffix('')) in text


TEXTS = {
    'empty': ('', 'list.txt: no videos'),
    'UTF-16': ('run/a.mp4 0'.encode('utf-16'), 'list.txt: UTF-16 text'),
    'Latin-1': ('\u00fc.mp4 0'.encode('latin-1'), 'list.txt: not UTF-8 text'),
    'binary': (b'\x80\x04\x95', 'list.txt: not UTF-8 text'),
    'three columns': ('run/a.mp4 4 0', "line 1: 'run/a.mp4 4 0', expected"),
    'three columns, tabs': ('run/a.mp4\t4\t0', 'list.txt, line 1'),
    'twice': ('run/a.mp4 0\nrun/a.mp4 0', 'run/a.mp4 stands there twice'),
    'no label': ('run/a.mp4', "line 1: 'run/a.mp4' has no label"),
    'a path outside': ('../a.mp4 0', '../a.mp4'),
}


@pytest.mark.parametrize('name', TEXTS)
def test_text_lists(world, nothing_left, capsys, name):
    text, words = TEXTS[name]
    path = world / 'list.txt'
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    nothing_left()
    arguments = [world / 'videos', world, world / 'out', '--lists', path]
    assert words in converted(capsys, coco, world, *arguments)
    if name not in ('twice', 'no label'):  # which it takes
        arguments = [path, world / 'out', '--poses', 'movenet']
        text = command(capsys, extract_poses, *arguments)
        assert words in text and '\n' not in text


CONVERTERS = {
    'kinetics: no JSON': (kinetics, '{', 'a.json: not JSON'),
    'kinetics: a list': (kinetics, [], "expected a list of frames as 'data'"),
    'kinetics: frame_index': (
        kinetics,
        dict(data=[dict(frame_index=-1, skeleton=[])]),
        'frame_index is -1 in entry 0 of data',
    ),
    'kinetics: of 25 keypoints': (
        kinetics,
        dict(
            data=[
                dict(
                    frame_index=1,
                    skeleton=[dict(pose=[0.5] * 50, score=[1] * 25)],
                )
            ]
        ),
        "expected 36 and 18 of 'openpose18'",
    ),
    'kinetics: pixels': (
        kinetics,
        dict(
            data=[
                dict(
                    frame_index=1,
                    skeleton=[dict(pose=[200] * 36, score=[1] * 18)],
                )
            ]
        ),
        'pose goes up to 200, expected fractions of width and height',
    ),
    'kinetics: no skeleton': (
        kinetics,
        dict(data=[dict(frame_index=1)]),
        "a.json: KeyError: 'skeleton'",
    ),
    'mimetics: no JSON': (mimetics, '', 'a.json: not JSON'),
    'mimetics: no score': (mimetics, dict(pose=[]), "expected 'pose' and"),
    'mimetics: scores of others': (
        mimetics,
        dict(pose=[None], score=[]),
        'pose of 1 frames, score of 0',
    ),
    'mimetics: 17 keypoints': (
        mimetics,
        dict(pose=[[[9] * 51]] * 4, score=[[1]] * 4),
        'frame 0: pose of 51 numbers',
    ),
    'mimetics: fractions': (
        mimetics,
        dict(pose=[[[0.5] * 54]] * 4, score=[[1]] * 4),
        'fractions or metres, not pixels',
    ),
    'ntu: empty': (ntu, '', 'ends within frame 0'),
    'ntu: half': (ntu, '4\n1\n72 0 0', 'ends within frame 0'),
    'ntu: no numbers': (ntu, 'four', "'four'"),
    'ntu: 20 joints': (
        ntu,
        '1\n1\n72 0 0 0 0 0 0 0 0 0\n20\n',
        'frame 0: a body of 20 joints, expected 25',
    ),
    'ntu: more than it tells': (ntu, '0\n3', 'goes on after the 0 frames'),
    'ntu: binary': (ntu, b'\x80', 'A001.skeleton'),
    'jhmdb: no JSON': (jhmdb, '{', 'a.json: not JSON'),
    'jhmdb: 18 keypoints': (
        jhmdb,
        [coco_result(values=[9.0] * 54)],
        'keypoints are 54',
    ),
}


@pytest.mark.parametrize('name', CONVERTERS)
def test_converters(world, video, nothing_left, capsys, name):
    tool, content, words = CONVERTERS[name]
    films, data = world / 'films', world / 'data'
    film, path = {
        kinetics: ('a.mp4', 'kinetics_val/a.json'),
        mimetics: ('archery/a.mp4', 'archery/a.json'),
        ntu: (
            'S001C001P001R001A001_rgb.mp4',
            'S001C001P001R001A001.skeleton',
        ),
        jhmdb: ('run/a.mp4', 'run/a.json'),
    }[tool]
    (films / film).parent.mkdir(parents=True)
    (films / film).symlink_to(video)
    about = dict(a=dict(has_skeleton=True, label='archery'))
    write_json(data / 'kinetics_val_label.json', about)
    for number in (1, 2, 3):
        (data / f'run_test_split{number}.txt').write_text('a.mp4 1\n')
    (data / path).parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        (data / path).write_bytes(content)
    elif isinstance(content, str):
        (data / path).write_text(content)
    else:
        write_json(data / path, content)
    nothing_left()
    splits = [data] if tool is jhmdb else []
    folders = [data, films] if tool in (kinetics, ntu) else [films, data]
    arguments = [*splits, *folders, world / 'out']
    text = converted(capsys, tool, world, *arguments)
    assert words in text and str(data / path) in text


LABELS = {
    'kinetics: of no class': (
        kinetics,
        '{"a": {"has_skeleton": true, "label": "swing"}}',
        "no class of Kinetics400, the first is 'a': 'swing'; --labels names",
    ),
    'kinetics: of no kind': (kinetics, '{"a": 3}', "'a' is 3, expected"),
    'kinetics: a list': (kinetics, '[]', 'expected a video by its name'),
    'kinetics: UTF-16': (kinetics, '{}'.encode('utf-16'), 'UTF-16 text'),
    'jhmdb: part 3': (
        jhmdb,
        'a.mp4 3',
        "line 1: 'a.mp4 3', expected a file",
    ),
    'jhmdb: a name': (
        jhmdb,
        'a.mp4',
        "line 1: 'a.mp4', expected a file",
    ),
    'jhmdb: UTF-16': (jhmdb, 'a.mp4 1'.encode('utf-16'), 'UTF-16 text'),
}


@pytest.mark.parametrize('name', LABELS)
def test_labels_of_converters(world, nothing_left, capsys, name):
    tool, content, words = LABELS[name]
    files = ['kinetics_val_label.json']
    if tool is jhmdb:
        files = [f'run_test_split{number}.txt' for number in (1, 2, 3)]
    for file in files:
        data = content if isinstance(content, bytes) else content.encode()
        (world / file).write_bytes(data)
    nothing_left()
    folders = [world, world / 'videos', world / 'out']
    folders[2:2] = [world] if tool is jhmdb else []
    text = converted(capsys, tool, world, *folders)
    assert words in text and not (world / 'out').exists()


# --------------------------------------------------------- command lines


def record_of(name, **kwargs):
    return record(filename=f'{name}.mp4', **kwargs)


HELD_OUT = {
    'a number': (b'3\n', [], 'no video but 3'),
    'no label': (lines(record(label=None)), [], "run/a.mp4: no 'label'"),
    'twice': (lines(record(), record()), [], 'without a name, or twice'),
    'one video': (lines(record()), [], 'class 0 has one video alone'),
    'not found': (
        lines(record_of('a'), record_of('b')),
        ['--group', 'x'],
        "--group 'x' is not found in a.mp4",
    ),
    'no expression': (
        lines(record_of('a'), record_of('b')),
        ['--group', '('],
        'error: ',
    ),
    'a share': (
        lines(record_of('a'), record_of('b')),
        ['--share', '2'],
        '2.0 is not between 0 and 1',
    ),
    'a split': (lines(record()), ['--split', 'x'], "no split 'x'"),
}


@pytest.mark.parametrize('name', HELD_OUT)
def test_hold_out(world, nothing_left, capsys, name):
    data, options, words = HELD_OUT[name]
    (world / 'list.jsonl').write_bytes(data)
    nothing_left()
    text = command(capsys, hold_out, world / 'list.jsonl', *options)
    assert words in text and '\n' not in text


def test_folders_of_videos(world, nothing_left, capsys):
    nothing_left()
    for words, folder, out, options in (
        ('there is no such folder', 'gone', 'out', []),
        ('no videos in folders', 'poses', 'out', []),
        ("class 'run' has one video alone", 'videos', 'out', []),
        ('not found in run/a.mp4', 'videos', 'out', ['--group', 'x']),
    ):
        arguments = [world / folder, world / out, *options]
        assert words in command(capsys, video_folder, *arguments)


INPUTS = {
    'no such video': ('gone.mp4', GOOD, 'gone.mp4: there is no such video'),
    'an empty video': ('empty.mp4', GOOD, 'empty.mp4: an empty file'),
    'text for a video': (
        'text.mp4',
        GOOD,
        'text.mp4: cannot be read as a video',
    ),
    'no poses': ('a.mp4', None, 'there are neither poses nor'),
    'poses of fractions': ('a.mp4', (FRACTIONS, GOOD[1]), 'not pixels'),
    'poses of a 3D skeleton': (
        'a.mp4',
        np.full((1, 4, 17, 3), -2),
        'is it a 3D skeleton?',
    ),
    'poses of text': (
        'a.mp4',
        (GOOD[0].astype(str), GOOD[1]),
        'keypoint is no array of numbers',
    ),
    'poses of others': (
        'a.mp4',
        (GOOD[0][:, :, :9], GOOD[1][..., :9]),
        'poses have 9 keypoints',
    ),
    'poses of another video': (
        'a.mp4',
        (GOOD[0][:, :2], GOOD[1][:, :2]),
        'poses of 2 frames, but total_frames is 4',
    ),
    'an empty folder': ('nothing', GOOD, 'no videos in this folder'),
    'a number': (3, GOOD, 'a video is a path, or an array of frames'),
    'frames of floats': (
        np.zeros((4, 48, 64, 3)),
        GOOD,
        'frames are float64 [4, 48, 64, 3], expected uint8',
    ),
    'one frame': (
        np.zeros((48, 64, 3), np.uint8),
        GOOD,
        'frames are uint8 [48, 64, 3]',
    ),
}


@pytest.mark.parametrize('name', INPUTS)
def test_inference(world, nothing_left, inferencer, name):
    source, poses, words = INPUTS[name]
    (world / 'nothing').mkdir()
    (world / 'empty.mp4').touch()
    (world / 'text.mp4').write_text('no video')
    (world / 'a.mp4').symlink_to(world / 'videos' / 'run' / 'a.mp4')
    nothing_left()
    source = world / source if isinstance(source, str) else source
    text = said(inferencer, source, poses, out_dir=world / 'out')
    assert words in text and '\n' not in text


def test_there_are_a_hundred_and_more():
    tables = (POSE_FILES, LISTS, RESULTS, TEXTS, CONVERTERS, LABELS)
    assert sum(map(len, (*tables, HELD_OUT, INPUTS))) >= 100
