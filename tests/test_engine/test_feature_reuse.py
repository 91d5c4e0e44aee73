"""Training from kept features is the ordinary training."""

import json
import shutil

import numpy as np
import pytest
import torch
from conftest import CONFIGS
from mmaction.registry import HOOKS, MODELS
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from integral_action.engine.feature_store import FeatureStore

NAME = 'integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets-rgb-keypoint'


@HOOKS.register_module()
class NoteLosses(Hook):
    """Note every step's losses."""

    def __init__(self):
        self.losses = []

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ):
        self.losses.append(float(outputs['loss']))


@pytest.fixture(scope='module')
def stages(tmp_path_factory):
    """A checkpoint with the weights of both streams, untrained."""
    from mmengine.registry import init_default_scope

    init_default_scope('mmaction')
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(CONFIGS / f'{NAME}.py').model)
    path = tmp_path_factory.mktemp('stages') / 'stages.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    return path


@pytest.fixture
def train(puppets, stages, tmp_path):
    """Train three epochs; gives every step's loss."""
    data = tmp_path / 'data'
    shutil.copytree(puppets, data)
    number = iter(range(100))

    def run(loop=None, **changes):
        cfg = Config.fromfile(CONFIGS / f'{NAME}.py')
        cfg.train_dataloader.dataset.data_root = f'{data}/'
        cfg.train_dataloader.dataset.check_files = False
        cfg.train_dataloader.batch_size = 8
        for stream in ('appearance', 'pose'):
            cfg.model.backbone[stream].init_cfg.checkpoint = str(stages)
        folder = tmp_path / f'work{next(number)}'
        cfg.merge_from_dict(
            dict(
                work_dir=str(folder),
                experiment_name=folder.name,
                randomness=dict(seed=3),
                train_cfg=dict(max_epochs=3, val_begin=9, **(loop or {})),
            )
        )
        cfg.merge_from_dict(changes)
        cfg.custom_hooks.append(dict(type='NoteLosses'))
        cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
        runner = Runner.from_cfg(cfg)
        runner.train()
        return next(
            hook.losses
            for hook in runner.hooks
            if isinstance(hook, NoteLosses)
        )

    run.data = data
    return run


def reuse(folder=None, num_views=3):
    return dict(
        type='FeatureReuseTrainLoop', num_views=num_views, folder=folder
    )


def test_as_many_views_as_epochs_are_the_ordinary_training(train, tmp_path):
    ordinary = train()
    assert len(ordinary) == 9 and len(set(ordinary)) == 9
    folder = str(tmp_path / 'features')
    np.testing.assert_allclose(train(reuse(folder)), ordinary, rtol=1e-5)
    # the next training decodes nothing: there is nothing to decode
    shutil.rmtree(train.data / 'videos')
    shutil.rmtree(train.data / 'poses')
    np.testing.assert_allclose(train(reuse(folder)), ordinary, rtol=1e-5)
    # and may be of another gate
    other = train(reuse(folder), model=dict(neck=dict(gate_loss_weight=9.0)))
    assert other[0] > ordinary[0] + 1


def test_fewer_views_are_seen_again(train, tmp_path):
    folder = tmp_path / 'features'
    train(reuse(str(folder), num_views=2))
    kept = np.load(folder / 'appearance.npy')
    assert kept.shape == (2, 24, 1, 8, 128)
    assert np.load(folder / 'done.npy').all()
    assert not np.allclose(kept[0], kept[1])  # augmented each in its way


def robust():
    """A model whose pose features carry visibility."""
    name = NAME.replace('action_', 'action-robust-product-pose-gate_')
    cfg = Config.fromfile(CONFIGS / f'{name}.py').model
    return dict(
        backbone=dict(visibility=True),
        neck=None,
        cls_head=dict(_delete_=True, **cfg.cls_head),
    )


def test_features_of_something_else_are_refused(train, stages, tmp_path):
    folder = str(tmp_path / 'features')
    train(reuse(folder))
    kept = (tmp_path / 'features' / 'appearance.npy').read_bytes()
    with pytest.raises(ValueError, match='other seed than this training'):
        train(reuse(folder), randomness=dict(seed=4))
    with pytest.raises(ValueError, match='other num_views than'):
        train(reuse(folder, num_views=1))
    with pytest.raises(ValueError, match='other model.data_preprocessor'):
        train(reuse(folder), model=dict(data_preprocessor=dict(sigma=0.7)))
    with pytest.raises(ValueError, match='other model.backbone.visibility'):
        train(reuse(folder), model=robust())
    content = torch.load(stages, weights_only=True)
    content['state_dict']['backbone.pose.conv1.conv.weight'] += 1
    other = tmp_path / 'other.pth'
    torch.save(content, other)
    pose = dict(init_cfg=dict(checkpoint=str(other)))
    with pytest.raises(ValueError, match='other weights of the streams than'):
        train(reuse(folder), model=dict(backbone=dict(pose=pose)))
    list_file = train.data / 'train.jsonl'
    list_file.write_text(list_file.read_text() + '\n')
    with pytest.raises(ValueError, match='other annotation file than'):
        train(reuse(folder))
    assert (tmp_path / 'features' / 'appearance.npy').read_bytes() == kept


def test_a_stream_that_is_trained_is_refused(train):
    with pytest.raises(ValueError, match=r"\['pose'\] is trained"):
        train(reuse(), model=dict(backbone=dict(frozen=('appearance',))))


def test_what_was_not_finished_is_made_again(tmp_path):
    store = FeatureStore(tmp_path, dict(a='1'), 2, 4)
    store.write(1, [0, 2], dict(x=np.full((2, 3), 5.0)), np.array([7, 8]))
    again = FeatureStore(tmp_path, dict(a='1'), 2, 4)
    assert again.has(1, [2, 0]) and not again.has(1, [0, 1])
    assert not again.has(0, [0])
    features, labels = again.read(1, [2, 0], ['x'])
    assert (features['x'] == 5).all() and labels.tolist() == [8, 7]


def test_a_broken_key_is_named(tmp_path):
    (tmp_path / 'key.json').write_text('{')
    with pytest.raises(ValueError, match='key.json: cannot be read'):
        FeatureStore(tmp_path, {}, 1, 1)
    (tmp_path / 'key.json').write_text(json.dumps(dict(a='1', b='2')))
    with pytest.raises(ValueError, match='other b, c than'):
        FeatureStore(tmp_path, dict(a='1', c='2'), 1, 1)


def test_channels_last_is_the_training(train):
    laid_out = train(model=dict(backbone=dict(channels_last=True)))
    np.testing.assert_allclose(laid_out, train(), rtol=1e-4)
