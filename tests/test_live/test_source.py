"""Cameras, network streams and films, as they come, go and come back."""

import http.server
import socket
import threading
import time

import av
import numpy as np
import pytest

from integral_action.datasets.video_reader import VideoReader
from integral_action.fileio import SampleError
from integral_action.live import LiveSource


def film(path, frames, fps=30, **options):
    """Pictures whose grey is their number, 4 levels apart."""
    kind = dict(format='mpegts') if path.suffix == '.ts' else {}
    kind = kind or dict(options=dict(movflags='faststart'))
    with av.open(str(path), 'w', **kind) as file:
        stream = file.add_stream('libx264', rate=fps, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuv420p'
        for number in range(frames):
            picture = np.full((48, 64, 3), 4 * number % 256, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format='rgb24')
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path


def numbers(frames):
    return [round(frame.mean() / 4) for _, frame in frames]


def test_a_film_is_played_at_its_own_speed(tmp_path):
    path = film(tmp_path / 'a.mp4', 15)
    source, start = LiveSource(str(path)), time.monotonic()
    arrived, frames = [], []
    for frame in source:
        frames.append(frame)
        arrived.append(time.monotonic() - start)
        assert source.now() >= frame[0]
    assert numbers(frames) == list(range(15))
    assert [s for s, _ in frames] == pytest.approx(np.arange(15) / 30)
    assert arrived[-1] - arrived[0] >= 14 / 30 - 0.05


def test_of_a_faster_film_frames_are_left_out(tmp_path):
    path = film(tmp_path / 'a.mp4', 24, fps=120)
    frames = list(LiveSource(str(path), max_fps=30))
    assert numbers(frames) == [0, 3, 7, 11, 15, 19, 23]
    # and of a slower one there are as many as there are
    path = film(tmp_path / 'b.mp4', 3, fps=5)
    assert numbers(LiveSource(str(path), max_fps=30)) == [0, 1, 2]


def test_big_frames_become_smaller(tmp_path):
    path = film(tmp_path / 'a.mp4', 2)
    shapes = {f.shape for _, f in LiveSource(str(path), max_side=32)}
    assert shapes == {(24, 32, 3)}


@pytest.mark.parametrize('source, words', [
    ('none.mp4', "no such file, and it is no camera's number and no address"),
    ('97', 'camera 97 cannot be opened: is there one'),
    ('/dev/video97', 'camera /dev/video97 cannot be opened'),
    ('file:///etc/passwd', 'file is none of http, .*given by its path'),
    ('concat://a.mp4', 'concat is none of'),
])  # fmt: skip
def test_sources_that_are_not_there(source, words):
    with pytest.raises(OSError, match=words):
        next(iter(LiveSource(source)))


def test_a_file_that_is_no_film_is_named(tmp_path):
    path = tmp_path / 'a.mp4'
    path.write_bytes(b'no film')
    with pytest.raises(SampleError, match='a.mp4: cannot be read as a video'):
        next(iter(LiveSource(str(path))))


def test_passwords_are_not_printed():
    with pytest.raises(OSError) as caught:
        next(iter(LiveSource('rtsp://me:secret@127.0.0.1:9/live')))
    assert 'rtsp://127.0.0.1:9/live: ' in str(caught.value)
    assert 'secret' not in str(caught.value)


def test_frames_a_second_are_checked():
    with pytest.raises(ValueError, match='max_fps is 0'):
        LiveSource('0', max_fps=0)


# ------------------------------------------------------------------ network


class Server:
    """Sends bytes over HTTP to each who asks; to who asks for a playlist
    its text."""

    def __init__(self, data, playlist=''):
        self.asked, self.refuse = 0, False
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked += 1
                if outer.refuse:
                    self.send_error(503)
                    return
                self.send_response(200)
                if self.path == '/film.mp4':
                    self.send_header('Content-Length', len(data))
                self.end_headers()
                asked_for_list = self.path.endswith('.m3u8')
                self.wfile.write(playlist.encode() if asked_for_list else data)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(
            ('127.0.0.1', 0), Handler
        )
        self.url = f'http://127.0.0.1:{self.server.server_port}/live.ts'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def served(tmp_path):
    server = Server(film(tmp_path / 'a.ts', 20, bf='0').read_bytes())
    yield server
    server.close()


def test_a_stream_that_goes_is_opened_again(served):
    said = []
    source = LiveSource(served.url, retry=10, report=said.append)
    frames = iter(source)
    some = [next(frames) for _ in range(30)]  # more than it sends at once
    assert served.asked >= 2
    seconds = [s for s, _ in some]
    assert seconds == sorted(seconds)
    # what is sent at once is played at its own speed
    assert 18 / 30 < seconds[19] < 1.5 < 28 / 30 + 1 < seconds[29] < 4
    assert [line.split(': ')[1][:4] for line in said] == ['gone', 'back']


def test_a_film_by_http_ends(tmp_path):
    server = Server(film(tmp_path / 'a.mp4', 10).read_bytes())
    url = server.url.replace('live.ts', 'film.mp4')
    frames = list(LiveSource(url))
    assert numbers(frames) == list(range(10)) and server.asked < 4
    server.close()


def test_a_clock_that_is_set_back_stops_nothing():
    source = LiveSource('0', max_fps=30)
    times = [50, 50.001, 50 + 1 / 30, 3, 3.001, 3 + 1 / 30]
    taken = [source._due(seconds) for seconds in times]
    assert taken == [True, False, True] * 2


def test_a_stream_that_stays_away_is_an_error(served):
    said = []
    source = LiveSource(served.url, retry=1.5, report=said.append)
    with pytest.raises(OSError, match=r'gone for 1.5 seconds'):
        for _ in source:
            served.refuse = True
    assert len(said) == 1


def test_an_address_where_nobody_is():
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    for scheme in ('http', 'rtsp'):
        url = f'{scheme}://127.0.0.1:{port}/live'
        with pytest.raises(OSError, match='cannot be opened as a video'):
            next(iter(LiveSource(url)))


@pytest.mark.parametrize('answer', [b'\0garbage\r\n\r\n' * 99, b''])
@pytest.mark.parametrize('scheme', ['http', 'rtsp'])
def test_garbage_and_silence_end(scheme, answer):
    """Whoever is silent holds nobody for longer than ``timeout``."""
    server = socket.create_server(('127.0.0.1', 0))
    kept = []

    def serve():
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            kept.append(client)
            if answer:
                client.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    url = f'{scheme}://127.0.0.1:{server.getsockname()[1]}/live'
    start = time.monotonic()
    with pytest.raises(OSError, match='cannot be opened as a video'):
        next(iter(LiveSource(url, timeout=1)))
    assert time.monotonic() - start < 30
    server.close()


@pytest.mark.parametrize('segment', ['live.ts', 'file:///{}', '/../..{}'])
def test_a_playlist_names_no_file_of_this_machine(segment, tmp_path):
    """HLS may name any address."""
    secret = film(tmp_path / 'secret.ts', 5)
    playlist = (
        '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n'
        f'{segment.format(secret)}\n#EXT-X-ENDLIST\n'
    )
    data = film(tmp_path / 'a.ts', 5).read_bytes() if '.ts' in segment else b''
    server = Server(data, playlist)
    url = server.url.replace('.ts', '.m3u8')
    source = LiveSource(url, timeout=2, retry=0.1, report=lambda _: None)
    if data:
        assert next(iter(source))[1].shape == (48, 64, 3)
    else:
        with pytest.raises(OSError, match='live.m3u8: '):
            next(iter(source))
    server.close()


def test_a_film_that_is_read_too_slowly_is_not_late(tmp_path, monkeypatch):
    """Five frames a second can be read, of 30 in each of three."""
    path = film(tmp_path / 'a.mp4', 90)
    read = VideoReader.get_batch

    def slowly(self, numbers):
        time.sleep(0.2)
        return read(self, numbers)

    monkeypatch.setattr(VideoReader, 'get_batch', slowly)
    source = LiveSource(str(path))
    late = [source.now() - seconds for seconds, _ in source]
    assert max(late) < 2 and source.left_out > 30


def test_a_stream_that_lags_catches_up():
    """A frame of 1/30 of a second takes 1/10 until it has caught up."""
    from integral_action.live.source import LAG, _Pace

    clock, slept = [100.0], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, 'monotonic', lambda: clock[0])
        patch.setattr(time, 'sleep', slept.append)
        pace = _Pace()
        assert pace.wait(0.0)
        clock[0] += 2 * LAG  # a frame of 0.1 seconds, so much later
        assert not pace.wait(0.1) and not pace.wait(1.0 - 0.1)
        assert pace.wait(1.5)  # half a second late is not left out
        assert slept == [0.0, 0.0]
        assert pace.wait(1.6) and slept[-1] == pytest.approx(0.1)
        # what never catches up goes on all the same
        clock[0] += 3 * LAG
        assert not pace.wait(1.7)
        clock[0] += 1.5 * LAG
        assert pace.wait(1.8)
