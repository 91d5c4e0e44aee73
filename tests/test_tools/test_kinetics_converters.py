"""kinetics_skeleton.py and mimetics.py."""

import json

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
    write_json,
)

from integral_action.datasets.conversion import VideoInfo
from integral_action.datasets.label_map import LabelMap

kinetics, mimetics = load_tool('kinetics_skeleton'), load_tool('mimetics')
DATA = ROOT / 'tools' / 'data'
ID = '-_a1b2c3d4e'  # an id may begin like this


def skeletons(count, x=lambda index: index / 1000):
    """A person in every pose frame, whose x tells which frame it is."""
    return dict(
        data=[
            dict(
                frame_index=index,
                skeleton=[dict(pose=[x(index), 0.5] * 18, score=[0.6] * 18)],
            )
            for index in range(1, count + 1)
        ],
        label='archery',
        label_index=49,
    )


@pytest.fixture
def made(tmp_path):
    """A release with one video of each split; what the tool takes."""
    root = tmp_path / 'kinetics-skeleton'
    for split, name, label in (
        ('train', ID, 'archery'),
        ('val', 'xxxxxxxxxxx', 'abseiling'),
    ):
        write_json(
            root / f'kinetics_{split}_label.json',
            {
                name: dict(has_skeleton=True, label=label, label_index=7),
                f'{split:0<11}': dict(
                    has_skeleton=False, label=label, label_index=7
                ),
            },
        )
        write_json(root / f'kinetics_{split}' / f'{name}.json', skeletons(30))
    videos = tmp_path / 'somewhere'
    make_video(videos / 'a class' / f'{ID}_000012_000022.mp4', 30, 30)
    make_video(videos / 'xxxxxxxxxxx.mp4', 30, 30)
    return [root, videos, tmp_path / 'out']


def shown(out, record):
    """The pose frame of each frame of the video, 0 for nobody."""
    keypoint, score = poses(out, record)
    fraction = keypoint[0, :, 0, 0] / (record['img_shape'][1] - 1)
    return np.where(score[0, :, 0] > 0, np.rint(fraction * 1000), 0).tolist()


def test_two_splits_of_400_classes(made):
    assert run_tool(kinetics, *made) == 0
    out = made[-1]
    train, val = records(out, 'train'), records(out, 'val')
    filename = f'a class/{ID}_000012_000022.mp4'
    assert {name: line['label'] for name, line in train.items()} == {
        filename: 5
    }
    assert val['xxxxxxxxxxx.mp4']['label'] == 0
    assert problems(out, 'excluded') == {
        'train000000.mp4': 'has_skeleton is false',
        'val00000000.mp4': 'has_skeleton is false',
    }
    assert len((out / 'classes.txt').read_text().splitlines()) == 400
    assert shown(out, train[filename]) == list(range(1, 31))
    assert read_back(out, 'val', 'openpose18', 400)[0]


def test_fifty_classes_leave_the_others_alone(made):
    assert run_tool(kinetics, *made, '--classes', 'kinetics50') == 0
    out = made[-1]
    names = (out / 'classes.txt').read_text().splitlines()
    assert len(names) == 50
    (line,) = records(out, 'train').values()
    assert names[line['label']] == 'archery'
    assert not (out / 'val.jsonl').exists()


def test_another_order_of_the_labels(made, tmp_path):
    annotations = [
        dict(action_label=1, action_name='archery'),
        dict(action_label=0, action_name='abseiling'),
    ]
    path = write_json(
        tmp_path / 'Kinetics50_val.json', dict(annotations=annotations)
    )
    assert run_tool(kinetics, *made, '--labels', path) == 0
    (line,) = records(made[-1], 'train').values()
    assert line['label'] == 1


# Frame i of the video is pose frame 1 + round(30 * i / fps).
@pytest.mark.parametrize(
    ('fps', 'frames', 'count', 'expected'),
    [
        (30, 4, 4, [1, 2, 3, 4]),
        # 0, 1.25, 2.5, 3.75, 5, 6.25, 7.5, 8.75
        (24, 8, 10, [1, 2, 3, 5, 6, 7, 9, 10]),
        # 0, 2, 4, 6, 8
        (15, 5, 9, [1, 3, 5, 7, 9]),
        # 0, .5, 1, 1.5, 2, 2.5, 3: half to even, as Python's round
        (60, 7, 4, [1, 1, 2, 3, 3, 3, 4]),
        # poses that end before the video, or after it
        (30, 5, 3, [1, 2, 3, 0, 0]),
        (30, 3, 6, [1, 2, 3]),
        (24, 8, 8, [1, 2, 3, 5, 6, 7, 0, 0]),
    ],
)
def test_frames_are_found_by_time(made, fps, frames, count, expected):
    skeleton_root, videos, out = made
    write_json(
        skeleton_root / 'kinetics_val' / 'xxxxxxxxxxx.json', skeletons(count)
    )
    make_video(videos / 'xxxxxxxxxxx.mp4', frames, fps, (640, 480))
    assert run_tool(kinetics, *made) == 0
    line = records(out, 'val')['xxxxxxxxxxx.mp4']
    assert line['fps'] == pytest.approx(fps)
    assert shown(out, line) == expected


@pytest.mark.parametrize(
    ('fps', 'frames', 'count', 'expected'),
    [
        (24, 8, 8, [0, 1, 2, 3, 4, 5, 6, 7]),  # of the video's own frames
        (15, 5, 10, [0, 2, 4, 6, 8]),  # of 30 frames a second
    ],
)
def test_your_own_videos_as_st_gcn_packs_them(
    tmp_path, fps, frames, count, expected
):
    """Other names, classes and keypoints; frame_index counts from 0."""
    root, videos, out = (tmp_path / name for name in ('root', 'v', 'out'))
    content = dict(
        data=[
            dict(
                frame_index=i,
                skeleton=[
                    dict(pose=[(i + 5) / 1000, 0.5] * 25, score=[0.6] * 25)
                ],
            )
            for i in range(count)
        ]
    )
    write_json(root / 'kinetics_train' / 'my golf.v2.json', content)
    write_json(
        root / 'kinetics_train_label.json',
        {'my golf.v2': dict(has_skeleton=True, label='swing', label_index=1)},
    )
    make_video(videos / 'my golf.v2.mp4', frames, fps, (640, 480))
    assert 'no class of Kinetics400' in run_tool(kinetics, root, videos, out)
    (tmp_path / 'names.txt').write_text('stand\nswing\n')
    options = ['--labels', tmp_path / 'names.txt', '--layout', 'body25']
    assert run_tool(kinetics, root, videos, out, *options) == 0
    line = records(out, 'train')['my golf.v2.mp4']
    assert line['label'] == 1
    assert poses(out, line)[1].shape == (1, frames, 25)
    assert shown(out, line) == [i + 5 for i in expected]


def test_poses_of_another_video_are_left_out(made):
    write_json(made[0] / 'kinetics_val' / 'xxxxxxxxxxx.json', skeletons(60))
    assert run_tool(kinetics, *made) == 3
    assert problems(made[-1]) == {'xxxxxxxxxxx.mp4': 'poses of another length'}


def test_fractions_are_between_the_centres_of_the_outermost_pixels(tmp_path):
    content = skeletons(1, lambda index: 1.0)
    path = write_json(tmp_path / 'a.json', content)
    keypoint, _ = kinetics.read_poses(path, VideoInfo(1, 30.0, (256, 340)))
    np.testing.assert_allclose(keypoint[0, 0, 0], (339, 127.5))


def test_a_missing_video_and_broken_poses_are_reported(made):
    root, videos, out = made
    path = root / 'kinetics_train' / f'{ID}.json'
    for change, words in [
        (lambda c: c['data'][1].update(frame_index=1), ['frame_index is 1']),
        (lambda c: c['data'][0].update(frame_index=-1), ['frame_index is -1']),
        (lambda c: c['data'][0].update(frame_index=10**9), ['1000000000']),
        (lambda c: c.pop('data'), ["'data'"]),
        (
            lambda c: c['data'][2]['skeleton'][0]['pose'].pop(),
            ['frame_index 3', 'pose of 35', '36 and 18'],
        ),
        (lambda c: c['data'][2].pop('skeleton'), ["KeyError: 'skeleton'"]),
    ]:
        content = skeletons(30)
        change(content)
        write_json(path, content)
        assert run_tool(kinetics, *made) == 3
        (problem,) = json.loads((out / 'problems.json').read_text())[
            'left_out'
        ]
        assert problem['kind'] == 'poses unreadable'
        for word in [str(path), *words]:
            assert word in problem['message']
    path.write_text('{"data": [')
    (videos / 'xxxxxxxxxxx.mp4').unlink()
    assert run_tool(kinetics, *made) == 1  # nothing is left
    assert problems(out) == {
        f'a class/{ID}_000012_000022.mp4': 'poses unreadable',
        'xxxxxxxxxxx.mp4': 'video missing',
    }


def test_wrong_label_names_and_folders_are_said_at_once(
    made, tmp_path, capsys
):
    root, videos, out = made
    path = root / 'kinetics_val_label.json'
    write_json(path, {'xxxxxxxxxxx': dict(has_skeleton=True, label='archer')})
    message = run_tool(kinetics, *made)
    assert "no class of Kinetics400, the first is 'xxxxxxxxxxx': 'archer'" in (
        message
    )
    write_json(path, {'xxxxxxxxxxx': 3})
    message = run_tool(kinetics, *made)
    assert f"{path}: 'xxxxxxxxxxx' is 3" in message
    message = run_tool(kinetics, root, root, out)
    assert f'{root}: no videos in this folder' in message
    message = run_tool(kinetics, videos, videos, out)
    assert 'no kinetics_train_label.json' in message
    assert run_tool(kinetics, root, tmp_path / 'nowhere', out) == 2
    assert 'nowhere: there is no such folder' in capsys.readouterr().err
    assert not out.exists()


def test_real_kinetics_skeletons(shared, tmp_path):
    source = shared / 'samples' / 'kinetics_skeleton'
    labels = json.loads((source / 'label.json').read_text())
    out = tmp_path / 'out'
    for path in source.glob('__*.json'):
        count = len(json.loads(path.read_text())['data'])
        # as long as its poses, but for three frames
        make_video(tmp_path / 'videos' / f'{path.stem}.mp4', count + 3)
    arguments = [source, tmp_path / 'videos', out]
    options = ['--split', 'val', 'label.json', '.']
    assert run_tool(kinetics, *arguments, *options) == 0
    names = (out / 'classes.txt').read_text().splitlines()
    lines = records(out, 'val')
    assert len(lines) == 9
    assert set(problems(out, 'excluded')) == {
        f'{name}.mp4' for name in labels if not labels[name]['has_skeleton']
    }
    most, empty = 0, 0
    for filename, line in lines.items():
        name = filename.split('.')[0]
        assert names[line['label']] == labels[name]['label']
        keypoint, score = poses(out, line)
        frames = json.loads((source / f'{name}.json').read_text())['data']
        assert score.shape[1] == len(frames) + 3
        assert not score[:, -3:].any()
        for i, frame in enumerate(frames):
            found = [p for p in frame['skeleton'] if any(p['score'])]
            most, empty = max(most, len(found)), empty + (not found)
            assert (score[:, i].any(1)).sum() == len(found)
            if len(found) < len(frame['skeleton']):
                continue
            for m, person in enumerate(frame['skeleton']):
                x = np.array(person['pose'][::2]) * 63
                y = np.array(person['pose'][1::2]) * 47
                np.testing.assert_allclose(
                    keypoint[m, i], np.c_[x, y], atol=1e-4
                )
                np.testing.assert_allclose(score[m, i], person['score'])
    assert most == 10 and empty > 700
    dataset = read_back(out, 'val', 'openpose18', 400)
    assert all(
        sample['inputs']['pose'].shape[-2:] == (18, 3) for sample in dataset
    )
    assert_forward(out, 'val', 'openpose18', 400)


# ------------------------------------------------------------- label names


def test_shipped_names_of_kinetics():
    every = LabelMap.read(DATA / 'kinetics400' / 'label_map_k400.txt')
    fifty = LabelMap.read(DATA / 'kinetics50' / 'label_map_k50.txt')
    assert len(every.names) == 400 and len(fifty.names) == 50
    assert every.names == sorted(every.names, key=str.lower)
    assert set(fifty.names) < set(every.names)
    assert (fifty['surfing water'], fifty['golf driving']) == (0, 49)


def test_shipped_names_are_those_of_the_samples(shared):
    """The true indices; label.json has those of other subsets as well."""
    every = LabelMap.read(DATA / 'kinetics400' / 'label_map_k400.txt')
    path = shared / 'samples' / 'kinetics_skeleton' / 'label.json'
    labels = json.loads(path.read_text()).values()
    assert all(about['label'] in every.names for about in labels)
    same = [
        a['label'] for a in labels if every[a['label']] == a['label_index']
    ]
    assert 'springboard diving' in same and 'playing cricket' in same


# ---------------------------------------------------------------- Mimetics


@pytest.fixture
def mimes(tmp_path):
    """Videos of three frames in folders named as in the data set, and as in
    the release."""
    for name in ('archery/a', 'shooting_goal__soccer_/b.c'):
        make_video(tmp_path / 'videos' / f'{name}.mp4', 3)
    person = [8.0, 9.0, 0.5] * 18
    content = dict(
        pose=[None, [person, [v + 1 for v in person]], [person]],
        score=[[], [0.5, 1.0], [[0.8]]],
    )
    write_json(tmp_path / 'poses' / 'archery' / 'a' / 'data.json', content)
    content['pose'][1] = content['pose'][1][0] + content['pose'][1][1]
    write_json(
        tmp_path / 'poses' / 'shooting_goal__soccer_' / 'b.c.json', content
    )
    return [tmp_path / name for name in ('videos', 'poses', 'out')]


def test_mimetics_has_labels_of_50_and_of_400(mimes):
    out = mimes[-1]
    assert run_tool(mimetics, *mimes) == 0
    for name, labels in (('kinetics50', [9, 1]), ('kinetics400', [5, 297])):
        lines = records(out, name)
        assert [line['label'] for line in lines.values()] == labels
        class_names = (out / f'classes_{name}.txt').read_text().splitlines()
        assert [class_names[label] for label in labels] == [
            'archery',
            'shooting goal (soccer)',
        ]
    for line in lines.values():
        keypoint, score = poses(out, line)
        np.testing.assert_allclose(
            score[:, :, 7], [[0, 0.25, 0.4], [0, 1.5, 0]], rtol=1e-6
        )
        assert keypoint[:, 1, 3].tolist() == [[8, 9], [9, 10]]
    assert read_back(out, 'kinetics400', 'openpose18', 400)[1]


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        ([], ["expected 'pose' and 'score'"]),
        (dict(pose=[None] * 3, score=[[]] * 2), ['3 frames, score of 2']),
        (
            dict(pose=[None, [[1] * 51], None], score=[[], [1], []]),
            ['frame 1', 'pose of 51 numbers and 1 scores', '18 keypoints'],
        ),
        (
            dict(pose=[None, [[1] * 54], None], score=[[], [1, 1], []]),
            ['pose of 54 numbers and 2 scores'],
        ),
    ],
)
def test_broken_poses_of_mimetics_are_reported(mimes, content, words):
    path = mimes[1] / 'archery' / 'a' / 'data.json'
    write_json(path, content)
    assert run_tool(mimetics, *mimes) == 3
    (problem,) = json.loads((mimes[2] / 'problems.json').read_text())[
        'left_out'
    ]
    for word in [str(path), *words]:
        assert word in problem['message']


def test_a_folder_of_no_class_is_named(mimes):
    make_video(mimes[0] / 'dancing' / 'a.mp4', 2)
    message = run_tool(mimetics, *mimes)
    assert 'dancing/a.mp4' in message and '50 class names' in message
    make_video(mimes[0] / 'a.mp4', 2)
    assert 'a.mp4: expected <class>/<name>.mp4' in run_tool(mimetics, *mimes)
