"""Reading and writing annotations, poses and result files, safely.

Nothing here runs code that a file brings: arrays are loaded without pickle,
and pickles through an unpickler that knows arrays, tensors and plain
containers and refuses everything else by name.
"""

import importlib
import io
import json
import os
import pickle
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Dict, Iterable, Optional, Tuple, Union

import numpy as np

from integral_action.json_lines import JSONLines

PathLike = Union[str, Path]


class SampleError(ValueError):
    """One video or its poses cannot be used; the message names the file."""


def _tensor_from_bytes(data: bytes):
    """The storage inside a pickled tensor, read with ``weights_only``."""
    import torch

    return torch.load(io.BytesIO(data), weights_only=True)


# What a pickle may name. Tensors are there for the files of `test.py --dump`.
_PICKLE_GLOBALS = {
    ('collections', 'OrderedDict'),
    ('numpy', 'dtype'),
    ('numpy', 'ndarray'),
    ('numpy.core.multiarray', '_reconstruct'),
    ('numpy.core.multiarray', 'scalar'),
    ('numpy._core.multiarray', '_reconstruct'),
    ('numpy._core.multiarray', 'scalar'),
    ('torch._utils', '_rebuild_tensor_v2'),
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ('torch.storage', '_load_from_bytes'):
            return _tensor_from_bytes
        if (module, name) == ('_codecs', 'encode'):  # bytes, in protocol 2
            return lambda text, encoding: text.encode(encoding)
        if (module, name) not in _PICKLE_GLOBALS:
            raise pickle.UnpicklingError(
                f'it names {module}.{name}; only arrays, tensors and plain '
                f'containers are read'
            )
        module = module.replace('numpy._core', 'numpy.core')
        return getattr(importlib.import_module(module), name)


def load_pickle(path: PathLike) -> Any:
    """Load a pickle of arrays, tensors and plain containers.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no whole pickle, or names anything else; the message
            tells the file and the name.
    """
    with open(path, 'rb') as file:
        try:
            return _Unpickler(file).load()
        except Exception as error:  # what broken bytes raise has no limit
            raise ValueError(
                f'{path}: cannot be read as a pickle: {error}'
            ) from error


def read_annotations(path: PathLike) -> Any:
    """Read an annotation file.

    Args:
        path: JSON lines (``.jsonl``, one video a line), JSON (``.json``) or an
            MMAction2/PYSKL pickle (``.pkl``, ``.pickle``).

    Returns:
        A list of videos (JSON lines: one that stays on the disk), or
        MMAction2's dict of ``split`` and ``annotations``.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: another kind of file, or broken; the message tells the file
            and, in JSON lines, the line.
    """
    path = Path(path)
    if path.suffix in ('.pkl', '.pickle'):
        return load_pickle(path)
    if path.suffix == '.json':
        try:
            return json.loads(path.read_text())
        except ValueError as error:
            raise ValueError(f'{path}: not JSON: {error}') from error
    if path.suffix != '.jsonl':
        raise ValueError(
            f'{path}: annotations are .jsonl, .json or .pkl, not '
            f'{path.suffix or "a file without an ending"!r}'
        )
    return JSONLines(path)


def write_annotations(path: PathLike, records: Iterable[Dict]) -> None:
    """Write videos as JSON lines. The file appears only whole."""
    with whole_file(path) as temporary:
        with open(temporary, 'w') as file:
            for record in records:
                file.write(json.dumps(record) + '\n')


def read_poses(path: PathLike) -> Tuple[np.ndarray, np.ndarray]:
    """Read one video's poses.

    Returns:
        ``keypoint`` [M, T, K, 2], in pixels of the video, and
        ``keypoint_score`` [M, T, K], both float32.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is broken, or its arrays have other names or shapes.
    """
    with open(path, 'rb') as file:
        try:
            loaded = np.load(file, allow_pickle=False)
            if not isinstance(loaded, np.lib.npyio.NpzFile):
                raise ValueError('one array alone, not .npz')
            with loaded as arrays:
                missing = {'keypoint', 'keypoint_score'} - set(arrays.files)
                if missing:
                    raise ValueError(f'no {" and no ".join(sorted(missing))}')
                keypoint = arrays['keypoint'].astype(np.float32)
                score = arrays['keypoint_score'].astype(np.float32)
        except Exception as error:  # what broken bytes raise has no limit
            raise ValueError(f'{path}: not a pose file: {error}') from error
    if (
        keypoint.ndim != 4
        or keypoint.shape[3] != 2
        or (score.shape != keypoint.shape[:3])
    ):
        raise ValueError(
            f'{path}: keypoint has shape {list(keypoint.shape)} and '
            f'keypoint_score {list(score.shape)}, expected [M, T, K, 2] and '
            f'[M, T, K]'
        )
    return keypoint, score


def write_poses(
    path: PathLike, keypoint: np.ndarray, score: np.ndarray
) -> None:
    """Write one video's poses. The file appears only whole.

    Args:
        path: a file ending in ``.npz``.
        keypoint: [M, T, K, 2], in pixels of the video.
        score: [M, T, K]; 0 where a keypoint was not found.
    """
    with whole_file(path) as temporary:
        with open(temporary, 'wb') as file:
            np.savez_compressed(
                file,
                keypoint=np.asarray(keypoint, np.float32),
                keypoint_score=np.asarray(score, np.float32),
            )


class whole_file:
    """Write beside ``path`` and rename at the end, so that it is never half
    there."""

    def __init__(self, path: PathLike) -> None:
        self.path = Path(path)
        self.temporary = self.path.with_name(
            f'.{self.path.stem}.{os.getpid()}{self.path.suffix}'
        )

    def __enter__(self) -> Path:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self.temporary

    def __exit__(self, kind, error, _) -> None:
        try:
            if error is None:
                os.replace(self.temporary, self.path)
            elif isinstance(error, OSError) and error.filename is None:
                error.filename = str(self.path)  # as of a disk that is full
        finally:
            self.temporary.unlink(missing_ok=True)


def remove_unfinished(folder: PathLike, pattern: str = '**/.*') -> None:
    """Remove what killed processes of this machine have left of their
    :class:`whole_file`.

    Args:
        folder: where to look.
        pattern: of their names, ``.name.PROCESS.ending``.
    """
    for path in Path(folder).glob(pattern):
        found = re.fullmatch(r'\..+\.(\d+)(\.\w+)?', path.name)
        if found and not _is_running(int(found[1])):
            path.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # another user's
        pass
    return True


def records_of(
    annotations: Any, split: Optional[str], path: PathLike
) -> Sequence:
    """The videos of ``split`` (all, where it is None) of what
    :func:`read_annotations` returned.

    Raises:
        ValueError: the split is not in the file, or the file holds no list of
            videos.
    """
    if isinstance(annotations, dict) and 'annotations' in annotations:
        records = annotations['annotations']
        if not isinstance(records, Sequence) or not all(
            isinstance(record, dict) for record in records
        ):
            raise ValueError(f'{path}: its annotations are no videos')
        if split is not None:
            splits = annotations.get('split', {})
            if split not in splits:
                raise ValueError(
                    f'{path}: no split {split!r}; there are {sorted(splits)}'
                )
            names = set(splits[split])
            records = [
                record
                for record in records
                if record.get('frame_dir', record.get('filename')) in names
            ]
    elif split is not None:
        raise ValueError(
            f'{path}: split={split!r} is asked for, but the file has no splits'
        )
    else:
        records = annotations
    if not isinstance(records, Sequence) or isinstance(records, str):
        raise ValueError(f'{path}: not a list of videos')
    return records
