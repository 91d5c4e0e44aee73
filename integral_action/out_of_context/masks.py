"""Masks of the persons in a video."""

from abc import ABC, abstractmethod
from typing import Tuple

import cv2
import numpy as np

from integral_action.out_of_context.body_shape import BodyShape

CORE = -0.03  # growth, share of the person's height: well inside the body
ROUNDS = 2

Poses = Tuple[np.ndarray, np.ndarray]


class PersonMasks(ABC):
    """Finds the pixels of given persons.

    One of your own, such as a segmentation model, is made with ``layout`` and
    with what ``--masks-options`` of the converter says.

    Args:
        layout: of the poses, as of :meth:`KeypointLayout.get`.
    """

    def __init__(self, layout: str) -> None:
        self.layout = layout

    @abstractmethod
    def __call__(self, frames: np.ndarray, poses: Poses) -> np.ndarray:
        """Find them in all frames of a video.

        Args:
            frames: uint8 RGB [T, H, W, 3].
            poses: of the persons that are wanted, others not; ``keypoint``
                [M, T, K, 2] in pixels, (0, 0) the centre of the top left one,
                and ``keypoint_score`` [M, T, K], 0 where a keypoint is not
                known. Gaps are filled already.

        Returns:
            bool [T, H, W].
        """

    def to_remove(self, frames: np.ndarray, poses: Poses) -> np.ndarray:
        """Find them as they are to be removed, where some pixels too many are
        better than too few. As above, unless a subclass knows better."""
        return self(frames, poses)


class PoseMasks(PersonMasks):
    """Bodies grown round the bones; the frames are not looked at.

    Args:
        layout: as above.
        growth: as of :class:`BodyShape`.
        min_keypoints: a body of fewer is not drawn.
    """

    def __init__(
        self, layout: str, growth: float = 0.0, min_keypoints: int = 3
    ) -> None:
        super().__init__(layout)
        self.shape = BodyShape(layout, growth)
        self.min_keypoints = min_keypoints

    def __call__(self, frames: np.ndarray, poses: Poses) -> np.ndarray:
        """Draw the bodies."""
        masks = np.zeros(frames.shape[:3], np.uint8)
        for keypoint, score in zip(*poses):
            seen = score > 0
            heights = self.shape.heights(keypoint, seen)
            for t in np.flatnonzero(seen.sum(1) >= self.min_keypoints):
                self.shape.draw(masks[t], keypoint[t], seen[t], heights[t])
        return masks.astype(bool)


class GrabCutMasks(PoseMasks):
    """Bodies grown round the bones, cut along the edges that the picture has
    there (OpenCV's GrabCut): less of the old scene stays round a person.

    The colours of a person are learnt near the bones, those of the scene
    outside the body. Where they are alike, and the cut would leave less than
    ``least`` of a frame's bodies, these stay as they are.

    Args:
        layout, growth, min_keypoints: as above.
        least: share, from 0 to 1.
        side: of the pictures that are cut, pixels; bigger ones are scaled
            down to it.
    """

    def __init__(
        self,
        layout: str,
        growth: float = 0.01,
        min_keypoints: int = 3,
        least: float = 0.5,
        side: int = 160,
    ) -> None:
        super().__init__(layout, growth, min_keypoints)
        self.core = PoseMasks(layout, CORE, min_keypoints)
        self.least = least
        self.side = side

    def __call__(self, frames: np.ndarray, poses: Poses) -> np.ndarray:
        """Draw the bodies, and cut them."""
        bodies = super().__call__(frames, poses)
        cores = self.core(frames, poses)
        return np.stack(
            [self._cut(*three) for three in zip(frames, bodies, cores)]
        )

    def to_remove(self, frames: np.ndarray, poses: Poses) -> np.ndarray:
        """Draw the bodies; what is cut off may be part of a person."""
        return super().__call__(frames, poses)

    def _cut(
        self, frame: np.ndarray, body: np.ndarray, core: np.ndarray
    ) -> np.ndarray:
        if not core.any() or body.all():
            return body
        height, width = body.shape
        scale = min(1, self.side / max(height, width))
        size = (max(1, round(scale * width)), max(1, round(scale * height)))
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        body, core = (
            cv2.resize(m.astype(np.uint8), size, interpolation=cv2.INTER_AREA)
            for m in (body, core)
        )
        guess = np.where(body, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
        guess[core > 0] = cv2.GC_FGD
        models = np.zeros((2, 1, 65))
        cv2.setRNGSeed(0)  # its clusters start at random
        cv2.grabCut(small, guess, None, *models, ROUNDS, cv2.GC_INIT_WITH_MASK)
        cut = np.isin(guess, (cv2.GC_FGD, cv2.GC_PR_FGD))
        if cut.sum() < self.least * body.sum():
            cut = body > 0
        cut = cv2.resize(cut.astype(np.float32), (width, height))
        return cut > 0.5
