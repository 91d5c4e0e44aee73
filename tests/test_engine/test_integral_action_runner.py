"""The runner: the number of classes, and checkpoints."""

import re

import numpy as np
import pytest
import torch
from conftest import CONFIGS, ROOT
from mmengine.config import Config
from mmengine.runner import Runner

from integral_action.engine import IntegralActionRunner, set_num_classes
from integral_action.engine.runners import integral_action_runner
from integral_action.fileio import write_annotations
from integral_action.quantization import SCALES, quantize

ALL = sorted(
    path
    for path in (ROOT / 'configs').rglob('*.py')
    if '_base_' not in path.parts
)
POSE = 'integralaction-pose_r18w16_1xb16-8x8x1-60e_custom'


@pytest.fixture
def cfg(tmp_path):
    cfg = Config.fromfile(CONFIGS / 'custom' / f'{POSE}.py')
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].dataset.data_root = f'{tmp_path}/'
    return cfg


def test_as_many_as_names(cfg, tmp_path):
    (tmp_path / 'classes.txt').write_text('wave\nclap\nsit\n')
    set_num_classes(cfg)
    assert cfg.model.cls_head.num_classes == 3
    for split in ('train', 'val', 'test'):
        assert cfg[f'{split}_dataloader'].dataset.num_classes == 3


def test_a_class_file_by_name_in_a_wrapped_dataset(cfg, tmp_path):
    (tmp_path / 'names.txt').write_text('wave\nclap\n')
    inner = cfg.train_dataloader.dataset
    inner.class_file = 'names.txt'
    cfg.train_dataloader.dataset = dict(
        type='RepeatDataset', times=2, dataset=inner
    )
    set_num_classes(cfg)
    assert cfg.model.cls_head.num_classes == 2
    assert cfg.train_dataloader.dataset.dataset.num_classes == 2


def test_a_given_number_stays(cfg):
    cfg.model.cls_head.num_classes = 7
    set_num_classes(cfg)
    assert cfg.model.cls_head.num_classes == 7
    assert 'num_classes' not in cfg.train_dataloader.dataset


def test_no_class_file(cfg, tmp_path):
    with pytest.raises(ValueError, match='no classes.txt') as error:
        set_num_classes(cfg)
    assert str(tmp_path) in str(error.value)
    assert 'model.cls_head.num_classes=N' in str(error.value)


def test_the_runner_of_the_config(cfg, tmp_path):
    """A training's checkpoint carries the number, not None."""
    from mmaction.registry import RUNNERS

    (tmp_path / 'classes.txt').write_text('wave\nclap\nsit\n')
    cfg.work_dir = str(tmp_path / 'work')
    runner = RUNNERS.build(cfg)
    assert type(runner) is IntegralActionRunner and isinstance(runner, Runner)
    assert runner.model.cls_head.fc_cls.out_features == 3
    assert runner.cfg.model.cls_head.num_classes == 3

    # a test wants all weights, and takes those in eight bits
    weights = {
        name: torch.randn_like(value) if value.is_floating_point() else value
        for name, value in runner.model.state_dict().items()
    }
    rounded, scales = quantize(weights, min_size=9000)
    assert scales
    file = tmp_path / 'small.pth'
    torch.save({'state_dict': rounded, SCALES: scales}, file)
    runner.load_checkpoint(str(file))
    for name, value in runner.model.state_dict().items():
        torch.testing.assert_close(value, weights[name], rtol=0, atol=0.03)
    del weights['cls_head.fc_cls.bias']
    torch.save(dict(state_dict=weights), file)
    with pytest.raises(RuntimeError, match='cls_head.fc_cls.bias'):
        runner.load_checkpoint(str(file))
    file.write_text('not weights')
    with pytest.raises(ValueError, match=r'small\.pth: not a checkpoint'):
        runner.load_checkpoint(str(file))


def warnings(folder):
    (log,) = folder.glob('*/*.log')
    return re.findall(r'WARNING - (.*)', log.read_text())


def test_what_would_be_ignored_is_said(cfg, tmp_path):
    (tmp_path / 'classes.txt').write_text('wave\nclap\nsit\n')
    cfg.work_dir = str(tmp_path / 'work')
    cfg.experiment_name = 'ignored'
    cfg.model.cls_head.num_classes = 4
    cfg.trian_cfg = dict(max_epochs=1)
    IntegralActionRunner.from_cfg(cfg)
    said = warnings(tmp_path / 'work')
    assert "nothing reads the key 'trian_cfg'; is 'train_cfg' meant?" in said
    for split in ('train', 'val', 'test'):
        assert (
            'model.cls_head.num_classes is 4, but the dataset of '
            f'{split}_dataloader has 3 classes' in said
        )
    cfg.train_cfg.max_epochs = 0
    with pytest.raises(ValueError, match='train_cfg.max_epochs is 0, expect'):
        IntegralActionRunner.from_cfg(cfg)


@pytest.mark.parametrize('path', ALL, ids=lambda path: path.stem)
def test_configs_are_without_doubts(path):
    cfg = Config.fromfile(path)
    assert not list(integral_action_runner._doubts(cfg))


def resumed(cfg, folder, batch_size):
    """Warnings of a training of 8 videos that goes on behind epoch 1."""
    cfg = cfg.copy()
    cfg.work_dir, cfg.experiment_name = str(folder), folder.name
    cfg.train_dataloader.batch_size = batch_size
    runner = IntegralActionRunner.from_cfg(cfg)
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    file = folder / 'epoch_1.pth'
    torch.save(
        dict(
            state_dict=runner.model.state_dict(),
            meta=dict(epoch=1, iter=2),
            message_hub=runner.message_hub.state_dict(),
        ),
        file,
    )
    runner.resume(str(file), resume_param_scheduler=False)
    return [text for text in warnings(folder) if 'iteration' in text]


def test_another_batch_size_is_said_when_resumed(cfg, tmp_path):
    record = dict(
        filename='a.mp4',
        label=0,
        total_frames=4,
        img_shape=(8, 8),
        keypoint=np.zeros((1, 4, 17, 2)).tolist(),
        keypoint_score=np.ones((1, 4, 17)).tolist(),
    )
    (tmp_path / 'classes.txt').write_text('wave\n')
    write_annotations(tmp_path / 'train.jsonl', 8 * [record])
    cfg.train_dataloader.dataset.ann_file = 'train.jsonl'
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.test_dataloader = cfg.test_cfg = cfg.test_evaluator = None
    assert not resumed(cfg, tmp_path / 'same', 4)
    (text,) = resumed(cfg, tmp_path / 'other', 2)
    assert 'is of epoch 1 and iteration 2, but 1 epochs have 4' in text
