"""Persons of a film, each followed from frame to frame."""

from typing import Iterator, NamedTuple, Sequence

import numpy as np

from integral_action.pose_estimators import Poses

from .stream import PosedFrame

FOUND = 0.1  # score of a keypoint that counts
SURE = 0.3  # mean score of a person that begins a track
MARGIN = 0.25  # of the box's longer side, on each side of a crop
LEAST = 0.5  # share of a window's frames in which a person is seen


class PersonTracker:
    """Follow persons by their boxes, with ByteTrack.

    Args:
        fps: frames a second that are looked at.

    Raises:
        ImportError: the package ``trackers`` is not installed.
    """

    def __init__(self, fps: float = 30.0) -> None:
        try:
            from trackers import ByteTrackTracker
        except ImportError as error:
            raise ImportError(
                f'each person alone needs trackers: pip install '
                f'"integral_action[persons]" ({error})'
            ) from error
        self._tracker = ByteTrackTracker(
            frame_rate=fps,
            track_activation_threshold=SURE,
            high_conf_det_threshold=SURE,
        )

    def __call__(self, poses: Poses) -> np.ndarray:
        """Return the number [M] of each person of the next frame, -1 for one
        who is not followed (yet)."""
        from supervision import Detections

        keypoint, score = poses
        persons = np.full(len(score), -1)
        seen = np.flatnonzero((score > FOUND).any(-1))
        if not len(seen):
            self._tracker.update(Detections.empty())
            return persons
        found = self._tracker.update(
            Detections(
                xyxy=np.stack([pose_box(keypoint[i], score[i]) for i in seen]),
                confidence=score[seen].mean(-1),
                data=dict(place=seen),
            )
        )
        persons[found.data['place']] = found.tracker_id
        return persons


class Person(NamedTuple):
    """A person of a window.

    Attributes:
        number: that of the tracker.
        box: (x0, y0, x1, y1) round the last pose, pixels.
        frames: cut round the person, with nobody else's poses.
    """

    number: int
    box: np.ndarray
    frames: Sequence[PosedFrame]


def split_persons(frames: Sequence[PosedFrame]) -> Iterator[Person]:
    """Cut a window round each person who is seen in most of it.

    Args:
        frames: with ``persons``.
    """
    numbers = np.concatenate([frame.persons for frame in frames])
    numbers, counts = np.unique(numbers[numbers >= 0], return_counts=True)
    for number in numbers[counts >= LEAST * len(frames)].tolist():
        poses = [_poses_of(number, frame) for frame in frames]
        boxes = [
            pose_box(*(a[0] for a in one)) for one in poses if len(one[1])
        ]
        yield Person(number, boxes[-1], _cut(frames, poses, np.stack(boxes)))


def _poses_of(number: int, frame: PosedFrame) -> Poses:
    mine = frame.persons == number
    keypoint, score = frame.poses
    return keypoint[mine], score[mine]


def _cut(
    frames: Sequence[PosedFrame], poses: Sequence[Poses], boxes: np.ndarray
) -> Sequence[PosedFrame]:
    """Return frames of what is round all boxes."""
    low, high = boxes[:, :2].min(0), boxes[:, 2:].max(0)
    centre, half = (low + high) / 2, (high - low).max() * (0.5 + MARGIN)
    size = frames[0].picture.shape[1::-1]
    x0, y0 = np.clip(np.floor(centre - half), 0, None).astype(int).tolist()
    x1, y1 = np.minimum(np.ceil(centre + half), size).astype(int).tolist()
    return [
        PosedFrame(
            frame.time,
            frame.picture[y0:y1, x0:x1],
            (keypoint - (x0, y0), score),
        )
        for frame, (keypoint, score) in zip(frames, poses)
    ]


def pose_box(keypoint: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return the box round the found keypoints of a person."""
    found = keypoint[score > FOUND]
    if not len(found):
        found = keypoint
    return np.concatenate([found.min(0), found.max(0)])
