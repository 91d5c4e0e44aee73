import subprocess
import sys

import pytest

from integral_action.pose.layouts import LAYOUTS
from integral_action.pose_estimators import (
    ESTIMATORS,
    MoveNetEstimator,
    PoseEstimator,
    default_estimator,
    find_estimator,
    is_estimator,
    missing,
)


@pytest.fixture
def install(monkeypatch, tmp_path):
    """Make believe that these alone are installed; packages without code."""

    def install(*names):
        for name in ('rtmlib', 'mediapipe', 'onnxruntime', 'mmpose', 'mmdet'):
            monkeypatch.setitem(sys.modules, name, None)
        for name in names:
            monkeypatch.delitem(sys.modules, name)
            folder = tmp_path / name
            (folder / 'modules' / 'pose_landmark').mkdir(
                parents=True, exist_ok=True
            )
            (folder / '__init__.py').write_text('raise RuntimeError')
        monkeypatch.syspath_prepend(tmp_path)
        return tmp_path

    return install


def test_what_is_missing(install):
    install()
    assert list(missing()) == list(ESTIMATORS)
    assert missing()['rtmpose'] == 'pip install rtmlib onnxruntime'
    assert missing()['mediapipe'].startswith('pip install mediapipe==0.10.21')
    assert missing()['movenet'] == 'pip install onnxruntime'
    with pytest.raises(ImportError) as error:
        default_estimator()
    for part in ('rtmlib onnxruntime', 'mediapipe==0.10.21', 'as files'):
        assert part in str(error.value)
    with pytest.raises(ValueError, match="keypoints of 'ntu25'"):
        default_estimator('ntu25')


def test_the_default_is_the_first_that_is_installed(install):
    folder = install('rtmlib', 'mediapipe')
    with pytest.raises(ImportError):  # rtmlib alone is not enough
        default_estimator()
    with pytest.raises(ImportError, match='mediapipe==0.10.21'):
        find_estimator('mediapipe')()  # a release without models
    models = folder / 'mediapipe' / 'modules' / 'pose_landmark'
    (models / 'pose_landmark_full.tflite').write_bytes(b'')
    assert missing()['mediapipe'] is None
    assert default_estimator() == dict(type='mediapipe')
    assert default_estimator('mediapipe33') == dict(
        type='mediapipe', layout='mediapipe33'
    )
    install('rtmlib', 'onnxruntime')
    assert missing()['rtmpose'] is missing()['movenet'] is None
    assert default_estimator('openpose18') == dict(type='rtmpose')
    assert default_estimator('halpe26') == dict(
        type='rtmpose', model='halpe26'
    )


def test_names_are_told_from_files():
    for name in (*ESTIMATORS, 'onnx', 'my_estimators:Middle', 'a.b:C'):
        assert is_estimator(name)
    for name in ('poses', 'rtmpose.npz', './rtmpose', 'C:/a.npz', *LAYOUTS):
        assert not is_estimator(name)


def test_nothing_is_imported_before_it_is_used():
    program = (
        'import sys, integral_action.pose_estimators\n'
        'integral_action.pose_estimators.missing()\n'
        'heavy = {"rtmlib", "mediapipe", "onnxruntime", "mmpose"}\n'
        'assert not heavy & set(sys.modules)'
    )
    subprocess.run([sys.executable, '-c', program], check=True)


class NoEstimator:
    pass


def test_an_estimator_is_found_by_its_name():
    assert find_estimator('movenet') is MoveNetEstimator
    assert find_estimator('onnx') is MoveNetEstimator  # as it once was
    assert issubclass(find_estimator('mmpose'), PoseEstimator)
    here = 'integral_action.pose_estimators'
    assert find_estimator(f'{here}:MoveNetEstimator') is MoveNetEstimator
    for name, message in (
        ('openpose', "unknown pose estimator 'openpose'"),
        ('no_such_module:A', 'no_such_module'),
        (f'{here}:A', f"'{here}:A'"),
        (f'{__name__}:NoEstimator', 'no subclass of'),
    ):
        with pytest.raises(ValueError, match=message):
            find_estimator(name)
