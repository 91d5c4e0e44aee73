from abc import ABC, abstractmethod
from typing import List, Tuple

import numpy as np

Poses = Tuple[np.ndarray, np.ndarray]


class PoseEstimator(ABC):
    """Finds the people in frames.

    An estimator is made with what its constructor takes: ``device`` always,
    and what else ``tools/extract_poses.py`` is given for it.

    Attributes:
        layout: the keypoints' layout: a name that
            :meth:`integral_action.keypoints.KeypointLayout.get` knows, or else
            what the estimator calls it.
    """

    layout: str

    @abstractmethod
    def __call__(self, frames: np.ndarray) -> List[Poses]:
        """Find the people in each frame.

        What is found in a frame must not depend on the others.

        Args:
            frames: uint8 RGB [B, H, W, 3], consecutive frames of one video.

        Returns:
            For each of the B frames ``keypoint`` [M, K, 2], in pixels that
            count from the centre of the top left one, and ``keypoint_score``
            [M, K]; the best person first. M may differ from frame to frame,
            and is 0 where nobody is.
        """
