"""Estimators of the poses in a video's frames.

A module imports what it stands on (rtmlib, MediaPipe, ONNX Runtime, MMPose)
only when its estimator is made.
"""

from .base import PoseEstimator, Poses
from .finding import (
    ESTIMATORS,
    default_estimator,
    find_estimator,
    is_estimator,
    missing,
)
from .mediapipe_estimator import MediaPipeEstimator
from .mmpose_estimator import MMPoseEstimator
from .movenet_estimator import MoveNetEstimator
from .rtmpose_estimator import RTMPoseEstimator
from .video import estimate_poses, find_poses, stack_poses

__all__ = [
    'ESTIMATORS',
    'MMPoseEstimator',
    'MediaPipeEstimator',
    'MoveNetEstimator',
    'PoseEstimator',
    'Poses',
    'RTMPoseEstimator',
    'default_estimator',
    'estimate_poses',
    'find_estimator',
    'find_poses',
    'is_estimator',
    'missing',
    'stack_poses',
]
