"""Upstream's faults, and that the mends open no door."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer


def test_a_history_buffer_loads_with_weights_only(tmp_path):
    buffer = HistoryBuffer()
    for value in (1.0, 3.0):
        buffer.update(value)
    path = tmp_path / 'a.pth'
    torch.save(dict(message_hub=dict(loss=buffer)), path)
    loaded = torch.load(path, weights_only=True)['message_hub']['loss']
    assert loaded.mean() == 2 and loaded.current() == 3


def test_a_one_cycle_schedule_loads_with_weights_only(tmp_path):
    from mmengine.optim.scheduler import OneCycleLR

    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1)
    state = OneCycleLR(optimizer, eta_max=1, total_steps=9).state_dict()
    torch.save(state, tmp_path / 'a.pth')
    assert torch.load(tmp_path / 'a.pth')['total_steps'] == 9


def test_arrays_of_numbers_load_with_weights_only(tmp_path):
    """As MMPose saves them in ``meta.dataset_meta``."""
    arrays = {
        kind: np.array([[0, 1, 0]], kind)
        for kind in ('uint8', 'int16', 'int64', 'float16', 'float32', 'bool')
    }
    torch.save(arrays, tmp_path / 'a.pth')
    loaded = torch.load(tmp_path / 'a.pth', weights_only=True)
    for kind, array in loaded.items():
        assert array.dtype == kind and array.tolist() == [[0, 1, 0]]


class Attribute:
    """Pickles as getattr(HistoryBuffer, name), which has code behind it."""

    def __init__(self, name):
        self.name = name

    def __reduce__(self):
        return getattr, (HistoryBuffer, self.name)


class Command:
    def __reduce__(self):
        import os

        return os.system, ('true',)


@pytest.mark.parametrize(
    'evil',
    [
        Attribute('__init__'),
        Attribute('__globals__'),
        Command(),
        np.array([Command()], object),
    ],
)
def test_nothing_else_is_admitted(tmp_path, evil):
    torch.save(dict(a=evil), tmp_path / 'a.pth')
    with pytest.raises((pickle.UnpicklingError, AttributeError)):
        torch.load(tmp_path / 'a.pth', weights_only=True)


def test_drn_cannot_be_built_but_models_can_be_imported():
    from mmaction.models.localizers.drn.drn import DRN

    if DRN.__module__.startswith('integral_action'):  # the stand-in
        with pytest.raises(ImportError, match='2714'):
            DRN()


def test_without_mmcv_the_sentence_says_what_to_install():
    code = (
        'import importlib.util as u\n'
        'find = u.find_spec\n'
        'u.find_spec = lambda n, *a: None if n == "mmcv" else find(n, *a)\n'
        'import integral_action\n'
    )
    result = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True
    )
    assert result.returncode != 0
    assert 'pip install mmcv-lite' in result.stderr.splitlines()[-1]
