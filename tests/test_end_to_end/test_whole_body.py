"""133 keypoints in few channels, from training to ONNX."""

import numpy as np
import onnxruntime
import pytest
import torch
from conftest import CONFIGS, ROOT, load_script
from mmengine.config import Config
from mmengine.runner import Runner

from integral_action.apis import IntegralActionInferencer, load_model
from integral_action.deployment import (
    DeployableRecognizer,
    verify,
)
from integral_action.fileio import read_annotations, write_annotations
from integral_action.pose.files import write_poses
from integral_action.pose.layouts import KeypointLayout

POSE = 'integralaction-pose_r18w16_1xb32-8x1x1-8e_puppets'
CUSTOM = 'integralaction-pose_r18_4xb8-8x8x1-40e_custom-wholebody'


@pytest.fixture(scope='module')
def whole_bodies(puppets, tmp_path_factory):
    """The small Puppets set with random poses of 133 keypoints."""
    out = tmp_path_factory.mktemp('whole_bodies')
    (out / 'videos').symlink_to(puppets / 'videos')
    draw = np.random.default_rng(0)
    for split in ('train', 'test'):
        records = read_annotations(puppets / f'{split}.jsonl')[:8]
        for record in records:
            height, width = record['img_shape']
            shape = (1, record['total_frames'], 133)
            keypoint = draw.uniform(0, (width, height), (*shape, 2))
            path = out / 'poses' / record['pose_file']
            write_poses(path, keypoint, draw.uniform(0, 1, shape))
        write_annotations(out / f'{split}.jsonl', records)
    return out


@pytest.fixture(scope='module')
def config(whole_bodies):
    """The custom config's layout in the small model."""
    layout = Config.fromfile(CONFIGS / 'custom' / f'{CUSTOM}.py').layout
    layout.pop('_delete_')
    cfg = Config.fromfile(CONFIGS / f'{POSE}.py')
    cfg.model.data_preprocessor.layout = layout
    cfg.model.backbone.pose.in_channels = 106
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.update(
            layout='coco_wholebody133',
            data_root=f'{whole_bodies}/',
            ann_file='train.jsonl' if split == 'train' else 'test.jsonl',
        )
    cfg.train_dataloader.batch_size = 8
    cfg.train_cfg.max_epochs = 1
    return cfg


def test_from_training_to_onnx(config, whole_bodies, tmp_path):
    config.work_dir = str(tmp_path / 'work')
    Runner.from_cfg(config).train()
    trained = str(tmp_path / 'work' / 'epoch_1.pth')
    publish = load_script(ROOT / 'tools/model_converters/publish_model.py')
    assert publish.main([trained, str(tmp_path / 'model')]) == 0
    (published,) = tmp_path.glob('model-*.pth')

    model = load_model(published)
    assert model.data_preprocessor.layout.num_channels == 106
    keypoints = torch.load(published, weights_only=True)['meta']['keypoints']
    assert KeypointLayout.get(keypoints) == model.data_preprocessor.layout

    record = read_annotations(whole_bodies / 'test.jsonl')[0]
    inferencer = IntegralActionInferencer(
        published, device='cpu', show_progress=False
    )
    (result,) = inferencer(
        whole_bodies / 'videos' / record['filename'],
        whole_bodies / 'poses' / record['pose_file'],
    )['predictions']
    assert sum(result['rec_scores']) == pytest.approx(1, abs=1e-4)

    onnx = str(tmp_path / 'model.onnx')
    export = load_script(ROOT / 'tools/deployment/export_onnx.py')
    assert export.main([str(published), onnx]) == 0
    inputs = DeployableRecognizer(model).example_inputs(2, 1, seed=0)
    assert inputs['pose'].shape[-2] == 133
    session = onnxruntime.InferenceSession(onnx)
    (given,) = session.run(None, {k: v.numpy() for k, v in inputs.items()})
    (expected,) = verify.predict(model, inputs)
    np.testing.assert_allclose(given, expected, atol=1e-5)
