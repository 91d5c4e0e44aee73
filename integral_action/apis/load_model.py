from pathlib import Path
from typing import Union

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope

from integral_action.checkpoints import (
    check_weights,
    read_checkpoint,
    read_dataset_meta,
    wrong_weights,
)
from integral_action.models.fuse_conv_bn import fuse_model

from .bounded import Bounded
from .checkpoint_config import read_config, without_start


def load_model(
    checkpoint: Union[str, Path],
    device: Union[str, torch.device] = 'cpu',
    fuse: bool = False,
) -> BaseModel:
    """Build the model that a checkpoint holds, from the checkpoint alone.

    Every checkpoint that mmengine writes in a training carries its config,
    and so do those of ``tools/model_converters``. The config is read as plain
    values, not run, and what is built of it are registered components and
    names: a checkpoint cannot bring code, nor name a file or an address that
    is followed, nor ask for more memory than its weights explain
    (``docs/safety.md``).

    Args:
        checkpoint: file or URL.
        device: where the model is to be.
        fuse: make it faster for predictions alone (:func:`fuse_model`).

    Returns:
        The model in evaluation mode, with all of its weights; ``model.cfg``
        is the config, as MMAction2's ``init_recognizer`` leaves it, and
        ``model.dataset_meta`` what the checkpoint says of its data set:
        ``classes``, where it names them.

    Raises:
        FileNotFoundError: there is no such file.
        ConnectionError: it is to be downloaded, and cannot be.
        ValueError: it is no checkpoint, carries no config, names a component
            that is not registered or a path, or its weights are not the
            model's, or not finite; or there is no such device.
    """
    try:
        torch.empty(0, device=device)  # before all the work
    except (AssertionError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f'device is {str(device)!r}, which torch has not here: {reason}'
        ) from error
    content = read_checkpoint(checkpoint)
    init_default_scope('mmaction')
    try:
        meta = content.get('meta')
        text = meta.get('cfg') if isinstance(meta, dict) else None
        if not isinstance(text, str):
            raise ValueError(
                'it carries no config (meta.cfg), so that no model can be '
                "built from it alone; use MMAction2's init_recognizer with "
                'its config'
            )
        cfg = read_config(text)
        weights = check_weights(content.get('state_dict'))
        config, bounded = without_start(cfg.model), Bounded(weights)
        bounded.check_numbers(config)
        with bounded:
            model = MODELS.build(config)
        if not isinstance(model, BaseModel):
            raise ValueError(f'{cfg.model.type} is no model that predicts')
        wrong = wrong_weights(weights, model.state_dict())
        if wrong:
            raise ValueError(wrong)
        model.load_state_dict(weights)
    except Exception as error:  # what a wrong config raises has no limit
        reason = str(error) or type(error).__name__
        raise ValueError(f'{checkpoint}: {reason}') from error
    model.cfg = cfg
    model.dataset_meta = read_dataset_meta(content)
    model = model.to(device).eval()
    return fuse_model(model) if fuse else model
