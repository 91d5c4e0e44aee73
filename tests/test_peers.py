"""MMAction2's own models on Puppets: its configs, but for what is said."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from conftest import ROOT
from mmaction.registry import MODELS
from mmengine.config import Config

PEERS = {
    path.stem.split('_')[0]: path
    for path in (ROOT / 'configs/peers').glob('*.py')
}
OWN = dict(
    tsm='tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_kinetics400-rgb',
    stgcn='stgcn_8xb16-joint-u100-80e_ntu60-xsub-keypoint-2d',
    posec3d='slowonly_r50_8xb16-u48-240e_ntu60-xsub-keypoint',
)
OWN['rgbpose-conv3d'] = 'rgbpose_conv3d'
# what README.md says: data and size
CHANGED = {
    'tsm': {
        'backbone.type',  # ResNetTSM with a width
        'backbone.depth',
        'backbone.base_channels',
        'backbone.pretrained',
        'cls_head.num_classes',
        'cls_head.in_channels',
        'cls_head.init_std',
    },
    'stgcn': {'backbone.graph_cfg.layout', 'cls_head.num_classes'},
    'posec3d': {
        'backbone.in_channels',
        'backbone.base_channels',
        'cls_head.num_classes',
        'cls_head.in_channels',
    },
    'rgbpose-conv3d': {
        'backbone.speed_ratio',  # as many frames as poses
        'backbone.rgb_pathway.base_channels',
        'backbone.pose_pathway.in_channels',
        'backbone.pose_pathway.base_channels',
        'cls_head.num_classes',
        'cls_head.in_channels',
    },
}


def flat(config, prefix=''):
    values = {}
    for key, value in config.items():
        if isinstance(value, dict):
            values.update(flat(value, f'{prefix}{key}.'))
        else:
            values[prefix + key] = (
                tuple(value) if isinstance(value, list) else value
            )
    return values


def own(name):
    package = Path(find_spec('mmaction').submodule_search_locations[0])
    (path,) = (package / '.mim' / 'configs').rglob(f'{OWN[name]}.py')
    return Config.fromfile(path)


@pytest.mark.parametrize('name', sorted(OWN))
def test_the_model_is_mmaction2s_but_for_data_and_size(name):
    theirs = flat(own(name).model)
    ours = flat(Config.fromfile(PEERS[name]).model)
    changed = {
        key
        for key in {*theirs, *ours}
        if theirs.get(key, '-') != ours.get(key, '-')
    } - {'_scope_'}
    assert changed == CHANGED[name]


@pytest.mark.parametrize('name', sorted(OWN))
def test_the_transforms_are_mmaction2s_but_for_the_poses(name):
    """The pose file is read first; frames and sizes are others."""
    for split in ('train', 'val'):
        theirs = [step.type for step in own(name)[f'{split}_pipeline']]
        ours = [
            step.type
            for step in Config.fromfile(PEERS[name])[f'{split}_pipeline']
        ]
        assert [step for step in ours if step != 'LoadPoses'] == theirs


@pytest.mark.parametrize('name', sorted(PEERS))
def test_it_trains_and_predicts_on_puppets(name, puppets):
    from mmengine.runner import Runner

    cfg = Config.fromfile(PEERS[name])
    for split in ('train', 'test'):
        loader = cfg[f'{split}_dataloader']
        loader.dataset.data_root = f'{puppets}/'
        loader.batch_size = 2
    model = MODELS.build(cfg.model)
    batch = next(iter(Runner.build_dataloader(cfg.train_dataloader)))
    data = model.data_preprocessor(batch, True)
    loss, _ = model.parse_losses(model(**data, mode='loss'))
    loss.backward()
    assert torch.isfinite(loss)
    batch = next(iter(Runner.build_dataloader(cfg.test_dataloader)))
    for sample in model.eval().test_step(batch):
        scores = sample.pred_score
        if name != 'rgbpose-conv3d':  # which has two of them
            scores = {'both': scores}
        for score in scores.values():
            assert score.shape == (12,)
            assert torch.allclose(score.sum(), torch.tensor(1.0))
        assert sample.context in ('in', 'out')
