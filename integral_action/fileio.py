"""Reading and writing annotations and result files, safely.

Nothing here runs code that a file brings: pickles go through an unpickler that
knows arrays, tensors and plain containers and refuses everything else by name.
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
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Dict, Iterable, Iterator, List, Optional, Union

import numpy as np

from integral_action.json_lines import JSONLines, check_encoding
from integral_action.storage import PathLike, open_file

MOST_BYTES = 2**30  # of an array of an .npz file, in memory


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


def load_pickle(path: PathLike, backend_args: Optional[Dict] = None) -> Any:
    """Load a pickle of arrays, tensors and plain containers.

    Args:
        path: the file.
        backend_args: arguments of :func:`open_file`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no whole pickle, or names anything else; the message
            tells the file and the name.
    """
    with open_file(path, backend_args) as file:
        try:
            return _Unpickler(file).load()
        except Exception as error:  # what broken bytes raise has no limit
            raise ValueError(
                f'{path}: cannot be read as a pickle: {error}'
            ) from error


def load_arrays(
    file: IO[bytes],
    names: Sequence,
    most: int = MOST_BYTES,
    reason: str = 'no array is larger',
) -> List[np.ndarray]:
    """Load arrays of an ``.npz`` file, without pickle.

    Args:
        file: the open file.
        names: of the arrays.
        most: bytes that each may take in memory: a file of 1 MB may hold 1 GB
            of zeros.
        reason: why, for the error.

    Raises:
        Exception: it is broken, lacks one or holds a larger one; what broken
            bytes raise has no limit.
    """
    if (start := file.read(6)) == b'\x93NUMPY':
        raise ValueError('one array alone, not .npz')
    if not start.startswith(b'PK'):
        raise ValueError('no .npz')
    file.seek(0)
    found = []
    with np.load(file, allow_pickle=False) as arrays:
        if missing := set(names) - set(arrays.files):
            raise ValueError(f'no {" and no ".join(sorted(missing))}')
        for name in names:
            try:
                size = _array_size(arrays.zip, name)
                if size > most:
                    raise ValueError(
                        f'{size >> 20} MB, expected {most >> 20} MB at most: '
                        f'{reason}'
                    )
                found.append(arrays[name])
                if not isinstance(found[-1], np.ndarray):
                    raise ValueError('no array')
            except Exception as error:
                raise ValueError(f'{name}: {error}') from error
    return found


def _array_size(archive: zipfile.ZipFile, name: str) -> int:
    """Return the bytes that an array takes in memory, by its header."""
    name = name if name in archive.namelist() else f'{name}.npy'
    with archive.open(name) as member:
        start = member.read(2**16)
    if not start.startswith(np.lib.format.MAGIC_PREFIX):
        return archive.getinfo(name).file_size
    file = io.BytesIO(start)
    read = np.lib.format.read_array_header_2_0
    if np.lib.format.read_magic(file) == (1, 0):
        read = np.lib.format.read_array_header_1_0
    shape, _, dtype = read(file)
    return math.prod(shape) * dtype.itemsize


def read_text(path: PathLike, backend_args: Optional[Dict] = None) -> str:
    """Read a text file, with the mark that Windows puts first or without.

    Args:
        path: the file.
        backend_args: arguments of :func:`open_file`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no UTF-8; the message tells the file.
    """
    with open_file(path, backend_args) as file:
        data = file.read()
    check_encoding(path, data)
    try:
        return data.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        raise ValueError(f'{path}: not UTF-8 text: {error}') from error


def read_json(path: PathLike, backend_args: Optional[Dict] = None) -> Any:
    """Read a JSON file.

    Args:
        path: the file.
        backend_args: arguments of :func:`open_file`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no JSON; the message tells the file.
    """
    text = read_text(path, backend_args)
    try:
        return json.loads(text)
    except (RecursionError, ValueError) as error:
        raise ValueError(f'{path}: not JSON: {error}') from error


def read_annotations(
    path: PathLike,
    split: Optional[str] = None,
    backend_args: Optional[Dict] = None,
) -> Sequence:
    """Read the videos of an annotation file.

    Args:
        path: JSON lines (``.jsonl``, one video a line), JSON (``.json``) or an
            MMAction2/PYSKL pickle (``.pkl``, ``.pickle``), whose content may
            be MMAction2's dict of ``split`` and ``annotations``.
        split: name of the split; None for a file that has none.
        backend_args: arguments of :func:`open_file`.

    Returns:
        A list of videos; of JSON lines one that stays on the disk.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is broken, of another kind, or no list of videos; the
            message tells the file and, in JSON lines, the line. Or the split
            is not in it, or none of several is asked for.
    """
    suffix = Path(path).suffix
    if suffix in ('.pkl', '.pickle'):
        content = load_pickle(path, backend_args)
    elif suffix == '.json':
        content = read_json(path, backend_args)
    elif suffix == '.jsonl':
        content = JSONLines(path, backend_args)
    else:
        raise ValueError(
            f'{path}: annotations are .jsonl, .json or .pkl, not '
            f'{suffix or "a file without an ending"!r}'
        )
    return _videos_of(content, split, path)


def _videos_of(
    annotations: Any, split: Optional[str], path: PathLike
) -> Sequence:
    """Return the videos of a split of a file's content."""
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


def write_annotations(path: PathLike, records: Iterable[Dict]) -> None:
    """Write videos as JSON lines. The file appears only whole."""
    write_lines(path, map(json.dumps, records))


@contextmanager
def atomic_write(path: PathLike) -> Iterator[Path]:
    """Write beside ``path`` and rename at the end, so that it is never half
    there.

    Yields:
        The path to write to.
    """
    path = Path(path)
    temporary = path.with_name(f'.{path.stem}.{os.getpid()}{path.suffix}')
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)  # as of a disk that is full
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: PathLike, text: str) -> None:
    """Write a text file in UTF-8. The file appears only whole."""
    write_lines(path, [text], end='')


def write_lines(path: PathLike, lines: Iterable[str], end: str = '\n') -> None:
    """Write lines as a text file in UTF-8. The file appears only whole."""
    with atomic_write(path) as temporary:
        with open(temporary, 'w', encoding='utf-8') as file:
            file.writelines(f'{line}{end}' for line in lines)


def remove_unfinished(folder: PathLike, pattern: str = '**/.*') -> None:
    """Remove what killed processes of this machine have left of their
    :func:`atomic_write`.

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
