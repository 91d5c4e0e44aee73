"""Pose files, ``.npz``: one per video. Arrays are loaded without pickle."""

from numbers import Integral
from typing import Dict, Optional, Tuple

import numpy as np

from integral_action.fileio import MOST_BYTES, atomic_write, load_arrays
from integral_action.storage import PathLike, open_file

from .poses import as_poses

MOST_PERSONS = 256  # in a pose file


def read_poses(
    path: PathLike,
    frames: Optional[int] = None,
    keypoints: Optional[int] = None,
    backend_args: Optional[Dict] = None,
) -> Tuple[np.ndarray, np.ndarray]:
    """Read one video's poses.

    Args:
        path: the file.
        frames: of the video, where they are known, and
        keypoints: of its layout: arrays beyond what 256 persons take are not
            read, nor any beyond 1 GiB.
        backend_args: arguments of :func:`open_file`.

    Returns:
        ``keypoint`` [M, T, K, 2], in pixels of the video, and
        ``keypoint_score`` [M, T, K], both float32.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is broken, or its arrays have other names or shapes.
    """
    most, who = (
        MOST_BYTES,
        f'{MOST_PERSONS} persons in {frames or "all"} frames',
    )
    if isinstance(frames, Integral) and keypoints:
        # 8 bytes each of x, y and score; 16 MB are not worth an error
        most = min(most, MOST_PERSONS * 24 * frames * keypoints + 2**24)
    names = ('keypoint', 'keypoint_score')
    with open_file(path, backend_args) as file:
        try:
            return as_poses(*load_arrays(file, names, most, who))
        except Exception as error:  # what broken bytes raise has no limit
            raise ValueError(f'{path}: not a pose file: {error}') from error


def write_poses(
    path: PathLike, keypoint: np.ndarray, score: np.ndarray
) -> None:
    """Write one video's poses. The file appears only whole.

    Args:
        path: a file ending in ``.npz``.
        keypoint: [M, T, K, 2], in pixels of the video.
        score: [M, T, K]; 0 where a keypoint was not found.
    """
    with atomic_write(path) as temporary:
        with open(temporary, 'wb') as file:
            np.savez_compressed(
                file,
                keypoint=np.asarray(keypoint, np.float32),
                keypoint_score=np.asarray(score, np.float32),
            )
