"""Pictures of a source as it runs."""

from typing import Dict, Iterable, Iterator, List, Optional, Tuple

import cv2
import numpy as np

from integral_action.apis.persons import pose_box
from integral_action.apis.stream import PosedFrame
from integral_action.pose.layouts import KeypointLayout
from integral_action.visualization import (
    gate_bar,
    label_heading,
    posed_frame,
    write_text,
)

# of the persons, RGB
COLOURS = (
    (31, 119, 180), (214, 39, 40), (44, 160, 44), (148, 103, 189),
    (140, 86, 75), (227, 119, 194),
)  # fmt: skip


class LivePicture:
    """Draw frames, and the labels that are known so far.

    Args:
        layout: of the poses; None for frames without.
        gate: whether predictions have a gate.
        width: of the pictures, pixels.

    Example::

        drawn = LivePicture('coco17')
        drawn.update(prediction)
        picture = drawn(frame)
    """

    def __init__(
        self,
        layout: Optional[str] = None,
        gate: bool = True,
        width: int = 640,
    ) -> None:
        self.layout = layout and KeypointLayout.get(layout)
        self.width = width
        self._head = label_heading([], width)
        self._foot = [gate_bar(None, width)] if gate else []
        self._labels: Dict[int, str] = {}

    def update(self, prediction: Dict) -> None:
        """Take the labels and the gate of a new prediction."""
        if 'persons' in prediction:
            self._labels = {
                one['person']: _labels(one)[0] for one in prediction['persons']
            }
            top = [
                (f'{number} {name}', score)
                for number, (name, score) in self._labels.items()
            ]
            self._foot = []
        else:
            top = _labels(prediction)
        self._head = label_heading(top, self.width)
        if self._foot:
            self._foot = [gate_bar(prediction['gate']['mean'], self.width)]

    def __call__(self, frame: PosedFrame) -> np.ndarray:
        """Return a picture, uint8 RGB [H, ``width``, 3] with H even."""
        poses = frame.poses if self.layout else None
        picture = posed_frame(
            frame.picture, poses, self.layout, width=self.width
        )
        if frame.persons is not None:
            picture = self._with_persons(picture, frame)
        return np.concatenate([self._head, picture, *self._foot])

    def _with_persons(
        self, picture: np.ndarray, frame: PosedFrame
    ) -> np.ndarray:
        scale = self.width / frame.picture.shape[1]
        for number, keypoint, score in zip(frame.persons, *frame.poses):
            if number < 0:
                continue
            box = (pose_box(keypoint, score) * scale).astype(int).tolist()
            colour = COLOURS[number % len(COLOURS)]
            cv2.rectangle(picture, box[:2], box[2:], colour, 2)
            name, best = self._labels.get(number, ('', 0))
            text = f'{number} {name} {best:.2f}' if name else str(number)
            x, y = max(0, box[0]), max(0, box[1] - 20)
            room = 12 + 9 * len(text)
            picture[y : y + 20, x : x + room] = colour
            picture = write_text(
                picture, (x + 4, y + 10), text, 13, room, colour=(255,) * 3
            )
        return picture


def _labels(prediction: Dict) -> List[Tuple[str, float]]:
    """Return the labels and their scores, the best first."""
    top = [(one['name'], one['score']) for one in prediction['top']]
    if prediction['rec_labels'] == [-1]:
        top.insert(0, (prediction['rec_names'][0], top[0][1]))
    return top


def evenly(
    pictures: Iterable[Tuple[float, np.ndarray]], fps: float
) -> Iterator[np.ndarray]:
    """Make a film of even rate of pictures that come when they come.

    Args:
        pictures: seconds and picture of each, in order.
        fps: pictures a second of the film.

    Yields:
        For each 1 / ``fps`` seconds the picture that was the newest then.

    Example:
        >>> list(evenly([(0, 'a'), (0.5, 'b'), (1, 'c'), (3, 'd')], fps=1))
        ['a', 'c', 'c', 'd']
    """
    start = last = None
    number = 0
    for time, picture in pictures:
        start = time if start is None else start
        while last is not None and start + (number + 0.4) / fps < time:
            yield last
            number += 1
        last = picture
    if last is not None:
        yield last
