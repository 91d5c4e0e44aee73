"""Videos out of context, made of videos in context and their poses.

``tools/dataset_converters/out_of_context.py`` makes data sets of them.
"""

from .body_shape import BodyShape
from .clip import PICTURES, Clip, PersonSettings, read_clip, read_scene
from .mask_files import load_masks, write_masks
from .mask_kinds import MASKS, find_masks
from .masks import GrabCutMasks, PersonMasks, PoseMasks
from .mediapipe_masks import MediaPipeMasks
from .names import file_of
from .persons import fill_gaps, follow_persons
from .pictures import (
    EDGES,
    cover,
    fill_with_colour,
    paste,
    remove_persons,
    same_times,
)
from .scene_mix import SceneMix
from .sets import SCENE_SETS, SETS, make_set

__all__ = [
    'EDGES',
    'MASKS',
    'PICTURES',
    'SCENE_SETS',
    'SETS',
    'BodyShape',
    'Clip',
    'GrabCutMasks',
    'MediaPipeMasks',
    'PersonMasks',
    'PersonSettings',
    'PoseMasks',
    'SceneMix',
    'cover',
    'file_of',
    'fill_gaps',
    'fill_with_colour',
    'find_masks',
    'follow_persons',
    'load_masks',
    'make_set',
    'paste',
    'read_clip',
    'read_scene',
    'remove_persons',
    'same_times',
    'write_masks',
]
