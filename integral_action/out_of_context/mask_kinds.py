"""The kinds of masks, by name."""

from typing import Type

from integral_action.named_class import find_class
from integral_action.out_of_context.masks import (
    GrabCutMasks,
    PersonMasks,
    PoseMasks,
)
from integral_action.out_of_context.mediapipe_masks import MediaPipeMasks

MASKS = dict(poses=PoseMasks, grabcut=GrabCutMasks, mediapipe=MediaPipeMasks)


def find_masks(name: str) -> Type[PersonMasks]:
    """Return a class of masks.

    Args:
        name: a key of :data:`MASKS`, or ``'module:Class'``.

    Raises:
        ValueError: there is no such class.
    """
    return find_class(name, MASKS, PersonMasks, 'masks')
