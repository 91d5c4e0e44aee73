"""Class activation maps light what a class is seen by."""

import pytest
import torch
import torch.nn.functional as F
from conftest import CONFIGS
from mmaction.registry import MODELS
from mmengine.config import Config
from torch import nn

from integral_action.apis import activation_maps

NAMES = dict(
    appearance='integralaction-appearance_r18w16_1xb32-8x1x1-12e_puppets',
    pose='integralaction-pose_r18w16_1xb32-8x1x1-8e_puppets',
    fused='integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets',
)


@MODELS.register_module(force=True)
class PatchMeans(nn.Module):
    """Its maps are the means of patches of 4 x 4, channel by channel."""

    init_cfg = None

    def init_weights(self):
        pass

    def forward(self, x):
        return F.avg_pool2d(x, 4)


def model_of(channels, neck=None, frozen=()):
    """Streams whose maps are known; two classes."""
    streams = {name: dict(type='PatchMeans') for name in channels}
    model = MODELS.build(
        dict(
            type='TwoStreamRecognizer',
            backbone=dict(type='TwoStreamBackbone', frozen=frozen, **streams),
            neck=neck,
            cls_head=dict(
                type='FrameAverageHead', num_classes=2, in_channels=3
            ),
            data_preprocessor=dict(type='PoseMapPreprocessor'),
        )
    )
    return model.eval()


def corner(row, column, channel, value, frames=2):
    """[1, 1, 3, T, 12, 12]: a patch of 4 x 4 in one channel."""
    picture = torch.zeros(1, 1, 3, frames, 12, 12)
    rows, columns = (slice(4 * i, 4 * i + 4) for i in (row, column))
    picture[0, 0, channel, :, rows, columns] = value
    return picture


@torch.no_grad()
def test_the_corner_that_matters_is_lit():
    """Class 0 is red, class 1 green; red is top left, green bottom right."""
    model = model_of(['appearance'])
    model.cls_head.fc_cls.weight.copy_(
        torch.tensor([[2.0, 0, 0], [-1.0, 3.0, 0]])
    )
    inputs = dict(imgs=corner(0, 0, 0, 5.0) + corner(2, 2, 1, 7.0))
    expected = torch.zeros(1, 2, 3, 3)
    expected[..., 0, 0] = 2 * 5
    maps = activation_maps(model, inputs, 0)
    assert list(maps) == ['appearance']
    torch.testing.assert_close(maps['appearance'], expected)
    expected[..., 0, 0] = -1 * 5
    expected[..., 2, 2] = 3 * 7
    maps = activation_maps(model, inputs, 1)
    torch.testing.assert_close(maps['appearance'], expected)


@pytest.mark.parametrize('frozen', [(), ('appearance', 'pose')])
@torch.no_grad()
def test_streams_of_the_fused_model_have_one_unit(frozen):
    """F = relu(A) + 2 relu(P); poses have twice the frames."""
    neck = dict(
        type='AddFusion',
        appearance_channels=3,
        pose_channels=3,
        channels=3,
    )
    model = model_of(['appearance', 'pose'], neck, frozen)
    for factor, block in (
        (1, model.neck.tcb_appearance),
        (2, model.neck.tcb_pose),
    ):
        block[0].weight.copy_(factor * torch.eye(3))
        block[0].bias.zero_()
        block[1] = torch.nn.Identity()  # no layer norm
    model.cls_head.fc_cls.weight.copy_(
        torch.tensor([[2.0, 0, 0], [0, 3.0, 0]])
    )
    inputs = dict(
        imgs=corner(0, 2, 0, 5.0), heatmap_imgs=corner(2, 0, 0, 1.0, frames=4)
    )
    maps = activation_maps(model, inputs, 0)
    appearance = torch.zeros(1, 2, 3, 3)
    appearance[..., 0, 2] = 2 * 5
    torch.testing.assert_close(maps['appearance'], appearance)
    pose = torch.zeros(1, 4, 3, 3)
    pose[..., 2, 0] = 2 * 2 * 1 / 2  # half: two of its frames make one
    torch.testing.assert_close(maps['pose'], pose)
    assert not torch.is_grad_enabled()
    # no hook is left
    assert not model.backbone.pose._forward_hooks


def inputs_of(streams, clips=2):
    torch.manual_seed(1)
    inputs = dict(
        appearance=('imgs', torch.rand(1, clips, 3, 8, 56, 56)),
        pose=('heatmap_imgs', torch.rand(1, clips, 52, 8, 14, 14)),
    )
    return dict(inputs[name] for name in streams)


@pytest.mark.parametrize('stage', ['appearance', 'pose'])
def test_mean_of_a_single_streams_map_is_its_logit(stage):
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(CONFIGS / f'{NAMES[stage]}.py').model)
    model.eval()
    inputs = inputs_of([stage])
    maps = activation_maps(model, inputs, 3)[stage]
    with torch.no_grad():
        features, _ = model.extract_feat(inputs)
        logit = model.cls_head.fc_cls(features)[..., 3]
    torch.testing.assert_close(
        maps.mean((2, 3)) + model.cls_head.fc_cls.bias[3], logit
    )


def test_gated_model_follows_the_gradient():
    """Each map's mean is the derivative of the logits along its features."""
    torch.manual_seed(0)
    model = MODELS.build(
        Config.fromfile(CONFIGS / f'{NAMES["fused"]}.py').model
    )
    model = model.double().eval()
    inputs = inputs_of(['appearance', 'pose'])
    inputs = {name: value.double() for name, value in inputs.items()}
    maps = activation_maps(model, inputs, 3)
    step = 1e-6
    with torch.no_grad():
        features = model.backbone(**{k: v[0] for k, v in inputs.items()})

        def logits(*pair):
            fused, _ = model.neck(pair)
            return model.cls_head.fc_cls(fused)[..., 3].sum()

        changes = [
            logits(features[0] * (1 + step), features[1]),
            logits(features[0], features[1] * (1 + step)),
        ]
        base = logits(*features)
    for stream, changed in zip(('appearance', 'pose'), changes):
        expected = (changed - base) / step
        total = maps[stream].mean((2, 3)).sum()
        assert total.item() == pytest.approx(expected.item(), rel=1e-3)
    assert abs(total.item()) > 1e-4


@torch.no_grad()
def test_the_robust_product_has_maps():
    """G = 0 is the pose alone: appearance says nothing, and the pose's map is
    the gradient of log softmax, p = 1/2: 0.5 * weight * value."""
    model = model_of(['appearance', 'pose'])
    model.cls_head = MODELS.build(
        dict(
            type='RobustProductHead',
            num_classes=2,
            appearance_channels=3,
            pose_channels=3,
            gate_value=0,
        )
    ).eval()
    for layer in (model.cls_head.fc_appearance, model.cls_head.fc_pose):
        layer.weight.copy_(torch.tensor([[2.0, 0, 0], [2.0, 1.0, 0]]))
        layer.bias.zero_()
    inputs = dict(imgs=corner(0, 2, 0, 5.0), heatmap_imgs=corner(2, 0, 0, 3.0))
    maps = activation_maps(model, inputs, 1)
    assert not maps['appearance'].any()
    # d log p_1 / d red = 2 - (2 + 2) / 2 = 0; of green 1 - 1 / 2
    assert not maps['pose'].any()
    inputs['heatmap_imgs'] += corner(1, 1, 1, 1e-3)
    expected = torch.zeros(1, 2, 3, 3)
    expected[..., 1, 1] = 0.5 * 1e-3
    maps = activation_maps(model, inputs, 1)
    torch.testing.assert_close(maps['pose'], expected, rtol=1e-3, atol=1e-6)


@MODELS.register_module(force=True)
class Pathways(PatchMeans):
    """Maps of all frames, and of every other one in half the size."""

    def forward(self, x):
        slow = F.avg_pool3d(x[:, :, ::2], (1, 8, 8), ceil_mode=False)
        return F.avg_pool3d(x, (1, 4, 4)), slow, x.mean((2, 3, 4))


@torch.no_grad()
def test_maps_of_several_pathways_are_added():
    model = model_of(['appearance'])
    stream = dict(type='Pathways', input_format='NCTHW')
    backbone = dict(type='TwoStreamBackbone', appearance=stream)
    model.backbone = MODELS.build(backbone)
    model.cls_head.fc_cls = nn.Linear(6, 2)
    inputs = dict(imgs=torch.rand(1, 1, 3, 4, 8, 8))
    maps = activation_maps(model, inputs, 1)['appearance']
    assert maps.shape == (1, 4, 2, 2)
    features, _ = model.extract_feat(inputs)  # of the two slow frames
    logits = model.cls_head.fc_cls(features)[..., 1]
    bias = model.cls_head.fc_cls.bias[1]
    torch.testing.assert_close(maps.mean((2, 3)).sum(), (logits - bias).sum())


def test_a_graph_stream_has_no_maps_of_the_picture():
    model = model_of(['pose'])
    model.backbone.formats['pose'] = 'NMTVC'
    with pytest.raises(ValueError, match='pose stream is a graph network'):
        activation_maps(model, dict(heatmap_imgs=corner(0, 0, 0, 1.0)), 0)


def test_a_model_of_another_kind_is_named():
    model = model_of(['appearance'])
    model.cls_head = MODELS.build(
        dict(type='I3DHead', num_classes=2, in_channels=3)
    )
    with pytest.raises(ValueError, match='TwoStreamBackbone and a I3DHead'):
        activation_maps(model, dict(imgs=corner(0, 0, 0, 1.0)), 0)


def test_no_such_class():
    model = model_of(['appearance'])
    with pytest.raises(ValueError, match='label is 2, but .* 2 classes'):
        activation_maps(model, dict(imgs=corner(0, 0, 0, 1.0)), 2)
