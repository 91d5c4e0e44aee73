import ast
import math
from pathlib import Path
from typing import Any, Iterator, Tuple, Union

import mmaction.registry
import mmaction.visualization
import mmengine.registry
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import (
    WEIGHT_INITIALIZERS,
    Registry,
    init_default_scope,
)

from integral_action.checkpoints import (
    check_weights,
    read_checkpoint,
    read_dataset_meta,
    wrong_weights,
)
from integral_action.models.fuse import fuse_model


def load_model(
    checkpoint: Union[str, Path],
    device: Union[str, torch.device] = 'cpu',
    fuse: bool = False,
) -> BaseModel:
    """Build the model that a checkpoint holds, from the checkpoint alone.

    Every checkpoint that mmengine writes in a training carries its config,
    and so do those of ``tools/model_converters``. The config is read as plain
    values, not run, and names registered components only: a checkpoint cannot
    bring code, neither for the model nor for what is built of ``model.cfg``
    later.

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
            that is not registered, or its weights are not the model's; or
            there is no such device.
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
        cfg = read_config(_config_text(content))
        weights = check_weights(content.get('state_dict'))
        model = MODELS.build(cfg.model)
        if not isinstance(model, BaseModel):
            raise ValueError(f'{cfg.model.type} is no model that predicts')
        wrong = wrong_weights(weights, model.state_dict())
        if wrong:
            raise ValueError(f'it {wrong}')
        model.load_state_dict(weights)
    except Exception as error:  # what a wrong config raises has no limit
        reason = str(error) or type(error).__name__
        raise ValueError(f'{checkpoint}: {reason}') from error
    model.cfg = cfg
    model.dataset_meta = read_dataset_meta(content)
    model = model.to(device).eval()
    return fuse_model(model) if fuse else model


def read_config(text: str) -> Config:
    """Read a config that is plain values, as mmengine prints it.

    Args:
        text: ``Config.pretty_text``.

    Raises:
        ValueError: it has no model, more than values, or names a component
            that is not registered.
    """
    cfg = {}
    for statement in ast.parse(text).body:
        targets = getattr(statement, 'targets', ())
        if not targets or not all(isinstance(t, ast.Name) for t in targets):
            raise ValueError(
                f'its config has more than values in line {statement.lineno}'
            )
        for target in targets:
            cfg[target.id] = _literal(statement.value)
    if not isinstance(cfg.get('model'), dict):
        raise ValueError('its config has no model')
    for key, value in cfg.items():
        for path, name in _names(value, key):
            _check_registered(path, name)
    return Config(cfg)


def _config_text(content: dict) -> str:
    meta = content.get('meta')
    text = meta.get('cfg') if isinstance(meta, dict) else None
    if not isinstance(text, str):
        raise ValueError(
            'it carries no config (meta.cfg), so that no model can be built '
            "from it alone; use MMAction2's init_recognizer with its config"
        )
    return text


def _literal(node: ast.expr) -> Any:
    """``ast.literal_eval``, and what else mmengine prints."""
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
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_literal(node.operand)
    if isinstance(node, ast.Name) and node.id in ('inf', 'nan'):
        return getattr(math, node.id)
    return ast.literal_eval(node)


def _names(config: Any, path: str) -> Iterator[Tuple[str, Any]]:
    """Every component and scope that a config names, and its place."""
    if isinstance(config, dict):
        for key, value in config.items():
            if key in ('type', '_scope_'):
                yield f'{path}.{key}', value
            yield from _names(value, f'{path}.{key}')
    elif isinstance(config, (list, tuple)):
        for value in config:
            yield from _names(value, path)


def _check_registered(path: str, name: Any) -> None:
    """Registries import and call what they do not know, wherever it leads."""
    scope, dot, component = str(name).rpartition('.')
    if path.endswith('._scope_'):
        scope, component = name, None
    if dot and '.' in scope:
        raise ValueError(
            f'its config names {name!r} ({path}), a path to code, which is '
            f'not followed'
        )
    if '.init_cfg.' in path:
        registries = [WEIGHT_INITIALIZERS]
    elif path.startswith('model.'):
        registries = [MODELS, MODELS.root]
    else:
        registries = [
            value
            for module in (mmaction.registry, mmengine.registry)
            for value in vars(module).values()
            if isinstance(value, Registry)
        ]
    scopes = {registry.scope for registry in registries}
    scopes |= set(MODELS.root.children)
    known = set().union(*(registry.module_dict for registry in registries))
    if scope in MODELS.root.children:
        known |= set(MODELS.root.children[scope].module_dict)
    if (scope and scope not in scopes) or (
        component is not None and component not in known
    ):
        raise ValueError(
            f'its config names {name!r} ({path}), which is not registered; '
            f'import the package that registers it first'
        )
