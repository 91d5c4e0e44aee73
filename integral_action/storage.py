"""Files of the disk, and of the object stores that clusters keep data in."""

import io
from pathlib import Path
from typing import BinaryIO, Dict, Optional, Union

from mmengine import fileio

PathLike = Union[str, Path]


def open_file(path: PathLike, backend_args: Optional[Dict] = None) -> BinaryIO:
    """Open a file to read its bytes.

    Args:
        path: a path, or what the backend calls the file, such as a URL.
        backend_args: arguments of ``mmengine.fileio``: the ``backend``, such
            as ``'http'``, and those of its class; ``{}`` chooses it by the
            start of the path (``s3://``). None reads from the disk, whatever
            the path looks like.

    Raises:
        FileNotFoundError: there is no such file on the disk.
        OSError: the backend cannot read it; the message names it.

    Example:
        >>> open_file(__file__, dict(backend='local')).read(3)
        b'\"\"\"'
    """
    if backend_args is None:
        return open(path, 'rb')
    try:
        data = fileio.get(str(path), dict(backend_args))
    except FileNotFoundError:
        raise
    except Exception as error:  # backends raise what their libraries do
        raise OSError(
            f'{path}: cannot be read ({type(error).__name__}: {error})'
        ) from error
    if data is None:  # as LMDB says that there is none
        raise FileNotFoundError(f'{path}: there is no such file')
    return io.BytesIO(data)
