"""Start a stream from the checkpoint of its own training (section 3.4)."""

from collections import Counter

from torch import nn

from integral_action.checkpoints import (
    check_weights,
    read_checkpoint,
    some,
    wrong_weights,
)


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
    try:
        content = read_checkpoint(checkpoint)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'{stage} stage: {error}. Train the {stage}-only model first, or '
            f'give its checkpoint: {option}'
        ) from error
    except ConnectionError as error:
        raise ConnectionError(
            f'{stage} stage: {error}. Fetch it where there is a network, and '
            f'give the file: {option}'
        ) from error
    except ValueError as error:
        raise ValueError(f'{stage} stage: {error}') from error
    try:
        weights = check_weights(content.get('state_dict', content))
    except ValueError as error:
        raise ValueError(f'{place}: {error}') from error

    given = {
        name[len(prefix) :]: value
        for name, value in weights.items()
        if name.startswith(prefix)
    }
    if not given:
        kinds = Counter('.'.join(name.split('.')[:2]) for name in weights)
        raise ValueError(
            f'{place}: no weights under {prefix!r}; it holds '
            f'{some(list(kinds))}. Is it the checkpoint of '
            f'another stage?'
        )
    wrong = wrong_weights(given, stream.state_dict())
    if wrong:
        raise ValueError(f'{place}: under {prefix!r}: {wrong}')
    stream.load_state_dict(given)
