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
            :meth:`KeypointLayout.get` knows, or else what the estimator
            calls it.
        follows: whether what is found in a frame may depend on the frames
            before it. One that does not is asked only for the frames that a
            model looks at.
    """

    layout: str
    follows: bool = True

    def start_video(self) -> None:  # noqa: B027  most have nothing to forget
        """Forget the video before: what follows are the frames of another.

        An estimator that follows people from frame to frame overrides this.
        """

    @abstractmethod
    def __call__(self, frames: np.ndarray) -> List[Poses]:
        """Find the people in each frame.

        What is found in a frame must depend on nothing but it and the frames
        of the same video before it, whatever the number of frames in a call.

        Args:
            frames: uint8 RGB [B, H, W, 3], consecutive frames of one video,
                which follow those of the last call.

        Returns:
            For each of the B frames ``keypoint`` [M, K, 2], in pixels that
            count from the centre of the top left one, and ``keypoint_score``
            [M, K]; the best person first. M may differ from frame to frame,
            and is 0 where nobody is.
        """
