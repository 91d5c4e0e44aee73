import io
import sys
import threading
import zipfile
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler

import numpy as np
import pytest

from integral_action import pose_estimators
from integral_action.pose_estimators import RTMPoseEstimator, find_estimator

rtmlib = pytest.importorskip('rtmlib')
pytest.importorskip('onnxruntime')
pytest.importorskip('onnx')
from rtm_models import (  # noqa: E402
    write_detector,
    write_one_stage,
    write_pose_model,
)


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp('rtm')
    return dict(
        detector=write_detector(folder / 'detector.onnx'),
        pose=write_pose_model(folder / 'pose.onnx'),
        rtmo=write_one_stage(folder / 'one_stage.onnx'),
    )


def frame_of(rows, columns, colour=(255, 0, 0), size=(80, 160)):
    frame = np.zeros((*size, 3), np.uint8)
    frame[slice(*rows), slice(*columns)] = colour
    return frame


# The detector sees 40 x 80 of 80 x 160. A box of 32 x 40 pixels, with a
# quarter more, is what the pose model sees, 40 x 50: nothing is scaled.
PLACES = [((20, 60), (30, 62)), ((0, 40), (100, 132)), ((40, 80), (128, 160))]


@pytest.mark.parametrize(
    'model, score', [('pose', (0.75 + 0.25) / 2), ('rtmo', 0.75)]
)
def test_the_middle_of_what_is_red(models, model, score):
    det_model = models['detector'] if model == 'pose' else None
    estimator = RTMPoseEstimator(models[model], det_model)
    assert estimator.layout == 'coco17'
    frames = [frame_of(*place) for place in PLACES]
    # nobody, neither in the dark nor in blue, is nobody
    frames += [frame_of((0, 0), (0, 0)), frame_of(*PLACES[0], (0, 0, 255))]
    found = estimator(np.stack(frames))
    for (rows, columns), (keypoint, scores) in zip(PLACES, found):
        # from the centre of the first pixel
        middle = (sum(columns) / 2 - 0.5, sum(rows) / 2 - 0.5)
        assert keypoint.shape == (1, 17, 2) and scores.shape == (1, 17)
        assert keypoint.dtype == scores.dtype == np.float32
        np.testing.assert_allclose(keypoint[0, 3], middle, atol=1e-4)
        np.testing.assert_allclose(scores, score)
    for keypoint, scores in found[3:]:
        assert keypoint.shape == (0, 17, 2) and scores.shape == (0, 17)
    # a frame's result does not depend on the others
    for frame, (keypoint, scores) in zip(frames, found):
        ((alone, alone_scores),) = estimator(frame[None])
        assert np.array_equal(alone, keypoint)
        assert np.array_equal(alone_scores, scores)


def test_a_scale_that_is_no_whole_number(models):
    """120 x 150 is seen as 64 x 80: 1.875 pixels a pixel. The red is 30 x 30,
    16 x 16 there, and its middle (59.5, 44.5)."""
    frame = frame_of((30, 60), (45, 75), size=(120, 150))
    ((keypoint, _),) = RTMPoseEstimator(models['rtmo'])(frame[None])
    np.testing.assert_allclose(keypoint[0, 0], (59.5, 44.5), atol=1e-4)


@pytest.mark.parametrize('model', ['pose', 'rtmo'])
def test_weak_persons_are_left_out(models, model):
    det_model = models['detector'] if model == 'pose' else None
    frame = frame_of(*PLACES[0])[None]
    for score_thr, number in ((0.7, 1), (0.75, 0)):
        estimator = RTMPoseEstimator(
            models[model], det_model, score_thr=score_thr
        )
        ((keypoint, _),) = estimator(frame)
        assert len(keypoint) == number


@pytest.mark.parametrize(
    'keypoints, layout',
    [(26, 'halpe26'), (133, 'coco_wholebody133')],
)
def test_the_number_of_keypoints_tells_the_layout(
    models, tmp_path, keypoints, layout
):
    pose = write_pose_model(tmp_path / 'pose.onnx', keypoints=keypoints)
    estimator = RTMPoseEstimator(pose, models['detector'])
    assert estimator.layout == layout
    ((keypoint, _),) = estimator(frame_of(*PLACES[0])[None])
    assert keypoint.shape == (1, keypoints, 2)


def test_wrong_arguments(models, tmp_path):
    pose, detector, rtmo = models['pose'], models['detector'], models['rtmo']
    odd = write_pose_model(tmp_path / 'odd.onnx', keypoints=18)
    broken = tmp_path / 'broken.onnx'
    broken.write_text('no model')
    for make, error, message in (
        (
            lambda: RTMPoseEstimator('bodies'),
            FileNotFoundError,
            'bodies: .*bo',
        ),
        (lambda: RTMPoseEstimator(pose, 'no.onnx'), OSError, 'no.onnx: there'),
        (lambda: RTMPoseEstimator(broken), ValueError, 'broken.onnx: cannot'),
        (lambda: RTMPoseEstimator(mode='best'), ValueError, "mode is 'best'"),
        (lambda: RTMPoseEstimator(odd, detector), ValueError, '18 keypoints'),
        (lambda: RTMPoseEstimator(rtmo, detector), ValueError, 'no det_model'),
        (lambda: RTMPoseEstimator(pose, rtmo), ValueError, 'stage.*as YOLOX'),
        (lambda: RTMPoseEstimator(detector), ValueError, 'of RTMO'),
        (
            lambda: RTMPoseEstimator(pose, detector, device='tpu'),
            ValueError,
            "device is 'tpu'",
        ),
    ):
        with pytest.raises(error, match=message):
            make()


@pytest.fixture
def server(models, tmp_path, monkeypatch):
    """Archives as MMDeploy makes them, served on this machine."""
    folder = tmp_path / 'served'
    folder.mkdir()
    for name in ('pose', 'detector'):
        with zipfile.ZipFile(folder / f'{name}-1.2.zip', 'w') as archive:
            archive.write(models[name], f'2023/{name}/end2end.onnx')
            archive.writestr(f'2023/{name}/deploy.json', '{}')
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    server = HTTPServer(('127.0.0.1', 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f'http://127.0.0.1:{server.server_port}'
    found = dict(
        det=f'{address}/detector-1.2.zip', pose=f'{address}/pose-1.2.zip'
    )
    monkeypatch.setitem(rtmlib.Body.MODE, 'balanced', found)
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'kept'))
    monkeypatch.setattr(SimpleHTTPRequestHandler, 'log_message', lambda *_: 0)
    yield address
    server.shutdown()
    server.server_close()


def test_weights_are_downloaded_once(server, tmp_path, capsys):
    ((keypoint, _),) = RTMPoseEstimator()(frame_of(*PLACES[0])[None])
    np.testing.assert_allclose(keypoint[0, 0], (45.5, 39.5), atol=1e-4)
    kept = tmp_path / 'kept' / 'hub' / 'checkpoints'
    printed = capsys.readouterr()
    assert printed.out == ''
    lines = printed.err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f'Downloading: "{server}/pose-1.2.zip" to')
    assert sorted(path.name for path in kept.iterdir()) == [
        'detector-1.2.onnx',
        'pose-1.2.onnx',
    ]
    RTMPoseEstimator()
    assert capsys.readouterr().err == ''


def test_weights_that_cannot_be_downloaded(
    server, tmp_path, models, monkeypatch, capsys
):
    found = dict(det='http://127.0.0.1:1/d.zip', pose=f'{server}/none.zip')
    monkeypatch.setitem(rtmlib.Body.MODE, 'balanced', found)
    with pytest.raises(ConnectionError) as error:
        RTMPoseEstimator()
    text = str(error.value)
    assert 'HTTP Error 404' in text and len(text.splitlines()) == 1
    for part in (*found.values(), 'model=FILE det_model=FILE'):
        assert part in text
    # a pose model that is given needs the detector alone
    with pytest.raises(ConnectionError, match='d.zip, and give det_model=FIL'):
        RTMPoseEstimator(models['pose'])
    broken = io.BytesIO()
    with zipfile.ZipFile(broken, 'w') as archive:
        archive.writestr('readme.txt', 'no model')
    (tmp_path / 'served' / 'none.zip').write_bytes(broken.getvalue())
    with pytest.raises(ConnectionError, match='cannot download them'):
        RTMPoseEstimator(det_model=models['detector'])
    assert not list((tmp_path / 'kept').rglob('*.onnx'))


def test_rtmlib_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, 'rtmlib', None)
    module = f'{pose_estimators.__name__}.rtmlib_models'
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.delattr(pose_estimators, 'rtmlib_models', raising=False)
    with pytest.raises(ImportError, match='pip install rtmlib onnxruntime'):
        find_estimator('rtmpose')()
