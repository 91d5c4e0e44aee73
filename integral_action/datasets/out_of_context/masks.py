"""Where the persons of a video are."""

import pkgutil
from abc import ABC, abstractmethod
from typing import Tuple, Type

import numpy as np

from .body_shape import BodyShape

Poses = Tuple[np.ndarray, np.ndarray]


class PersonMasks(ABC):
    """Finds the pixels of given persons.

    One of your own, such as a segmentation model, is made with ``layout`` and
    with what ``--mask-options`` of the converter says.

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


MASKS = dict(poses=PoseMasks)


def find_masks(name: str) -> Type[PersonMasks]:
    """A class of masks.

    Args:
        name: a key of :data:`MASKS`, or ``'module:Class'``.

    Raises:
        ValueError: there is no such class.
    """
    if name in MASKS:
        return MASKS[name]
    if ':' not in name:
        raise ValueError(
            f'unknown masks {name!r}; there are '
            f'{", ".join(map(repr, MASKS))}, or give your own as '
            f"'module:Class'"
        )
    try:
        found = pkgutil.resolve_name(name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f'masks {name!r}: {error}') from error
    if not (isinstance(found, type) and issubclass(found, PersonMasks)):
        raise ValueError(
            f'{name!r} is no subclass of '
            f'integral_action.datasets.out_of_context.PersonMasks'
        )
    return found
