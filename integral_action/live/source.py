"""Frames of a camera, a network stream or a film, as they come."""

import math
import re
import time
from pathlib import Path
from typing import Callable, Iterator, Optional, Tuple

import av
import cv2
import numpy as np

from integral_action.datasets.video_reader import VideoReader
from integral_action.text import one_line

SCHEMES = 'http https rtmp rtmps rtp rtsp rtsps srt tcp udp'.split()
# what these stand on; no playlist may name a file of this machine
PROTOCOLS = ','.join([*SCHEMES, 'tls', 'crypto', 'httpproxy'])
PAUSE = 1.0  # seconds between two tries to open a source again
LAG = 1.0  # seconds by which frames may be late before some are left out

Frame = Tuple[float, np.ndarray]


class LiveSource:
    """Frames of a camera, a network stream or a film, as they come.

    A film is played at its own speed, once. A camera or stream that is gone is
    opened again.

    Args:
        source: a camera's number (``'0'``) or device (``'/dev/video0'``), an
            address (``'rtsp://...'``, ``'http://...'``), or a film's file.
        max_fps: frames a second at most; those between are left out.
        max_side: pixels of the longer side at most; bigger frames are scaled.
        timeout: seconds to wait for a stream's answer.
        retry: seconds for which a camera or stream that is gone is tried.
        report: gets a sentence when one is gone, and back.

    Attributes:
        left_out: number of frames that were left out as reading is too slow.

    Yields:
        Seconds since the first frame, and the frame, uint8 RGB [H, W, 3], all
        of the first one's size.

    Raises:
        OSError: there is no such source, or it is gone for good.
        SampleError: the film is broken.

    Example::

        for seconds, frame in LiveSource('rtsp://camera/stream'):
            print(seconds, frame.shape)
    """

    def __init__(
        self,
        source: str,
        max_fps: float = 30.0,
        max_side: int = 1280,
        timeout: float = 10.0,
        retry: float = 60.0,
        report: Callable[[str], None] = print,
    ) -> None:
        if not max_fps > 0:
            raise ValueError(f'max_fps is {max_fps}, expected more than 0')
        self.source, self.max_fps, self.max_side = source, max_fps, max_side
        self.timeout, self.retry, self.report = timeout, retry, report
        self.left_out = 0
        # what is printed has no password
        self.name = re.sub('(?<=://)[^/]*@', '', source)
        self._start, self._next, self._size = None, -math.inf, None
        self._is_film = False  # with an end, by HTTP
        scheme, colon, _ = source.partition('://')
        if colon and scheme.lower() not in SCHEMES:
            raise OSError(
                f'{self.name}: {scheme} is none of {", ".join(SCHEMES)}; a '
                f'file is given by its path'
            )
        if colon:
            self._open = self._open_stream
        elif re.fullmatch(r'\d+|/dev/video\d+', source):
            self._open = self._open_camera
        elif Path(source).is_file():
            self._open = None
        else:
            raise OSError(
                f'{self.name}: there is no such file, and it is no '
                f"camera's number and no address"
            )

    def now(self) -> float:
        """Return the seconds since the first frame."""
        return 0.0 if self._start is None else time.monotonic() - self._start

    def __iter__(self) -> Iterator[Frame]:
        if self._open is None:
            yield from self._film()
            return
        frames = self._open()
        while True:
            reason = 'it ended'
            try:
                for picture in frames:
                    yield self.now(), self._scaled(picture)
                if self._is_film:
                    return
            except OSError as error:
                reason = one_line(error)
            frames = self._open_again(reason)

    def _open_again(self, reason: str) -> Iterator[np.ndarray]:
        self.report(f'{self.name}: gone ({reason}); it is tried again')
        lost = time.monotonic()
        while time.monotonic() - lost < self.retry:
            time.sleep(PAUSE)
            try:
                frames = self._open()
            except OSError:
                continue
            self.report(f'{self.name}: back')
            self._next = -math.inf  # its times may begin anew
            return frames
        raise OSError(
            f'{self.name}: gone for {self.retry:g} seconds ({reason})'
        )

    def _due(self, seconds: float) -> bool:
        """Whether a frame of this time is taken."""
        early = self._next - seconds
        if abs(early) >= 1:  # the first, behind a gap, its clock was set back
            self._next = seconds
        elif early > 0.4 / self.max_fps:  # they are not even
            return False
        frame = 1 / self.max_fps
        self._next = max(self._next, seconds - frame / 2) + frame
        return True

    def _arrived(self, seconds: Optional[float] = None) -> bool:
        """Whether the frame that is there now is taken; its own time, if it
        has one, is more even."""
        if self._start is None:
            self._start = time.monotonic()
        return self._due(self.now() if seconds is None else seconds)

    def _scaled(self, picture: np.ndarray) -> np.ndarray:
        if self._size is None:
            height, width = picture.shape[:2]
            scale = min(1, self.max_side / max(height, width))
            self._size = round(width * scale), round(height * scale)
        if picture.shape[1::-1] != self._size:
            picture = cv2.resize(
                picture, self._size, interpolation=cv2.INTER_AREA
            )
        return picture

    def _film(self) -> Iterator[Frame]:
        reader = VideoReader(self.source)
        for number, seconds in enumerate(reader.times[:-1].tolist()):
            if not self._due(seconds):
                continue
            if self.now() > seconds + LAG:  # decoding is too slow
                self.left_out += 1
                continue
            (picture,) = reader.get_batch([number])
            if self._start is None:
                self._start = time.monotonic() - seconds
            time.sleep(max(0.0, seconds - self.now()))
            yield seconds, self._scaled(picture)

    def _open_camera(self) -> Iterator[np.ndarray]:
        level = cv2.utils.logging.setLogLevel(0)  # its own words
        number = self.source
        camera = cv2.VideoCapture(int(number) if number.isdigit() else number)
        cv2.utils.logging.setLogLevel(level)
        if not camera.isOpened():
            raise OSError(
                f'camera {number} cannot be opened: is there one, or does '
                f'another program use it?'
            )
        camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        return self._pictures(camera)

    def _pictures(self, camera: cv2.VideoCapture) -> Iterator[np.ndarray]:
        try:
            while camera.grab():
                if self._arrived():
                    found, picture = camera.retrieve()
                    if not found:
                        break
                    yield cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        finally:
            camera.release()

    def _open_stream(self) -> Iterator[np.ndarray]:
        options = dict(protocol_whitelist=PROTOCOLS)
        if self.source.lower().startswith('rtsp'):
            options['rtsp_transport'] = 'tcp'  # UDP's pictures break
        try:
            container = av.open(
                self.source,
                options=options,
                timeout=(self.timeout, self.timeout),
            )
        except (av.FFmpegError, ValueError) as error:
            reason = getattr(error, 'strerror', None) or 'no such address'
            raise OSError(
                f'{self.name}: cannot be opened as a video ({reason})'
            ) from error
        self._is_film = container.duration is not None
        if not container.streams.video:
            raise OSError(f'{self.name}: there is no video in it')
        return self._decoded(container)

    def _decoded(self, container) -> Iterator[np.ndarray]:
        pace = _Pace()
        with container:
            try:
                for frame in container.decode(video=0):
                    if not pace.wait(frame.time):
                        self.left_out += 1
                    elif self._arrived(frame.time):
                        yield frame.to_ndarray(format='rgb24')
            except av.FFmpegError as error:
                raise OSError(
                    getattr(error, 'strerror', None) or str(error)
                ) from error


class _Pace:
    """Even out a stream whose frames come many at a time, by their own times.

    Those that come late are not waited for, and of a delay that was never
    needed for a while nothing is left.
    """

    WHILE = 10.0  # seconds; longer than a network sends at a time

    def __init__(self) -> None:
        # when a frame of time 0 is due, and would have been without any delay
        self._start = self._first = None
        self._lags_since = None
        self._spare, self._since = math.inf, time.monotonic()

    def wait(self, seconds: Optional[float]) -> bool:
        """Wait until a frame of this time is due; False for one to leave out,
        so that a stream that lags catches up."""
        if seconds is None:
            return True
        now = time.monotonic()
        start = now - seconds  # if the frame were due now
        if self._start is None or abs(start - self._start) > self.WHILE:
            self._start = self._first = start  # its clock was set
        self._first = min(self._first, start)
        if start - self._first > LAG:
            self._lags_since = self._lags_since or now
            if now - self._lags_since < LAG:
                return False
            self._first = start  # it does not catch up
        self._lags_since = None
        self._start = max(self._start, start)
        early = self._start - start
        self._spare = min(self._spare, early)
        if now - self._since > self.WHILE:
            self._start -= self._spare
            self._spare, self._since = math.inf, now
        time.sleep(early)
        return True
