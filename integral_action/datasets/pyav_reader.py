"""Frames of a video by PyAV, which decodes no more than it must."""

from pathlib import Path
from typing import List, Optional, Sequence, Union

import numpy as np

MISSING = (
    'decoder=\'pyav\' needs PyAV: pip install av (or "integral_action[video]")'
)


class PyAVReader:
    """Read chosen frames of a video file.

    It starts at the key frame before the first of them, and leaves out what no
    other frame needs (B-frames mostly), unless it is asked for. The frames are
    decord's.

    Args:
        path: of the file.

    Raises:
        ImportError: there is no PyAV.
        RuntimeError, OSError: it cannot be read as a video.
    """

    def __init__(self, path: Union[str, Path]) -> None:
        try:
            import av
        except ImportError as error:
            raise ImportError(MISSING) from error
        self._error = av.FFmpegError
        try:
            self._container = av.open(str(path))
            if not self._container.streams.video:
                raise RuntimeError('it has no video stream')
            stream = self._container.streams.video[0]
            # the last one is empty
            packets = [p for p in self._container.demux(stream) if p.size]
        except av.FFmpegError as error:
            raise RuntimeError(str(error)) from error
        self._codec = stream.codec_context
        self._codec.thread_count = 1
        self._packets = packets
        self._times = self._read_times()

    def _read_times(self) -> Optional[List[int]]:
        """The frames' times in order; None where frames have to be counted,
        as in AVI files, whose packets are numbered as they are stored."""
        times = [packet.pts for packet in self._packets]
        if None in times or len(set(times)) < len(times):
            return None
        if times == sorted(times) and self._codec.has_b_frames:
            return None
        return sorted(times)

    def __len__(self) -> int:
        return len(self._packets)

    def get_batch(self, indices: Sequence[int]) -> np.ndarray:
        """Frames, uint8 RGB [len(indices), H, W, 3].

        Raises:
            RuntimeError: they cannot be decoded.
        """
        frames = {}
        wanted = set(map(int, indices))
        try:
            for index, frame in self._decode(wanted):
                if index in wanted:
                    frames[index] = frame.to_ndarray(format='rgb24')
                if len(frames) == len(wanted):
                    break
        except self._error as error:
            raise RuntimeError(str(error)) from error
        missing = sorted(wanted - set(frames))
        if missing:
            raise RuntimeError(f'there is no frame {missing[0]}')
        return np.stack([frames[int(i)] for i in indices])

    def _decode(self, wanted):
        """Index and frame, of more than is wanted."""
        self._codec.flush_buffers()
        if self._times is None:
            packets = [*self._packets, None]
            frames = (f for p in packets for f in self._codec.decode(p))
            yield from enumerate(frames)
            return
        index_of = {time: i for i, time in enumerate(self._times)}
        start = max(
            (
                place
                for place, packet in enumerate(self._packets)
                if packet.is_keyframe and index_of[packet.pts] <= min(wanted)
            ),
            default=0,
        )
        for packet in [*self._packets[start:], None]:
            if packet is not None:
                needed = index_of[packet.pts] in wanted
                self._codec.skip_frame = 'DEFAULT' if needed else 'NONREF'
            for frame in self._codec.decode(packet):
                yield index_of.get(frame.pts), frame
