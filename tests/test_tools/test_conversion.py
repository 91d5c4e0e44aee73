"""Converting datasets: integral_action/datasets/conversion/."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from commands import CONTEXT
from converters import (
    TOOLS,
    load_tool,
    make_video,
    poses,
    problems,
    records,
    run_tool,
    write_json,
)
from hypothesis import given
from hypothesis import strategies as st

from integral_action.datasets.conversion import (
    Video,
    convert,
    fit_length,
    probe_video,
    tidy_poses,
)
from integral_action.datasets.label_map import LabelMap
from integral_action.fileio import SampleError
from integral_action.process_pool import run_in_processes


def read_text(path, info):
    """As many frames as the file says; one that says 'crash' takes the
    process with it."""
    text = path.read_text()
    if text == 'crash':
        os._exit(3)
    score = np.full((1, int(text), 17), 0.5)
    return np.full((*score.shape, 2), 7.0), score


@pytest.fixture
def make(tmp_path):
    """Convert videos whose poses are text files; gives the report."""

    def make(texts, **options):
        videos = []
        for i, text in enumerate(texts):
            video = tmp_path / 'in' / f'{i}.mp4'
            if not video.exists():
                make_video(video)
            poses = video.with_suffix('.txt')
            before = poses.read_text() if poses.exists() else None
            if text not in (None, before):
                poses.write_text(text)
            videos.append(Video(video.name, dict(all=0), poses))
        names = {'classes.txt': ['one']}
        arguments = (videos, read_text, tmp_path / 'in', tmp_path / 'out')
        return convert(*arguments, 'coco17', names, **options)

    return make


def test_a_video_is_measured_as_it_is_read(tmp_path):
    info = probe_video(make_video(tmp_path / 'a.mp4', 13, 25, (80, 48)))
    assert info.total_frames == 13
    assert info.fps == pytest.approx(25)
    assert info.img_shape == (48, 80)
    with pytest.raises(SampleError, match='b.mp4: there is no such video'):
        probe_video(tmp_path / 'b.mp4')
    (tmp_path / 'c.mp4').write_bytes(b'no video')
    with pytest.raises(SampleError, match='c.mp4: cannot be read'):
        probe_video(tmp_path / 'c.mp4')


def test_the_best_persons_of_each_frame_are_kept():
    score = np.zeros((3, 2, 4))
    score[:, 0] = np.array([0.1, 0.3, 0.2])[:, None]
    score[:, 1] = np.array([0.9, 0.3, 0.4])[:, None]
    keypoint = np.broadcast_to(
        np.arange(3).reshape(3, 1, 1, 1) + 1.0, (3, 2, 4, 2)
    )
    kept, kept_score = tidy_poses(keypoint, score, 2)
    assert kept[:, :, 0, 0].tolist() == [[2, 1], [3, 3]]
    np.testing.assert_allclose(kept_score[:, :, 0], [[0.3, 0.9], [0.2, 0.4]])


def test_what_is_no_number_is_not_found():
    keypoint = np.ones((1, 1, 4, 2))
    keypoint[0, 0, 0, 1], keypoint[0, 0, 1, 0] = np.nan, np.inf
    score = np.array([[[0.5, 0.5, -1, 0.5]]])
    keypoint, score = tidy_poses(keypoint, score, 5)
    assert score.tolist() == [[[0, 0, 0, 0.5]]]
    assert keypoint[0, 0].tolist() == [[0, 0], [0, 0], [1, 1], [1, 1]]


@pytest.mark.parametrize('persons', [0, 3])
def test_nobody_is_one_person_without_a_score(persons):
    keypoint, score = tidy_poses(
        np.ones((persons, 6, 17, 2)), np.zeros((persons, 6, 17)), 5
    )
    assert keypoint.shape == (1, 6, 17, 2) and not keypoint.any()
    assert score.shape == (1, 6, 17) and not score.any()


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 5))
def test_poses_are_cut_or_padded_within_the_tolerance(length, frames, most):
    score = np.arange(1.0, length + 1).reshape(1, length, 1)
    keypoint = np.stack([score, -score], -1)
    if abs(length - frames) > most:
        with pytest.raises(SampleError, match=f'{length} frames.*{frames}'):
            fit_length(keypoint, score, frames, most)
        return
    keypoint, score, surplus = fit_length(keypoint, score, frames, most)
    expected = [i + 1 if i < length else 0 for i in range(frames)]
    assert score[0, :, 0].tolist() == expected
    assert keypoint[0, :, 0, 0].tolist() == expected
    assert surplus == length - frames


def test_a_report_tells_what_became_of_every_video(make, tmp_path):
    (tmp_path / 'in').mkdir()
    (tmp_path / 'in' / '4.mp4').write_bytes(b'no video')
    texts = ['10', '12', '7', '16', '10', None, 'x', '0']
    report = make(texts)
    out = tmp_path / 'out'
    assert list(records(out, 'all')) == ['0.mp4', '1.mp4', '2.mp4']
    assert problems(out) == {
        '3.mp4': 'poses of another length',
        '4.mp4': 'video unreadable',
        '5.mp4': 'poses missing',
        '6.mp4': 'poses unreadable',
        '7.mp4': 'poses of another length',
    }
    assert problems(out, 'noted') == {
        '1.mp4': 'poses cut at the end',
        '2.mp4': 'poses padded at the end',
    }
    messages = {one.filename: one.message for one in report.left_out}
    assert (
        '3.txt: poses of 16 frames, but the video has 10'
        in (messages['3.mp4'])
    )
    assert '6.txt' in messages['6.mp4'] and "'x'" in messages['6.mp4']
    assert report.exit_status == 3
    keypoint, score = poses(out, records(out, 'all')['2.mp4'])
    assert (keypoint[0, :, 0, 0] > 0).tolist() == [True] * 7 + [False] * 3
    assert (out / 'classes.txt').read_text() == 'one\n'
    assert (out / 'videos' / '0.mp4').exists()


def test_no_list_where_nothing_can_be_used(make, tmp_path):
    assert make(['10']).exit_status == 0
    assert make(['90']).exit_status == 1
    assert not (tmp_path / 'out' / 'all.jsonl').exists()


def test_only_what_changed_is_made_again(make, tmp_path):
    make(['10', '9', '99'])
    files = [tmp_path / 'out' / 'poses' / f'{i}.npz' for i in range(3)]
    before = [path.stat().st_mtime_ns for path in files[:2]]
    time.sleep(0.02)
    report = make(['10', '8', '11'])
    assert files[0].stat().st_mtime_ns == before[0]
    assert files[1].stat().st_mtime_ns > before[1]
    assert files[2].exists()  # a video that failed is tried again
    assert report.lists == {'all': 3} and report.exit_status == 0
    # what was noted of a video that is not read again is still told
    assert [one.filename for one in make(['10', '8', '11']).noted] == [
        '1.mp4',
        '2.mp4',
    ]
    files[0].unlink()
    make(['10', '8', '11'])
    assert files[0].exists()


def test_other_settings_are_another_folder(make):
    make(['10'])
    with pytest.raises(ValueError, match='max_persons 10, not 3'):
        make(['10'], max_persons=3)


def test_half_a_line_of_the_journal_is_done_again(make, tmp_path):
    make(['10', '10'])
    journal = tmp_path / 'out' / '.converted'
    journal.write_text(journal.read_text()[:-40])
    assert make(['10', '10']).lists == {'all': 2}
    assert all(json.loads(line) for line in journal.read_text().splitlines())


@pytest.mark.parametrize('workers', [1, 2])
def test_a_crash_is_one_videos_and_the_others_go_on(make, tmp_path, workers):
    texts = ['10'] * 12
    texts[2] = texts[7] = 'crash'
    report = make(texts, workers=workers)
    assert problems(tmp_path / 'out') == {
        '2.mp4': 'reading it crashes',
        '7.mp4': 'reading it crashes',
    }
    assert report.lists == {'all': 10}


def test_empty_videos_are_kept_or_left_out_without_fault(tmp_path):
    make_video(tmp_path / 'in' / 'a.mp4')
    (tmp_path / 'x').touch()

    def nobody(path, info):
        return np.zeros((0, 10, 17, 2)), np.zeros((0, 10, 17))

    for keep, group in ((True, 'noted'), (False, 'excluded')):
        out = tmp_path / str(keep)
        report = convert(
            [
                Video('a.mp4', dict(all=0), tmp_path / 'x'),
            ],
            nobody,
            tmp_path / 'in',
            out,
            'coco17',
            {'classes.txt': ['one']},
            keep_empty=keep,
        )
        assert problems(out, group) == {'a.mp4': 'no person in any frame'}
        assert not report.left_out
        assert report.lists == {'all': int(keep)}


@pytest.mark.parametrize(
    ('videos', 'message'),
    [
        ([], 'no videos'),
        ([('a.mp4', 0), ('a.avi', 0)], r'a.avi and a.mp4 .* a.npz'),
        ([('a.mp4', 0), ('a.mp4', 0)], 'share the pose file a.npz'),
        ([('../a.mp4', 0)], 'inside the folder'),
        ([('a.mp4', 1)], 'a.mp4: label is 1, expected a number from 0 to 0'),
    ],
)
def test_what_cannot_be_right_is_said_before_anything_is_read(
    tmp_path, videos, message
):
    videos = [Video(name, dict(all=n), Path('x')) for name, n in videos]
    out = tmp_path / 'out'
    with pytest.raises(ValueError, match=message):
        convert(videos, read_text, tmp_path, out, 'coco17', {'l': ['one']})
    assert not out.exists()


def test_a_folder_of_videos_is_not_replaced_by_a_link(make, tmp_path):
    (tmp_path / 'out' / 'videos').mkdir(parents=True)
    with pytest.raises(ValueError, match='--no-link'):
        make(['10'])
    make(['10'], link=False)
    assert not (tmp_path / 'out' / 'videos').is_symlink()


def test_killed_and_started_again_it_ends_as_if_it_had_not_been(tmp_path):
    result = dict(image_id=0, keypoints=[20.5, 30, 0.5] * 17)
    for i in range(150):
        name = f'{"ab"[i % 2]}/{i:03d}'
        make_video(tmp_path / 'videos' / f'{name}.mp4', 3)
        write_json(tmp_path / 'poses' / f'{name}.json', [result])
    folders = [tmp_path / 'videos', tmp_path / 'poses']
    command = [sys.executable, TOOLS / 'coco_results.py', *folders]
    command = [*command, tmp_path / 'killed', '--workers', '2']
    journal = tmp_path / 'killed' / '.converted'
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while process.poll() is None:
        if journal.exists() and journal.read_text().count('\n') > 20:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.002)
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / 'killed' / 'all.jsonl').exists()
    done = journal.read_text().count('\n') - 1
    assert 20 <= done < 150
    tool = load_tool('coco_results')
    assert run_tool(tool, *folders, tmp_path / 'killed') == 0
    assert run_tool(tool, *folders, tmp_path / 'whole') == 0

    def contents(out):
        return {
            path.relative_to(out): path.read_bytes()
            for path in out.rglob('*')
            if path.is_file() and not path.name.startswith('.')
        }

    assert contents(tmp_path / 'killed') == contents(tmp_path / 'whole')
    assert len(contents(tmp_path / 'whole')) == 150 + 3


def test_label_names_are_found_however_they_are_written(tmp_path):
    names = LabelMap(['shooting goal (soccer)', 'archery'], 'here')
    assert names['Shooting_goal__soccer_'] == 0
    assert 'archer' not in names
    with pytest.raises(ValueError, match="'archer' is none of the 2 .* here"):
        names['archer']
    with pytest.raises(ValueError, match="'a_b' stands there twice"):
        LabelMap(['a b', 'a_b'], 'here')
    annotations = [
        dict(action_label=label, action_name=name)
        for label, name in [(1, 'archery'), (0, 'bowling'), (1, 'archery')]
    ]
    path = write_json(tmp_path / 'k.json', dict(annotations=annotations))
    assert LabelMap.read(path).names == ['bowling', 'archery']
    annotations[0]['action_label'] = 0
    write_json(path, dict(annotations=annotations))
    with pytest.raises(ValueError, match="k.json.*label 0 is 'archery' and"):
        LabelMap.read(path)


def test_function_that_workers_cannot_get_ends_the_command():
    """A pool that cannot send it would wait for ever as Python exits."""
    code = (
        'from integral_action.process_pool import run_in_processes\n'
        'list(run_in_processes(lambda video: video, [1, 2], 2, print))'
    )
    result = subprocess.run(
        [sys.executable, '-c', code],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 1 and 'PicklingError' in result.stderr


def test_a_pool_in_a_process_of_multiprocessing_ends():
    """Such a process stops feeding its pools as it ends."""
    process = CONTEXT.Process(target=_absolutes, args=(range(4),))
    process.start()
    process.join(60)
    assert process.exitcode == 0


def _absolutes(numbers):
    items = run_in_processes(abs, numbers, 2, print)
    assert sorted(items) == [(number, number) for number in numbers]
