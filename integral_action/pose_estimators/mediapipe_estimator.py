import os
from contextlib import contextmanager, nullcontext
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Iterator, List, Optional

import numpy as np

from integral_action.pose.layouts import LAYOUTS

from .base import PoseEstimator, Poses

INSTALL = (
    'pip install mediapipe==0.10.21 (numpy below 2, Python 3.12 or older; '
    'newer releases bring no models)'
)
_MODEL = 'pose_landmark/pose_landmark_full.tflite'


def missing() -> Optional[str]:
    """Return how to install MediaPipe with its models; None where it is."""
    spec = find_spec('mediapipe')
    if (
        spec
        and Path(spec.origin).with_name('modules').joinpath(_MODEL).is_file()
    ):
        return None
    return INSTALL


class MediaPipeEstimator(PoseEstimator):
    """MediaPipe Pose (BlazePose): one person, followed through the video.

    The package brings the weights: nothing is downloaded. It runs on the CPU.
    A keypoint's score is its visibility. People are followed as at 30 frames a
    second, whatever the video's rate.

    Args:
        device: ``'cpu'``.
        layout: ``'coco17'``, or ``'mediapipe33'`` for all that it finds.
        score_thr: where its score of the person is below this, nobody is
            there.

    Raises:
        ImportError: there is no mediapipe, or one without models.
        ValueError: another device or layout.
    """

    def __init__(
        self,
        device: str = 'cpu',
        layout: str = 'coco17',
        score_thr: float = 0.5,
    ) -> None:
        if device != 'cpu':
            raise ValueError(f'device is {device!r}, but mediapipe takes cpu')
        if layout not in ('coco17', 'mediapipe33'):
            raise ValueError(
                f'layout is {layout!r}, expected coco17 or mediapipe33'
            )
        names = LAYOUTS['mediapipe33'].names
        self.layout = layout
        self.index = [names.index(name) for name in LAYOUTS[layout].names]
        if missing():
            raise ImportError(
                f'the estimator "mediapipe" needs MediaPipe with its models: '
                f'{INSTALL}'
            )
        from mediapipe.python.solutions.pose import Pose

        self.make_pose = partial(
            Pose,
            min_detection_confidence=score_thr,
            min_tracking_confidence=score_thr,
        )
        self.pose = None  # of the video under way
        self.has_found = False  # a person in it

    def start_video(self) -> None:
        """Forget the person that was followed."""
        before, self.pose = self.pose, None
        self.has_found = False
        if before is not None:
            before.close()

    def __call__(self, frames: np.ndarray) -> List[Poses]:
        """Find the people in each frame; see :class:`PoseEstimator`."""
        return [self._find(frame) for frame in frames]

    def _find(self, frame: np.ndarray) -> Poses:
        # it warns as it starts, and where it first finds a person
        with nullcontext() if self.has_found else no_stderr():
            if self.pose is None:
                self.pose = self.make_pose()
            result = self.pose.process(frame)
        self.has_found |= result.pose_landmarks is not None
        if result.pose_landmarks is None:
            nobody = np.zeros((0, len(self.index), 3), np.float32)
            return nobody[..., :2], nobody[..., 2]
        found = result.pose_landmarks.landmark
        points = np.array(
            [
                [
                    (found[i].x, found[i].y, found[i].visibility)
                    for i in self.index
                ]
            ],
            np.float32,
        )
        # fractions of the sides, from the corner
        size = np.array((frame.shape[1], frame.shape[0]), np.float32)
        return points[..., :2] * size - 0.5, points[..., 2]


@contextmanager
def no_stderr() -> Iterator[None]:
    """Silence C++, which no setting of mediapipe does."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
