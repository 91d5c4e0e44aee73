"""Estimators of the poses in a video's frames, for ``tools/extract_poses.py``.

A module imports what it stands on (MMPose, ONNX Runtime) only when its
estimator is made.
"""

import pkgutil
from typing import Type

from .base import PoseEstimator, Poses
from .mmpose_estimator import MMPoseEstimator
from .onnx_estimator import OnnxEstimator
from .video import estimate_poses

ESTIMATORS = dict(mmpose=MMPoseEstimator, onnx=OnnxEstimator)


def find_estimator(name: str) -> Type[PoseEstimator]:
    """An estimator's class.

    Args:
        name: a key of :data:`ESTIMATORS`, or ``'module:Class'``.

    Raises:
        ValueError: there is no such estimator.
    """
    if ':' not in name:
        if name not in ESTIMATORS:
            raise ValueError(
                f'unknown pose estimator {name!r}; there are '
                f'{", ".join(map(repr, ESTIMATORS))}, or give your own as '
                f"'module:Class'"
            )
        return ESTIMATORS[name]
    try:
        found = pkgutil.resolve_name(name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f'pose estimator {name!r}: {error}') from error
    if not (isinstance(found, type) and issubclass(found, PoseEstimator)):
        raise ValueError(
            f'{name!r} is no subclass of '
            f'integral_action.pose_estimators.PoseEstimator'
        )
    return found


__all__ = [
    'ESTIMATORS',
    'MMPoseEstimator',
    'OnnxEstimator',
    'PoseEstimator',
    'Poses',
    'estimate_poses',
    'find_estimator',
]
