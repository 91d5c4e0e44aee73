"""MMPose's own inferencer, with models of made weights."""

import importlib.util
import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from conftest import ROOT

from integral_action.pose.files import read_poses
from integral_action.pose_estimators import MMPoseEstimator

try:
    import mmdet.apis
    from mmpose.apis import MMPoseInferencer, init_model
except Exception as error:  # a ValueError, where numpy is 2
    pytest.skip(f'no MMPose here: {error}', allow_module_level=True)

from mmengine.config import Config
from mmengine.runner import Runner

CONFIGS = dict(
    rtmpose='mmpose/.mim/configs/body_2d_keypoint/rtmpose/coco/'
    'rtmpose-t_8xb256-420e_coco-256x192.py',
    rtmo='mmpose/.mim/configs/body_2d_keypoint/rtmo/coco/'
    'rtmo-s_8xb32-600e_coco-640x640.py',
    detector='mmdet/.mim/configs/rtmdet/rtmdet_tiny_8xb32-300e_coco.py',
)


def train(config, folder):
    """Train a step with MMPose's runner; returns what it saves."""
    cv2.imwrite(str(folder / 'a.png'), np.zeros((96, 64, 3), np.uint8))
    person = dict(bbox=[8, 8, 48, 80], keypoints=[32, 48, 2] * 17, area=3840)
    person |= dict(id=1, image_id=1, category_id=1, iscrowd=0)
    annotations = dict(
        images=[dict(id=1, file_name='a.png', width=64, height=96)],
        annotations=[person | dict(num_keypoints=17)],
        categories=[dict(id=1, name='person')],
    )
    (folder / 'a.json').write_text(json.dumps(annotations))
    loader = config.train_dataloader
    loader.update(batch_size=1, num_workers=0, persistent_workers=False)
    loader.dataset.update(
        data_root=str(folder), ann_file='a.json', data_prefix=dict(img='')
    )
    loader.dataset.pipeline = [  # without what needs albumentations
        step
        for step in loader.dataset.pipeline
        if step.type != 'Albumentation'
    ]
    for part in ('val', 'test'):
        for name in ('dataloader', 'evaluator', 'cfg'):
            config[f'{part}_{name}'] = None
    config.merge_from_dict(
        dict(
            work_dir=str(folder),
            train_cfg=dict(max_epochs=1),
            custom_hooks=[],
            log_level='ERROR',
        )
    )
    Runner.from_cfg(config).train()
    return folder / 'epoch_1.pth'


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
        if name == 'rtmpose':
            weights = train(config, folder)
        elif name == 'rtmo':
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
    arguments = [str(video), str(tmp_path / 'poses'), '--poses', 'mmpose']
    arguments += ['--model', config, '--options', f'weights={weights}']
    arguments += ['det_model=whole_image']
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


def test_what_the_runner_saves_is_loaded(models, tmp_path):
    config, weights = models['rtmpose']
    saved = torch.load(weights)
    assert {'message_hub', 'optimizer', 'param_schedulers'} < saved.keys()
    assert saved['meta']['dataset_meta']['keypoint_colors'].dtype == np.uint8
    # As publish_model.py does; the constants as RTMDet's checkpoints have them
    saved = dict(meta=saved['meta'], state_dict=saved['state_dict'])
    saved['state_dict']['data_preprocessor.mean'] = torch.zeros(3, 1, 1)
    published = str(tmp_path / 'published.pth')
    torch.save(saved, published, _use_new_zipfile_serialization=False)
    estimator = MMPoseEstimator(config, published, 'whole_image')
    assert estimator.layout == 'coco17'
    for name, value in estimator.inferencer.model.state_dict().items():
        assert torch.equal(value, saved['state_dict'][name]), name


def cache(folder, monkeypatch):
    """Let torch keep downloads below ``folder``, without a network; returns
    where it would keep the weights of ``NAME``."""
    monkeypatch.setenv('TORCH_HOME', str(folder))
    monkeypatch.setenv('https_proxy', 'http://127.0.0.1:9')
    monkeypatch.setenv('no_proxy', '')
    kept = folder / 'hub/checkpoints'
    kept.mkdir(parents=True)
    return kept / (
        'rtmpose-tiny_simcc-coco_pt-aic-coco_420e-256x192-e613ba3f_'
        '20230127.pth'
    )


NAME = 'rtmpose-t_8xb256-420e_coco-256x192'


def test_the_weights_of_a_name_are_the_zoos(models, tmp_path, monkeypatch):
    kept = cache(tmp_path, monkeypatch)
    with pytest.raises(ValueError, match='cannot be downloaded .*refused'):
        MMPoseEstimator(NAME, det_model='whole_image')
    kept.symlink_to(models['rtmpose'][1])
    estimator = MMPoseEstimator(NAME, det_model='whole_image')
    for name, value in torch.load(kept)['state_dict'].items():
        loaded = estimator.inferencer.model.state_dict()[name]
        assert torch.equal(loaded, value), name


class Command:
    def __reduce__(self):
        return os.system, ('true',)


def test_a_checkpoint_that_would_run_code(models, tmp_path, monkeypatch):
    bad = tmp_path / 'bad.pth'
    torch.save(dict(state_dict={}, meta=Command()), bad)
    with pytest.raises(ValueError, match='bad.pth.*would run posix.system'):
        MMPoseEstimator(models['rtmpose'][0], str(bad), 'whole_image')
    cache(tmp_path, monkeypatch).symlink_to(bad)
    with pytest.raises(ValueError, match='would run posix.system') as error:
        MMPoseEstimator(NAME, det_model='whole_image')
    assert 'weights_only' not in str(error.value)
    bad.write_text('<html>')
    with pytest.raises(ValueError, match='its checkpoint is damaged'):
        MMPoseEstimator(NAME, det_model='whole_image')


def test_a_model_without_its_weights_is_an_error(models, tmp_path):
    """MMPose would take random ones, and only log what does not fit."""
    config, weights = models['rtmpose']
    detector, det_weights = models['detector']
    other = models['rtmo'][1]
    names = list(torch.load(weights)['state_dict'])

    def changed(name, change):
        content = torch.load(weights)
        change(content['state_dict'])
        torch.save(content, tmp_path / name)
        return str(tmp_path / name)

    less = changed('less.pth', lambda found: found.pop(names[0]))
    more = changed('more.pth', lambda found: found.update(x=torch.ones(1)))
    shape = changed(
        'shape.pth', lambda found: found.update({names[0]: torch.ones(2)})
    )
    pose = (config, weights)
    for arguments, messages in (
        ((config, None, 'whole_image'), [config, 'as weights']),
        ((*pose, detector), [detector, 'as det_weights']),
        ((*pose, None, det_weights), [det_weights, 'without the det_model']),
        ((config, less, 'whole_image'), [less, f'missing key(s): {names[0]}']),
        ((config, more, 'whole_image'), [more, 'unexpected key(s): x']),
        ((config, shape, 'whole_image'), [shape, f'mismatch for {names[0]}']),
        ((config, other, 'whole_image'), [other, config, 'mismatch for']),
        ((*pose, detector, other), [other, detector, 'mismatch for']),
        ((config, det_weights, 'whole_image'), [det_weights, config]),
    ):
        with pytest.raises(ValueError) as error:
            MMPoseEstimator(*arguments)
        for message in messages:
            assert message in str(error.value)
        assert '\n' not in str(error.value)


def test_what_is_not_there_is_said(models, tmp_path):
    config, weights = models['rtmpose']
    gone = str(tmp_path / 'gone.pth')
    for model, file, kind, message in (
        ('no_such', None, ValueError, "cannot build 'no_such'"),
        (f'{NAME}.py', weights, FileNotFoundError, f'{NAME}.py: there is no'),
        (config, gone, FileNotFoundError, f'{gone}: there is no such file'),
    ):
        with pytest.raises(kind, match=message) as error:
            MMPoseEstimator(model, file, 'whole_image')
        assert '\n' not in str(error.value)
