"""Reading and writing annotations, poses and result files, safely.

Nothing here runs code that a file brings: arrays are loaded without pickle,
and pickles through an unpickler that knows arrays, tensors and plain
containers and refuses everything else by name.
"""

import importlib
import io
import json
import math
import os
import pickle
import re
import zipfile
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any, Dict, Iterable, Optional, Tuple, Union

import numpy as np

from integral_action.json_lines import JSONLines, check_encoding
from integral_action.pose.poses import as_poses

PathLike = Union[str, Path]
MOST_PERSONS = 256  # in a pose file
MOST_BYTES = 2**30  # of one of its arrays, in memory


class SampleError(ValueError):
    """One video or its poses cannot be used; the message names the file."""


def _tensor_from_bytes(data: bytes):
    """The storage inside a pickled tensor, read with ``weights_only``."""
    import torch

    return torch.load(io.BytesIO(data), weights_only=True)


def _bytes_of(kind: type):
    """Bytes as pickles before protocol 5 have them; not ``bytearray(10**10)``
    of a pickle that asks for memory."""

    def make(value: Union[bytes, str] = b'', encoding: str = 'latin-1'):
        value = value.encode(encoding) if isinstance(value, str) else value
        if not isinstance(value, bytes):
            raise pickle.UnpicklingError(f'{kind.__name__} of {value!r:.20}')
        return kind(value)

    return make


# What a pickle may name, Python 2's names among it. Tensors are there for the
# files of `test.py --dump`.
_PICKLE_GLOBALS = {
    ('collections', 'OrderedDict'),
    ('collections', 'defaultdict'),
    ('numpy', 'dtype'),
    ('numpy', 'ndarray'),
    ('numpy.core.multiarray', '_reconstruct'),
    ('numpy.core.multiarray', 'scalar'),
    ('numpy.core.numeric', '_frombuffer'),  # of protocol 5
    ('torch._utils', '_rebuild_tensor_v2'),
    *(
        ('builtins', kind.__name__)
        for kind in (bool, dict, float, frozenset, int, list, set, str, tuple)
    ),
}
_PICKLE_BYTES = {
    ('_codecs', 'encode'): _bytes_of(bytes),
    ('builtins', 'bytes'): _bytes_of(bytes),
    ('builtins', 'bytearray'): _bytes_of(bytearray),
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ('torch.storage', '_load_from_bytes'):
            return _tensor_from_bytes
        # numpy has changed its modules' names, and Python 3 its own
        known = module.replace('numpy._core', 'numpy.core')
        known = known.replace('__builtin__', 'builtins')
        if (known, name) in _PICKLE_BYTES:
            return _PICKLE_BYTES[known, name]
        if (known, name) not in _PICKLE_GLOBALS:
            raise pickle.UnpicklingError(
                f'it names {module}.{name}; only arrays, tensors and plain '
                f'containers are read'
            )
        if int(np.__version__.split('.')[0]) > 1:
            known = known.replace('numpy.core', 'numpy._core')
        return getattr(importlib.import_module(known), name)


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


def read_text(path: PathLike) -> str:
    """Read a text file, with the mark that Windows puts first or without.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no UTF-8; the message tells the file.
    """
    data = Path(path).read_bytes()
    check_encoding(path, data)
    try:
        return data.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        raise ValueError(f'{path}: not UTF-8 text: {error}') from error


def read_json(path: PathLike) -> Any:
    """Read a JSON file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no JSON; the message tells the file.
    """
    text = read_text(path)
    try:
        return json.loads(text)
    except (RecursionError, ValueError) as error:
        raise ValueError(f'{path}: not JSON: {error}') from error


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
        return read_json(path)
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


def read_poses(
    path: PathLike,
    frames: Optional[int] = None,
    keypoints: Optional[int] = None,
) -> Tuple[np.ndarray, np.ndarray]:
    """Read one video's poses.

    Args:
        path: the file.
        frames: of the video, where they are known, and
        keypoints: of its layout: arrays beyond what 256 persons take are not
            read, nor any beyond 1 GiB.

    Returns:
        ``keypoint`` [M, T, K, 2], in pixels of the video, and
        ``keypoint_score`` [M, T, K], both float32.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is broken, or its arrays have other names or shapes.
    """
    key = None  # that is read
    with open(path, 'rb') as file:
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
    """Return the videos of a split out of :func:`read_annotations`.

    Args:
        annotations: what it returned.
        split: name of the split; None for a file that has none.
        path: name of the file, for errors.

    Raises:
        ValueError: the split is not in the file, or none of several is asked
            for, or the file holds no list of videos.
    """
    records, splits = annotations, {}
    if isinstance(annotations, dict) and 'annotations' in annotations:
        records = annotations['annotations']
        splits = annotations.get('split') or {}
        if (
            not isinstance(splits, dict)
            or not isinstance(records, Sequence)
            or not all(isinstance(record, dict) for record in records)
        ):
            raise ValueError(f'{path}: its annotations are no videos')
    if split is None and splits:
        raise ValueError(
            f'{path}: split is None, but there are the splits '
            f'{sorted(splits)}: name one'
        )
    if split is not None:
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
    if not isinstance(records, Sequence) or isinstance(records, str):
        raise ValueError(f'{path}: not a list of videos')
    return records
