"""Training and test from kept features are the ordinary ones."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import CONFIGS, load_row
from mmaction.registry import HOOKS, MODELS
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from integral_action.engine.feature_store import FeatureStore
from integral_action.fileio import load_pickle

NAME = 'integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets'
MOTION = (
    'integralaction-robust-product-motion_r18w16-r18w16_1xb32-8x1x1-8e_puppets'
)


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


def spoil(data):
    """Make three videos of the training unreadable; gives their names."""
    lines = (data / 'train.jsonl').read_text().splitlines()
    names = [json.loads(line)['filename'] for line in lines]
    broken = [str(data / 'videos' / names[i]) for i in (4, 11, 23)]
    for name in broken:
        Path(name).write_bytes(b'no video')
    return broken


def reported(tmp_path, number):
    """The lines on bad samples of a training's log, and its list of them."""
    (log,) = tmp_path.glob(f'work{number}/*/*.log')
    lines = re.findall(r'Epoch \d: .* samples were bad.*', log.read_text())
    listed = log.with_name('bad_samples.jsonl').read_text().splitlines()
    return lines, [json.loads(line) for line in listed]


def test_every_epoch_says_which_samples_were_bad(train, tmp_path):
    broken = spoil(train.data)
    dataset = dict(max_bad_samples=3)  # of an epoch, not of a training
    for number, workers in enumerate((0, 2)):
        loader = dict(num_workers=workers, dataset=dataset)
        train(train_cfg=dict(max_epochs=2), train_dataloader=loader)
        lines, listed = reported(tmp_path, number)
        assert len(lines) == 2
        for line in lines:
            head, names = line.split(', and others took their places: ')
            assert head.endswith('3 of 24 samples were bad')
            names, path = names.split('; see ')
            assert set(names.split(', ')) == set(broken)
            assert path.endswith('bad_samples.jsonl')
        assert len(listed) == 2 * 3
        assert {line['filename'] for line in listed} == set(broken)
        assert all(line['filename'] in line['error'] for line in listed)


def test_kept_features_keep_which_samples_were_bad(train, tmp_path):
    broken = spoil(train.data)
    pipeline = Config.fromfile(CONFIGS / f'{NAME}.py').val_pipeline
    dataset = dict(max_bad_samples=3, pipeline=pipeline)
    loop = reuse(str(tmp_path / 'features'), num_views=1)
    first = train(loop, train_dataloader=dict(dataset=dataset))
    assert train(loop, train_dataloader=dict(dataset=dataset)) == first
    for number in (0, 1):
        lines, listed = reported(tmp_path, number)
        assert len(lines) == 3 and all(' 3 of 24 ' in line for line in lines)
        assert len(listed) == 3 * 3
        assert {line['filename'] for line in listed} == set(broken)
    (kept,) = tmp_path.glob('features/appearance-*/features.npy')
    kept = np.load(kept)[0]
    for bad, good in ((4, 5), (11, 12), (23, 0)):  # the next good one
        np.testing.assert_allclose(kept[bad], kept[good], rtol=1e-5)
    assert not np.allclose(kept[4], kept[3])


def test_fewer_views_are_seen_again(train, tmp_path):
    folder = tmp_path / 'features'
    train(reuse(str(folder), num_views=2))
    (kept,) = folder.glob('appearance-*')
    assert np.load(kept / 'done.npy').all()
    kept = np.load(kept / 'features.npy')
    assert kept.shape == (2, 24, 1, 8, 128)
    assert not np.allclose(kept[0], kept[1])  # augmented each in its way


def robust():
    """A model whose pose features carry visibility."""
    cfg = load_row('robust-product-pose-gate').model
    return dict(
        backbone=dict(visibility=True),
        neck=None,
        cls_head=cfg.cls_head | dict(_delete_=True, dropout_ratio=0.0),
    )


def test_models_that_see_visibility_share_the_features(train, tmp_path):
    # augmentation and dropout depend on what a model has drawn before
    pipeline = Config.fromfile(CONFIGS / f'{NAME}.py').val_pipeline
    plain = {'train_dataloader.dataset.pipeline': pipeline}
    expected = train(model=robust(), **plain)
    loop = reuse(str(tmp_path / 'features'))
    train(loop, **plain)  # sees none
    shutil.rmtree(train.data / 'videos')
    shutil.rmtree(train.data / 'poses')
    found = train(loop, model=robust(), **plain)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_what_has_features_of_its_own(train, stages, tmp_path):
    folder = tmp_path / 'features'

    def made(num_views=3, **changes):
        """Count the stores of each stream that a training adds."""
        before = set(folder.glob('*'))
        changes = dict(train_cfg=dict(max_epochs=1), **changes)
        train(reuse(str(folder), num_views), **changes)
        added = [path.name for path in set(folder.glob('*')) - before]
        return {
            name: sum(path.startswith(name) for path in added)
            for name in ('appearance', 'pose')
        }

    content = torch.load(stages, weights_only=True)
    content['state_dict']['backbone.pose.conv1.conv.weight'] += 1
    other = tmp_path / 'other.pth'
    torch.save(content, other)
    pose = dict(init_cfg=dict(checkpoint=str(other)))
    both, pose_alone = dict(appearance=1, pose=1), dict(appearance=0, pose=1)
    assert made() == both
    (kept,) = folder.glob('appearance-*/features.npy')
    first = kept.read_bytes()
    assert made() == dict(appearance=0, pose=0)
    assert made(randomness=dict(seed=4)) == both
    assert made(num_views=1) == both
    assert made(model=dict(data_preprocessor=dict(sigma=0.7))) == both
    # the appearance stream is the same, and does not run
    assert made(model=dict(backbone=dict(pose=pose))) == pose_alone
    # the same weights, shifted otherwise
    pose = dict(shift_div=4)
    assert made(model=dict(backbone=dict(pose=pose))) == pose_alone
    list_file = train.data / 'train.jsonl'
    list_file.write_text(list_file.read_text() + '\n')
    assert made() == both
    assert kept.read_bytes() == first


def test_a_further_stream_has_features_too(train, tmp_path):
    cfg = Config.fromfile(next(CONFIGS.rglob(f'{MOTION}.py'))).model
    folder = str(tmp_path / 'features')

    def losses():
        motion = dict(cfg.backbone.motion, init_cfg=None)
        head = dict(cfg.cls_head, prior=None, dropout_ratio=0.0)
        model = dict(
            backbone=dict(motion=motion, frozen=cfg.backbone.frozen),
            neck=None,
            cls_head=dict(_delete_=True, **head),
        )
        once = dict(max_epochs=1)
        return train(reuse(folder, 1), model=model, train_cfg=once)

    first = losses()
    assert sorted(p.name.split('-')[0] for p in Path(folder).iterdir()) == [
        'appearance',
        'motion',
        'pose',
    ]
    shutil.rmtree(train.data / 'videos')
    np.testing.assert_allclose(losses(), first, rtol=1e-5)


def test_a_stream_that_is_trained_is_refused(train):
    with pytest.raises(ValueError, match=r"\['pose'\] is trained"):
        train(reuse(), model=dict(backbone=dict(frozen=('appearance',))))


def test_what_was_not_finished_is_made_again(tmp_path):
    store = FeatureStore(tmp_path, 2, 4)
    store.write(1, [0, 2], np.full((2, 3), 5.0), np.array([[7], [8]]))
    again = FeatureStore(tmp_path, 2, 4)
    assert again.has(1, [2, 0]) and not again.has(1, [0, 1])
    assert not again.has(0, [0])
    features, labels = again.read(1, [2, 0])
    assert (features == 5).all() and labels.tolist() == [[8], [7]]


def test_two_programs_write_in_one_store(tmp_path):
    one, other = FeatureStore(tmp_path, 1, 2), FeatureStore(tmp_path, 1, 2)
    one.write(0, [0], np.full((1, 3), 5.0), np.array([[7]]))
    other.arrays.clear()
    other._make(tmp_path / 'features.npy', (1, 2, 3), 'float32')
    other.write(0, [1], np.full((1, 3), 6.0), np.array([[8]]))
    assert one.has(0, [0, 1]) and one.read(0, [0, 1])[0][:, 0].tolist() == [
        5,
        6,
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        'done.npy',
        'features.npy',
        'label.npy',
    ]


@pytest.fixture
def test(puppets, stages, tmp_path):
    """Test; gives the metrics and the predictions."""
    data = tmp_path / 'data'
    shutil.copytree(puppets, data)

    def run(loop=None, num_clips=2, **changes):
        cfg = Config.fromfile(CONFIGS / f'{NAME}.py')
        dataset = cfg.test_dataloader.dataset
        dataset.update(data_root=f'{data}/', check_files=False)
        dataset.pipeline[0]['num_clips'] = num_clips
        cfg.test_dataloader.batch_size = 5  # the last one is smaller
        dump = tmp_path / 'dump.pkl'
        cfg.test_evaluator = [
            dict(type='AccMetric'),
            dict(type='SwapAccuracy'),
            dict(type='DumpResults', out_file_path=str(dump)),
        ]
        cfg.merge_from_dict(
            dict(
                work_dir=str(tmp_path / 'work'),
                load_from=str(stages),
                test_cfg=loop or {},
            )
        )
        cfg.merge_from_dict(changes)
        for part in ('train', 'val'):
            cfg[f'{part}_dataloader'] = cfg[f'{part}_cfg'] = None
        cfg.val_evaluator = cfg.optim_wrapper = cfg.param_scheduler = None
        runner = Runner.from_cfg(cfg)
        return runner.test(), load_pickle(dump)

    run.data = data
    return run


def test_a_test_is_the_ordinary_test(test, tmp_path):
    metrics, expected = test()
    folder = tmp_path / 'features'
    loop = dict(type='FeatureReuseTestLoop', folder=str(folder))
    # twice: computed and kept, and read where there is nothing to decode
    for _ in range(2):
        again, found = test(loop)
        assert again == pytest.approx(metrics, abs=1e-6)
        assert len(found) == len(expected) == 48
        for one, other in zip(found, expected):
            assert one['filename'] == other['filename']
            assert one['context'] == other['context']
            assert one['gt_label'].tolist() == other['gt_label'].tolist()
            for key in ('pred_score', 'gate'):
                np.testing.assert_allclose(one[key], other[key], atol=1e-6)
        shutil.rmtree(test.data / 'videos', ignore_errors=True)
        shutil.rmtree(test.data / 'poses', ignore_errors=True)
    # another neck, on the same features
    width = dict.fromkeys(
        ('appearance_channels', 'pose_channels', 'channels'), 128
    )
    add = dict(_delete_=True, type='AddFusion', **width)
    _, found = test(loop, model=dict(neck=add))
    assert 'gate' not in found[0]
    assert len(list(folder.iterdir())) == 2


def test_of_other_clips_there_are_no_features(test, tmp_path):
    loop = dict(type='FeatureReuseTestLoop', folder=str(tmp_path / 'kept'))
    test(loop)
    _, found = test(loop, num_clips=1)
    assert found[0]['gate'].shape == (1, 8)


def test_channels_last_is_the_training(train):
    laid_out = train(model=dict(backbone=dict(channels_last=True)))
    np.testing.assert_allclose(laid_out, train(), rtol=1e-4)
