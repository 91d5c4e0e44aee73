"""Frames by their numbers, in whatever way a film is stored."""

import os
import struct
from contextlib import contextmanager
from fractions import Fraction

import av
import numpy as np
import pytest
from mmaction.registry import TRANSFORMS

from integral_action.apis.videos import list_inputs
from integral_action.datasets.video_reader import VideoReader, Window
from integral_action.fileio import SampleError

SIZE = 64, 96  # height, width
FRAMES = 80


def picture(number, size=SIZE):
    """Eight bars, black or white: the number's bits, the lowest on the left;
    above them grey."""
    height, width = size
    frame = np.full((height, width, 3), 90, np.uint8)
    bits = number >> np.arange(8) & 1
    frame[height // 2 :] = np.repeat(bits * 255, width // 8)[:, None]
    return frame


def numbers(frames):
    """Read the numbers in pictures [N, H, W, 3]."""
    height, width = frames.shape[1:3]
    middles = width // 16 + width // 8 * np.arange(8)
    bits = frames[:, height * 3 // 4, middles].mean(-1) > 127
    return (bits << np.arange(8)).sum(-1).tolist()


@contextmanager
def own_scheduling():
    """SVT-AV1, run by root, leaves its caller a real-time thread: all that it
    starts inherits that, and what waits in a loop lets nobody else run."""
    if not hasattr(os, 'sched_getscheduler'):  # not on Linux
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)


def write(
    path, codec='libx264', frames=range(FRAMES), times=None, pix_fmt='yuv420p',
    muxer=None, sizes=(SIZE,), **options
):  # fmt: skip
    """A film; of several sizes it has a stream each, of other numbers."""
    with (
        own_scheduling(),
        av.open(str(path), 'w', options=muxer or {}) as container,
    ):
        streams = []
        for height, width in sizes:
            stream = container.add_stream(codec, 30, options=options)
            stream.width, stream.height = width, height
            stream.pix_fmt = pix_fmt
            stream.disposition = av.stream.Disposition.default.value
            streams.append(stream)
        for place, number in enumerate(frames):
            for which, (stream, size) in enumerate(zip(streams, sizes)):
                frame = picture(number + which, size)
                frame = av.VideoFrame.from_ndarray(frame, 'rgb24')
                frame = frame.reformat(format=pix_fmt)
                frame.pts = place if times is None else times[place]
                frame.time_base = Fraction(1, 30)
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode())
    return path


def turn(path, a, b, c, d):
    """Write a display matrix into an mp4 file."""
    data = bytearray(path.read_bytes())
    place = data.index(b'tkhd') + 44
    one = 1 << 16
    matrix = a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30
    data[place : place + 36] = struct.pack('>9i', *matrix)
    path.write_bytes(data)
    return path


def cut(source, path, start):
    """Copy an mp4 from a key frame on, to be shown from ``start`` on."""
    with av.open(str(source)) as old, av.open(str(path), 'w') as new:
        stream = old.streams.video[0]
        copy = new.add_stream_from_template(stream)
        shift = start * 512  # of a time base of 1 / 15360
        assert stream.time_base == Fraction(1, 15360)
        old.seek(shift, stream=stream)
        for packet in old.demux(stream):
            if packet.size:
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                packet.stream = copy
                new.mux(packet)
    return path


FILMS = {
    'x264.mp4': dict(g='25'),
    'fragments.mp4': dict(g='25', muxer=dict(movflags='frag_keyframe')),
    'open.mkv': {'x264-params': 'open-gop=1:keyint=24'},
    'refresh.mkv': {'x264-params': 'intra-refresh=1:keyint=24'},
    'x264.avi': dict(g='25'),
    'x264.flv': dict(g='25'),
    'x264.ts': dict(g='25'),
    'camera.MTS': dict(g='25', muxer=dict(mpegts_m2ts_mode='1')),
    'x265.mkv': {'codec': 'libx265', 'x265-params': 'keyint=24:log-level=0'},
    'x265.mp4': {'codec': 'libx265', 'x265-params': 'keyint=24:log-level=0'},
    'av1.mp4': dict(codec='libsvtav1', preset='8', g='30', crf='2'),
    'vp8.webm': {
        'codec': 'libvpx', 'auto-alt-ref': '1', 'lag-in-frames': '16',
        'g': '30', 'deadline': 'realtime',
    },
    'vp9.webm': dict(codec='libvpx-vp9', g='30', deadline='realtime'),
    'divx.avi': dict(codec='mpeg4', bf='2'),
    'divx.mkv': dict(codec='mpeg4', bf='2'),
    'plain.avi': dict(codec='mpeg4'),
    'mpeg1.mpg': dict(codec='mpeg1video', bf='2'),
    'mpeg2.ts': dict(codec='mpeg2video', bf='2'),
    'mpeg2.mkv': dict(codec='mpeg2video', bf='2'),
    'jpeg.avi': dict(codec='mjpeg', pix_fmt='yuvj420p'),
    'film.wmv': dict(codec='wmv2'),
    'film.gif': dict(codec='gif', pix_fmt='rgb8'),
}  # fmt: skip


@pytest.mark.parametrize('name', FILMS)
def test_every_frame_is_found_by_its_number(name, tmp_path):
    path = write(tmp_path / name, **FILMS[name])
    reader = VideoReader(path)
    assert len(reader) == FRAMES
    frames = reader.get_batch(range(FRAMES))
    assert numbers(frames) == list(range(FRAMES))
    random = np.random.default_rng(0)
    for reader in (VideoReader(path), VideoReader(path, backend_args={})):
        for wanted in (
            [FRAMES - 1],
            [3, 3, 70, 12],
            *random.choice(FRAMES, (5, 6), replace=False),
        ):
            chosen = reader.get_batch(wanted)
            np.testing.assert_array_equal(chosen, frames[wanted])
    with pytest.raises(SampleError, match='no frame 80, .* after 80 frames'):
        reader.get_batch([80])


def test_hidden_frames_are_left_out(tmp_path, make_video_hiding):
    source = write(tmp_path / 'x264.mp4', g='25')
    path = cut(source, tmp_path / 'cut.mp4', start=40)  # copied from 25 on
    reader = VideoReader(path)
    assert len(reader) == 40
    assert numbers(reader.get_batch(range(40))) == list(range(40, 80))
    assert numbers(reader.get_batch([39, 0, 20])) == [79, 40, 60]
    assert reader.times[-1] == pytest.approx(40 / 30)

    film = np.stack([picture(number) for number in range(10)])
    reader = VideoReader(make_video_hiding(film, 6))
    shown = numbers(reader.get_batch(range(len(reader))))
    assert len(shown) == 9 and shown == sorted(set(shown))


@pytest.mark.parametrize(
    'matrix, turned',
    [
        ((0, 1, -1, 0), lambda x: np.rot90(x, -1, (1, 2))),  # clockwise
        ((0, -1, 1, 0), lambda x: np.rot90(x, 1, (1, 2))),
        ((-1, 0, 0, -1), lambda x: x[:, ::-1, ::-1]),
        ((-1, 0, 0, 1), lambda x: x[:, :, ::-1]),
        ((0, 1, 1, 0), lambda x: x.swapaxes(1, 2)),
    ],
)
def test_pictures_are_upright(tmp_path, matrix, turned):
    path = write(tmp_path / 'a.mp4', frames=range(4), g='2')
    lying = VideoReader(path).get_batch(range(4))
    frames = VideoReader(turn(path, *matrix)).get_batch(range(4))
    np.testing.assert_array_equal(frames, turned(lying))


def test_the_main_stream_is_read(tmp_path):
    """FFmpeg takes the largest."""
    path = write(tmp_path / 'a.mp4', sizes=(SIZE, (96, 128)), frames=range(9))
    frames = VideoReader(path).get_batch(range(9))
    assert frames.shape == (9, 96, 128, 3)
    assert numbers(frames) == list(range(1, 10))


def test_times_are_the_frames(tmp_path):
    times = [60, 61, 62, 70, 100, 101]  # thirtieths; the last lasts one
    for name in ('a.mkv', 'a.mp4', 'a.ts'):
        path = write(tmp_path / name, frames=range(6), times=times)
        reader = VideoReader(path)
        expected = np.array([0, 1, 2, 10, 40, 41, 42]) / 30
        np.testing.assert_allclose(reader.times, expected, atol=2e-3)
        (video,) = list_inputs(path)
        video = video.open(fps=7)
        assert video.mean_fps == pytest.approx(6 / 1.4, rel=2e-3)
        found = [numbers(frames) for frames in video.batches(4)]
        assert found == [[0, 1, 2, 3], [4, 5]]
        window = Window(video, 3, 6)
        assert numbers(window.get_batch([0, 2])) == [3, 5]


def test_colours_are_those_of_the_film(tmp_path):
    """A grey of 90 at full and at limited range, and in ten bits."""
    for pix_fmt in ('yuv420p', 'yuvj420p', 'yuv444p', 'yuv420p10le'):
        path = write(tmp_path / 'a.mp4', frames=[7], pix_fmt=pix_fmt)
        top = VideoReader(path).get_batch([0])[0, :24]
        assert abs(top.astype(int) - 90).max() <= 3


def test_other_files_are_said_to_be_no_films(tmp_path, monkeypatch):
    def said(name, data=None):
        if data is not None:
            (tmp_path / name).write_bytes(data)
        with pytest.raises(SampleError) as caught:
            VideoReader(tmp_path / name).get_batch([0])
        text = str(caught.value)
        assert text.startswith(f'{tmp_path / name}: ')
        return text[len(f'{tmp_path / name}: ') :]

    assert said('none.mp4') == 'there is no such video'
    assert said('empty.mp4', b'') == 'an empty file, not a video'
    nothing = 'cannot be read as a video, is it truncated, or something else?'
    assert said('text.txt', b'hello\n' * 9).startswith(nothing)
    with av.open(str(tmp_path / 'a.m4a'), 'w') as container:
        stream = container.add_stream('aac', 16000, layout='mono')
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), np.float32), 'fltp', 'mono'
        )
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert said('a.m4a') == 'there is no film in it, only sound'
    write(tmp_path / 'a.png', 'png', [1], pix_fmt='rgb24')
    assert said('a.png') == 'there is no film in it, only a picture'
    data = write(tmp_path / 'a.mp4').read_bytes()
    assert said('b.mp4', data[:-200]).startswith(nothing)
    data = data.replace(b'avc1', b'zzzz')
    assert said('c.mp4', data) == 'PyAV has no decoder for its video'

    # a name is no URL
    monkeypatch.chdir(tmp_path)
    os.rename('a.mp4', 'http:a.mp4')
    assert len(VideoReader('http:a.mp4')) == FRAMES


def test_a_frame_that_cannot_be_decoded_is_named(tmp_path):
    path = write(tmp_path / 'a.avi', 'mjpeg', pix_fmt='yuvj420p')
    data = bytearray(path.read_bytes())
    place = -1
    for _ in range(52):  # the header has one; then that of frame 50
        place = data.index(b'00dc', place + 1)
    size = int.from_bytes(data[place + 4 : place + 8], 'little')
    data[place + 8 : place + 8 + size] = bytes(size)
    path.write_bytes(data)
    reader = VideoReader(path)
    assert numbers(reader.get_batch([3, 49, 51])) == [3, 49, 51]
    message = 'a.avi: it ends early, frame 50 of 80 cannot be decoded'
    with pytest.raises(SampleError, match=message):
        reader.get_batch(range(45, 55))


def decode(path, total=FRAMES, **options):
    sample = dict(
        filename=str(path),
        total_frames=total,
        RGB_inds=np.array([3, 9, 3]),
        modality=['RGB'],
    )
    transform = TRANSFORMS.build(dict(type='DecodeTwoStream', **options))
    return numbers(np.stack(transform(sample)['imgs']))


def test_it_decodes_for_a_pipeline(tmp_path):
    path = write(tmp_path / 'a.mpg', 'mpeg1video', bf='2')
    assert decode(path) == [3, 9, 3]
    with pytest.raises(SampleError, match='total_frames 81, but .* 80 frames'):
        decode(path, 81)
    # as configs of earlier versions say
    assert decode(path, decoder='pyav') == [3, 9, 3]
    with pytest.warns(UserWarning, match="'decord' .* has no effect"):
        assert decode(path, decoder='decord') == [3, 9, 3]


def test_inputs_of_an_inferencer_are_videos():
    frames = [picture(i) for i in range(3)]
    with pytest.raises(ValueError, match='list of frames, expected a video'):
        list_inputs(frames)
    with pytest.raises(ValueError, match='not a list'):
        list_inputs([frames])
    assert len(list_inputs([np.stack(frames)])) == 1


def test_films_that_people_have(shared):
    """Their frames as FFmpeg counts them, and a moment that is found again."""
    expected = {
        'av1.mp4': (60, (240, 320)),
        'cut_copy.mp4': (62, (240, 320)),
        'divx_bf2.avi': (600, (240, 320)),
        'h264.ts': (120, (240, 320)),
        'hevc8.mkv': (120, (240, 320)),
        'live.webm': (120, (240, 320)),
        'mpg_default.mpg': (600, (240, 320)),
        'rot180.mp4': (72, (360, 640)),
        'rot_cw90.mp4': (72, (360, 640)),
        'two_tracks_b.mp4': (120, (257, 341)),
        'vfr.webm': (120, (240, 320)),
    }
    for name, (total, shape) in expected.items():
        path = shared / 'cases' / 'videos' / name
        reader = VideoReader(path)
        assert (len(reader), reader.get_batch([0]).shape[1:3]) == (
            total,
            shape,
        )
        place = total * 2 // 3
        for at in range(0, place + 1, 16):  # in order
            frames = reader.get_batch(range(at, min(at + 16, total)))
        np.testing.assert_array_equal(
            frames[place - at], VideoReader(path).get_batch([place])[0]
        )
    assert VideoReader(path).times[-1] == pytest.approx(11.85, abs=0.05)
