"""An option that nothing reads stops a training before it starts."""

import importlib

import pytest
from conftest import ROOT


@pytest.fixture
def check(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    return importlib.import_module('run_mmaction_tool').check_cfg_options


@pytest.mark.parametrize(
    'option, meant',
    [
        (
            'train_pipeline.0.frame_interval.RGB=2',
            'train_dataloader.dataset.pipeline.0.frame_interval.RGB',
        ),
        ('trian_cfg.max_epochs=3', 'train_cfg'),
        ('load_form=a.pth', 'load_from'),
    ],
)
def test_what_nothing_reads_is_refused(check, option, meant):
    words = ['train.py', 'config.py', '--cfg-options', 'resume=True', option]
    for arguments in (words, [*words, '--seed', '3']):
        with pytest.raises(SystemExit, match=f'; is {meant} meant'):
            check(arguments)
    with pytest.raises(SystemExit, match="nothing reads 'batch'"):
        check(['train.py', 'config.py', '--cfg-options=batch=3'])


def test_what_is_read_passes(check):
    check(['train.py', 'trian_cfg.py', '--work-dir', 'train_pipeline'])
    check(
        [
            'train.py',
            'config.py',
            '--cfg-options',
            'train_dataloader.dataset.pipeline.0.frame_interval.RGB=2',
            'model.cls_head.num_classes=3',
            'work_dir=here',
            '--amp',
        ]
    )
