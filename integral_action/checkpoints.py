"""Reading checkpoints safely, and saying what is wrong with one."""

import re
import warnings
import zipfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Union
from urllib.error import URLError

import mmaction
import mmengine
import torch
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor

from integral_action.quantization import dequantize
from integral_action.text import printable
from integral_action.version import __version__


class CheckpointError(ValueError):
    """A file cannot be used as a checkpoint; the message names it."""


def read_checkpoint(checkpoint: Union[str, Path]) -> Dict[str, Any]:
    """Read a checkpoint on the CPU, with ``weights_only``.

    Weights in eight bits (:func:`quantize`) come back as float32.

    Args:
        checkpoint: file, or URL as mmengine takes it.

    Raises:
        FileNotFoundError: there is no such file.
        ConnectionError: it is to be downloaded, and cannot be.
        CheckpointError: it is no checkpoint, a truncated one, or one that
            would run code.
    """
    is_file = '://' not in str(checkpoint)
    if is_file and not Path(checkpoint).is_file():
        raise FileNotFoundError(f'{checkpoint}: there is no such file')
    if is_file and _is_compressed(checkpoint):
        raise CheckpointError(
            f'{checkpoint}: not a checkpoint: it is compressed, which '
            f'torch.save never does'
        )
    try:
        if is_file:
            with warnings.catch_warnings():  # of foreign pickles: an error
                warnings.simplefilter('ignore')
                content = torch.load(
                    checkpoint, map_location='cpu', weights_only=True
                )
        else:
            content = CheckpointLoader.load_checkpoint(
                str(checkpoint), map_location='cpu'
            )
    except URLError as error:
        raise ConnectionError(
            f'{checkpoint}: cannot be downloaded ({error})'
        ) from error
    except Exception as error:  # of torch, pickle, zip and their like
        # not from error: torch's own words advise to read it unsafely
        raise CheckpointError(
            f'{checkpoint}: not a checkpoint: {_reason(checkpoint, error)}'
        ) from None
    if not isinstance(content, dict):
        raise CheckpointError(
            f'{checkpoint}: not a checkpoint: it holds a '
            f'{type(content).__name__}, not a dict'
        )
    try:
        _check_claims(content)
        dequantize(content)
    except ValueError as error:
        raise CheckpointError(f'{checkpoint}: {error}') from error
    return content


def _is_compressed(path: Union[str, Path]) -> bool:
    """Whether it may be a thousand times as large in memory."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(
                member.compress_type != zipfile.ZIP_STORED
                for member in archive.infolist()
            )
    except Exception:  # no archive; torch tells what it is
        return False


def _check_claims(content: Dict[str, Any]) -> None:
    """Refuse tensors that have more elements than there are.

    One element can be repeated by a stride of 0, and one storage can stand
    under many names: a copy of them, as a model makes it, is of any size.
    """
    tensors = [
        value
        for value in _values(content)
        if torch.is_tensor(value)
        and value.layout == torch.strided
        and value.device.type == 'cpu'
    ]
    claimed = sum(value.nbytes for value in tensors)
    storages = {
        value.untyped_storage().data_ptr(): value.untyped_storage().nbytes()
        for value in tensors
    }
    there = sum(storages.values())
    if claimed > 2 * there + 2**20:  # weights may be tied
        raise ValueError(
            f'its weights claim {claimed >> 20} MB, but there are '
            f'{there >> 20} MB'
        )


def _values(content: Any) -> Iterator[Any]:
    if isinstance(content, dict):
        content = list(content.values())
    if isinstance(content, (list, tuple)):
        for value in content:
            yield from _values(value)
    else:
        yield content


def check_weights(weights: Any) -> Dict[str, Tensor]:
    """Return weights, if they are ordinary finite tensors by their names.

    Raises:
        ValueError: they are not; the message tells what they are.
    """
    if not isinstance(weights, dict) or not weights:
        raise ValueError('it holds no weights')
    other = [
        str(name)
        for name, value in weights.items()
        if not isinstance(name, str)
        or not torch.is_tensor(value)
        or value.layout != torch.strided
        or value.device.type != 'cpu'  # what has no values: 'meta'
        or value.is_quantized
    ]
    if other:
        raise ValueError(f'not weights: {some(other)}')
    bad = not_finite(weights)
    if bad:
        raise ValueError(f'not finite numbers: {some(bad)}')
    return weights


def not_finite(weights: Dict[str, Tensor]) -> List[str]:
    """Return the names of weights that are nan or inf somewhere."""
    return [
        name
        for name, value in weights.items()
        if value.is_floating_point() and not value.isfinite().all()
    ]


def read_dataset_meta(content: Dict[str, Any]) -> Dict[str, Any]:
    """Return what a checkpoint says of the dataset it was trained on.

    Args:
        content: of :func:`read_checkpoint`.

    Returns:
        ``meta.dataset_meta``, an empty dict where there is none. ``classes``
        is in it only as a list of names, without control characters,
        ``unknown_below`` only as a number from 0 to 1.
    """
    meta = content.get('meta')
    found = meta.get('dataset_meta') if isinstance(meta, dict) else None
    found = dict(found) if isinstance(found, dict) else {}
    classes = found.pop('classes', None)
    if (
        isinstance(classes, (list, tuple))
        and classes
        and all(isinstance(name, str) for name in classes)
    ):
        found['classes'] = list(map(printable, classes))
    threshold = found.pop('unknown_below', None)
    if isinstance(threshold, (int, float)) and 0 <= threshold <= 1:
        found['unknown_below'] = float(threshold)
    return found


def installed_versions() -> Dict[str, str]:
    """Return the versions a model is made with, for those who get it."""
    return dict(
        integral_action=__version__,
        mmaction2=mmaction.__version__,
        mmengine=mmengine.__version__,
        torch=str(torch.__version__),  # its own class is no plain value
    )


def wrong_weights(given: Dict[str, Tensor], own: Dict[str, Tensor]) -> str:
    """Compare weights with those of a module, as torch does in loading.

    Returns:
        ``'missing keys: ...'``, ``'unexpected keys: ...'`` or ``'size
        mismatch: ...'`` with names; empty where it can.
    """
    for what, wrong in (
        ('missing keys', [name for name in own if name not in given]),
        (
            'unexpected keys',
            [name for name in given if name not in own],
        ),
        (
            'size mismatch',
            [
                f'{name} ({list(given[name].shape)}, expected '
                f'{list(own[name].shape)})'
                for name in given
                if name in own and given[name].shape != own[name].shape
            ],
        ),
    ):
        if wrong:
            return f'{what}: {some(wrong)}'
    return ''


def some(names: List[str], most: int = 5) -> str:
    """The first names, and how many more there are."""
    more = f' and {len(names) - most} more' if len(names) > most else ''
    return ', '.join(names[:most]) + more


def refused(error: Exception) -> str:
    """Name the code that ``weights_only`` refused; empty if it refused none.

    Not torch's own words: they end in the advice to read it unsafely.

    Args:
        error: of ``torch.load``.
    """
    text = str(error)
    code = re.search(r'unsupported global:?\s*(?:global )?(\S+)', text, re.I)
    if code:
        return f'it would run {code[1]}, which no weights need'
    kind = re.search(r"allowlisted .* but got <class '(\S+)'>", text)
    if kind:
        return f'it holds {kind[1]}, which no weights need'
    return ''


def _reason(path: Union[str, Path], error: Exception) -> str:
    """Return what is wrong with a file that torch could not read."""
    if refused(error):
        return refused(error)
    start = b''
    if '://' not in str(path):
        with open(path, 'rb') as file:
            start = file.read(1024)
        if not start:
            return 'it is empty'
    # behind a byte order mark, if any
    if start.lstrip(b'\xef\xbb\xbf\xff\xfe\0 \t\r\n').startswith(b'<'):
        return 'it is a web page'
    if start.startswith(b'PK'):
        return 'it is truncated or damaged'
    return 'torch.save did not write it, or it is truncated'
