"""Reading checkpoints safely, and saying what is wrong with one."""

import warnings
from pathlib import Path
from typing import Any, Dict, List, Union
from urllib.error import URLError

import torch
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor


def read_checkpoint(checkpoint: Union[str, Path]) -> Dict[str, Any]:
    """Read a checkpoint on the CPU, with ``weights_only``.

    Args:
        checkpoint: file, or URL as mmengine takes it.

    Raises:
        FileNotFoundError: there is no such file.
        ConnectionError: it is to be downloaded, and cannot be.
        ValueError: it is no checkpoint, a truncated one, or one that would
            run code.
    """
    is_file = '://' not in str(checkpoint)
    if is_file and not Path(checkpoint).is_file():
        raise FileNotFoundError(f'{checkpoint}: there is no such file')
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
        reason = 'it is a web page' if is_file and _is_html(checkpoint) else ''
        raise ValueError(
            f'{checkpoint}: not a checkpoint: {reason or _reason(error)}'
        ) from error
    if not isinstance(content, dict):
        raise ValueError(
            f'{checkpoint}: not a checkpoint: it holds a '
            f'{type(content).__name__}, not a dict'
        )
    return content


def wrong_weights(given: Dict[str, Tensor], own: Dict[str, Tensor]) -> str:
    """What keeps ``given`` from being loaded into a module with ``own``.

    Returns:
        ``'lacks ...'``, ``'has, but the model has not, ...'`` or ``'has in
        another shape ...'`` with names; empty where nothing does.
    """
    for what, wrong in (
        ('lacks', [name for name in own if name not in given]),
        (
            'has, but the model has not,',
            [name for name in given if name not in own],
        ),
        (
            'has in another shape',
            [
                f'{name} ({list(given[name].shape)}, expected '
                f'{list(own[name].shape)})'
                for name in given
                if name in own and given[name].shape != own[name].shape
            ],
        ),
    ):
        if wrong:
            return f'{what} {some(wrong)}'
    return ''


def some(names: List[str], most: int = 5) -> str:
    """The first names, and how many more there are."""
    more = f' and {len(names) - most} more' if len(names) > most else ''
    return ', '.join(names[:most]) + more


def _is_html(path: Union[str, Path]) -> bool:
    """Whether a file begins as the page of a download that was refused."""
    with open(path, 'rb') as file:
        start = file.read(1024).lstrip().lower()
    return start.startswith((b'<!doctype', b'<html', b'<head'))


def _reason(error: Exception) -> str:
    """The line of a message that tells; torch surrounds it with advice."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if 'Unsupported' in line]
    if any('Unsupported operand' in line for line in telling):
        return "a pickle that torch's own save did not write"
    return (telling or lines or [type(error).__name__])[0][:300]
