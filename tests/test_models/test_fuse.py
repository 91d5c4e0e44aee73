"""A fused model predicts what the model does."""

import copy

import pytest
import torch
from conftest import CONFIGS
from mmaction.models.backbones.resnet_tsm import TemporalShift
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from torch import nn

from integral_action.apis import load_model
from integral_action.models.fuse_conv_bn import LayoutKeepingShift, fuse_model

KINDS = dict(
    puppets='integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets',
    clips='integralaction_slowonly-r18w16-r18w16_1xb32-8x1x1-8e_puppets',
    frames='jhmdb/integralaction_lite0-r18w16_1xb16-8x2x1-8e_jhmdb8-split1',
)


def build(kind):
    """A model whose batch norms do something."""
    cfg = Config.fromfile(CONFIGS / f'{KINDS[kind]}.py')
    cfg.model.cls_head.num_classes = 8  # some leave it to the data
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).eval()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            nn.init.uniform_(module.weight, 0.5, 1)
            nn.init.normal_(module.bias, 0, 0.1)
            nn.init.normal_(module.running_mean, 0, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    nn.init.normal_(model.cls_head.fc_cls.weight, std=0.3)
    return model, cfg


def predict(model):
    generator = torch.Generator().manual_seed(0)
    channels = model.data_preprocessor.layout.num_channels
    inputs = dict(
        imgs=torch.randn(2, 2, 3, 8, 56, 56, generator=generator),
        heatmap_imgs=torch.rand(
            2, 2, channels, 8, 14, 14, generator=generator
        ),
    )
    samples = [ActionDataSample() for _ in range(2)]
    with torch.no_grad():
        samples = model.predict(inputs, samples)
    return [
        torch.stack([sample.get(key) for sample in samples])
        for key in ('pred_score', 'gate')
    ]


@pytest.mark.parametrize('kind', KINDS)
def test_predictions_are_the_same(kind):
    model, _ = build(kind)
    expected = predict(model)
    assert expected[0].max() > 0.3  # not the even one of any model
    fused = fuse_model(copy.deepcopy(model))
    for given, value in zip(predict(fused), expected):
        torch.testing.assert_close(given, value, rtol=0, atol=2e-6)
    norms = [
        sum(isinstance(m, nn.BatchNorm2d) for m in one.backbone.pose.modules())
        for one in (model, fused)
    ]
    assert norms == [20, 0]


def test_shift_by_hand_and_in_its_layout():
    # one clip of three frames, four channels: the first takes the next frame,
    # the second the one before, two stay
    x = torch.arange(12.0).view(3, 4, 1, 1)
    expected = [[4, 0, 2, 3], [8, 1, 6, 7], [0, 5, 10, 11]]
    assert LayoutKeepingShift.shift(x, 3, 4)[..., 0, 0].tolist() == expected
    x = torch.randn(16, 24, 5, 6)
    given = LayoutKeepingShift.shift(
        x.to(memory_format=torch.channels_last), 8, 8
    )
    assert given.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(given, TemporalShift.shift(x, 8, 8))


def test_a_checkpoint_is_fused_where_it_is_loaded(tmp_path):
    model, cfg = build('puppets')
    path = tmp_path / 'epoch_8.pth'
    torch.save(
        dict(meta=dict(cfg=cfg.pretty_text), state_dict=model.state_dict()),
        path,
    )
    fused = load_model(path, fuse=True)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in fused.modules())
    for given, value in zip(predict(fused), predict(model)):
        torch.testing.assert_close(given, value, rtol=0, atol=2e-6)


def test_a_model_in_training_is_refused():
    with pytest.raises(ValueError, match='evaluation mode'):
        fuse_model(build('puppets')[0].train())
