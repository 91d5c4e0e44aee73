"""Mask files, ``.npz``: one per video, packed to one bit a pixel."""

from typing import Dict, Optional, Sequence, Tuple

import numpy as np

from integral_action.fileio import SampleError, atomic_write, load_arrays
from integral_action.storage import PathLike, open_file


def load_masks(
    path: PathLike,
    frames: Optional[Sequence[int]] = None,
    backend_args: Optional[Dict] = None,
) -> Tuple[np.ndarray, np.ndarray]:
    """Load a video's masks; only the frames that are asked for are unpacked.

    Args:
        path: file that :func:`write_masks` wrote.
        frames: their indices, in any order, repeated or not; None for all.
        backend_args: arguments of :func:`open_file`.

    Returns:
        Masks of those who act and of anybody, bool [n, H, W].

    Raises:
        SampleError: there is no such file, it is broken, or it has fewer
            frames; the message tells the file.
    """
    try:
        with open_file(path, backend_args) as file:
            shape, *packed = load_arrays(file, ('shape', 'acting', 'anybody'))
        shape = shape.tolist()
        if len(shape) != 3 or not all(
            isinstance(n, int) and n > 0 for n in shape
        ):
            raise ValueError(f'shape: not three positive integers: {shape}')
        total, height, width = shape
        expected = (total, -(-height * width // 8))
        for array in packed:
            if array.dtype != np.uint8 or array.shape != expected:
                raise ValueError(
                    f'{array.dtype} of shape {array.shape} where {expected} '
                    f'bytes are {total} frames of {width}x{height}'
                )
        if frames is not None:
            frames = np.asarray(frames, int)
            if ((frames < 0) | (frames >= total)).any():
                raise ValueError(
                    f'it has frames 0 to {total - 1}, but {frames.tolist()} '
                    f'are asked for'
                )
            packed = [array[frames] for array in packed]
        acting, anybody = (
            np.unpackbits(array, axis=1, count=height * width)
            .reshape(-1, height, width)
            .view(bool)
            for array in packed
        )
    except Exception as error:  # what broken bytes raise has no limit
        raise SampleError(f'{path}: not a mask file: {error}') from error
    return acting, anybody


def write_masks(
    path: PathLike, acting: np.ndarray, anybody: np.ndarray
) -> None:
    """Write a video's masks. The file appears only whole.

    Args:
        path: a file ending in ``.npz``.
        acting: pixels of those who act, bool [T, H, W].
        anybody: pixels of all persons.
    """
    packed = {
        name: np.packbits(masks.reshape(len(masks), -1), axis=1)
        for name, masks in (('acting', acting), ('anybody', anybody))
    }
    with atomic_write(path) as temporary:
        with open(temporary, 'wb') as file:
            np.savez_compressed(file, shape=acting.shape, **packed)
