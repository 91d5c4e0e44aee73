from typing import Iterable, List, Optional, Sequence

import numpy as np

from integral_action.fileio import SampleError
from integral_action.text import one_line

from .base import PoseEstimator, Poses


def estimate_poses(
    batches: Iterable[np.ndarray],
    estimator: PoseEstimator,
    source: str,
    max_persons: Optional[int] = None,
) -> Poses:
    """Find the people in a whole video.

    Args:
        batches: its frames in order, uint8 RGB [B, H, W, 3] at a time.
        estimator: finds them.
        source: what errors call the video.
        max_persons: how many persons of a frame are kept, the best.

    Returns:
        ``keypoint`` [M, T, K, 2] in pixels and ``keypoint_score`` [M, T, K],
        float32; zeros where a frame has fewer than M persons.

    Raises:
        SampleError: the estimator fails, or the video has no frames.
    """
    poses = []
    for frames in batches:
        found = find_poses(frames, estimator, source, not poses)
        poses += [
            (points[:max_persons], score[:max_persons])
            for points, score in found
        ]
    if not poses:
        raise SampleError(f'{source}: a video without frames')
    return stack_poses(poses)


def find_poses(
    frames: np.ndarray,
    estimator: PoseEstimator,
    source: str,
    first: bool = False,
) -> List[Poses]:
    """Find the people in the next frames of a video.

    Args:
        frames, estimator, source: as of :func:`estimate_poses`.
        first: whether the video begins with them.

    Returns:
        ``keypoint`` [M, K, 2] and ``keypoint_score`` [M, K] of each frame.

    Raises:
        SampleError: the estimator fails.
    """
    try:
        if first:
            estimator.start_video()
        found = estimator(frames)
        if len(found) != len(frames):
            raise ValueError(f'{len(found)} of {len(frames)} frames')
    except Exception as error:  # an estimator's own, of whatever kind
        raise SampleError(
            f'{source}: the estimator fails '
            f'({type(error).__name__}: {one_line(error)})'
        ) from error
    return found


def stack_poses(poses: Sequence[Poses]) -> Poses:
    """Return one array each of the poses of a video's frames.

    Args:
        poses: ``keypoint`` [M, K, 2] and ``keypoint_score`` [M, K] of each.

    Returns:
        As of :func:`estimate_poses`.
    """
    persons = max(len(score) for _, score in poses)
    num_keypoints = poses[0][1].shape[1]
    keypoint = np.zeros((persons, len(poses), num_keypoints, 2), np.float32)
    keypoint_score = np.zeros(keypoint.shape[:3], np.float32)
    for i, (points, score) in enumerate(poses):
        keypoint[: len(score), i] = points
        keypoint_score[: len(score), i] = score
    return keypoint, keypoint_score
