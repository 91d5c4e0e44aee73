"""Windows that slide over a long video, and what is seen in them when."""

from typing import Dict, List, Sequence, Tuple

import numpy as np


def split_windows(
    total_frames: int, window: int, stride: int
) -> List[Tuple[int, int]]:
    """Windows that slide over a video.

    Args:
        total_frames: of the video.
        window, stride: frames of a window, and from one to the next.

    Returns:
        (start, stop) of each, all of ``window`` frames; the last one ends with
        the video. A shorter video is one window.
    """
    if total_frames <= window:
        return [(0, total_frames)]
    starts = list(range(0, total_frames - window + 1, stride))
    if starts[-1] + window < total_frames:
        starts.append(total_frames - window)
    return [(start, start + window) for start in starts]


def window_borders(windows: Sequence[Tuple[int, int]]) -> List[float]:
    """Return the time of each window: all that is nearer to its middle than
    to any other window's.

    Args:
        windows: (start, stop) of each, frames, in order.

    Returns:
        The frames where one window's time ends and the next one's begins, the
        first start and the last stop among them.
    """
    middles = [(start + stop) / 2 for start, stop in windows]
    borders = [(a + b) / 2 for a, b in zip(middles, middles[1:])]
    return [windows[0][0], *borders, windows[-1][1]]


def border_times(
    windows: Sequence[Tuple[int, int]], times: Sequence[float]
) -> List[float]:
    """Return the seconds of the borders of :func:`window_borders`.

    Args:
        windows: as there.
        times: seconds to each frame, and to the end of the last.
    """
    borders = window_borders(windows)
    return np.interp(borders, np.arange(len(times)), times).tolist()


def best_labels(scores: np.ndarray, unknown_below: float = 0) -> np.ndarray:
    """Return the best class of scores [..., classes], -1 where its score is
    below ``unknown_below``."""
    labels = np.argmax(scores, -1)
    return np.where(np.max(scores, -1) < unknown_below, -1, labels)


def label_timeline(
    windows: Sequence[Tuple[int, int]],
    scores: np.ndarray,
    gates: Sequence[float],
    times: Sequence[float],
    unknown_below: float = 0,
) -> List[Dict]:
    """Return when which label is best, neighbours of one label as one.

    Args:
        windows: as of :func:`window_borders`.
        scores: [windows, classes].
        gates: mean G of each window; None where there is no gate.
        times: as of :func:`border_times`.
        unknown_below: as of :func:`best_labels`.

    Returns:
        ``start`` and ``end`` in seconds, ``label``, and ``score`` (of the best
        class) and ``gate`` averaged over that time.
    """
    borders = window_borders(windows)
    seconds = border_times(windows, times)
    best = np.max(scores, 1)
    labels = best_labels(scores, unknown_below).tolist()
    spans = []
    first = 0
    for last, label in enumerate(labels):
        if labels[last + 1 : last + 2] == [label]:
            continue
        part = slice(first, last + 1)
        weights = np.diff(borders[first : last + 2])
        gate = None
        if gates[first] is not None:
            gate = float(np.average(gates[part], weights=weights))
        spans.append(
            dict(
                start=seconds[first],
                end=seconds[last + 1],
                label=label,
                score=float(np.average(best[part], weights=weights)),
                gate=gate,
            )
        )
        first = last + 1
    return spans
