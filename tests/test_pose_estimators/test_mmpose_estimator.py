"""MMPose's own inferencer, with models of random weights."""

import importlib.util
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT

from integral_action.fileio import read_poses
from integral_action.pose_estimators import MMPoseEstimator

try:
    import mmdet.apis
    from mmpose.apis import MMPoseInferencer, init_model
except ImportError as error:
    pytest.skip(f'no MMPose here: {error}', allow_module_level=True)

from mmengine.config import Config

CONFIGS = dict(
    rtmpose='mmpose/.mim/configs/body_2d_keypoint/rtmpose/coco/'
    'rtmpose-t_8xb256-420e_coco-256x192.py',
    rtmo='mmpose/.mim/configs/body_2d_keypoint/rtmo/coco/'
    'rtmo-s_8xb32-600e_coco-640x640.py',
    detector='mmdet/.mim/configs/rtmdet/rtmdet_tiny_8xb32-300e_coco.py',
)


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    """Config and weights by name."""
    folder = tmp_path_factory.mktemp('models')
    found = {}
    for name, path in CONFIGS.items():
        package = path.split('/')[0]
        root = Path(find_spec(package).submodule_search_locations[0]).parent
        config = Config.fromfile(root / path)
        config.model.backbone.init_cfg = None
        config.model.init_cfg = None
        torch.manual_seed(0)
        weights = folder / f'{name}.pth'
        if package == 'mmpose':
            model = init_model(config, device='cpu')
            torch.save(dict(state_dict=model.state_dict()), weights)
        else:
            model = mmdet.apis.init_detector(config, device='cpu')
            meta = dict(dataset_meta=dict(classes=('person',)))
            torch.save(dict(state_dict=model.state_dict(), meta=meta), weights)
        found[name] = (str(root / path), str(weights))
    return found


@pytest.fixture(scope='module')
def frames():
    """Uneven ones, so that mirrored colours or sides would be seen."""
    return np.random.default_rng(0).integers(0, 255, (2, 96, 128, 3), np.uint8)


def inferencer_says(inferencer, frame, **options):
    """What its own call gives for an RGB frame, the best person first."""
    bgr = np.ascontiguousarray(frame[..., ::-1])
    persons = next(inferencer(bgr, **options))['predictions'][0]
    persons.sort(key=lambda person: -np.max(person['bbox_score']))
    return (
        np.array([person['keypoints'] for person in persons]),
        np.array([person['keypoint_scores'] for person in persons]),
    )


def test_the_tool_says_what_the_inferencer_says(
    models, frames, make_video, tmp_path
):
    spec = importlib.util.spec_from_file_location(
        'extract_poses', ROOT / 'tools/extract_poses.py'
    )
    tool = sys.modules['extract_poses'] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    video = make_video(frames)
    config, weights = models['rtmpose']
    arguments = [str(video), str(tmp_path / 'poses'), '--estimator', 'mmpose']
    arguments += ['--model', config, '--weights', weights]
    arguments += ['--det-model', 'whole_image']
    assert tool.main([*arguments, '--batch-size', '1']) == 0
    keypoint, score = read_poses(tmp_path / 'poses/video.npz')
    assert keypoint.shape == (1, 2, 17, 2)
    inferencer = MMPoseInferencer(
        config, weights, device='cpu', det_model='whole_image'
    )
    for i, frame in enumerate(frames):
        expected = inferencer_says(inferencer, frame)
        np.testing.assert_allclose(keypoint[:, i], expected[0], atol=1e-4)
        np.testing.assert_allclose(score[:, i], expected[1], atol=1e-6)
    # Byte for byte in whatever batches.
    once = (tmp_path / 'poses/video.npz').read_bytes()
    (tmp_path / 'poses/video.npz').unlink()
    assert tool.main([*arguments, '--batch-size', '2']) == 0
    assert (tmp_path / 'poses/video.npz').read_bytes() == once


@pytest.mark.parametrize('batched', [False, True])
def test_persons_of_a_detector(models, frames, batched):
    estimator = MMPoseEstimator(
        *models['rtmpose'], *models['detector'], score_thr=0.0
    )
    assert estimator.layout == 'coco17'
    found = estimator.inferencer.detector(frames[0], return_datasamples=True)
    found = found['predictions'][0].pred_instances
    # The random detector's own idea of a person, and just a few of them.
    estimator.inferencer.det_cat_ids = (int(found.labels[0]),)
    scores = found.scores[found.labels == found.labels[0]].sort().values
    estimator.score_thr = float(scores[-min(6, len(scores))])
    estimator.nms_thr = 0.95
    estimator.batched = batched
    options = dict(bbox_thr=estimator.score_thr, nms_thr=0.95)
    persons = 0
    for frame, (keypoint, score) in zip(frames, estimator(frames)):
        expected = inferencer_says(estimator.inferencer, frame, **options)
        if len(score):
            np.testing.assert_allclose(keypoint, expected[0], atol=1e-3)
            np.testing.assert_allclose(score, expected[1], atol=1e-5)
        persons += len(score)
    assert persons > 1

    # Nobody is nobody; the inferencer makes up a person of the whole frame.
    estimator.score_thr = 0.99
    for keypoint, score in estimator(frames):
        assert keypoint.shape == (0, 17, 2) and score.shape == (0, 17)
    made_up, _ = inferencer_says(
        estimator.inferencer, frames[0], bbox_thr=0.99, nms_thr=0.95
    )
    assert len(made_up) == 1


def test_a_model_that_needs_no_detector(models, frames):
    estimator = MMPoseEstimator(*models['rtmo'], score_thr=0.5)
    ((keypoint, score),) = estimator(frames[:1])
    assert len(score) > 0
    _, expected = inferencer_says(
        estimator.inferencer, frames[0], bbox_thr=0.5, nms_thr=0.3
    )
    assert keypoint.shape == (*score.shape, 2)
    np.testing.assert_allclose(score, expected, atol=1e-5)


def test_what_cannot_be_built_is_said(models, tmp_path):
    config, _ = models['rtmpose']
    for model, weights, message in (
        ('no_such_model', None, "cannot build 'no_such_model'"),
        (config, str(tmp_path / 'gone.pth'), 'gone.pth can not be found'),
    ):
        with pytest.raises(ValueError, match=message) as error:
            MMPoseEstimator(model, weights, 'whole_image')
        assert '\n' not in str(error.value)
