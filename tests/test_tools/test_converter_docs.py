"""The commands of docs/datasets.md, on a layout as it describes."""

import re
import shlex
from pathlib import Path

import pytest
from conftest import ROOT
from converters import load_tool, make_video, read_back, run_tool, write_json

PAGE = (ROOT / 'docs' / 'datasets.md').read_text()
COMMANDS = re.findall(r'^python (tools/dataset_converters/.*)$', PAGE, re.M)
LISTS = {
    'data/kinetics400': ('train', 'openpose18', 400),
    'data/kinetics50': ('val', 'openpose18', 50),
    'data/mimetics': ('kinetics400', 'openpose18', 400),
    'data/nturgbd': ('xsub_train', 'ntu25', 60),
    'data/jhmdb': ('split1_test', 'coco17', 1),
    'data/mine': ('all', 'coco17', 1),
    'data/split': ('val', 'openpose18', 1),
}


@pytest.fixture
def downloads(tmp_path, monkeypatch):
    """A video of two frames of each dataset, and its poses."""
    monkeypatch.chdir(tmp_path)
    kinetics = Path('download/kinetics-skeleton')
    person = dict(pose=[0.5] * 36, score=[0.5] * 18)
    for split in ('train', 'val'):
        name = f'{split:_<11}'
        about = dict(has_skeleton=True, label='archery', label_index=5)
        frames = [dict(frame_index=i, skeleton=[person]) for i in (1, 2)]
        write_json(kinetics / f'kinetics_{split}_label.json', {name: about})
        write_json(
            kinetics / f'kinetics_{split}' / f'{name}.json', dict(data=frames)
        )
        make_video(Path(f'download/kinetics/videos/{name}.mp4'), 2)

    make_video(Path('download/mimetics/videos/archery/a.mp4'), 2)
    poses = dict(pose=[[[9] * 54], None], score=[[1], []])
    write_json(
        Path('download/mimetics/pose_results/archery/a/data.json'), poses
    )

    name = 'S001C001P001R001A001'
    make_video(Path(f'download/nturgb+d_rgb/nturgb+d_rgb/{name}_rgb.avi'), 2)
    joints = ['0 0 0 0 0 100 200 0 0 0 0 2'] * 25
    body = ['1', '7' + ' 0' * 9, '25', *joints]
    path = Path(f'download/nturgb+d_skeletons/{name}.skeleton')
    path.parent.mkdir()
    path.write_text('\n'.join(['2', *body, *body]))

    results = [dict(image_id=0, keypoints=[9, 9, 0.5] * 17)]
    make_video(Path('download/jhmdb/videos/run/a.avi'), 2)
    make_video(Path('download/jhmdb/videos/run/b.avi'), 2)
    splits = Path('download/jhmdb/splits')
    splits.mkdir()
    for n in (1, 2, 3):
        (splits / f'run_test_split{n}.txt').write_text('a.avi 1\nb.avi 2\n')
    for name in ('download/jhmdb/poses/run/a', 'download/jhmdb/poses/run/b'):
        write_json(Path(f'{name}.json'), results)

    make_video(Path('videos/run/a.mp4'), 2)
    write_json(Path('poses/run/a.json'), results)
    for name in ('train.txt', 'val.txt'):
        Path(name).write_text('run/a.mp4 run\n')


def test_every_command_makes_what_the_configs_read(downloads):
    made = []
    for command in COMMANDS:
        script, *arguments = shlex.split(command)
        assert run_tool(load_tool(Path(script).stem), *arguments) == 0
        out = next(name for name in arguments if name.startswith('data/'))
        made.append(out)
        dataset = read_back(out, *LISTS[out])
        assert len(dataset) == 1 and dataset[0]['inputs']['pose'][..., 2].any()
    assert made == list(LISTS)
