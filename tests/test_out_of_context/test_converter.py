"""Sets out of context, made by the tool as users run it."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import decord
import numpy as np
import pytest
from conftest import ROOT
from converters import (
    TOOLS,
    load_tool,
    poses,
    problems,
    read_back,
    records,
    run_tool,
)
from people import RED, SCENES, make_one
from PIL import Image

from integral_action.datasets.video_reader import VideoReader
from integral_action.fileio import read_annotations, write_annotations
from integral_action.out_of_context import EDGES, SETS, SceneMix, load_masks
from integral_action.visualization import write_video

tool = load_tool('out_of_context')
LISTS = ('original', *SETS)


@pytest.fixture
def data(tmp_path):
    """Two usable videos a class, and one of every kind that is not."""
    folder = tmp_path / 'data'
    lines = [
        make_one(folder, 'run/a.mp4'),
        make_one(folder, 'run/b.mp4', 9),
        make_one(folder, 'walk/c.mp4', centre=100),
        make_one(folder, 'walk/d.mp4', size=(128, 128)),
        make_one(folder, 'run/small.mp4', height=25),
        make_one(folder, 'walk/big.mp4', height=420),
        make_one(folder, 'walk/nobody.mp4', height=0),
        make_one(folder, 'run/missing.mp4'),
    ]
    (folder / 'videos' / 'run' / 'missing.mp4').unlink()
    write_annotations(folder / 'list.jsonl', lines)
    (folder / 'classes.txt').write_text('run\nwalk\n')
    return folder


@pytest.fixture
def make(data, tmp_path):
    """Run the tool; gives the exit status."""
    fixed = [data / 'list.jsonl', tmp_path / 'out', '--layout', 'coco17']
    fixed += ['--video-prefix', data / 'videos', '--masks', 'poses']

    def run(*options):
        return run_tool(
            tool, *fixed, '--pose-prefix', data / 'poses', *options
        )

    return run


def frames_of(out, record):
    reader = decord.VideoReader(str(out / 'videos' / record['filename']))
    return reader[:].asnumpy().astype(int)


def near(frames, colour, most=60):
    return np.abs(frames - colour).max(-1) < most


def test_sets_of_a_small_data_set(make, data, tmp_path, capsys):
    out = tmp_path / 'out'
    assert make('--sheet', tmp_path / 'sheet.png') == 3  # a video is missing
    assert problems(out) == {'run/missing.mp4': 'video missing'}
    assert problems(out, 'excluded') == {
        'run/small.mp4': 'person too small',
        'walk/big.mp4': 'person too big',
        'walk/nobody.mp4': 'no person in any frame',
    }
    printed = capsys.readouterr().out
    assert 'person too small (left out, no' in ' '.join(printed.split())
    assert "the mask covers of the person's box " in printed
    names = ['run/a', 'run/b', 'walk/c', 'walk/d']
    for kind in LISTS:
        lines = records(out, kind)
        assert list(lines) == [f'{kind}/{name}.mp4' for name in names]
    assert len(read_annotations(out / 'all.jsonl')) == 6 * 4

    with open(out / 'pairs.csv', newline='') as file:
        pairs = {row['source']: row for row in csv.DictReader(file)}
    assert list(pairs) == [f'{name}.mp4' for name in names]
    for kind in SETS[2:]:
        for record in records(out, kind).values():
            row = pairs[record['source']]
            assert record['background'] == row['background']
            assert record['background_label'] == int(row['background_label'])
            assert row['label'] != row['background_label']

    for record in records(out, 'scene-swap-still').values():
        frames = frames_of(out, record)
        assert frames.shape[1:3] == tuple(record['img_shape'])
        assert len(frames) == record['total_frames']
        kept = frames_of(out, records(out, 'original')[
            f'original/{record["source"]}'])  # fmt: skip
        scene = SCENES[('run', 'walk')[record['background_label']]]
        own = SCENES[('run', 'walk')[record['label']]]
        assert record['camera'] == 3 and record['pose_share'] == 1
        for one, other in zip(frames, kept):
            # feet and head in the same rows, arms in the same columns
            for axis in (0, 1):
                ends = [
                    np.flatnonzero(near(f, RED).any(1 - axis))[[0, -1]]
                    for f in (one, other)
                ]
                assert np.abs(ends[0] - ends[1]).max() <= 2
            assert near(one, scene).mean() > 0.6
            assert near(one, own, 30).mean() < 0.1  # the rim
    for record in records(out, 'still-person').values():
        frames = frames_of(out, record)
        assert np.abs(frames - frames[0]).max() < 30
        keypoint, score = poses(out, record)
        assert (keypoint == keypoint[:, :1]).all() and score.all()
    for record in records(out, 'background-only').values():
        assert not near(frames_of(out, record), RED).any()
        assert not poses(out, record)[1].any()
        assert record['pose_share'] == 0
    for record in records(out, 'person-only').values():
        grey = near(frames_of(out, record), (124, 116, 104), 20)
        assert 0.6 < grey.mean() < 0.95

    sheet = np.asarray(Image.open(tmp_path / 'sheet.png').convert('RGB'))
    assert sheet.shape[1] == 7 * 160 + 6 * 4
    column = [near(sheet.astype(int)[:, 164 * i : 164 * i + 160], RED).mean()
              for i in range(7)]  # fmt: skip
    assert column[3] == 0  # background-only
    assert min(column[:3] + column[4:]) > 0.02


def test_the_made_sets_are_data_sets(make, tmp_path):
    out = tmp_path / 'out'
    make()
    for kind in ('all', *LISTS):
        samples = read_back(out, kind, 'coco17', 2)
        assert samples.metainfo['classes'] == ['run', 'walk']
        for i in range(len(samples)):
            sample = samples[i]
            assert sample['inputs']['imgs'].shape[-2:] == (224, 224)
            posed = bool((sample['inputs']['pose'][..., 2] > 0).any())
            name = sample['data_samples'].filename
            assert posed == ('background-only' not in name)


def test_scenes_for_the_training(make, data, tmp_path):
    """They are what SceneMix takes; nothing else is made."""
    out = tmp_path / 'out'
    (data / 'videos' / 'run' / 'missing.mp4').touch()  # broken, rather
    assert make('--sets', 'scenes') == 3
    assert not (out / 'all.jsonl').exists() and not (out / 'poses').exists()
    found = {r['filename']: r for r in read_annotations(out / 'scenes.jsonl')}
    assert len(found) == 8
    good = ['run/a.mp4', 'run/b.mp4', 'walk/c.mp4', 'walk/d.mp4']
    assert [n for n, r in found.items() if 'problem' not in r] == good
    assert found['walk/big.mp4']['problem'] == 'person too big'
    assert found['walk/c.mp4']['label'] == 1
    scene = np.array(Image.open(out / 'scenes' / 'run' / 'a.jpg'))
    assert scene.shape == (120, 160, 3) and near(scene, SCENES['run']).all()

    (out / 'scenes' / 'walk' / 'c.jpg').unlink()  # is made again
    (data / 'videos' / 'run' / 'missing.mp4').unlink()
    make('--sets', 'scenes')
    mix = SceneMix(str(out / 'scenes.jsonl'), prob=1)
    frames = np.stack(VideoReader(data / 'videos/run/a.mp4').get_batch([0, 5]))
    sample = dict(filename=str(data / 'videos/run/a.mp4'), label=0)
    mixed = mix(sample | dict(imgs=list(frames), RGB_inds=[0, 5]))['imgs']
    for before, after in zip(frames.astype(int), mixed):
        red, blue = near(after, RED), near(after, SCENES['walk'])
        assert (red | blue).mean() > 0.9 and red.mean() > 0.04
        assert near(before, RED)[red].all()


def test_masks_of_ones_own(make, tmp_path):
    """A segmentation model finds the red pixels, and no others."""
    out, own = tmp_path / 'out', ['--masks', 'people:RedMasks']
    assert make(*own, '--masks-options', 'least=80') == 3
    for record in records(out, 'person-only').values():
        stem = Path(record['source']).with_suffix('').as_posix()
        mask, _ = load_masks(out / 'masks' / f'{stem}.npz')
        name = f'original/{record["source"]}'
        frames = frames_of(out, records(out, 'original')[name])
        red = frames[..., 0] - frames[..., 1:].max(-1) > 80
        assert (mask == red).all() and red.any()
    message = make(*own, '--masks-options', 'least=90')
    assert "masks_options {'least': 80}, not {'least': 90}" in message
    shutil.rmtree(out)
    message = make(*own, '--masks-options', 'every=2')
    assert 'RedMasks gave masks of shape [3, 120, 160], bool' in message
    shutil.rmtree(out)
    message = make(*own, '--masks-options', 'most=2')
    assert "masks 'people:RedMasks'" in message and "'most'" in message


def test_what_is_there_is_not_made_again(make, data, tmp_path, capsys):
    out = tmp_path / 'out'
    make()

    def times():
        return {
            path.relative_to(out).as_posix(): path.stat().st_mtime_ns
            for folder in ('masks', 'poses', 'videos/still-person')
            for path in (out / folder).rglob('*.*')
        }

    first = times()
    lists = {path.name: path.read_text() for path in out.glob('[a-z]*.*')}
    make()
    assert times() == first

    # stopped after the first video, and half a line
    lines = (out / '.made').read_text().splitlines()
    (out / '.made').write_text('\n'.join(lines[:2]) + '\n{"filena')
    (out / 'all.jsonl').unlink()
    make()
    again = times()
    changed = {name for name in first if again[name] != first[name]}
    assert {Path(name).stem for name in changed} == {'b', 'c', 'd'}
    assert not any(name.startswith('masks') for name in changed)
    assert {p.name: p.read_text() for p in out.glob('[a-z]*.*')} == lists

    # other limits want no other masks
    first = times()
    make('--min-share', '0')
    assert problems(out, 'excluded').get('run/small.mp4') is None
    assert all(times()[n] == first[n] for n in first if n[:5] == 'masks')
    assert 'person-only/run/small.mp4' in records(out, 'person-only')
    make()
    assert {p.name: p.read_text() for p in out.glob('[a-z]*.*')} == lists

    # other poses are other masks, of this video and of whom it is behind
    make_one(data, 'run/a.mp4', centre=70)
    behind = {
        Path(record['source']).stem
        for record in records(out, 'still-person').values()
        if record['background'] == 'run/a.mp4'
    }
    first = times()
    make()
    changed = {name for name in times() if times()[name] != first[name]}
    masks = [name for name in changed if name.startswith('masks')]
    assert masks == ['masks/run/a.npz']
    assert {Path(name).stem for name in changed} == {'a', *behind}

    message = make('--colour', '0', '0', '0')
    assert 'was made with colour [124, 116, 104], not [0, 0, 0]' in message
    message = make('--score-thr', '0.3')
    assert 'was made with score_thr 0.1, not 0.3' in message


@pytest.fixture
def scenes(tmp_path):
    """A picture, and a film that gets brighter."""
    folder = tmp_path / 'scenes'
    (folder / 'far').mkdir(parents=True)
    Image.new('RGB', (300, 200), (240, 200, 40)).save(folder / 'far/a.JPG')
    film = np.full((11, 60, 60, 3), 90, np.uint8)
    film += 10 * np.arange(11, dtype=np.uint8)[:, None, None, None]
    write_video(folder / 'b.mp4', film, 25)
    (folder / 'readme.txt').write_text('no picture')
    return folder


def test_sets_that_are_asked_for_before_scenes_of_another_source(
    make, scenes, tmp_path
):
    out, own = tmp_path / 'out', ['--backgrounds', scenes]
    moving = ['--sets', 'scene-swap-moving', '--edge', 'hard']
    assert make(*own, *moving, '--sheet', tmp_path / 'sheet.png') == 3
    made = {path.stem for path in out.glob('*.jsonl')}
    assert made == {'original', 'scene-swap-moving', 'all'}
    assert len(read_annotations(out / 'all.jsonl')) == 2 * 4
    assert {path.name for path in (out / 'videos').iterdir()} == made - {'all'}
    width = np.asarray(Image.open(tmp_path / 'sheet.png')).shape[1]
    assert width == 3 * 160 + 2 * 4
    used = []
    for record in records(out, 'scene-swap-moving').values():
        assert 'background_label' not in record
        used.append(record['background'])
        ground = frames_of(out, record)[:, 5, 5].round()
        if used[-1] == 'far/a.JPG':
            assert near(ground, (240, 200, 40), 12).all()
        else:  # from its first frame to its last
            steps = np.linspace(90, 190, len(ground))[:, None]
            assert np.abs(ground - steps).max() < 12
    assert sorted(used) == ['b.mp4'] * 2 + ['far/a.JPG'] * 2
    with open(out / 'pairs.csv', newline='') as file:
        pairs = list(csv.DictReader(file))
    assert [row['background'] for row in pairs] == used
    assert {row['background_label'] for row in pairs} == {''}

    # what is there stays, but for other backgrounds or sets
    def times():
        return {
            path.relative_to(out / 'videos').parts[0]: path.stat().st_mtime_ns
            for path in (out / 'videos').rglob('a.mp4')
        }

    first = times()
    make(*own, *moving)
    assert times() == first
    alone = ['--sets', 'background-only', 'person-only', '--edge', 'hard']
    make(*own, *alone)
    assert times()['scene-swap-moving'] == first['scene-swap-moving']
    lines = read_annotations(out / 'all.jsonl')
    kinds = {line['set'] for line in lines}
    assert kinds == {'original', 'person-only', 'background-only'}
    assert 'not None' in make(*own, *moving[:2])  # another edge


def test_scenes_that_cannot_be_read_are_reported(make, scenes, tmp_path):
    (scenes / 'far' / 'a.JPG').write_bytes(b'no picture')
    options = ['--sets', 'scene-swap-still', '--backgrounds', scenes]
    assert make(*options) == 3
    out = tmp_path / 'out'
    kinds = sorted(problems(out).values())
    assert kinds == ['background unreadable'] * 2 + ['video missing']
    swapped = records(out, 'scene-swap-still').values()
    assert {record['background'] for record in swapped} == {'b.mp4'}
    for path in scenes.rglob('*.*'):
        path.unlink()
    assert 'no pictures or videos in it' in make(*options)


def test_one_class_is_enough_where_no_other_scene_is_wanted(
    make, data, tmp_path
):
    lines = list(read_annotations(data / 'list.jsonl'))
    write_annotations(data / 'list.jsonl', lines[:2])
    assert make('--sets', 'person-only') == 0
    out = tmp_path / 'out'
    assert len(records(out, 'person-only')) == 2
    assert not (out / 'pairs.csv').exists()


def test_choices_are_those_of_the_package(capsys):
    assert tool.NAMES == SETS
    with pytest.raises(SystemExit):
        tool.parse_args(['--edge', 'soft'])
    assert ', '.join(map(repr, EDGES)) in capsys.readouterr().err


def test_pairs_go_by_the_seed_and_not_by_the_order(data):
    names = [f'{"ab"[i % 2]}/{i:02d}' for i in range(20)]
    labels = [i % 2 for i in range(20)]
    first = tool.draw_pairs(names, labels, 0)
    assert all(labels[i] != labels[j] for i, j in enumerate(first))
    assert tool.draw_pairs(names, labels, 0) == first
    assert tool.draw_pairs(names, labels, 1) != first
    backwards = tool.draw_pairs(names[::-1], labels[::-1], 0)
    assert [19 - j for j in backwards[::-1]] == first
    with pytest.raises(ValueError, match='all 2 videos .* are of class 4'):
        tool.draw_pairs(names[:2], [4, 4], 0)


def test_what_does_not_fit_is_a_line(make, data, tmp_path, capsys):
    assert make('--layout', 'openpose18') == 1  # nothing is left
    kinds = list(problems(tmp_path / 'out').values())
    assert kinds == ['poses unreadable'] * 7 + ['video missing']
    for options, message in (
        (['--min-share', '2'], '2: expected 0 to 1'),
        (['--sheet', 'a.jpg'], 'expected a file ending in .png'),
    ):
        assert make(*options) == 2
        assert message in capsys.readouterr().err
    assert "unknown masks 'sam'" in make('--masks', 'sam')
    assert 'unknown keypoint layout' in make('--layout', 'coco18')
    two = tmp_path / 'two.jsonl'
    lines = list(read_annotations(data / 'list.jsonl'))
    prefix = ['--video-prefix', data / 'videos', '--layout', 'coco17']
    prefix += ['--pose-prefix', data / 'poses']
    write_annotations(two, [lines[0], {**lines[0], 'label': 1}])
    message = run_tool(tool, two, tmp_path / 'o', *prefix)
    assert 'run/a.mp4 and run/a.mp4 would both be written' in message
    write_annotations(two, [{**lines[0], 'filename': '../a.mp4'}])
    message = run_tool(tool, two, tmp_path / 'o', *prefix)
    assert '../a.mp4 is outside of --video-prefix' in message
    write_annotations(two, lines[:2])
    message = run_tool(tool, two, tmp_path / 'o', *prefix)
    assert 'no background of another class' in message


def test_killed_on_real_clips_it_goes_on(shared, tmp_path):
    """Clips of two classes with detected poses; the mask covers them."""
    sample, data = shared / 'samples' / 'jhmdb', tmp_path / 'data'
    for name, number in (('golf', 2), ('pullup', 1)):
        for video in sorted((sample / 'videos' / name).glob('*.avi'))[:number]:
            for kind, suffix in (('videos', '.avi'), ('poses', '.json')):
                link = tmp_path / kind / name / f'{video.stem}{suffix}'
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(sample / kind / name / link.name)
    folders = [tmp_path / 'videos', tmp_path / 'poses']
    assert run_tool(load_tool('coco_results'), *folders, data) == 0
    out = tmp_path / 'out'
    arguments = [data / 'all.jsonl', out, '--layout', 'coco17']
    arguments += ['--video-prefix', tmp_path / 'videos']
    arguments += ['--pose-prefix', data / 'poses']
    process = subprocess.Popen(
        [sys.executable, TOOLS / 'out_of_context.py', *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
    )
    journal = out / '.made'
    while process.poll() is None:
        if journal.exists() and journal.read_text().count('\n') > 1:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.01)
    assert process.wait() == -signal.SIGKILL
    done = [json.loads(x)['filename'] for x in journal.open()
            if '"filename"' in x]  # fmt: skip
    before = {
        name: (out / 'masks' / name).with_suffix('.npz').stat().st_mtime_ns
        for name in done
    }
    assert not (out / 'all.jsonl').exists()
    assert run_tool(tool, *arguments) == 0
    for name, time_ in before.items():
        path = (out / 'masks' / name).with_suffix('.npz')
        assert path.stat().st_mtime_ns == time_

    swapped = records(out, 'scene-swap-moving')
    excluded = problems(out, 'excluded')
    assert len(swapped) + len(excluded) == 3 and len(swapped) >= 2
    for record in swapped.values():
        assert 0.05 <= record['person_share'] <= 0.5
        assert record['box_share'] > 0.4
        source = record['source']
        stem = Path(source).with_suffix('').as_posix()
        mask, anybody = load_masks(out / 'masks' / f'{stem}.npz')
        assert (anybody >= mask).all()
        keypoint, score = poses(out, record)
        seen = score[0] > 0.4  # sure ones are covered
        points = keypoint[0].round().astype(int)
        inside = ((points >= 0) & (points < mask.shape[2:0:-1])).all(-1) & seen
        frame, joint = np.nonzero(inside)
        x, y = points[inside].T
        assert mask[frame, y, x].mean() > 0.85

        original = frames_of(
            out, records(out, 'original')[f'original/{source}']
        )
        frames = frames_of(out, record)
        inner = np.zeros_like(mask)
        inner[:, 4:-4, 4:-4] = np.min(
            [np.roll(mask, (a, b), (1, 2)) for a in (-4, 0, 4)
             for b in (-4, 0, 4)], 0
        )[:, 4:-4, 4:-4]  # fmt: skip
        apart = np.abs(frames - original).mean(-1)
        assert apart[inner].mean() < 8  # the codec's
        assert apart[~mask].mean() > 20  # another scene
