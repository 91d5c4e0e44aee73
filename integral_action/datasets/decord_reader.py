"""Frames of a video by decord, none of them unsaid in the place of another."""

import io
import warnings
from typing import Sequence, Union

import decord
import numpy as np
from decord._ffi.base import DECORDError, DECORDLimitReachedError

# what decord raises has no class in common
DECORD_ERRORS = (RuntimeError, OSError, DECORDError, DECORDLimitReachedError)
TRIES = 10


class DecordReader:
    """decord's ``VideoReader``, which gives the frames that are asked for.

    decord 0.6 gives an earlier frame, and says nothing, in the place of one
    that it cannot decode; and it takes the last frames of some videos (MPEG-4
    in AVI, as NTU's) for such on a busy machine, or on some machines whenever
    it skips frames before them. Here those are read again, with the frames
    before them and without in turns; where that does not help, the earlier
    frame comes with a warning.

    Args:
        source: a path, or a file's bytes.
        num_threads: of decord.

    Attributes:
        replaced: whether a frame was given in the place of another.

    Raises:
        RuntimeError, OSError, DECORDError: it cannot be read as a video.
    """

    def __init__(
        self, source: Union[str, bytes, memoryview], num_threads: int = 1
    ) -> None:
        self._source, self._num_threads = source, num_threads
        self._reader = self._open(strict=True)
        self.replaced = False

    def _open(self, strict: bool) -> decord.VideoReader:
        source = self._source
        return decord.VideoReader(
            source if isinstance(source, str) else io.BytesIO(source),
            num_threads=self._num_threads,
            fault_tol=1e-9 if strict else -1,  # the share it may replace
        )

    def __len__(self) -> int:
        return len(self._reader)

    @property
    def fps(self) -> float:
        """Frames a second, as the file tells: 0 or nan where it does not."""
        return float(self._reader.get_avg_fps())

    def get_batch(self, indices: Sequence[int]) -> np.ndarray:
        """Frames, uint8 RGB [len(indices), H, W, 3].

        Raises:
            RuntimeError, DECORDError: they cannot be decoded.
        """
        indices = list(map(int, indices))
        for attempt in range(TRIES):
            try:
                if attempt % 2:  # just opened again
                    return self._in_order(indices)
                return self._reader.get_batch(indices).asnumpy()
            except DECORDLimitReachedError:
                self._reader = self._open(strict=True)
        name = self._source if isinstance(self._source, str) else 'a video'
        warnings.warn(
            f'{name}: decord cannot decode all frames from {min(indices)} to '
            f'{max(indices)}, and gives others in their place',
            stacklevel=2,
        )
        self.replaced = True
        return self._open(strict=False).get_batch(indices).asnumpy()

    def _in_order(self, indices: Sequence[int]) -> np.ndarray:
        """From the start, with all frames before the last, none skipped."""
        frames = {}
        for index in range(max(indices) + 1):
            frame = self._reader.next()
            if index in indices:
                frames[index] = frame.asnumpy()
        return np.stack([frames[index] for index in indices])
