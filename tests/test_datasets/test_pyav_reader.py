"""PyAV and decord give the same frames, and no frame for another."""

import subprocess
import sys

import av
import numpy as np
import pytest
from mmaction.registry import TRANSFORMS

from integral_action.datasets.decord_reader import DecordReader
from integral_action.datasets.pyav_reader import PyAVReader
from integral_action.fileio import SampleError


@pytest.fixture
def h264(tmp_path):
    """40 frames with few key frames and with B-frames; frame i is grey 5 i."""
    path = tmp_path / 'video.mp4'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libx264', 30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuv420p'
        stream.options = dict(g='16', bf='3')
        for i in range(40):
            frame = np.full((48, 64, 3), 5 * i, np.uint8)
            frame[i : i + 8, i : i + 8, 0] = 255
            frame = av.VideoFrame.from_ndarray(frame, 'rgb24')
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    'indices', [[0], [39], [17, 25, 33], [33, 3, 3, 20], range(40)]
)
def test_frames_are_decords(h264, indices):
    indices = list(indices)
    frames = PyAVReader(h264).get_batch(indices)
    expected = DecordReader(str(h264)).get_batch(indices)
    np.testing.assert_array_equal(frames, expected)
    assert (
        abs(
            frames[:, 0, -1].astype(int).mean(-1) - 5 * np.array(indices)
        ).max()
        < 4
    )


def test_a_reader_is_read_again(h264):
    reader = PyAVReader(h264)
    last = reader.get_batch([39])
    first = reader.get_batch([0])
    assert len(reader) == 40 and first[0, 0, -1, 0] + 150 < last[0, 0, -1, 0]


def test_real_files_are_decords(shared):
    samples = shared / 'samples'
    paths = [samples / 'videos' / 'demo.mp4', *samples.glob('ntu/*.avi')]
    paths += sorted(samples.glob('jhmdb/videos/*/*.avi'))[::120]
    assert len(paths) > 4
    for path in paths:
        reader, other = PyAVReader(path), DecordReader(str(path))
        assert len(reader) == len(other)
        indices = [1, len(other) // 2, len(other) - 1]
        np.testing.assert_array_equal(
            reader.get_batch(indices), other.get_batch(indices)
        )


def test_last_frames_on_a_busy_machine(shared):
    # decord itself gives frame 51 for 102 in about every second reading
    path = next((shared / 'samples').glob('ntu/*.avi'))
    indices = [51, 102]
    expected = PyAVReader(path).get_batch(indices)
    busy = [
        subprocess.Popen([sys.executable, '-c', 'while True: pass'])
        for _ in range(3)
    ]
    try:
        for _ in range(3):
            frames = DecordReader(str(path)).get_batch(indices)
            np.testing.assert_array_equal(frames, expected)
    finally:
        for process in busy:
            process.kill()


def test_a_frame_for_another_is_said(make_video_hiding):
    frames = np.empty((10, 48, 64, 3), np.uint8)
    frames[:] = 20 * np.arange(10, dtype=np.uint8)[:, None, None, None]
    reader = DecordReader(str(make_video_hiding(frames, 6)))
    reader.get_batch([0])
    assert not reader.replaced
    message = 'video.avi: decord cannot decode all frames from 0 to 9, and'
    with pytest.warns(UserWarning, match=message):
        found = reader.get_batch(range(10))
    assert reader.replaced and len(found) == 10


def decode(path, total=40, **options):
    sample = dict(
        filename=str(path),
        total_frames=total,
        RGB_inds=np.array([3, 9, 3]),
        modality=['RGB'],
    )
    transform = TRANSFORMS.build(dict(type='DecodeTwoStream', **options))
    return transform(sample)['imgs']


def test_it_decodes_for_a_pipeline(h264):
    np.testing.assert_array_equal(
        decode(h264, decoder='pyav'), decode(h264, decoder='decord')
    )


def test_what_is_wrong_is_said(h264, tmp_path):
    with pytest.raises(ValueError, match="got 'opencv'"):
        decode(h264, decoder='opencv')
    with pytest.raises(ValueError, match="io_backend='petrel'"):
        decode(h264, decoder='pyav', io_backend='petrel')
    with pytest.raises(SampleError, match='none.mp4: there is no such video'):
        decode(tmp_path / 'none.mp4', decoder='pyav')
    with pytest.raises(SampleError, match='total_frames 41, but .* 40 frames'):
        decode(h264, 41, decoder='pyav')
    broken = tmp_path / 'broken.mp4'
    broken.write_bytes(h264.read_bytes()[:600])
    with pytest.raises(SampleError, match='broken.mp4: cannot be read'):
        decode(broken, decoder='pyav')
    with pytest.raises(RuntimeError, match='there is no frame 40'):
        PyAVReader(h264).get_batch([40])
