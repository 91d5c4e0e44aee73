"""Pose files, ``.npz``: one per video. Arrays are loaded without pickle."""

import io
import math
import zipfile
from numbers import Integral
from typing import Dict, Optional, Tuple

import numpy as np

from integral_action.fileio import atomic_write
from integral_action.storage import PathLike, open_file

from .poses import as_poses

MOST_PERSONS = 256  # in a pose file
MOST_BYTES = 2**30  # of one of its arrays, in memory


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
    key = None  # that is read
    with open_file(path, backend_args) as file:
        try:
            if (start := file.read(6)) == b'\x93NUMPY':
                raise ValueError('one array alone, not .npz')
            if not start.startswith(b'PK'):
                raise ValueError('no .npz')
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                missing = {'keypoint', 'keypoint_score'} - set(arrays.files)
                if missing:
                    raise ValueError(f'no {" and no ".join(sorted(missing))}')
                found = []
                for key in ('keypoint', 'keypoint_score'):
                    _check_size(arrays.zip, key, frames, keypoints)
                    found.append(arrays[key])
                    if not isinstance(found[-1], np.ndarray):
                        raise ValueError('no array')
                key = None
            return as_poses(*found)
        except Exception as error:  # what broken bytes raise has no limit
            text = f'{error}' if key is None else f'{key}: {error}'
            raise ValueError(f'{path}: not a pose file: {text}') from error


def _check_size(
    archive: zipfile.ZipFile,
    key: str,
    frames: Optional[int],
    keypoints: Optional[int],
) -> None:
    """Refuse an array that a video does not explain, before it is unpacked: a
    file of 1 MB may hold 1 GB of zeros.

    Raises:
        ValueError: the message tells its size.
    """
    most = MOST_BYTES
    if isinstance(frames, Integral) and keypoints:
        # 8 bytes each of x, y and score; 16 MB are not worth an error
        most = min(most, MOST_PERSONS * 24 * frames * keypoints + 2**24)
    name = key if key in archive.namelist() else f'{key}.npy'
    with archive.open(name) as member:
        start = member.read(2**16)
    size = archive.getinfo(name).file_size
    if start.startswith(np.lib.format.MAGIC_PREFIX):
        size = _array_size(start)
    if size > most:
        raise ValueError(
            f'{size >> 20} MB, expected {most >> 20} MB at most: '
            f'{MOST_PERSONS} persons in {frames or "all"} frames'
        )


def _array_size(start: bytes) -> int:
    """Return the bytes that an array takes in memory, by its header."""
    file = io.BytesIO(start)
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_2_0
    if version == (1, 0):
        read = np.lib.format.read_array_header_1_0
    shape, _, dtype = read(file)
    return math.prod(shape) * dtype.itemsize


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
