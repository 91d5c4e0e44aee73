"""Masks of the persons in a video, by MediaPipe's models."""

from typing import Iterable, Iterator, Sequence, Tuple

import cv2
import numpy as np

from integral_action.out_of_context.masks import CORE, PoseMasks, Poses
from integral_action.pose_estimators.mediapipe_estimator import (
    INSTALL,
    missing,
    no_stderr,
)

Window = Tuple[slice, slice]  # rows and columns
GROWTH = 0.25  # of the box round a person's poses, share of its longer side


class MediaPipeMasks(PoseMasks):
    """Persons cut out by BlazePose, or else by selfie segmentation.

    BlazePose looks at the part of the picture where the person's poses are,
    and follows one person. It may be another one, and so may those of selfie
    segmentation: in each frame the first mask that covers ``least`` of what is
    near the bones is taken, without its parts that are apart from them. Where
    neither does, it is the body grown round the bones. The package brings the
    weights: nothing is downloaded. It runs on the CPU.

    Args:
        layout, growth, min_keypoints: as of :class:`PoseMasks`.
        least: share, from 0 to 1.

    Raises:
        ImportError: there is no mediapipe, or one without models.
    """

    def __init__(
        self,
        layout: str,
        growth: float = 0.01,
        min_keypoints: int = 3,
        least: float = 0.4,
    ) -> None:
        super().__init__(layout, growth, min_keypoints)
        if missing():
            raise ImportError(
                f'masks "mediapipe" need MediaPipe with its models: {INSTALL}'
            )
        self.core = PoseMasks(layout, CORE, min_keypoints)
        self.least = least

    def __call__(self, frames: np.ndarray, poses: Poses) -> np.ndarray:
        """Cut out the persons, one after the other."""
        found = np.zeros(frames.shape[:3], bool)
        for keypoint, score in zip(*poses):
            if score.any():
                found |= self._cut(frames, keypoint[None], score[None])
        return found

    def _cut(
        self, frames: np.ndarray, keypoint: np.ndarray, score: np.ndarray
    ) -> np.ndarray:
        from mediapipe.python.solutions.pose import Pose
        from mediapipe.python.solutions.selfie_segmentation import (
            SelfieSegmentation,
        )

        bodies = super().__call__(frames, (keypoint, score))
        cores = self.core(frames, (keypoint, score))
        window = window_of(keypoint[score > 0], frames.shape[1:3])
        with no_stderr():  # they warn as they start
            models = Pose(enable_segmentation=True), SelfieSegmentation()
        with models[0], models[1]:
            return np.stack(
                [
                    choose(
                        _look(models, frame[window]),
                        window,
                        body,
                        core,
                        self.least,
                    )
                    for frame, body, core in zip(frames, bodies, cores)
                ]
            )

    def to_remove(self, frames: np.ndarray, poses: Poses) -> np.ndarray:
        """Draw the bodies: no model sees a person that nothing was left of."""
        return super().__call__(frames, poses)


def window_of(points: np.ndarray, shape: Tuple[int, int]) -> Window:
    """Return the part of a picture round keypoints.

    Args:
        points: [N, 2], pixels; those of all frames, so that it stands still.
        shape: height and width of the picture.
    """
    low, high = points.min(0), points.max(0)
    margin = GROWTH * (high - low).max() + 1
    low = np.floor(low - margin).clip(0, np.array(shape[::-1]) - 1).astype(int)
    high = np.ceil(high + margin).astype(int)
    left, top = low
    right, bottom = np.maximum(np.minimum(high, shape[::-1]), low + 1)
    return slice(top, bottom), slice(left, right)


def choose(
    candidates: Iterable[np.ndarray],
    window: Window,
    body: np.ndarray,
    core: np.ndarray,
    least: float,
) -> np.ndarray:
    """Return the first mask that is of the person, or else its body.

    Args:
        candidates: masks of the window, bool; no more are asked for than
            needed.
        window: part of the picture that they are of.
        body: bool [H, W], of the person, by its pose.
        core: bool [H, W], the part of it that is surely the person's.
        least: share of the core that a mask is to cover.

    Returns:
        bool [H, W].
    """
    if not core.any():
        return body
    for candidate in candidates:
        mask = np.zeros_like(body)
        mask[window] = candidate
        _, parts = cv2.connectedComponents(mask.astype(np.uint8))
        mask &= np.isin(parts, parts[core])
        if mask[core].mean() >= least:
            return mask
    return body


def _look(models: Sequence, frame: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the mask of each model that finds somebody."""
    for model in models:
        with no_stderr():  # and where they first find somebody
            mask = model.process(frame).segmentation_mask
        if mask is not None:
            yield mask > 0.5
