"""The converters of COCO keypoint results: coco_results.py and jhmdb.py."""

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

from integral_action.datasets.coco_results import (
    coco17_to_openpose18,
    read_coco_results,
)
from integral_action.fileio import read_annotations

coco_results, jhmdb = load_tool('coco_results'), load_tool('jhmdb')


def result(image_id, x=10.0, y=20.0, score=0.5, keypoints=17):
    return dict(
        image_id=image_id,
        category_id=1,
        keypoints=[x, y, score] * keypoints,
        score=0.9,
    )


@pytest.fixture
def folders(tmp_path):
    """Two classes of one video of 10 frames each, and what finds them."""
    for name in ('run/a', 'walk/b c'):
        make_video(tmp_path / 'videos' / f'{name}.mp4')
        write_json(tmp_path / 'poses' / f'{name}.json', [result(0)])
    return [tmp_path / name for name in ('videos', 'poses', 'out')]


def test_a_folder_of_classes(folders):
    videos, results, out = folders
    write_json(
        results / 'run' / 'a.json',
        [result(3, 1), result('9', 2), result(3, 3), result('000004.jpg', 4)],
    )
    write_json(results / 'walk' / 'b c.json', [])  # nobody in any frame
    assert run_tool(coco_results, *folders) == 0
    lines = records(out, 'all')
    assert lines['run/a.mp4'] == dict(
        filename='run/a.mp4',
        label=0,
        total_frames=10,
        fps=30.0,
        img_shape=[48, 64],
        pose_file='run/a.npz',
    )
    assert lines['walk/b c.mp4']['label'] == 1
    assert (out / 'classes.txt').read_text() == 'run\nwalk\n'
    keypoint, score = poses(out, lines['run/a.mp4'])
    assert score[:, :, 16].tolist() == [
        [0, 0, 0, 0.5, 0.5, 0, 0, 0, 0, 0.5],
        [0, 0, 0, 0.5, 0, 0, 0, 0, 0, 0],
    ]
    assert keypoint[:, 3, 5].tolist() == [[1, 20], [3, 20]]
    assert keypoint[0, [4, 9], 0].tolist() == [[4, 20], [2, 20]]
    assert problems(out, 'noted') == {'walk/b c.mp4': 'no person in any frame'}
    samples = read_back(out, 'all', 'coco17', 2)
    assert [sample['data_samples'].gt_label.item() for sample in samples] == [
        0,
        1,
    ]


def test_folders_named_by_numbers_are_names(folders, tmp_path):
    for number in ('10', '2'):
        make_video(tmp_path / 'videos' / number / 'x.mp4')
        write_json(tmp_path / 'poses' / number / 'x.json', [result(0)])
    assert run_tool(coco_results, *folders) == 0
    names = (folders[-1] / 'classes.txt').read_text().split()
    assert names == ['10', '2', 'run', 'walk']
    lines = records(folders[-1], 'all')
    assert [lines[f'{name}/x.mp4']['label'] for name in ('10', '2')] == [0, 1]


def test_lists_of_paths_and_labels(folders, tmp_path):
    videos, results, out = folders
    (tmp_path / 'train.txt').write_text('run/a.mp4 1\n\nwalk/b c.mp4 0\n')
    (tmp_path / 'val.txt').write_text('walk/b c.mp4 0\nrun/missing.mp4 0\n')
    lists = [tmp_path / 'train.txt', tmp_path / 'val.txt']
    assert run_tool(coco_results, *folders, '--lists', *lists) == 3
    lines = records(out, 'train')
    assert [line['label'] for line in lines.values()] == [1, 0]
    assert list(records(out, 'val')) == ['walk/b c.mp4']
    assert problems(out) == {'run/missing.mp4': 'video missing'}

    (tmp_path / 'names.txt').write_text('walking\nrunning\n')
    (tmp_path / 'train.txt').write_text('run/a.mp4 running\n')
    (tmp_path / 'val.txt').write_text('walk/b c.mp4 walking\n')
    options = ['--labels', tmp_path / 'names.txt', '--lists', *lists]
    assert run_tool(coco_results, *folders, *options) == 0
    assert records(out, 'train')['run/a.mp4']['label'] == 1
    assert records(out, 'val')['walk/b c.mp4']['label'] == 0
    assert (out / 'classes.txt').read_text() == 'walking\nrunning\n'

    (tmp_path / 'val.txt').write_text('walk/b c.mp4 flying\n')
    message = run_tool(coco_results, *folders, *options)
    assert "'flying' is none of the 2 class names" in message
    (tmp_path / 'val.txt').write_text('walk/b.mp4\n')
    message = run_tool(coco_results, *folders, *options)
    assert "val.txt, line 1: 'walk/b.mp4'" in message


@pytest.mark.parametrize(
    ('content', 'kind', 'words'),
    [
        ('[{"image_id"', 'poses unreadable', ['not JSON']),
        ({}, 'poses unreadable', ['expected a list', 'dict']),
        ([3], 'poses unreadable', ['result 0', 'expected a dict', '3']),
        (
            [result(0), result(1, keypoints=18)],
            'poses unreadable',
            ['result 1', 'keypoints are 54', '51 numbers', 'coco17'],
        ),
        ([dict(image_id=1)], 'poses unreadable', ['keypoints are None']),
        ([result('one')], 'poses unreadable', ["image_id is 'one'"]),
        ([result(-1)], 'poses unreadable', ['image_id is -1']),
        ([result(1.5)], 'poses unreadable', ['image_id is 1.5']),
        ([result(0, x='1')], 'poses unreadable', ['not all numbers']),
        ([result(10**9)], 'poses unreadable', ['image_id is 1000000000']),
        ([result(15)], 'poses of another length', ['16 frames', 'has 10']),
        (
            [result(1), result(10)],
            'poses unreadable',
            ['from 1 to 10, the number of frames: it counts from 1'],
        ),
    ],
)
def test_broken_results_leave_a_video_out(folders, content, kind, words):
    path = folders[1] / 'run' / 'a.json'
    path.write_text(
        content if isinstance(content, str) else json.dumps(content)
    )
    assert run_tool(coco_results, *folders) == 3
    report = json.loads((folders[2] / 'problems.json').read_text())
    (problem,) = report['left_out']
    assert problem['filename'] == 'run/a.mp4' and problem['kind'] == kind
    for word in [str(path), *words]:
        assert word in problem['message']


def points(x, nested=False):
    return [[x, 20.0]] * 17 if nested else [x, 20.0, 0.5] * 17


def of_mmpose(frame, x, score=0.9):
    instance = dict(
        keypoints=points(x, nested=True),
        keypoint_scores=[0.5] * 17,
        bbox=[[1, 2, 3, 4]],
        bbox_score=score,
    )
    return dict(frame_id=frame, instances=[instance] if x else [])


def of_ultralytics(x, visible=True, score=0.9):
    found = dict(x=[x] * 17, y=[20.0] * 17)
    if visible:
        found['visible'] = [0.5] * 17
    box = dict(x1=1, y1=2, x2=3, y2=4)
    return dict(name='person', confidence=score, box=box, keypoints=found)


# what each tool writes of a person at x = 1, nobody, and one at 3
FORMS = {
    'MMPose': [of_mmpose(0, 1), of_mmpose(1, 0), of_mmpose(2, 3)],
    "MMPose's demo": dict(
        meta_info={},
        instance_info=[of_mmpose(1, 1), of_mmpose(2, 0), of_mmpose(3, 3)],
    ),
    'MMPose, as it returns': dict(
        predictions=[[of_mmpose(0, x)['instances']] for x in (1, 0, 3)],
        visualization=[],
    ),
    'AlphaPose': [
        dict(image_id=f'{i}.jpg', keypoints=points(x), score=2.9)
        for i, x in ((0, 1), (2, 3))
    ],
    'COCO annotations': dict(
        images=[],
        annotations=[
            dict(image_id=i, keypoints=points(x)) for i, x in ((0, 1), (2, 3))
        ],
    ),
    'ultralytics, a list a frame': [
        [of_ultralytics(1)],
        [],
        [of_ultralytics(3), of_ultralytics(4, score=0.05)],
    ],
    'OpenPifPaf': [
        dict(frame=1, predictions=[dict(keypoints=points(1), score=0.6)]),
        dict(frame=2, predictions=[]),
        dict(frame=3, predictions=[dict(keypoints=points(3), score=0.6)]),
    ],
    'OpenPose': {
        f'a 7_{i:012d}_keypoints': dict(
            people=[dict(person_id=[-1], pose_keypoints_2d=points(x))]
            * (x > 0)
        )
        for i, x in enumerate((1, 0, 3))
    },
    'MMPose, of pictures': {
        f'{i:05d}': of_mmpose(0, x)['instances']
        for i, x in enumerate((1, 0, 3), 1)
    },
    'ultralytics': {'a_1': [of_ultralytics(1)], 'a_3': [of_ultralytics(3)]},
}


@pytest.mark.parametrize('name', FORMS)
def test_forms_of_other_tools(tmp_path, name):
    form, path = FORMS[name], tmp_path / 'a.json'
    if name == 'OpenPifPaf':
        path.write_text(''.join(f'{json.dumps(line)}\n' for line in form))
    elif name in ('OpenPose', 'MMPose, of pictures', 'ultralytics'):
        path = tmp_path / 'a'
        for stem, content in form.items():
            write_json(path / f'{stem}.json', content)
        (path / '._a_1.json').write_bytes(b'\0')
    else:
        write_json(path, form)
    keypoint, score = read_coco_results(path, 5)
    assert score[:, :, 16].tolist() == [[0.5, 0, 0.5, 0, 0]]
    assert keypoint[0, [0, 2], 3].tolist() == [[1, 20], [3, 20]]


def test_persons_of_a_low_score_are_left_out(folders):
    """A detector's guesses do not take the places of the persons."""
    found = [result(0, x) for x in (1, 2, 3)]
    for one, score in zip(found, (0.004, 0.91, 0.2)):
        one['score'] = score
    write_json(folders[1] / 'run' / 'a.json', found)
    for options, expected in (([], {2, 3}), (['--score-thr', 0.3], {2})):
        out = folders[2].with_name(f'out{len(options)}')
        assert run_tool(coco_results, *folders[:2], out, *options) == 0
        keypoint, score = poses(out, records(out, 'all')['run/a.mp4'])
        assert set(keypoint[score[:, 0, 0] > 0, 0, 0, 0]) == expected


def test_a_folder_with_a_file_a_frame(folders):
    (folders[1] / 'run' / 'a.json').unlink()
    for i in range(10):
        person = dict(pose_keypoints_2d=[8.0 + i, 20, 0.5] * 25)
        write_json(
            folders[1] / 'run' / 'a' / f'a_{i:012d}_keypoints.json',
            dict(people=[person]),
        )
    (folders[1] / 'walk' / 'b c.json').write_text('[]')
    assert run_tool(coco_results, *folders, '--layout', 'body25') == 0
    keypoint, score = poses(
        folders[2], records(folders[2], 'all')['run/a.mp4']
    )
    assert keypoint.shape == (1, 10, 25, 2) and score.all()
    assert keypoint[0, :, 0, 0].tolist() == [8.0 + i for i in range(10)]
    # one that is changed is read again
    person = dict(pose_keypoints_2d=[30.0, 20, 0.5] * 25)
    write_json(
        folders[1] / 'run' / 'a' / 'a_000000000000_keypoints.json',
        dict(people=[person]),
    )
    assert run_tool(coco_results, *folders, '--layout', 'body25') == 0
    keypoint, _ = poses(folders[2], records(folders[2], 'all')['run/a.mp4'])
    assert keypoint[0, :2, 0, 0].tolist() == [30, 9]


def test_results_a_few_frames_too_long_are_cut(folders):
    write_json(
        folders[1] / 'run' / 'a.json',
        [result(9), result(12), result(1, x=float('nan'))],
    )
    assert run_tool(coco_results, *folders) == 0
    assert problems(folders[2], 'noted') == {
        'run/a.mp4': 'poses cut at the end'
    }
    keypoint, score = poses(
        folders[2], records(folders[2], 'all')['run/a.mp4']
    )
    assert score.any(2).tolist() == [[False] * 9 + [True]]
    assert np.isfinite(keypoint).all()


def test_openpose_from_coco():
    keypoint = np.arange(17.0)[:, None] * (1, 10)  # keypoint i at (i, 10i)
    score = np.arange(17) / 20
    keypoint, score = coco17_to_openpose18(keypoint, score)
    # nose, thorax between shoulders 5 and 6, right arm, left arm, ...
    expected = [0, 5.5, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3]
    assert keypoint[:, 0].tolist() == expected
    assert keypoint[:, 1].tolist() == [10 * x for x in expected]
    assert score[1] == 5 / 20
    np.testing.assert_allclose(
        np.delete(score, 1) * 20, expected[:1] + expected[2:]
    )


def test_a_neck_between_shoulders_that_are_not_found():
    keypoint, score = np.full((17, 2), 50.0), np.full(17, 0.4)
    keypoint[5] = 0  # the left one, as ultralytics leaves it
    keypoint, score = coco17_to_openpose18(keypoint, score)
    assert score[1] == score[5] == 0 and score[2] == 0.4


def test_options_that_contradict_are_refused(folders):
    options = ['--layout', 'openpose18', '--to-openpose18']
    assert run_tool(coco_results, *folders, *options) == 2
    message = run_tool(coco_results, *folders, '--layout', 'none')
    assert "unknown keypoint layout 'none'" in message


# ------------------------------------------------------------------- JHMDB


@pytest.fixture
def made_jhmdb(tmp_path):
    """Two classes; the third video is in no split."""
    (tmp_path / 'splits').mkdir()
    for name in ('wave', 'golf'):
        for i in range(3):
            make_video(tmp_path / 'videos' / name / f'{i}.avi')
            write_json(tmp_path / 'poses' / name / f'{i}.json', [result(i)])
        for split in (1, 2, 3):
            parts = (1, 2, 0) if split < 3 else (2, 1, 0)
            (tmp_path / 'splits' / f'{name}_test_split{split}.txt').write_text(
                ''.join(f'{i}.avi {part}\n' for i, part in enumerate(parts))
            )
    return [tmp_path / n for n in ('splits', 'videos', 'poses', 'out')]


def test_jhmdb_has_three_splits(made_jhmdb):
    out = made_jhmdb[-1]
    assert run_tool(jhmdb, *made_jhmdb, '--to-openpose18') == 0
    for split, part, number in [
        (1, 'train', 0),
        (1, 'test', 1),
        (2, 'test', 1),
        (3, 'train', 1),
        (3, 'test', 0),
    ]:
        lines = records(out, f'split{split}_{part}')
        assert {name: line['label'] for name, line in lines.items()} == {
            f'golf/{number}.avi': 0,
            f'wave/{number}.avi': 1,
        }
    assert len(list((out / 'poses').rglob('*.npz'))) == 4
    assert len(read_back(out, 'split1_test', 'openpose18', 2)[0]['inputs'])


def test_jhmdb_splits_that_are_broken_are_named(made_jhmdb):
    path = made_jhmdb[0] / 'wave_test_split2.txt'
    path.write_text('0.avi 3\n')
    message = run_tool(jhmdb, *made_jhmdb)
    assert f"{path}, line 1: '0.avi 3'" in message
    path.unlink()
    assert "wave has splits ['1', '3']" in run_tool(jhmdb, *made_jhmdb)


def test_shipped_names_of_jhmdb():
    path = ROOT / 'tools' / 'data' / 'jhmdb' / 'label_map_jhmdb.txt'
    names = path.read_text().splitlines()
    assert len(names) == 21 and names == sorted(names)


@pytest.fixture(scope='module')
def real_jhmdb(tmp_path_factory):
    source = ROOT.parent / 'shared' / 'samples' / 'jhmdb'
    if not source.is_dir():
        pytest.skip('no ../shared')
    out = tmp_path_factory.mktemp('data') / 'jhmdb'
    folders = [source / name for name in ('splits', 'videos', 'poses')]
    jhmdb.main([*map(str, folders), str(out), '--workers', '2'])
    return source, out


def test_real_jhmdb_is_what_the_files_say(real_jhmdb):
    source, out = real_jhmdb
    assert len(records(out, 'split1_train')) == 258
    assert len(records(out, 'split1_test')) == 106
    classes = (out / 'classes.txt').read_text().splitlines()
    assert len(classes) == 8
    for number in (1, 2, 3):
        expected = {'train': set(), 'test': set()}
        for path in (source / 'splits').glob(f'*_test_split{number}.txt'):
            name = path.name[: -len('_test_split1.txt')]
            for line in path.read_text().split('\n'):
                if line:
                    part = {'1': 'train', '2': 'test'}[line[-1]]
                    expected[part].add(f'{name}/{line[:-2]}')
        for part, names in expected.items():
            lines = records(out, f'split{number}_{part}')
            assert set(lines) == names
            for name, line in lines.items():
                assert classes[line['label']] == name.split('/')[0]

    for line in list(records(out, 'split1_test').values())[::5]:
        keypoint, score = poses(out, line)
        name = line['filename'].replace('.avi', '.json')
        detections = json.loads((source / 'poses' / name).read_text())
        assert 15 <= line['total_frames'] <= 40
        assert score.shape[1:] == (line['total_frames'], 17)
        seen = {}
        for one in detections:
            person = seen.setdefault(one['image_id'], [])
            i, frame = len(person), one['image_id']
            person.append(one)
            np.testing.assert_array_equal(
                np.c_[keypoint[i, frame], score[i, frame]].ravel(),
                np.float32(one['keypoints']),
            )
        counts = [len(seen.get(i, [])) for i in range(score.shape[1])]
        assert (score > 0).any(2).sum(0).tolist() == counts


def test_real_jhmdb_goes_through_the_pipeline_and_a_model(real_jhmdb):
    _, out = real_jhmdb
    dataset = read_back(out, 'split1_test', 'coco17', 8)
    assert len(dataset) == 106
    samples = [dataset[i] for i in (0, 50, 105)]
    assert [s['data_samples'].gt_label.item() for s in samples] == [
        line['label']
        for line in np.array(read_annotations(out / 'split1_test.jsonl'))[
            [0, 50, 105]
        ]
    ]
    assert samples[0]['inputs']['imgs'].shape == (1, 3, 8, 224, 224)
    assert_forward(out, 'split1_test', 'coco17', 8)
