"""An MMPose that cannot be imported."""

import sys

import numpy as np
import pytest

from integral_action.pose_estimators import MMPoseEstimator


@pytest.mark.parametrize(
    'error, message',
    [
        ('ImportError', "No module named 'mmcv._ext'"),  # mmcv-lite
        ('ValueError', 'numpy.dtype size changed'),  # xtcocotools, numpy 2
        ('AssertionError', 'MMCV==2.3.0 is used but incompatible'),
        ('RuntimeError', 'operator torchvision::nms does not exist'),
    ],
)
def test_it_is_said_what_to_install(tmp_path, monkeypatch, error, message):
    (tmp_path / 'mmpose').mkdir()
    (tmp_path / 'mmpose/__init__.py').write_text('')
    (tmp_path / 'mmpose/apis.py').write_text(f'raise {error}({message!r})')
    for name in [name for name in sys.modules if name.startswith('mmpose')]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError) as raised:
        MMPoseEstimator()
    del sys.modules['mmpose']  # the made one
    for part in (
        message,
        f'numpy < 2 (here is {np.__version__})',
        'docs/extract_poses.md',
    ):
        assert part in str(raised.value)
