"""A film that has no end, in windows."""

from bisect import bisect_right
from collections import deque
from typing import Iterable, Iterator, List, NamedTuple, Optional, Sequence

import numpy as np

from integral_action.pose_estimators import Poses


class PosedFrame(NamedTuple):
    """A frame of a film and the poses of its persons.

    Attributes:
        time: seconds.
        picture: uint8 RGB [H, W, 3].
        poses: ``keypoint`` [M, K, 2] in pixels and ``keypoint_score`` [M, K],
            as the estimator finds them; None where nobody asked for them.
        persons: the number [M] of each person, the same from frame to frame;
            None where they are not told apart.
    """

    time: float
    picture: np.ndarray
    poses: Optional[Poses] = None
    persons: Optional[np.ndarray] = None


def gather_windows(
    frames: Iterable[PosedFrame],
    window: float,
    stride: float,
    frame_time: float,
) -> Iterator[List[PosedFrame]]:
    """Gather the frames of a film that has no end in windows.

    Args:
        frames: in order; some may lack.
        window, stride: seconds of a window, and from one to the next.
        frame_time: seconds that a frame lasts.

    Yields:
        The frames of each window. Those that are due at once, behind a gap,
        are one.

    Example:
        >>> frames = (PosedFrame(time, None) for time in range(6))
        >>> windows = gather_windows(frames, 3, stride=2, frame_time=1)
        >>> [[frame.time for frame in window] for window in windows]
        [[0, 1, 2], [2, 3, 4]]
    """
    kept, due = deque(), None
    for frame in frames:
        end = frame.time + frame_time
        due = frame.time + window if due is None else due
        kept.append(frame)
        while kept[0].time < end - window - frame_time / 2:
            kept.popleft()
        if end > due - frame_time / 2:
            yield list(kept)
            while due <= end + frame_time / 2:
                due += stride


def at_rate(frames: Sequence[PosedFrame], fps: float) -> List[PosedFrame]:
    """Return frames that follow each other evenly.

    Args:
        frames: in order; some may lack, or there may be more.
        fps: frames a second.

    Returns:
        From the first frame to the last, for each 1 / ``fps`` seconds the one
        that was the newest then.

    Example:
        >>> frames = [PosedFrame(time, None) for time in (0, 0.5, 1, 3)]
        >>> [frame.time for frame in at_rate(frames, fps=1)]
        [0, 1, 1, 3]
    """
    times = [frame.time for frame in frames]
    start = times[0]
    count = round((times[-1] - start) * fps) + 1
    # half of a frame's time is left for what is early or late
    newest = (
        bisect_right(times, start + (number + 0.4) / fps) - 1
        for number in range(count)
    )
    return [frames[i] for i in newest]
