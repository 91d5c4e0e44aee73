"""A video with what a model says of it."""

from bisect import bisect_right
from typing import Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

import cv2
import numpy as np

from integral_action.pose.layouts import KeypointLayout

from .canvas import FAINT, INK, PAPER, enlarge, heading, write_text
from .poses import draw_poses

Caption = Tuple[float, Sequence[Tuple[str, float]]]

GATE, CURSOR, RULE = (200, 60, 40), (30, 90, 200), (215, 215, 215)
# of the timeline's labels: matplotlib's tab10, lightened to be written on
COLOURS = (
    (174, 199, 232), (255, 187, 120), (152, 223, 138), (255, 152, 150),
    (197, 176, 213), (196, 156, 148), (247, 182, 210), (199, 199, 199),
    (219, 219, 141), (158, 218, 229),
)  # fmt: skip
LEFT_MARGIN, RIGHT_MARGIN = 40, 12  # pixels beside the curve
CURVE_TOP, CURVE_HEIGHT, AXIS_HEIGHT = 24, 64, 20


def overlay_film(
    frames: Iterable[np.ndarray],
    times: Sequence[float],
    captions: Sequence[Caption],
    poses: Optional[Tuple[np.ndarray, np.ndarray]] = None,
    layout: Optional[KeypointLayout] = None,
    gate: Optional[Tuple] = None,
    timeline: Optional[Sequence[Dict]] = None,
    score_thr: float = 0.1,
    width: int = 640,
) -> Iterator[np.ndarray]:
    """Show a video with its labels, skeletons and the gate's curve.

    Above a frame stand the best labels, below it the gate over the whole
    video, with a cursor at the frame's time, and below that the timeline.

    Args:
        frames: RGB, uint8 [H, W, 3], all of the video, in order.
        times: seconds to each frame, and to the end of the last.
        captions: (from when, seconds, [(name, score), ...], the best first),
            in order, the first from the start on.
        poses: ``keypoint`` [M, T, K, 2] in pixels and ``keypoint_score``
            [M, T, K].
        layout: of the poses.
        gate: times, seconds, and values of G, as of :class:`GateCurve`.
        timeline: dicts of start, end (seconds) and name, in order.
        score_thr: keypoints above it are drawn.
        width: of the pictures, pixels.

    Yields:
        RGB, uint8 [H', ``width``, 3] with H' even, one a frame.
    """
    duration = times[-1]
    heads = [label_heading(top, width) for _, top in captions]
    starts = [start for start, _ in captions]
    curve = None if gate is None else GateCurve(*gate, duration, width)
    bar = None if timeline is None else _timeline(timeline, duration, width)
    for number, (frame, time) in enumerate(zip(frames, times)):
        posed = None
        if poses is not None:
            posed = tuple(array[:, number] for array in poses)
        picture = posed_frame(frame, posed, layout, score_thr, width)
        parts = [heads[max(0, bisect_right(starts, time) - 1)], picture]
        if curve is not None:
            parts.append(curve.at(time))
        if bar is not None:
            parts.append(_with_cursor(bar, time, duration))
        yield np.concatenate(parts)


def posed_frame(
    frame: np.ndarray,
    poses: Optional[Tuple[np.ndarray, np.ndarray]],
    layout: Optional[KeypointLayout],
    score_thr: float = 0.1,
    width: int = 640,
) -> np.ndarray:
    """Show a frame with its skeletons.

    Args:
        frame: RGB, uint8 [H, W, 3].
        poses: ``keypoint`` [M, K, 2] in pixels and ``keypoint_score`` [M, K];
            None for none.
        layout, score_thr, width: as of :func:`overlay_film`.

    Returns:
        RGB, uint8 [H', ``width``, 3] with H' even.
    """
    height = max(2, round(width * frame.shape[0] / frame.shape[1] / 2) * 2)
    picture = enlarge(frame, (height, width))
    if poses is None:
        return picture
    keypoint, score = poses
    scale = np.array((width, height)) / frame.shape[1::-1]
    # a pixel's centre is half a pixel from its edge
    keypoint = (keypoint + 0.5) * scale - 0.5
    return draw_poses(picture, keypoint, score, layout, score_thr)


def label_heading(top: Sequence[Tuple[str, float]], width: int) -> np.ndarray:
    """Show the best labels.

    Args:
        top: (name, score), the best first.
        width: of the picture, pixels.

    Returns:
        RGB, uint8 [58, ``width``, 3].
    """
    best, *others = [f'{name} {score:.2f}' for name, score in top] or ['']
    return heading(best, ' · '.join(others[:4]) or ' ', width)


def gate_bar(gate: Optional[float], width: int) -> np.ndarray:
    """Show a gate as a bar.

    Args:
        gate: G, the share of appearance let in; None while it is not known.
        width: of the picture, pixels.

    Returns:
        RGB, uint8 [26, ``width``, 3].
    """
    paper = np.full((26, width, 3), PAPER, np.uint8)
    text, room = 'gate G', width - 110 - RIGHT_MARGIN
    if gate is not None:
        text = f'gate G {gate:.2f}'
        paper[7:19, 110 : 110 + round(room * gate)] = GATE
    cv2.rectangle(paper, (110, 7), (110 + room, 18), RULE, 1)
    return write_text(paper, (6, 13), text, 13, 100)


class GateCurve:
    """The gate over a video's time.

    Args:
        times: seconds, [clips, T] or [T].
        values: G, of the same shape; those of one time are averaged. Between
            neighbours that no clip spans there is no line: nothing was seen
            there.
        duration: of the video, seconds.
        width: of the picture, pixels.

    Attributes:
        times, values: [n], in order, each time once.
        joined: [n - 1], whether a clip spans a time and the next one.
        top: what the upper end of the scale stands for.
    """

    def __init__(
        self, times, values, duration: float, width: int = 640
    ) -> None:
        self.times, place = np.unique(np.ravel(times), return_inverse=True)
        self.values = np.bincount(place, np.ravel(values)) / np.bincount(place)
        clips = np.atleast_2d(times)
        first, last = clips.min(1)[:, None], clips.max(1)[:, None]
        spans = (first <= self.times[:-1]) & (self.times[1:] <= last)
        self.joined = spans.any(0)
        steps = (0.1, 0.2, 0.5, 1.0)
        self.top = next(s for s in steps if self.values.max() <= s or s == 1)
        self.duration = duration
        height = CURVE_TOP + CURVE_HEIGHT + AXIS_HEIGHT
        paper = np.full((height, width, 3), PAPER, np.uint8)
        paper = write_text(
            paper,
            (6, 12),
            'gate G, the share of appearance let in',
            13,
            width,
            True,
        )
        for value in (0, self.top / 2, self.top):
            y = self._y(value)
            right = width - RIGHT_MARGIN
            cv2.line(paper, (LEFT_MARGIN, y), (right, y), RULE, 1)
            paper = write_text(
                paper, (LEFT_MARGIN - 5, y), f'{value:g}', 11, width,
                colour=FAINT, anchor='rm',
            )  # fmt: skip
        for value, anchor in ((0, 'lm'), (duration, 'rm')):
            place = (_x(value, duration, width), height - 9)
            paper = write_text(
                paper, place, f'{value:.3g} s', 11, width, colour=FAINT,
                anchor=anchor,
            )  # fmt: skip
        points = np.array(
            [
                (_x(time, duration, width), self._y(value))
                for time, value in zip(self.times, self.values)
            ]
        )
        breaks = np.flatnonzero(~self.joined) + 1
        for part in np.split(points, breaks):
            cv2.polylines(paper, [part], False, GATE, 2, cv2.LINE_AA)
            if len(part) == 1 or len(points) <= width // 12:
                for point in part.tolist():
                    cv2.circle(paper, point, 3, GATE, -1, cv2.LINE_AA)
        self.paper = paper

    def at(self, time: float) -> np.ndarray:
        """The picture with the cursor at a time, uint8 [H, W, 3]."""
        width = self.paper.shape[1]
        picture = _with_cursor(self.paper, time, self.duration)
        text = f'{time:.2f} s'
        after = int(np.searchsorted(self.times, time))
        known = np.isclose(self.times, time).any()
        if known or (0 < after < len(self.times) and self.joined[after - 1]):
            value = float(np.interp(time, self.times, self.values))
            place = (_x(time, self.duration, width), self._y(value))
            cv2.circle(picture, place, 5, CURSOR, -1, cv2.LINE_AA)
            text = f'G = {value:.3f} at {text}'
        return write_text(
            picture, (width - RIGHT_MARGIN, 12), text, 13, width,
            colour=CURSOR, anchor='rm',
        )  # fmt: skip

    def _y(self, value: float) -> int:
        return CURVE_TOP + round(CURVE_HEIGHT * (1 - value / self.top))


def _timeline(
    spans: Sequence[Dict], duration: float, width: int
) -> np.ndarray:
    paper = np.full((26, width, 3), PAPER, np.uint8)
    names: List[str] = []
    for span in spans:
        left, right = (
            _x(span[key], duration, width) for key in ('start', 'end')
        )
        if span['name'] not in names:
            names.append(span['name'])
        colour = COLOURS[names.index(span['name']) % len(COLOURS)]
        paper[2:22, left : max(right - 1, left + 1)] = colour
        room = right - left - 8
        if room > 24:
            paper = write_text(
                paper, (left + 4, 12), span['name'], 12, room, colour=INK
            )
    return paper


def _x(time: float, duration: float, width: int) -> int:
    room = width - LEFT_MARGIN - RIGHT_MARGIN
    return LEFT_MARGIN + round(room * time / duration)


def _with_cursor(
    paper: np.ndarray, time: float, duration: float
) -> np.ndarray:
    height, width = paper.shape[:2]
    x = _x(time, duration, width)
    paper = paper.copy()
    top = CURVE_TOP if height > CURVE_TOP + CURVE_HEIGHT else 0
    bottom = CURVE_TOP + CURVE_HEIGHT if top else height
    cv2.line(paper, (x, top), (x, bottom), CURSOR, 1)
    return paper
