"""The runner: the number of classes, and checkpoints."""

import pytest
import torch
from conftest import CONFIGS
from mmengine.config import Config
from mmengine.runner import Runner

from integral_action.engine import IntegralActionRunner, set_num_classes
from integral_action.quantization import SCALES, quantize

POSE = 'integralaction-pose_r18w16_1xb16-8x8x1-60e_custom-keypoint'


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
