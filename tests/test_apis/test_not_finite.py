"""nan goes no further than the first that sees it."""

import json
import math

import numpy as np
import pytest
import torch
from conftest import CONFIGS, ROOT, load_script
from mmaction.registry import MODELS
from mmengine.config import Config

from integral_action.apis import IntegralActionInferencer, load_model
from integral_action.fileio import SampleError
from integral_action.models.stages import load_stage

NAME = 'integralaction-pose_r18w16_1xb32-8x1x1-8e_puppets.py'
WEIGHT = 'backbone.pose.conv1.conv.weight'
FRAMES = np.zeros((12, 56, 56, 3), np.uint8)
POSES = np.full((1, 12, 18, 2), 9.0), np.ones((1, 12, 18))


@pytest.fixture(scope='module')
def content():
    from mmengine.registry import init_default_scope

    init_default_scope('mmaction')
    cfg = Config.fromfile(CONFIGS / NAME)
    model = MODELS.build(cfg.model)
    meta = dict(cfg=cfg.pretty_text, dataset_meta=dict(classes=['jack'] * 12))
    return dict(meta=meta, state_dict=model.state_dict())


@pytest.fixture
def save(content, tmp_path):
    def write(value=None):
        weights = {k: v.clone() for k, v in content['state_dict'].items()}
        if value is not None:
            weights[WEIGHT][0, 0, 0, 0] = value
        torch.save({**content, 'state_dict': weights}, tmp_path / 'a.pth')
        return tmp_path / 'a.pth'

    return write


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
def test_weights(save, tmp_path, capsys, value):
    path = save(value)
    said = f'not finite numbers: {WEIGHT}$'
    with pytest.raises(ValueError, match=f'a.pth: {said}'):
        load_model(path)
    stream = load_model(save()).backbone.pose
    before = stream.conv1.conv.weight.clone()
    save(value)
    with pytest.raises(ValueError, match=f'pose stage: .*a.pth: {said}'):
        load_stage(stream, 'pose', str(path), 'backbone.pose.')
    assert torch.equal(stream.conv1.conv.weight, before)
    publish = load_script(ROOT / 'tools/model_converters/publish_model.py')
    assert publish.main([str(path), str(tmp_path / 'out')]) == 1
    assert 'not finite' in capsys.readouterr().err
    export = load_script(ROOT / 'tools/deployment/export_onnx.py')
    assert export.main([str(path), str(tmp_path / 'out.onnx')]) == 1
    assert 'not finite' in capsys.readouterr().err
    assert [one.name for one in tmp_path.iterdir()] == ['a.pth']


def test_scores(save, tmp_path):
    """Weights that are finite, and whose sums are not: 3e38 and more."""
    inferencer = IntegralActionInferencer(
        save(), device='cpu', show_progress=False
    )
    (prediction,) = inferencer(FRAMES, POSES)['predictions']
    assert sum(prediction['rec_scores']) == pytest.approx(1, abs=1e-5)
    with torch.no_grad():
        inferencer.model.cls_head.fc_cls.weight[3] = 3e38
        inferencer.model.cls_head.fc_cls.bias[3] = math.inf
    with pytest.raises(SampleError, match='array: its scores are nan or inf'):
        inferencer(FRAMES, POSES)
    out = tmp_path / 'out'
    result = inferencer([FRAMES] * 2, [POSES] * 2, out_dir=out, draw=False)
    assert result['num_failed'] == 2 and not out.exists()
    assert 'nan or inf' in result['predictions'][1]['error']
    json.dumps(result, allow_nan=False)
