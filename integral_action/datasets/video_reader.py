"""Frames of a video, those that are asked for."""

import io
import os
from abc import ABC, abstractmethod
from functools import cached_property
from itertools import chain, islice
from typing import (
    Callable,
    Dict,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
)

import av
import numpy as np

from integral_action.fileio import SampleError
from integral_action.storage import PathLike, open_file

# These store a picture a packet, and its time. Others are read in order.
CONTAINERS = ('mov', 'matroska', 'avi')
CODECS = 'h264 hevc vp8 vp9 av1 mpeg4 mjpeg ffv1 prores'.split()
REORDERED = 32  # no codec stores a picture further from its turn
SMALLEST = 20  # bytes of a packet of MPEG-4 that surely holds a picture
# pictures and text, which FFmpeg would show, and lists of other files
NO_FILMS = ('tty', 'image2', 'hls', 'dash', 'concat')


class _UntoldError(Exception):
    """The packets do not tell which frames there are."""


class _Packet(NamedTuple):
    pts: int
    pos: int  # in the file
    seek: int  # the time to seek it by
    duration: int
    shown: bool  # not hidden by an edit list
    entry: bool  # whether decoding from here on gives the same, bit by bit


class _Index:
    """Frames of a video, as its packets tell them.

    Args:
        packets: in the file's order.

    Attributes:
        times: of the frames, in order.
        number: of a frame, by its time.
        entry: of a frame, the packet that decoding it starts with.
        first: of a frame, the first frame that has the same entry.
        place: of a packet in the file, by its time and position.

    Raises:
        _UntoldError: they do not tell them.
    """

    def __init__(self, packets: List[_Packet]) -> None:
        shown = [i for i, packet in enumerate(packets) if packet.shown]
        ordered = sorted(shown, key=lambda i: packets[i].pts)
        self.packets = packets
        self.times = [packets[i].pts for i in ordered]
        self.number = {time: n for n, time in enumerate(self.times)}
        if (
            not shown
            or len(self.number) < len(shown)  # a time twice
            # pictures before the first key frame, which nobody can decode
            or packets[0].pts > min(packet.pts for packet in packets)
            or np.abs(np.subtract(ordered, shown)).max() > REORDERED
        ):
            raise _UntoldError
        self.last = packets[ordered[-1]]
        self.place = {(p.pts, p.pos): i for i, p in enumerate(packets)}
        entries = [0]
        for i, packet in enumerate(packets[1:], 1):
            entries.append(i if packet.entry else entries[-1])
        self.entry, self.first = [], []
        first = {}
        for number, i in enumerate(ordered):
            entry = entries[i]
            while entry and packets[entry].pts > packets[i].pts:
                entry = entries[entry - 1]  # it is stored ahead of its turn
            self.entry.append(entry)
            self.first.append(first.setdefault(entry, number))


class FrameReader(ABC):
    """A video whose frames are read by their numbers.

    Attributes:
        times: seconds from the first frame to each one, and to the end of the
            last, [N + 1].
    """

    times: np.ndarray

    @abstractmethod
    def get_batch(self, indices: Sequence[int]) -> np.ndarray:
        """Return frames, uint8 RGB [len(indices), H, W, 3]."""

    def __len__(self) -> int:
        return len(self.times) - 1

    @cached_property
    def shape(self) -> Tuple[int, int]:
        """(height, width) of the frames, pixels."""
        return self.get_batch([0]).shape[1:3]

    @property
    def mean_fps(self) -> float:
        """Frames a second, their mean."""
        return len(self) / self.times[-1]

    def batches(
        self, size: int = 16, wanted: Optional[Sequence[int]] = None
    ) -> Iterator[np.ndarray]:
        """Frames in order, all or those wanted, uint8 RGB [B, H, W, 3] at a
        time."""
        wanted = range(len(self)) if wanted is None else wanted
        for start in range(0, len(wanted), size):
            yield self.get_batch(wanted[start : start + size])


class ArrayReader(FrameReader):
    """Frames of an array.

    Args:
        frames: uint8 RGB [T, H, W, 3].
        name: what messages call them.
        fps: frames a second.

    Raises:
        ValueError: they are something else.
    """

    def __init__(self, frames: np.ndarray, name: str, fps: float) -> None:
        if (
            frames.ndim != 4
            or frames.shape[3] != 3
            or frames.dtype != np.uint8
            or not frames.size
        ):
            raise ValueError(
                f'{name}: frames are {frames.dtype} {list(frames.shape)}, '
                f'expected uint8 RGB [T, H, W, 3]'
            )
        self.frames = frames
        self.times = np.arange(len(frames) + 1) / fps

    def get_batch(self, indices: Sequence[int]) -> np.ndarray:
        return self.frames[np.asarray(indices)]


class Window(FrameReader):
    """Frames ``start`` to ``stop`` of a reader, as a video of their own."""

    def __init__(self, reader: FrameReader, start: int, stop: int) -> None:
        self.reader, self.start = reader, start
        self.times = reader.times[start : stop + 1] - reader.times[start]

    def get_batch(self, indices: Sequence[int]) -> np.ndarray:
        return self.reader.get_batch(np.asarray(indices) + self.start)


class VideoReader(FrameReader):
    """Read chosen frames of a video by PyAV.

    Its frames are those that FFmpeg shows, in their order: of the main video
    stream, upright, without those that an edit list hides.

    Where the packets tell which frames there are, decoding starts at the key
    frame before those wanted. Else (AVI with B-frames, MPEG-1 and 2, transport
    streams and others) all frames are decoded in order and counted. Frames
    after the last ones that were read are decoded on from there.

    Args:
        path: the file.
        num_threads: of the decoder.
        backend_args: arguments of :func:`open_file`; other backends than the
            disk are asked once, for the whole file.

    Raises:
        SampleError: it cannot be read as a video; of all methods, too.
    """

    def __init__(
        self,
        path: PathLike,
        num_threads: int = 1,
        backend_args: Optional[Dict] = None,
    ) -> None:
        self._name, self._num_threads = str(path), num_threads
        self._data: Optional[bytes] = None
        if backend_args is not None:
            try:
                with open_file(path, backend_args) as file:
                    self._data = file.read()
            except OSError as error:
                raise SampleError(str(error)) from error
        self._times: Optional[np.ndarray] = None
        self._frames: Optional[Iterator] = None
        self._next = 0  # number of the frame after the last one read
        self._open()
        self._index = self._read_index()

    def _open(self) -> None:
        source = f'file:{self._name}'  # never a URL, whatever its name
        if self._data is not None:
            source, size = io.BytesIO(self._data), len(self._data)
        elif os.path.isfile(self._name):
            size = os.path.getsize(self._name)
        else:
            raise SampleError(f'{self._name}: there is no such video')
        if not size:
            raise SampleError(f'{self._name}: an empty file, not a video')
        try:
            container = av.open(
                source, options=dict(protocol_whitelist='file')
            )
        except (av.FFmpegError, ValueError) as error:
            raise self._error(
                'cannot be read as a video, is it truncated, or something '
                'else?',
                error,
            ) from error
        stream = _main_stream(container)
        if stream is None:
            kinds = dict(video='a picture', audio='sound', subtitle='text')
            held = [kinds.get(s.type, s.type) for s in container.streams]
            raise SampleError(
                f'{self._name}: there is no film in it, only '
                f'{" and ".join(held) or "nothing"}'
            )
        if stream.codec_context is None:
            raise SampleError(
                f'{self._name}: PyAV has no decoder for its video'
            )
        self._container, self._stream = container, stream
        self._codec = stream.codec_context
        self._codec.thread_count = self._num_threads
        self._converter = _Converter(self._codec.width, self._codec.height)

    def _error(self, what: str, error: Exception) -> SampleError:
        text = getattr(error, 'strerror', None) or str(error)
        return SampleError(f'{self._name}: {what} ({text})')

    @property
    def fps(self) -> float:
        """Frames a second, as the file tells; their mean where it does not."""
        rate = float(self._stream.average_rate or 0)
        return rate or self.mean_fps

    @property
    def times(self) -> np.ndarray:
        """Times of the frames; see :class:`FrameReader`."""
        if self._times is None:
            base = float(self._stream.time_base)
            if self._index is not None:
                times = np.array(self._index.times, float)
                self._times = self._with_end(
                    times * base, self._index.last.duration * base
                )
            else:
                for _ in self._frames or self._counted():
                    pass
                self._frames = None
        return self._times

    def _with_end(self, times: np.ndarray, duration: float) -> np.ndarray:
        """Times from 0 on; numbers by the rate where they do not rise."""
        rate = float(self._stream.average_rate or 0) or 30.0
        if not (np.diff(times) > 0).all():  # or nan
            times = np.arange(len(times)) / rate
        times = times - times[:1]
        if not duration > 0:
            mean = times[-1] / max(1, len(times) - 1)
            duration = mean or 1 / rate
        return np.append(times, times[-1] + duration)

    def get_batch(self, indices: Sequence[int]) -> np.ndarray:
        numbers = sorted(set(map(int, indices)))
        # no other picture needs H.264's NONREF ones; of HEVC some may
        spread = numbers[-1] - numbers[0] >= len(numbers)
        only = set(numbers) if spread and self._codec.name == 'h264' else None
        while True:
            try:
                return self._batch(np.asarray(indices), numbers, only)
            except _UntoldError:  # read it the slower way
                if only is None:
                    self._index = self._times = None
                self._frames = only = None

    def _batch(
        self, indices: np.ndarray, numbers: List[int], only: Optional[Set[int]]
    ) -> np.ndarray:
        frames = None
        for number in numbers:
            picture = self._picture(number, only)
            if frames is None:
                shape = len(indices), *picture.shape
                frames = np.empty(shape, np.uint8)
            frames[indices == number] = picture
        if only is not None:  # the next ones may have been left out
            self._frames = None
        return frames

    # -------------------------------------------------------------- packets

    def _demux(self) -> Iterator[av.Packet]:
        """Packets of the stream; those without data hold no picture."""
        try:
            for packet in self._container.demux(self._stream):
                if packet.size:
                    yield packet
        except (av.FFmpegError, IndexError) as error:  # of a later stream
            raise self._error(
                f'it ends early, cannot be read after frame {self._next}',
                error,
            ) from error

    def _read_index(self) -> Optional[_Index]:
        """Read the packets; None where they do not tell the frames."""
        kind = self._container.format.name.split(',')[0]
        codec = self._codec.codec.canonical_name
        reordered = self._codec.has_b_frames
        if kind not in CONTAINERS or codec not in CODECS:
            return None
        if kind == 'avi' and reordered:
            return None  # it stores no times
        is_entry = _entry_check(codec, self._codec.extradata or b'')
        packets = []
        for packet in self._demux():
            if packet.pts is None or (
                codec == 'mpeg4' and packet.size < SMALLEST
            ):
                return None
            hidden = codec == 'vp8' and not bytes(packet)[0] & 0x10
            packets.append(
                _Packet(
                    packet.pts,
                    packet.pos,
                    packet.pts if packet.dts is None else packet.dts,
                    packet.duration or 0,
                    not (packet.is_discard or hidden),
                    packet.is_keyframe and is_entry(packet),
                )
            )
        times = [packet.pts for packet in packets]
        if reordered and times == sorted(times):
            return None  # they are times of decoding
        try:
            return _Index(packets)
        except _UntoldError:
            return None

    def _packets_from(self, place: int) -> Iterator[av.Packet]:
        """Packets from one on."""
        packets = self._demux()
        try:
            time = self._index.packets[place].seek
            self._container.seek(time, stream=self._stream)
        except av.FFmpegError:
            packets = ()
        for packet in packets:
            found = self._index.place.get((packet.pts, packet.pos))
            if found is None or found > place:
                break
            if found == place:
                return chain([packet], packets)
        self._open()  # seeking went elsewhere
        return islice(self._demux(), place, None)

    # --------------------------------------------------------------- frames

    def _picture(self, number: int, only: Optional[Set[int]]) -> np.ndarray:
        """A frame, upright; of the others only what it needs is decoded."""
        index = self._index
        if number < 0 or (index and number >= len(index.times)):
            raise self._no_frame(number)
        if (
            self._frames is None
            or number < self._next
            or (index and index.first[number] > self._next)
        ):
            self._frames = (
                self._told(number, only) if index else self._counted()
            )
        for found, frame in self._frames:
            if found == number:
                try:
                    return self._converter(frame)
                except (av.FFmpegError, ValueError) as error:
                    raise self._error(
                        f'frame {number} cannot be converted to RGB', error
                    ) from error
            if found > number:
                break
        self._frames = None
        if index:
            raise _UntoldError
        raise self._no_frame(number)

    def _no_frame(self, number: int) -> SampleError:
        return SampleError(
            f'{self._name}: there is no frame {number}, the video ends after '
            f'{len(self)} frames'
        )

    def _told(self, number: int, only: Optional[Set[int]]) -> Iterator:
        """Number and frame, from the entry of a frame on."""
        index, expected = self._index, self._index.first[number]
        packets = self._packets_from(index.entry[number])
        for frame in self._decode(packets, only):
            found = index.number.get(frame.pts)
            if found is None or (only is None and found > expected):
                raise _UntoldError
            if found >= expected:
                self._next = expected = found + 1
                yield found, frame

    def _counted(self) -> Iterator:
        """Number and frame, of all frames; then their times are known."""
        self._open()
        times, duration, self._next = [], 0, 0
        for number, frame in enumerate(self._decode(self._demux())):
            self._next = number + 1
            yield number, frame
            times.append(np.nan if frame.pts is None else frame.pts)
            duration = frame.duration or 0
        if not times:
            raise SampleError(f'{self._name}: no frame of it can be decoded')
        base = float(self._stream.time_base)
        self._times = self._with_end(np.array(times) * base, duration * base)

    def _decode(
        self, packets: Iterator[av.Packet], only: Optional[Set[int]] = None
    ) -> Iterator[av.VideoFrame]:
        for packet in chain(packets, [None]):
            if packet is not None:
                needed = (
                    only is None or self._index.number.get(packet.pts) in only
                )
                self._codec.skip_frame = 'DEFAULT' if needed else 'NONREF'
            try:
                frames = self._codec.decode(packet)
            except av.FFmpegError as error:
                if self._index is None and not self._next:
                    continue  # a recording begins between two key frames
                self._frames = None
                of = f' of {len(self)}' if self._index else ''
                raise self._error(
                    f'it ends early, frame {self._next}{of} cannot be decoded',
                    error,
                ) from error
            yield from frames


def _main_stream(container):
    """The video stream that FFmpeg takes, no cover of an album; or None."""
    kind = container.format.name
    if kind in NO_FILMS or kind.endswith('_pipe'):
        return None
    streams = [
        stream
        for stream in container.streams.video
        if not stream.disposition & av.stream.Disposition.attached_pic
    ]

    def rank(stream) -> Tuple[bool, int]:
        size = stream.codec_context
        return (
            bool(stream.disposition & av.stream.Disposition.default),
            size.width * size.height if size else 0,
        )

    return max(streams, key=rank, default=None)


def _entry_check(codec: str, extradata: bytes) -> Callable:
    """Whether decoding may start at a key frame. H.264's and HEVC's are told
    by their units: containers call others key frames as well."""
    if codec == 'h264':
        at, kinds, shift = 4, (5,), 0  # IDR
    elif codec == 'hevc':
        at, kinds, shift = 21, range(16, 22), 1  # BLA, IDR, CRA
    else:
        return lambda packet: True
    if len(extradata) <= at or not extradata[0]:
        return lambda packet: False  # units without lengths
    size = (extradata[at] & 3) + 1

    def is_entry(packet) -> bool:
        data, place = bytes(packet), 0
        while place + size < len(data):
            kind = data[place + size] >> shift & (63 if shift else 31)
            if kind in kinds:
                return True
            place += size + int.from_bytes(data[place : place + size], 'big')
        return False

    return is_entry


class _Converter:
    """Turn decoded frames into upright RGB pictures, as FFmpeg does.

    Args:
        width, height: of the film; frames of another size are scaled.
    """

    def __init__(self, width: int, height: int) -> None:
        self._size = width, height
        self._kind = self._graph = self._turns = None

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        if self._turns is None:
            # side data and its frame hold each other: once is enough
            self._turns = _turns(frame.side_data.get('DISPLAYMATRIX'))
        kind = (
            f'video_size={frame.width}x{frame.height}:time_base=1/1'
            f':pix_fmt={frame.format.name}'
            f':colorspace={int(frame.colorspace)}'
            f':range={int(frame.color_range)}'
        )
        if kind != self._kind:
            self._kind, self._graph = kind, av.filter.Graph()
            if hasattr(self._graph, 'threads'):  # from PyAV 18 on
                self._graph.threads = 1
            size = self._size
            if any(name == 'transpose' for name, _ in self._turns):
                size = size[::-1]
            steps = [
                ('buffer', kind),
                *self._turns,
                ('scale', f'{size[0]}:{size[1]}:flags=bicubic'),
                ('format', 'rgb24'),
                ('buffersink', None),
            ]
            nodes = [self._graph.add(*step) for step in steps]
            self._graph.link_nodes(*nodes).configure()
        self._graph.push(frame)
        return self._graph.pull().to_ndarray()


def _turns(matrix) -> List[Tuple[str, str]]:
    """Filters that turn and mirror a picture as its display matrix says:
    x' = a x + c y, y' = b x + d y."""
    if matrix is None:
        return []
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
    steps = []
    if abs(b) > abs(a):
        steps, a, d = [('transpose', 'cclock_flip')], c, b
    steps += [('hflip', '')] if a < 0 else []
    steps += [('vflip', '')] if d < 0 else []
    return steps
