"""Labels of a source as it runs."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from commands import fork
from conftest import ROOT
from inferencers import Middle
from test_source import film

from integral_action.datasets.video_reader import VideoReader
from integral_action.live import LivePicture, LiveRecognizer, LiveSource


def label(recognizer):
    return [one for _, some in recognizer for one in some]


def test_it_says_what_stream_says(inferencer, tmp_path):
    path = film(tmp_path / 'a.mp4', 10, fps=5)
    fused = inferencer('fused', pose_estimator=Middle())
    options = dict(window=1, stride=0.4, fps=5, pose_every=2)
    found = label(LiveRecognizer(fused, LiveSource(str(path)), **options))
    frames = list(VideoReader(path).get_batch(range(10)))
    fused.pose_estimator.seen = 0
    expected = list(fused.stream(frames, **options))
    assert [one['end'] for one in expected] == pytest.approx([1, 1.4, 1.8])
    # on a busy machine a window may be dropped
    assert found and found[-1].get('windows_dropped') == 3 - len(found)
    expected = {round(one['end'], 3): one for one in expected}
    for one in found:
        other = expected[round(one['end'], 3)]
        assert one.keys() - other.keys() == {
            'latency', 'frames_dropped', 'windows_dropped',
        }  # fmt: skip
        assert one['latency'] >= 0 and one['frames_dropped'] == 0
        assert one['rec_scores'] == pytest.approx(other['rec_scores'])


class Slow(Middle):
    def __call__(self, frames):
        time.sleep(0.3)
        return super().__call__(frames)


def test_who_is_too_slow_drops_frames_and_is_not_late(inferencer, tmp_path):
    """Three frames a second, of 30: all 90 would take 27 seconds."""
    path = film(tmp_path / 'a.mp4', 90)
    fused = inferencer('fused', pose_estimator=Slow())
    found = label(
        LiveRecognizer(
            fused, LiveSource(str(path)), 1, 0.5, fps=30, pose_every=1
        )
    )
    assert fused.pose_estimator.seen < 30
    assert found[-1]['frames_dropped'] > 50
    assert found[-1]['end'] > 2


class Broken:
    """A source that breaks."""

    left_out = 0

    def now(self):
        return 0

    def __iter__(self):
        yield 0.0, np.zeros((48, 64, 3), np.uint8)
        raise OSError('the cable')


@pytest.mark.parametrize('show', [False, True])
def test_what_is_wrong_with_a_source_is_said(inferencer, show):
    recognizer = LiveRecognizer(inferencer('appearance'), Broken(), show=show)
    with pytest.raises(OSError, match='the cable'):
        label(recognizer)


def test_settings_are_checked_at_once(inferencer):
    with pytest.raises(ValueError, match='stride 3'):
        LiveRecognizer(inferencer('appearance'), Broken(), stride=3)
    with pytest.raises(ValueError, match='per_person: .* takes no poses'):
        LiveRecognizer(inferencer('appearance'), Broken(), per_person=True)


def test_pictures_have_labels_poses_and_gate(inferencer, tmp_path):
    path = film(tmp_path / 'a.mp4', 10, fps=5)
    fused = inferencer('fused', pose_estimator=Middle())
    recognizer = LiveRecognizer(
        fused, LiveSource(str(path)), 1, 0.4, fps=5, show=True
    )
    frames, predictions = zip(*recognizer)
    frame = [frame for frame in frames if frame is not None][-1]
    predictions = [one for some in predictions for one in some]
    assert predictions
    drawn = LivePicture('coco17', width=320)
    for one in predictions:
        drawn.update(one)
        picture = drawn(frame)
        assert picture.shape == (58 + 240 + 26, 320, 3)
        filled = (picture[-13, 110:] == (200, 60, 40)).all(-1).sum()
        assert filled == pytest.approx(198 * one['gate']['mean'], abs=2)


# -------------------------------------------------------------- the command


@pytest.fixture
def options(stages):
    return (
        '--checkpoint',
        stages / 'fused.pth',
        '--poses',
        'inferencers:Middle',
    )


def test_the_command_prints_json_and_writes_a_film(options, tmp_path):
    path = film(tmp_path / 'a.mp4', 60)
    printed = fork(
        'live.py', path, *options, '--json', '--window', '1', '--out-video',
        'out.mp4', cwd=tmp_path,
    )  # fmt: skip
    lines = [json.loads(line) for line in printed.splitlines() if '{' in line]
    assert lines and lines[0]['start'] == 0
    assert {'rec_names', 'gate', 'latency', 'frames_dropped'} <= set(lines[0])
    out = VideoReader(tmp_path / 'out.mp4')
    assert out.shape == (58 + 480 + 26, 640)
    assert out.times[-1] == pytest.approx(2, abs=0.4)


def test_interrupted_the_film_is_whole(options, tmp_path):
    path = film(tmp_path / 'a.mp4', 3000)
    command = [
        sys.executable, ROOT / 'tools' / 'live.py', path, *options,
        '--out-video', 'out.mp4', '--window', '1',
    ]  # fmt: skip
    folders = os.pathsep.join((str(ROOT), str(ROOT / 'tests')))
    with subprocess.Popen(
        list(map(str, command)),
        cwd=tmp_path,
        env=os.environ | dict(PYTHONPATH=folders),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        line = process.stdout.readline()
        assert 'gate' in line and 'dropped: ' in line
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait() == 0
    film_of_a_second = VideoReader(tmp_path / 'out.mp4')
    assert len(film_of_a_second) >= 10
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize('arguments, words', [
    (('none.mp4',), 'none.mp4: there is no such file'),
    (('a.mp4', '--stride', '3'), '--stride is longer than --window'),
    (('a.mp4', '--out-video', 'a.avi'), 'expected a .mp4'),
    (('a.mp4', '--pose-every', '0'), '0: expected 1 or more'),
])  # fmt: skip
def test_commands_that_cannot_be(options, arguments, words, tmp_path):
    printed = fork('live.py', *arguments, *options, cwd=tmp_path, check=False)
    assert words in printed and 'Traceback' not in printed
