"""Upstream's faults, and that the mends open no door."""

import pickle
import subprocess
import sys
from contextlib import suppress

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


def run_as_mmcv_2_3(python_path=''):
    """Import the package where mmcv says that it is 2.3.6."""
    code = (
        f'import sys; sys.path.insert(0, {str(python_path)!r})\n'
        'import mmcv; mmcv.__version__ = "2.3.6"\n'
        'import integral_action; assert mmcv.__version__ == "2.3.6"\n'
    )
    return subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True
    )


def test_onedl_mmcv_is_accepted(tmp_path):
    metadata = tmp_path / 'onedl_mmcv-2.3.6.dist-info' / 'METADATA'
    metadata.parent.mkdir()
    metadata.write_text('Name: onedl-mmcv\nVersion: 2.3.6\n')
    result = run_as_mmcv_2_3(tmp_path)
    assert result.returncode == 0, result.stderr


def test_another_mmcv_2_3_is_not_accepted():
    from importlib.metadata import PackageNotFoundError, version

    with suppress(PackageNotFoundError):
        version('onedl-mmcv')
        pytest.skip('the fork is installed')
    assert 'MMCV==2.3.6 is used but incompatible' in run_as_mmcv_2_3().stderr


@pytest.mark.parametrize('kind', ['PoseCompact', 'MMCompact'])
def test_compact_crops_to_the_poses(kind):
    from mmaction.registry import TRANSFORMS

    frame = np.arange(100 * 120 * 3).reshape(100, 120, 3)
    keypoint = np.array([[[[20.0, 30.0], [60.0, 90.0], [0.0, 0.0]]]])
    sample = dict(keypoint=keypoint, img_shape=(100, 120), imgs=[frame])
    crop = TRANSFORMS.build(
        dict(type=kind, padding=0.25, hw_ratio=None, allow_imgpad=False)
    )
    sample = crop(sample)
    # x: 40 -+ 20 * 1.25 = 15, 65; y: 60 -+ 30 * 1.25 = 22.5, 97.5
    assert sample['img_shape'] == (97 - 22, 65 - 15)
    assert sample['keypoint'][0, 0].tolist() == [[5, 8], [45, 68], [0, 0]]
    if kind == 'MMCompact':  # PoseCompact leaves frames to who draws maps
        assert np.array_equal(sample['imgs'][0], frame[22:97, 15:65])


def test_onnxruntime_writes_nothing_when_it_is_imported(tmp_path):
    """1.32 leaves a device id and a queue of events in the home folder."""
    import os

    pytest.importorskip('onnxruntime')
    assert os.environ['ORT_DISABLE_TELEMETRY'] == '1'
    subprocess.run(
        [sys.executable, '-c', 'import onnxruntime'],
        check=True,
        env=os.environ
        | dict(HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path / 'cache')),
    )
    assert list(tmp_path.iterdir()) == []
