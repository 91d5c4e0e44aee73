"""Estimators by name: which there are, and which are installed."""

import re
from importlib.util import find_spec
from typing import Any, Dict, Optional, Type

from integral_action.named_class import find_class

from . import mediapipe_estimator, onnx_session, rtmpose_estimator
from .base import PoseEstimator
from .mediapipe_estimator import MediaPipeEstimator
from .mmpose_estimator import MMPoseEstimator
from .movenet_estimator import MoveNetEstimator
from .rtmpose_estimator import RTMPoseEstimator

ESTIMATORS = dict(
    rtmpose=RTMPoseEstimator,
    mediapipe=MediaPipeEstimator,
    movenet=MoveNetEstimator,
    mmpose=MMPoseEstimator,
)
_ALIASES = dict(onnx='movenet')  # its name in older commands

# What finds a layout where nothing else is asked for: the first that is
# installed.
_DEFAULTS = dict(
    rtmpose=dict(
        coco17=dict(),
        openpose18=dict(),
        halpe26=dict(model='halpe26'),
        coco_wholebody133=dict(model='wholebody'),
    ),
    mediapipe=dict(
        coco17=dict(),
        openpose18=dict(),
        mediapipe33=dict(layout='mediapipe33'),
    ),
)


def is_estimator(name: str) -> bool:
    """Whether a text is an estimator's name, or reads ``module:Class``."""
    return (
        name in ESTIMATORS
        or name in _ALIASES
        or re.fullmatch(r'\w+(\.\w+)*:\w+', name) is not None
    )


def find_estimator(name: str) -> Type[PoseEstimator]:
    """Return an estimator's class.

    Args:
        name: a key of :data:`ESTIMATORS`, or ``'module:Class'``.

    Raises:
        ValueError: there is no such estimator.
    """
    name = _ALIASES.get(name, name)
    return find_class(name, ESTIMATORS, PoseEstimator, 'pose estimator')


def missing() -> Dict[str, Optional[str]]:
    """Return by estimator how to install it; None where it is installed.

    Nothing that they stand on is imported for it.
    """
    return dict(
        rtmpose=rtmpose_estimator.missing(),
        mediapipe=mediapipe_estimator.missing(),
        movenet=onnx_session.missing(),
        mmpose=None
        if all(map(find_spec, ('mmpose', 'mmdet')))
        else 'see "MMPose" in docs/extract_poses.md',
    )


def default_estimator(layout: str = 'coco17') -> Dict[str, Any]:
    """Return the config of the first installed estimator that finds a layout.

    Args:
        layout: a :class:`KeypointLayout`'s name; ``'openpose18'`` is made out
            of ``'coco17'``.

    Returns:
        Such as ``dict(type='rtmpose', model='halpe26')``.

    Raises:
        ValueError: none finds it.
        ImportError: none that does is installed; the message tells what to
            install.
    """
    configs = [
        dict(type=name, **layouts[layout])
        for name, layouts in _DEFAULTS.items()
        if layout in layouts
    ]
    if not configs:
        raise ValueError(
            f'no pose estimator finds the keypoints of {layout!r}: give the '
            f'poses as files'
        )
    lacking = missing()
    for config in configs:
        if lacking[config['type']] is None:
            return config
    raise ImportError(
        f'no pose estimator is installed: '
        f'{", or ".join(lacking[config["type"]] for config in configs)}; or '
        f'give the poses as files'
    )
