"""Reading the config that a checkpoint carries, which may be anybody's."""

import ast
import math
import re
from typing import Any, Dict, Iterator, Tuple

import mmaction.registry
import mmaction.visualization
import mmengine.registry
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import WEIGHT_INITIALIZERS, Registry

# MMAction2's packages whose models read files, or the network, by their names
READERS = tuple(
    f'mmaction.models.{name}.'
    for name in ('multimodal', 'roi_heads', 'similarity')
)
# of a pipeline: what multiplies frames, and what sizes them
VIEWS = ('clip_len', 'num_clips')
SIZES = ('scale', 'crop_size', 'size', 'img_scale')
MAPS = ('model', 'data_preprocessor')
MOST_BYTES = 2**33  # of the frames or maps of one video
# where transforms stand
PIPELINES = ('pipeline', 'train_pipeline', 'val_pipeline', 'test_pipeline')


def read_config(text: str) -> Config:
    """Read a config that is plain values, as mmengine prints it.

    Args:
        text: ``Config.pretty_text``.

    Raises:
        ValueError: it has no model, more than values, names a component that
            is not registered, or a path or address in what is built of it
            (model, pipelines, layouts); or its test pipeline makes frames
            beyond all memory.
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
    for path, value in leaves(cfg):
        if path[-1] in ('type', '_scope_'):
            _check_registered(path, value)
        elif isinstance(value, str):
            _check_name(path, value)
    _check_size(cfg)
    return Config(cfg)


def without_start(model: Any) -> Any:
    """Return a model's config that loads none of the weights that the model
    started from: those of its checkpoint stand in their place."""
    if isinstance(model, dict):
        return {
            key: None if key == 'pretrained' else without_start(value)
            for key, value in model.items()
            if key != 'init_cfg'
        }
    if isinstance(model, (list, tuple)):
        return type(model)(map(without_start, model))
    return model


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


def leaves(config: Any, path: Tuple = ()) -> Iterator[Tuple[Tuple, Any]]:
    """Yield every value, and the keys that lead to it; whatever stands as a
    component's ``type`` is one value."""
    if path and path[-1] in ('type', '_scope_'):
        yield path, config
    elif isinstance(config, dict):
        for key, value in config.items():
            yield from leaves(value, (*path, key))
    elif isinstance(config, (list, tuple)):
        for value in config:
            yield from leaves(value, path)
    else:
        yield path, config


def _check_name(path: Tuple, value: str) -> None:
    """Refuse a place where a name is expected, in what is built of a config.

    Weights that a model started from are not built (:func:`without_start`),
    and a layout's own names are never followed.
    """
    built = path[0] == 'model' or {'layout', *PIPELINES} & set(path)
    started = path[0] == 'model' and {'init_cfg', 'pretrained'} & set(path)
    words = path[-2:] in (('layout', 'name'), ('layout', 'names'))
    if built and not started and not words and re.search(r'[/\\:.~]', value):
        raise ValueError(
            f'its config names {value!r} ({_dotted(path)}), a path or '
            f'address, which is not followed: only names and plain values are'
        )


def _dotted(path: Tuple) -> str:
    return '.'.join(map(str, path))


def _check_registered(path: Tuple, name: Any) -> None:
    """Registries import and call what they do not know, wherever it leads."""
    named = f'its config names {name!r} ({_dotted(path)})'
    scope, dot, component = str(name).rpartition('.')
    if path[-1] == '_scope_':
        scope, component = name, None
    if dot and '.' in scope:
        raise ValueError(f'{named}, a path to code, which is not followed')
    if 'init_cfg' in path:
        registries = [WEIGHT_INITIALIZERS]
    elif path[0] == 'model':
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
    known: Dict[str, Any] = {}
    for registry in registries:
        known.update(registry.module_dict)
    if scope in MODELS.root.children:
        known.update(MODELS.root.children[scope].module_dict)
    if (scope and scope not in scopes) or (
        component is not None and component not in known
    ):
        raise ValueError(
            f'{named}, which is not registered; import the package that '
            f'registers it first (integral-action --import PACKAGE ...)'
        )
    module = getattr(known.get(component), '__module__', '')
    if path[0] == 'model' and f'{module}.'.startswith(READERS):
        raise ValueError(
            f'{named}, which reads files or the network by their names: such '
            f'a model is not built of a checkpoint alone'
        )


def _check_size(cfg: Dict) -> None:
    """Refuse a test whose frames or maps of one video fit into no memory."""
    largest = dict.fromkeys(VIEWS + SIZES, 1)
    for path, value in leaves(cfg):
        counts = str(path[0]).startswith('test_') or path[:2] == MAPS
        for key in set(path[-2:]) & set(largest) if counts else ():
            if isinstance(value, (int, float)) and math.isfinite(value):
                largest[key] = max(largest[key], value)
    frames = math.prod(largest[key] for key in VIEWS)
    side = max(largest[key] for key in SIZES)
    if 3 * frames * side**2 > MOST_BYTES:
        raise ValueError(
            f'its config asks for {frames} frames or maps of {side} x {side} '
            f'pixels a video ({", ".join(VIEWS + SIZES)}), beyond '
            f'{MOST_BYTES >> 30} GiB'
        )
