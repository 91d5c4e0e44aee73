"""The generated benchmark: tools/dataset_converters/puppets.py."""

import importlib.util
import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import decord
import numpy as np
import pytest

from integral_action.fileio import read_annotations
from integral_action.pose.files import read_poses

SCRIPT = (
    Path(__file__).resolve().parents[2]
    / 'tools'
    / 'dataset_converters'
    / 'puppets.py'
)
SMALL = [
    '--num-train',
    '1',
    '--num-test',
    '1',
    '--frames',
    '3',
    '--size',
    '32',
    '--workers',
    '1',
]


@pytest.fixture(scope='module')
def puppets():
    spec = importlib.util.spec_from_file_location('puppets', SCRIPT)
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and worker processes look the module up by its name.
    sys.modules['puppets'] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules['puppets']


@pytest.fixture(scope='module')
def small(puppets, tmp_path_factory):
    out = tmp_path_factory.mktemp('puppets')
    puppets.main([str(out), *SMALL])
    return out


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


def share_is(count, total, share):
    """Within four standard deviations of a binomial distribution."""
    return (
        abs(count - total * share) <= 4 * (total * share * (1 - share)) ** 0.5
    )


def person_mask(puppets, figure, frame, size):
    black = np.zeros((size * puppets.SUPERSAMPLE,) * 2 + (3,), np.uint8)
    canvas = puppets.Canvas(black, figure)
    # The shoes are always dark: 25 of 255.
    puppets.draw_person(
        canvas, puppets.body_of(figure.points[frame]), *[(255, 255, 255)] * 3
    )
    return canvas.picture().max(-1) >= 12


def test_same_seed_same_video_other_seed_another(puppets):
    first = puppets.render(3, 'train', 5, 32, 4)
    again = puppets.render(3, 'train', 5, 32, 4)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    for other in ((4, 'train', 5), (3, 'in_context', 5), (3, 'train', 17)):
        assert not np.array_equal(first[0], puppets.render(*other, 32, 4)[0])


def test_shapes_and_scores(puppets):
    pictures, keypoint, score = puppets.render(0, 'train', 1, 48, 5)
    assert pictures.shape == (5, 48, 48, 3) and pictures.dtype == np.uint8
    assert keypoint.shape == (1, 5, 18, 2) and score.shape == (1, 5, 18)
    found = score > 0
    assert found.any() and (score[found] >= 0.6).all() and score.max() <= 1
    assert (keypoint[~found] == 0).all()
    assert (keypoint >= -0.5).all() and (keypoint <= 47.5).all()


def test_size_and_frames_change_neither_plan_nor_motion(puppets):
    motion = puppets.ACTIONS[4].motion
    short, long = (
        puppets.draw_figure(motion, False, frames, np.random.default_rng(0))
        for frames in (4, 16)
    )
    np.testing.assert_array_equal(short.points, long.points[:4])
    small, large = short.keypoint(56), short.keypoint(112)
    np.testing.assert_allclose((large + 0.5) / 2, small + 0.5)


def test_ambiguous_actions_share_exactly_one_motion(puppets):
    figures = {}
    for action in puppets.ACTIONS:
        figure = puppets.draw_figure(
            action.motion, False, 8, np.random.default_rng(7)
        )
        figures[action.name] = figure.points
    same = {
        frozenset(
            other
            for other in figures
            if np.array_equal(figures[name], figures[other])
        )
        for name in figures
    }
    assert sorted(map(len, same)) == [1] * 7 + [2, 3]
    assert {'drink', 'brush teeth', 'eat ice cream'} in same
    assert {'play piano', 'type'} in same


def test_jack_raises_both_arms(puppets):
    pose = puppets.jack(np.array([0, np.pi]), 1.0)
    np.testing.assert_allclose(pose['right_arm'][0], [20, 170])
    np.testing.assert_allclose(pose['left_leg'][1], [5, 33])


@pytest.mark.parametrize(
    'split, scenes, objects',
    [
        (
            'train',
            dict(own=0.93, neutral=0.07 * 3 / 8, other=0.07 * 5 / 8),
            dict(own=0.92, none=0.056, wrong=0.024),
        ),
        (
            'in_context',
            dict(own=0.93, neutral=0.07 * 3 / 8, other=0.07 * 5 / 8),
            dict(own=0.92, none=0.056, wrong=0.024),
        ),
        (
            'out_of_context',
            dict(own=0.2, neutral=0.3, other=0.5),
            dict(own=0, none=0.7, wrong=0.3),
        ),
    ],
)
def test_shares_of_context(puppets, split, scenes, objects):
    total = 6000
    plans = [puppets.draw_plan(0, split, i) for i in range(total)]
    for field, shares in (('scene', scenes), ('object', objects)):
        count = Counter(getattr(plan, field) for plan in plans)
        for kind, share in shares.items():
            assert share_is(count[kind], total, share), (field, kind)
        assert sum(count.values()) == sum(count[kind] for kind in shares)
    for field, share in (
        ('pose_missing', 0.2),
        ('close_up', 0.15),
        ('mirrored', 0.5),
    ):
        assert share_is(
            sum(getattr(plan, field) for plan in plans), total, share
        ), field


def test_plan_names_whose_scene_and_object(puppets):
    for i in range(2000):
        plan = puppets.draw_plan(1, 'out_of_context', i)
        assert plan.label == i % 12
        for kind, owner in (
            (plan.scene, plan.scene_label),
            (plan.object, plan.object_label),
        ):
            if kind in ('own', 'other', 'wrong'):
                assert 0 <= owner < 12
                assert (owner == plan.label) == (kind == 'own')
            else:
                assert owner == -1


@pytest.mark.parametrize('missing, frame_share', [(False, 0.05), (True, 0.9)])
def test_shares_of_pose_faults(puppets, missing, frame_share):
    frames, joints = 4000, 18
    keypoint = np.full((frames, joints, 2), 500.0)
    found, score = puppets.estimate_pose(
        keypoint, 100.0, 1000, missing, np.random.default_rng(0)
    )
    lost_frame = (score[0] == 0).all(-1)
    assert share_is(lost_frame.sum(), frames, frame_share)
    kept = score[0][~lost_frame]
    assert share_is((kept == 0).sum(), kept.size, 0.05)
    offset = (found[0] - keypoint)[score[0] > 0]
    assert offset.std() == pytest.approx(1.2, rel=0.03)
    assert abs(offset.mean()) < 0.05


def test_keypoints_outside_the_picture_are_not_found(puppets):
    keypoint = np.zeros((50, 18, 2)) + [-20.0, 10.0]
    found, score = puppets.estimate_pose(
        keypoint, 10.0, 32, False, np.random.default_rng(0)
    )
    assert not score.any() and not found.any()


def test_close_up_is_larger_and_partly_outside(puppets):
    figures = [
        puppets.draw_figure(puppets.jack, True, 4, np.random.default_rng(i))
        for i in range(50)
    ]
    heights = [figure.height for figure in figures]
    assert 0.62 * 1.8 <= min(heights) and max(heights) <= 0.85 * 2.4
    inside = np.mean(
        [
            ((0 <= k) & (k < 56)).all(-1).mean()
            for k in (figure.keypoint(56) for figure in figures)
        ]
    )
    assert 0.3 < inside < 0.9


@pytest.mark.parametrize('label', range(12))
def test_keypoints_lie_on_the_person(puppets, label):
    size = 112
    for close_up in (False, True):
        figure = puppets.draw_figure(
            puppets.ACTIONS[label].motion,
            close_up,
            3,
            np.random.default_rng(label),
        )
        for frame, points in enumerate(figure.keypoint(size)):
            mask = person_mask(puppets, figure, frame, size)
            x, y = np.rint(points).astype(int).T
            inside = (x >= 0) & (x < size) & (y >= 0) & (y < size)
            assert mask[y[inside], x[inside]].all()
            if not close_up:
                assert 0.03 < mask.mean() < 0.4


def test_mirror_swaps_pixels_and_sides_together(puppets):
    figure = puppets.draw_figure(
        puppets.kick, False, 1, np.random.default_rng(0)
    )
    pictures = person_mask(puppets, figure, 0, 64)[None, ..., None]
    keypoint = figure.keypoint(64)
    flipped, mirrored = puppets.mirror(pictures, keypoint)
    x, y = np.rint(mirrored[0]).astype(int).T
    assert flipped[0, y, x, 0].all()
    names = puppets.LAYOUT.names
    right, left = names.index('right_wrist'), names.index('left_wrist')
    np.testing.assert_allclose(
        mirrored[0, left], [63 - keypoint[0, right, 0], keypoint[0, right, 1]]
    )
    # Facing the camera, the right shoulder is left in the picture; mirrored,
    # it still is.
    right, left = names.index('right_shoulder'), names.index('left_shoulder')
    for k in (keypoint, mirrored):
        assert k[0, right, 0] < k[0, left, 0]
    np.testing.assert_allclose(puppets.mirror(flipped, mirrored)[1], keypoint)


def test_every_scene_and_object_shows(puppets):
    figure = puppets.draw_figure(
        puppets.hand_to_mouth, False, 1, np.random.default_rng(0)
    )
    plan = replace(puppets.draw_plan(0, 'train', 0), object_label=-1)
    scenes = []
    for label in range(12):
        bare = replace(plan, scene_label=label)
        without, shown = (
            puppets.draw_pictures(p, figure, 56, np.random.default_rng(0))
            for p in (bare, replace(bare, object_label=label))
        )
        changed = (without != shown).any(-1).sum()
        assert changed >= 10, puppets.ACTIONS[label].name
        scenes.append(without.astype(float))
    for i in range(12):
        for j in range(i):
            assert np.abs(scenes[i] - scenes[j]).mean() > 10, (i, j)


def test_neutral_scene_is_grey(puppets):
    plan = replace(
        puppets.draw_plan(0, 'train', 0), scene_label=-1, object_label=-1
    )
    figure = puppets.draw_figure(
        puppets.jack, False, 1, np.random.default_rng(0)
    )
    spread = []
    for seed in range(20):
        picture = puppets.draw_pictures(
            plan, figure, 56, np.random.default_rng(seed)
        )[0]
        corner = picture[0, 0].astype(int)
        spread.append(corner.max() - corner.min())
    assert np.mean(spread) < 60


def test_files_and_annotations(small, puppets):
    names = (small / 'classes.txt').read_text().splitlines()
    assert names == [
        'jack',
        'squat',
        'bowl',
        'golf',
        'climb',
        'run',
        'kick',
        'drink',
        'brush teeth',
        'eat ice cream',
        'play piano',
        'type',
    ]
    assert json.loads((small / 'puppets.json').read_text()) == dict(
        size=32, frames=3, num_train=1, num_test=1, seed=0
    )
    lists = {
        name: list(read_annotations(small / f'{name}.jsonl'))
        for name in (*puppets.SPLITS, 'test')
    }
    assert lists['test'] == lists['in_context'] + lists['out_of_context']
    for split in puppets.SPLITS:
        assert Counter(r['label'] for r in lists[split]) == Counter(range(12))
        for index, record in enumerate(lists[split]):
            plan = puppets.draw_plan(0, split, index)
            assert record == dict(
                filename=f'{split}/{index:05d}.mp4',
                pose_file=f'{split}/{index:05d}.npz',
                label=plan.label,
                total_frames=3,
                img_shape=[32, 32],
                fps=8.0,
                context='out' if split == 'out_of_context' else 'in',
                scene=plan.scene,
                object=plan.object,
                pose_missing=plan.pose_missing,
            )
            keypoint, score = read_poses(small / 'poses' / record['pose_file'])
            assert keypoint.shape == (1, 3, 18, 2)
            assert (small / 'videos' / record['filename']).stat().st_size
    assert len(contents(small)) == 2 * 36 + 6


def test_video_reads_back_as_drawn(small, puppets):
    pictures, keypoint, score = puppets.render(0, 'train', 2, 32, 3)
    video = decord.VideoReader(str(small / 'videos/train/00002.mp4'))
    read = video.get_batch(range(len(video))).asnumpy()
    assert read.shape == pictures.shape and video.get_avg_fps() == 8
    # The codec halves the resolution of colour, not that of brightness.
    grey = np.array([0.299, 0.587, 0.114])
    assert np.abs(read @ grey - pictures @ grey).mean() < 5
    on_disk = read_poses(small / 'poses/train/00002.npz')
    np.testing.assert_array_equal(on_disk[0], np.float32(keypoint))
    np.testing.assert_array_equal(on_disk[1], np.float32(score))


def test_workers_write_the_same_bytes(small, puppets, tmp_path):
    puppets.main([str(tmp_path), *SMALL[:-1], '2'])
    assert contents(tmp_path) == contents(small)


def test_interrupted_run_goes_on(small, puppets):
    before = contents(small)
    kept = small / 'videos/train/00001.mp4'
    stamp = kept.stat().st_mtime_ns
    (small / 'videos/train/00000.mp4').unlink()
    (small / 'poses/out_of_context/00003.npz').unlink()
    (small / 'test.jsonl').unlink()
    killed = subprocess.Popen([sys.executable, '-c', ''])
    killed.wait()
    (small / f'videos/train/.00000.{killed.pid}.mp4').write_bytes(b'half')
    puppets.main([str(small), *SMALL])
    assert contents(small) == before
    assert kept.stat().st_mtime_ns == stamp


@pytest.mark.parametrize(
    'argument, before, value',
    [('--seed', 0, 1), ('--num-train', 1, 2), ('--size', 32, 48)],
)
def test_other_arguments_on_a_folder_are_refused(
    small, puppets, argument, before, value, capsys
):
    assert puppets.main([str(small), *SMALL, argument, str(value)]) == 1
    message = capsys.readouterr().err.strip()
    name = argument.strip('-').replace('-', '_')
    assert f'{small} was made with {name} {before}, not {value}' in message
    assert '\n' not in message


@pytest.mark.parametrize(
    'argument, value',
    [
        ('--size', '33'),
        ('--size', '0'),
        ('--frames', '0'),
        ('--workers', '0'),
        ('--num-test', '-1'),
        ('--seed', '-1'),
    ],
)
def test_senseless_arguments_are_named(
    puppets, tmp_path, capsys, argument, value
):
    with pytest.raises(SystemExit):
        puppets.main([str(tmp_path / 'out'), argument, value])
    error = capsys.readouterr().err
    assert f'{argument} {value}' in error or f'{argument}: {value}:' in error
    assert not (tmp_path / 'out').exists()
