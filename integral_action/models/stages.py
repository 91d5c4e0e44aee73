"""Start a stream from the checkpoint of its own training (section 3.4)."""

from collections import Counter
from pathlib import Path
from typing import List
from urllib.error import URLError

from mmengine.runner.checkpoint import CheckpointLoader
from torch import nn


def load_stage(
    stream: nn.Module, stage: str, checkpoint: str, prefix: str
) -> None:
    """Load all of a stream's weights from a checkpoint of its stage.

    Args:
        stream: what to load into.
        stage: its name, for messages.
        checkpoint: file or URL, as mmengine takes it.
        prefix: what stands before the stream's weights in the file, such as
            ``'backbone.appearance.'``; what stands elsewhere is not used.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no checkpoint, is of another stage, or lacks a
            weight, has one too many or one of another shape. Nothing is
            loaded then.
        ConnectionError: it is to be downloaded, and cannot be.
    """
    place = f'{stage} stage: {checkpoint}'
    option = f'--cfg-options model.backbone.{stage}.init_cfg.checkpoint=FILE'
    if '://' not in str(checkpoint) and not Path(checkpoint).is_file():
        raise FileNotFoundError(
            f'{place}: there is no such file. Train the {stage}-only model '
            f'first, or give its checkpoint: {option}'
        )
    try:
        weights = CheckpointLoader.load_checkpoint(
            checkpoint, map_location='cpu'
        )
        weights = weights.get('state_dict', weights)
        names = list(weights)
    except URLError as error:
        raise ConnectionError(
            f'{place}: cannot be downloaded ({error}). Fetch it where there '
            f'is a network, and give the file: {option}'
        ) from error
    except Exception as error:  # of torch, pickle, zip and their like
        raise ValueError(
            f'{place}: not a checkpoint: {_reason(error)}'
        ) from error

    given = {
        name[len(prefix) :]: weights[name]
        for name in names
        if name.startswith(prefix)
    }
    if not given:
        kinds = Counter('.'.join(name.split('.')[:2]) for name in names)
        raise ValueError(
            f'{place}: no weights under {prefix!r}; it holds '
            f'{_some(list(kinds))}. Is it the checkpoint of '
            f'another stage?'
        )
    own = stream.state_dict()
    for what, wrong in (
        ('lacks', [name for name in own if name not in given]),
        (
            'has, but the stream has not,',
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
            raise ValueError(
                f'{place}: under {prefix!r} it {what} {_some(wrong)}'
            )
    stream.load_state_dict(given)


def _some(names: List[str], most: int = 5) -> str:
    more = f' and {len(names) - most} more' if len(names) > most else ''
    return ', '.join(names[:most]) + more


def _reason(error: Exception) -> str:
    """The line of a message that tells; torch surrounds it with advice."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if 'Unsupported' in line]
    return (telling or lines or [type(error).__name__])[0][:300]
