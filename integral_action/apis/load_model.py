import ast
from pathlib import Path
from typing import Any, Iterator, Union

import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import WEIGHT_INITIALIZERS, init_default_scope

from integral_action.checkpoints import read_checkpoint, wrong_weights


def load_model(
    checkpoint: Union[str, Path], device: Union[str, torch.device] = 'cpu'
) -> BaseModel:
    """Build the model that a checkpoint holds, from the checkpoint alone.

    Every checkpoint that mmengine writes in a training carries its config,
    and so do those of ``tools/model_converters``. The config is read as plain
    values, not run, and can name registered components only: a checkpoint
    cannot run code of its own.

    Args:
        checkpoint: file or URL.
        device: where the model is to be.

    Returns:
        The model in evaluation mode, with all of its weights; ``model.cfg``
        is the config, as MMAction2's ``init_recognizer`` leaves it.

    Raises:
        FileNotFoundError: there is no such file.
        ConnectionError: it is to be downloaded, and cannot be.
        ValueError: it is no checkpoint, carries no config, names a component
            that is not registered, or its weights are not the model's.
    """
    content = read_checkpoint(checkpoint)
    try:
        cfg = _config(content)
        init_default_scope('mmaction')
        for name in _types(cfg.model):
            _check_registered(name)
        model = MODELS.build(cfg.model)
        weights = content['state_dict']
        wrong = wrong_weights(weights, model.state_dict())
        if wrong:
            raise ValueError(f'it {wrong}')
    except Exception as error:  # what a wrong config raises has no limit
        raise ValueError(f'{checkpoint}: {error}') from error
    model.load_state_dict(weights)
    model.cfg = cfg
    return model.to(device).eval()


def _config(content: dict) -> Config:
    meta = content.get('meta')
    text = meta.get('cfg') if isinstance(meta, dict) else None
    if not isinstance(text, str) or 'state_dict' not in content:
        raise ValueError(
            'it carries no config (meta.cfg), so that no model can be built '
            "from it alone; use MMAction2's init_recognizer with its config"
        )
    cfg = {}
    for statement in ast.parse(text).body:
        if not isinstance(statement, ast.Assign):
            raise ValueError(
                f'its config has more than values in line {statement.lineno}'
            )
        for target in statement.targets:
            cfg[target.id] = _literal(statement.value)
    if not isinstance(cfg.get('model'), dict):
        raise ValueError('its config has no model')
    return Config(cfg)


def _literal(node: ast.expr) -> Any:
    """``ast.literal_eval``, and the calls of ``dict`` that mmengine prints."""
    if isinstance(node, ast.Call):
        if getattr(node.func, 'id', None) != 'dict':
            raise ValueError(
                f'its config has a call in line {node.lineno}: '
                f'{ast.unparse(node.func)}'
            )
        named = {item.arg: _literal(item.value) for item in node.keywords}
        return dict(*map(_literal, node.args), **named)
    if isinstance(node, ast.Dict):
        keys = [ast.literal_eval(key) for key in node.keys]
        return dict(zip(keys, map(_literal, node.values)))
    if isinstance(node, (ast.List, ast.Tuple)):
        kind = list if isinstance(node, ast.List) else tuple
        return kind(map(_literal, node.elts))
    return ast.literal_eval(node)


def _types(config: Any) -> Iterator[Any]:
    """The value of every ``type``."""
    if isinstance(config, dict):
        if 'type' in config:
            yield config['type']
        config = config.values()
    elif not isinstance(config, (list, tuple)):
        return
    for value in config:
        yield from _types(value)


def _check_registered(name: Any) -> None:
    """Registries import and call whatever a dotted path leads to."""
    scope, dot, component = str(name).rpartition('.')
    registries = [MODELS, MODELS.root, WEIGHT_INITIALIZERS]
    if dot:
        registries = [MODELS.root.children.get(scope)]
    if not any(
        r is not None and component in r.module_dict for r in registries
    ):
        raise ValueError(
            f'its config names {name!r}, which is not registered; import '
            f'the package that registers it first'
        )
