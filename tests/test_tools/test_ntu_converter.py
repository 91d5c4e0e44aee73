"""ntu_rgbd.py."""

import json
import math

import numpy as np
import pytest
from conftest import ROOT
from converters import (
    assert_forward,
    load_tool,
    make_video,
    poses,
    problems,
    read_back,
    records,
    run_tool,
)

from integral_action.datasets.conversion import VideoInfo

ntu = load_tool('ntu_rgbd')


def skeleton_text(frames, joints=25):
    """Frames of (body id, colour x) as the text of a .skeleton file; joint j
    of a body is at (x + j, 500)."""
    lines = [str(len(frames))]
    for bodies in frames:
        lines.append(str(len(bodies)))
        for body, x in bodies:
            lines += [f'{body} 0 1 1 1 1 0 0.1 0.2 2', str(joints)]
            for j in range(joints):
                lines.append(f'0.1 0.2 3 270 190 {x + j} 500 0 0 0 0 2')
    return '\n'.join(lines).replace('nan', 'NaN') + '\n'


@pytest.fixture
def make(tmp_path):
    """Write a video and its skeleton; gives the tool's folders."""

    def make(name, frames, total=None, size=(64, 48), text=None):
        folder = tmp_path / 'skeletons'
        folder.mkdir(exist_ok=True)
        text = skeleton_text(frames) if text is None else text
        (folder / f'{name}.skeleton').write_text(text)
        video = tmp_path / 'videos' / 'nturgb+d_rgb' / f'{name}_rgb.avi'
        make_video(video, total or len(frames), 30, size)
        return [folder, tmp_path / 'videos', tmp_path / 'out']

    return make


# ids that differ by one are the same number as float64
A, B = '72057594037931101', '72057594037931102'


def test_bodies_and_coordinates(make):
    frames = [
        [(A, 95)],
        [(B, 1823), (A, 95)],
        [(A, math.nan)],
        [],
        [(B, 1823)],
    ]
    folders = make('S001C001P001R001A001', frames, 5, (480, 270))
    assert run_tool(ntu, *folders) == 0
    (line,) = records(folders[-1], 'xsub_train').values()
    keypoint, score = poses(folders[-1], line)
    assert score[:, :, 0].tolist() == [[1, 1, 0, 0, 0], [0, 1, 0, 0, 1]]
    # a quarter of 1920: (95 + .5) / 4 - .5 = 23.375; 1823 -> 455.375
    assert keypoint[0, :, 0, 0].tolist() == [23.375, 23.375, 0, 0, 0]
    assert keypoint[1, :, 0, 0].tolist() == [0, 455.375, 0, 0, 455.375]
    # joint 8 is 8 pixels to the right; (500 + .5) / 4 - .5 = 124.625
    assert keypoint[0, 0, 8].tolist() == [25.375, 124.625]
    assert read_back(folders[-1], 'xsub_train', 'ntu25', 60)[0]


@pytest.mark.parametrize(
    ('name', 'subject', 'view', 'label'),
    [
        ('S001C001P001R001A001', 'train', 'val', 0),
        ('S001C002P003R001A060', 'val', 'train', 59),
        ('S017C003P038R002A027', 'train', 'train', 26),
        ('S004C001P020R001A010', 'val', 'val', 9),
    ],
)
def test_labels_and_splits_are_in_the_names(make, name, subject, view, label):
    folders = make(name, [[(A, 50)]] * 3)
    assert run_tool(ntu, *folders) == 0
    out = folders[-1]
    assert {path.stem for path in out.glob('*.jsonl')} == {
        f'xsub_{subject}',
        f'xview_{view}',
    }
    for split in (f'xsub_{subject}', f'xview_{view}'):
        (line,) = records(out, split).values()
        assert line['filename'] == f'nturgb+d_rgb/{name}_rgb.avi'
        assert line['label'] == label


def test_twenty_performers_train():
    train = [
        p for p in range(1, 41) if ntu.splits_of(1, 1, p)[0] == 'xsub_train'
    ]
    expected = '1 2 4 5 8 9 13 14 15 16 17 18 19 25 27 28 31 34 35 38'
    assert train == [int(number) for number in expected.split()]


def test_120_classes_are_split_by_subject_and_setup(make):
    """Half of 106 performers train, and the even ones of 32 setups."""
    splits = [ntu.splits_of(1, 1, p, 'ntu120')[0] for p in range(1, 107)]
    assert splits.count('xsub_train') == 53
    splits = [ntu.splits_of(n, 1, 1, 'ntu120')[1] for n in range(1, 33)]
    assert splits == ['xset_val', 'xset_train'] * 16
    folders = make('S018C001P041R001A061', [[(A, 50)]] * 3)
    assert run_tool(ntu, *folders, '--classes', 'ntu120') == 0
    out = folders[-1]
    assert sorted(path.stem for path in out.glob('*.jsonl')) == [
        'xset_train',
        'xsub_val',
    ]
    (line,) = records(out, 'xsub_val').values()
    assert line['label'] == 60
    names = (out / 'classes.txt').read_text().splitlines()
    assert len(set(names)) == 120
    assert names[60] == 'put on headphones'


def test_what_is_missing_empty_or_of_other_actions_is_reported(make, tmp_path):
    folders = make('S001C001P001R001A001', [[(A, 50)]] * 4, 6)
    make('S001C001P001R001A002', [[]] * 4)  # nobody in any frame
    make('S001C001P001R001A003', [[(A, 5)]] * 4, 20)
    make('S001C001P001R001A061', [[(A, 5)]] * 4)  # of the 120 classes
    make('S001C001P001R001A004', [[(A, 5)]] * 4)
    make('S001C001P001R001A005', [[(A, 5)]] * 4)
    (tmp_path / 'skeletons' / 'S001C001P001R001A004.skeleton').unlink()
    folder = tmp_path / 'videos' / 'nturgb+d_rgb'
    (folder / 'S001C001P001R001A005_rgb.avi').unlink()
    assert run_tool(ntu, *folders) == 3

    def by_name(group):
        return {
            name.split('/')[-1][16:20]: kind
            for name, kind in problems(folders[-1], group).items()
        }

    assert by_name('left_out') == {
        'A003': 'poses of another length',
        'A004': 'poses missing',
        'A005': 'video missing',
    }
    assert by_name('excluded') == {
        'A002': 'no person in any frame',
        'A061': 'none of the 60 actions',
    }
    assert by_name('noted') == {'A001': 'poses padded at the end'}
    assert len(records(folders[-1], 'xsub_train')) == 1


WHOLE = skeleton_text([[(A, 5)]] * 3)


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('', ['ends within frame 0']),
        (WHOLE[:-40], ['ends within frame 2']),
        (WHOLE + '1\n', ['goes on after the 3 frames']),
        (skeleton_text([[(A, 5)]] * 3, 21), ['frame 0', '21 joints', '25']),
        (WHOLE.replace('270', 'x', 1), ["'x'"]),
        (skeleton_text([[(A, 5), (A, 9)]] * 3), ['frame 0', 'two bodies']),
    ],
)
def test_broken_skeletons_are_reported(make, text, words):
    folders = make('S001C001P001R001A001', [[]] * 3, text=text)
    assert run_tool(ntu, *folders) == 1
    report = json.loads((folders[-1] / 'problems.json').read_text())
    (problem,) = report['left_out']
    assert problem['kind'] == 'poses unreadable'
    for word in ['S001C001P001R001A001.skeleton', *words]:
        assert word in problem['message']


def test_other_names_are_counted(make, tmp_path):
    """Infrared videos, files that macOS leaves, skeletons of others."""
    folders = make('S001C001P001R001A001', [[(A, 5)]] * 3)
    make('drinking', [[]] * 3)
    make_video(tmp_path / 'videos' / 'S001C001P001R001A001_ir.avi', 3, 30)
    stray = tmp_path / 'skeletons' / '._S001C001P001R001A001.skeleton'
    stray.write_bytes(b'\0\x05\x16\x07')
    assert run_tool(ntu, *folders) == 0
    assert problems(folders[-1], 'excluded') == {
        'S001C001P001R001A001_ir.avi': 'no name of an RGB video',
        'nturgb+d_rgb/drinking_rgb.avi': ('no name of a skeleton'),
    }


def test_other_names_alone_are_refused(make):
    folders = make('drinking', [[]] * 3)
    message = run_tool(ntu, *folders)
    assert 'skeletons: no name like S001C001P001R001A001' in message
    assert not folders[-1].exists()


def test_shipped_names():
    path = ROOT / 'tools' / 'data' / 'nturgbd' / 'label_map_ntu60.txt'
    names = path.read_text().splitlines()
    assert len(set(names)) == 60
    # A1, A2, A10, A23, A50 and A60 of the data set
    assert [names[i - 1] for i in (1, 2, 10, 23, 50, 60)] == [
        'drink water',
        'eat meal',
        'clapping',
        'hand waving',
        'punch/slap',
        'walking apart',
    ]


def colour_points(path):
    """(frame, body id) -> [25, 2], line by line."""
    lines = iter(path.read_text().splitlines())
    found = {}
    for frame in range(int(next(lines))):
        for _ in range(int(next(lines))):
            body = next(lines).split()[0]
            found[frame, body] = [
                [float(word) for word in next(lines).split()[5:7]]
                for _ in range(int(next(lines)))
            ]
    return found


def test_real_skeletons_are_read_as_they_are(shared):
    files = sorted((shared / 'samples' / 'ntu').glob('*.skeleton'))
    assert len(files) == 4
    for path in files:
        frames = int(path.read_text().split('\n', 1)[0])
        info = VideoInfo(frames, 30.0, (1080, 1920))
        keypoint, score = ntu.read_poses(path, info)
        assert score.shape[1] == frames
        expected = colour_points(path)
        bodies = list(dict.fromkeys(body for _, body in expected))
        assert score.sum() == 25 * len(expected)
        for (frame, body), points in expected.items():
            np.testing.assert_allclose(
                keypoint[bodies.index(body), frame], points, rtol=1e-6
            )


def test_a_real_video_goes_through_the_pipeline(shared, tmp_path):
    source, out = shared / 'samples' / 'ntu', tmp_path / 'out'
    assert run_tool(ntu, source, source, out) == 3  # three have no video
    assert set(problems(out).values()) == {'video missing'}
    (line,) = records(out, 'xview_val').values()
    assert line['filename'] == 'S001C001P001R001A001_rgb.avi'
    assert line['total_frames'] == 103 and line['img_shape'] == [1080, 1920]
    assert_forward(out, 'xsub_train', 'ntu25', 60)
    sample = read_back(out, 'xsub_train', 'ntu25', 60)[0]
    assert sample['inputs']['imgs'].shape == (1, 3, 8, 224, 224)
    pose = sample['inputs']['pose']
    assert pose.shape == (1, 8, 5, 25, 3)
    # she stands in the middle of the picture, upright
    head, foot = pose[0, :, 0, 3], pose[0, :, 0, 15]
    assert (abs(head[:, 0] - 0.5) < 0.25).all()
    assert (foot[:, 1] - head[:, 1] > 0.2).all()
