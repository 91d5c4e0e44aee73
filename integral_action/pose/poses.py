"""Poses as arrays: which keypoints are found, and whether they are pixels.

Converters, ``check_dataset``, the loader and the inferencer go by these.
"""

from typing import Any, Optional, Sequence, Tuple

import numpy as np

MAX_SCORE = 10  # of some estimators; far above it is a percentage, or depth


def as_poses(keypoint: Any, score: Any = None) -> Tuple:
    """Turn what a file or a caller gives into two arrays.

    Args:
        keypoint: [M, T, K, 2], or [M, T, K, 3] with (x, y, score).
        score: [M, T, K]; None takes the third column, or else 1.

    Returns:
        ``keypoint`` float32 [M, T, K, 2] and ``keypoint_score`` float32
        [M, T, K], values as they are.

    Raises:
        ValueError: they are something else, such as text or 3D skeletons.
    """
    keypoint = _numbers('keypoint', keypoint)
    third = score is None and keypoint.ndim == 4 and keypoint.shape[-1] == 3
    if third:
        score = keypoint[..., 2]
    elif score is None:
        score = np.ones(keypoint.shape[:-1])
    score = _numbers('keypoint_score', score)
    if (
        keypoint.ndim != 4
        or keypoint.shape[-1] not in (2, 3)
        or score.shape != keypoint.shape[:-1]
    ):
        raise ValueError(
            f'keypoint has shape {list(keypoint.shape)} and keypoint_score '
            f'{list(score.shape)}, expected [M, T, K, 2] and [M, T, K]'
        )
    known = score[np.isfinite(score)]
    if third and (known < 0).any():
        raise ValueError(
            f'the third column of keypoint goes from {known.min():.4g} to '
            f'{known.max():.4g}, which are no scores: is it a 3D skeleton?'
        )
    if known.size and known.max() > MAX_SCORE:
        raise ValueError(
            f'{"the third column of keypoint" if third else "keypoint_score"} '
            f'goes up to {known.max():.4g}, expected scores from 0 to 1'
        )
    return keypoint[..., :2], score


def _numbers(name: str, values: Any) -> np.ndarray:
    try:
        array = np.asarray(values)
        if array.dtype.kind not in 'fiubO':  # lists may hold None
            raise TypeError(f'{array.dtype}')
        return array.astype(np.float32)
    except (TypeError, ValueError) as error:  # ragged, or no numbers
        raise ValueError(f'{name} is no array of numbers ({error})') from error


def is_found(keypoint: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Whether each keypoint is found: its score is above 0, its coordinates
    are finite, and not (0, 0), where many estimators put the others.

    Args:
        keypoint: [..., 2].
        score: [...].
    """
    x, y = keypoint[..., 0], keypoint[..., 1]  # all(-1) is far slower
    finite = np.isfinite(x) & np.isfinite(y) & np.isfinite(score)
    return finite & (score > 0) & ((x != 0) | (y != 0))


def only_found(keypoint: np.ndarray, score: np.ndarray) -> Tuple:
    """Return copies with score 0 where a keypoint is not found, and (0, 0)
    where its coordinates are not finite."""
    keypoint = np.array(keypoint)
    keypoint[~np.isfinite(keypoint).all(-1)] = 0
    return keypoint, np.where(is_found(keypoint, score), score, np.float32(0))


def found_points(keypoint: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return the found keypoints [N, 2] of a video, or some thousands of them,
    spread evenly."""
    found = np.flatnonzero(is_found(keypoint, score))
    return keypoint.reshape(-1, 2)[found[:: len(found) // 2000 + 1]]


def person_score(score: np.ndarray) -> np.ndarray:
    """Mean score [...] of the found keypoints of each person [..., K]; 0 for
    nobody."""
    score = np.maximum(score, 0)
    return score.sum(-1) / (score > 0).sum(-1).clip(1).astype(np.float32)


def not_pixels(
    points: np.ndarray, shape: Optional[Sequence[int]] = None
) -> Optional[str]:
    """Say why found keypoints are not pixels.

    Args:
        points: [N, 2], the found keypoints of a video.
        shape: of the picture, (height, width), where it is known.

    Returns:
        A reason, or None where they may be pixels. More than half of a
        video's points, and so not its outliers, must lie beyond the corner of
        3 pixels (less in a tiny picture). Fewer than 10 tell nothing.
    """
    if len(points) < 10:
        return None
    limit = 3 if shape is None else min(3, min(shape) / 10)
    typical = np.median(np.maximum(*np.abs(points).T))
    if typical > limit:
        return None
    where = (
        '' if shape is None else f' in a picture of {shape[1]} x {shape[0]}'
    )
    return (
        f'half of the found keypoints have coordinates of at most '
        f'{typical:.2f}{where}: fractions or metres, not pixels'
    )


def looks_swapped(points: np.ndarray, shape: Sequence[int]) -> bool:
    """Whether a tenth of found keypoints [N, 2] lie well beyond a picture of
    (height, width), and would not if the two were exchanged."""
    size = np.array(shape[::-1])

    def share_beyond(size: np.ndarray) -> float:
        return (points > size).any(-1).mean()

    # feet may well be a little below the picture
    return len(points) > 0 and bool(
        share_beyond(1.1 * size) > 0.1 and share_beyond(size[::-1]) < 0.01
    )


def has_swapped_shape(shape: Sequence[int], real: Sequence[int]) -> bool:
    """Whether an annotated (height, width) has the proportions of a picture's
    (width, height), and not its own."""
    straight = shape[0] * real[1] / (shape[1] * real[0])
    swapped = shape[1] * real[1] / (shape[0] * real[0])
    return 0.95 < swapped < 1.05 and not 0.95 < straight < 1.05
