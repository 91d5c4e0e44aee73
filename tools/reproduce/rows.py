"""The rows of the tables: a model's config, and what a row changes in it."""

from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Callable, Dict, Tuple, Union

from mmengine.config import Config

from integral_action.pose.layouts import KeypointLayout

from .datasets import DATA
from .tables import MODELS

# behind DecodeTwoStream; a run has scenes of its own
SCENE_MIX = """
pipeline = _base_.train_dataloader.dataset.pipeline
pipeline.insert(2, dict(type='SceneMix', scenes='given by the run'))
train_dataloader = dict(dataset=dict(pipeline=pipeline))
"""
CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
# gives the config of another model on the same data
Load = Callable[[str], Config]


def _neck(**changes) -> Dict:
    return dict(model=dict(neck=changes))


def _fusion(kind: str) -> Callable[[Load], Dict]:
    """Return a neck of another type and of the gate's widths."""

    def changes(load: Load) -> Dict:
        neck = load('integral').model.neck
        widths = {k: v for k, v in neck.items() if k.endswith('channels')}
        return _neck(_delete_=True, type=kind, **widths)

    return changes


def _from_scratch(load: Load) -> Dict:
    """Return the streams as they begin themselves, and their schedule."""
    base, appearance, pose = map(load, ('integral', 'appearance', 'pose'))
    streams = dict(
        appearance=dict(_delete_=True, **appearance.model.backbone.appearance),
        pose=dict(_delete_=True, **pose.model.backbone.pose),
    )
    # at another rate, for other epochs, the gate goes as far in all
    rate = appearance.optim_wrapper.optimizer.lr
    faster = rate / base.optim_wrapper.optimizer.lr
    epochs = appearance.train_cfg.max_epochs
    wrapper = dict(optimizer=dict(lr=rate))
    if faster != 1:
        gate = base.optim_wrapper.paramwise_cfg.custom_keys['neck.cgb'].lr_mult
        gate *= base.train_cfg.max_epochs / epochs / faster
        wrapper['paramwise_cfg'] = dict(
            custom_keys={'neck.cgb': dict(lr_mult=round(gate, 3))}
        )
    return dict(
        model=dict(backbone=dict(frozen=(), **streams)),
        optim_wrapper=wrapper,
        param_scheduler=appearance.param_scheduler,
        train_cfg=dict(appearance.train_cfg),
    )


def _maps(load: Load) -> KeypointLayout:
    return KeypointLayout.get(load('pose').train_dataloader.dataset.layout)


def _heatmaps(load: Load) -> Dict:
    channels = _maps(load).num_heatmaps
    return dict(
        model=dict(
            data_preprocessor=dict(paf=False),
            backbone=dict(pose=dict(in_channels=channels)),
        )
    )


def _pafs(load: Load) -> Dict:
    channels = 2 * _maps(load).num_pafs
    return dict(
        model=dict(
            data_preprocessor=dict(heatmap=False),
            backbone=dict(pose=dict(in_channels=channels)),
        )
    )


# by the row's model: the model whose config it changes, and the changes
ROWS: Dict[str, Tuple[str, Union[Dict, Callable[[Load], Dict]]]] = {
    # Table 4
    'feature-fuse': ('integral', _fusion('ConcatFusion')),
    'no-gating': ('integral', _fusion('AddFusion')),
    'no-gate-loss': ('integral', _neck(gate_loss_weight=0.0)),
    # not in the paper
    'constant-gate': (
        'integral',
        _neck(gate_source='constant', gate_value=0.1),
    ),
    # Table 6
    'appearance-driven': ('integral', _neck(gate_source='appearance')),
    'both-driven': ('integral', _neck(gate_source='both')),
    # Table 7
    'lambda1': ('integral', _neck(gate_loss_weight=1.0)),
    'lambda5': ('integral', _neck(gate_loss_weight=5.0)),
    # Table 8
    'from-scratch': ('integral', _from_scratch),
    'not-fixed': ('integral', dict(model=dict(backbone=dict(frozen=())))),
    # Table 9
    'pose-heatmap': ('pose', _heatmaps),
    'pose-paf': ('pose', _pafs),
    # not in the paper: docs/robust.md
    'appearance-swap': (
        'integral',
        dict(
            model=dict(feature_transform=dict(type='AppearanceSwap', prob=0.3))
        ),
    ),
    # for a stream that was not trained on these videos, and few videos
    'robust-product-lda': (
        'robust-product',
        dict(model=dict(cls_head=dict(type='RobustProductLDAHead'))),
    ),
    'robust-product-pose-gate': (
        'robust-product',
        dict(
            model=dict(
                backbone=dict(visibility=True),
                cls_head=dict(gate_source='pose', visibility=True),
            )
        ),
    ),
}


def config_of(model: str, data: str) -> Path:
    """Return the config file of a model, or the one that its row changes.

    Raises:
        ValueError: these data have none.
    """
    base, _ = ROWS.get(model, (model, {}))
    if base not in DATA[data].configs:
        raise ValueError(
            f'{data} has no config of {MODELS[model]!r}: its models are '
            f'{", ".join(DATA[data].configs)}, and rows of these'
        )
    (path,) = CONFIGS.rglob(f'{DATA[data].configs[base]}.py')
    return path


def mixes_scenes(model: str, data: str) -> bool:
    """Whether a model is trained with SceneMix; pose sees no scene."""
    return bool(DATA[data].scenes) and config_of(model, data) != (
        config_of('pose', data)
    )


@lru_cache(None)  # for every run, and for each training and test of it
def text_of(model: str, data: str) -> str:
    """Return a row as a config file; '' for a model that has its own."""
    mix = SCENE_MIX if mixes_scenes(model, data) else ''
    if model not in ROWS and not mix:
        return ''
    _, changes = ROWS.get(model, (model, {}))
    if callable(changes):
        changes = changes(lambda name: load_config(name, data))
    changes = Config(deepcopy(changes))
    changes.merge_from_dict(DATA[data].changes.get(model, {}))
    text = f'_base_ = {str(config_of(model, data))!r}\n\n'
    return text + changes.pretty_text + mix


@lru_cache(None)
def _load(model: str, data: str) -> Config:
    text = text_of(model, data)
    if text:
        return Config.fromstring(text, '.py')
    return Config.fromfile(config_of(model, data))


def load_config(model: str, data: str) -> Config:
    """Return the whole config of a model or row."""
    return deepcopy(_load(model, data))
