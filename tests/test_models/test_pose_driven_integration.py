"""Section 3.3 against numbers worked out by hand."""

import math

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS

DEFAULT_ARGS = dict(
    type='PoseDrivenIntegration',
    appearance_channels=3,
    pose_channels=2,
    channels=2,
)


def build(**kwargs):
    return MODELS.build({**DEFAULT_ARGS, **kwargs})


def features(frames=4, pose_frames=4, clips=2):
    generator = torch.Generator().manual_seed(0)
    return (
        torch.randn(clips, frames, 3, generator=generator),
        torch.randn(clips, pose_frames, 2, generator=generator),
    )


def set_gate(neck, logit):
    """Make the gate's logit a number, whatever the pose."""
    torch.nn.init.zeros_(neck.cgb.bn.weight)
    torch.nn.init.constant_(neck.cgb.bn.bias, logit)


def by_hand(neck):
    """Weights that make the alignment the layer norm of known numbers."""
    with torch.no_grad():
        neck.tcb_appearance[0].weight.copy_(
            torch.tensor([[1.0, 0, 0], [0, 1, 0]])
        )
        neck.tcb_pose[0].weight.copy_(torch.eye(2))
        neck.tcb_appearance[0].bias.zero_()
        neck.tcb_pose[0].bias.zero_()


def test_gate_aggregation_and_loss_by_hand():
    neck = build(gate_loss_weight=1.5)
    by_hand(neck)
    # layer norm of two numbers is (-1, 1) in their order, ReLU leaves (0, 1)
    # in both frames F'_A = (1, 0) and F'_P = (0, 1)
    appearance = torch.tensor([[[3.0, 1.0, 9.0], [8.0, 2.0, 0.0]]])
    pose = torch.tensor([[[2.0, 5.0], [-3.0, 4.0]]])
    set_gate(neck, math.log(0.25 / 0.75))  # G = 0.25
    feature, aux = neck.train()((appearance, pose))
    # equation 1: 0.25 * (1, 0) + 0.75 * (0, 1)
    np.testing.assert_allclose(
        feature.detach().numpy(), [[[0.25, 0.75]] * 2], atol=1e-4
    )
    # equation 2: -log(0.75), times lambda
    assert aux['loss_gate'].item() == pytest.approx(1.5 * 0.2876821, abs=1e-6)
    np.testing.assert_allclose(aux['gate'].numpy(), [[0.25, 0.25]], atol=1e-6)


def test_gate_of_zero_is_pose_alone_and_of_one_appearance_alone():
    neck = build().eval()
    appearance, pose = features()
    for logit, block, feature in (
        (-1e4, neck.tcb_pose, pose),
        (1e4, neck.tcb_appearance, appearance),
    ):
        set_gate(neck, logit)
        integrated, _ = neck((appearance, pose))
        assert torch.equal(integrated, block(feature))


def test_cgb_is_linear_batch_norm_sigmoid_by_hand():
    neck = build(pose_channels=1, channels=1).train()
    torch.nn.init.constant_(neck.cgb.conv.weight, 2.0)
    appearance = torch.zeros(1, 2, 3)
    pose = torch.tensor([[[1.0], [3.0]]])
    # 2 and 6: batch norm over frames makes -1 and 1; sigmoid .2689 and .7311
    _, aux = neck((appearance, pose))
    np.testing.assert_allclose(
        aux['gate'].numpy(), [[0.26894, 0.73106]], atol=1e-4
    )
    # softplus(-1) = 0.31326, softplus(1) = 1.31326
    assert aux['loss_gate'].item() == pytest.approx(1.5 * 0.81326, abs=1e-4)


def test_tcb_of_the_release_is_conv_batch_norm_relu_layer_norm_by_hand():
    neck = build(tcb_layers='conv-bn-relu-ln').train()
    by_hand(neck)
    appearance = torch.zeros(1, 2, 3)
    # each channel of two frames becomes (1, -1) or (-1, 1); ReLU leaves (1, 0)
    # and (0, 1); layer norm makes (1, -1) and (-1, 1), and leaves negatives
    pose = torch.tensor([[[9.0, 5.0], [3.0, 7.0]]])
    np.testing.assert_allclose(
        neck.tcb_pose(pose).detach().numpy(),
        [[[1.0, -1.0], [-1.0, 1.0]]],
        atol=1e-4,
    )
    assert neck((appearance, pose))[0].shape == (1, 2, 2)


def test_cgb_of_the_release_is_linear_with_bias():
    neck = build(cgb_layers='conv').train()
    torch.nn.init.constant_(neck.cgb.conv.weight, 2.0)
    torch.nn.init.constant_(neck.cgb.conv.bias, -1.0)
    pose = torch.tensor([[[0.5, 0.0], [1.0, 0.5]]])
    # 2 * .5 - 1 = 0 and 2 * 1.5 - 1 = 2: sigmoid .5 and .8808
    _, aux = neck((torch.zeros(1, 2, 3), pose))
    np.testing.assert_allclose(
        aux['gate'].numpy(), [[0.5, 0.880797]], atol=1e-5
    )
    # softplus(0) = .693147, softplus(2) = 2.126928
    assert aux['loss_gate'].item() == pytest.approx(
        1.5 * (0.693147 + 2.126928) / 2, abs=1e-4
    )


def test_time_is_aligned_by_a_convolution_by_hand():
    neck = build(pose_channels=1, align_time='conv').eval()
    with torch.no_grad():
        neck.align_time.conv.weight.copy_(
            torch.tensor([[[1.0, 10, 100, 1000, 10000]]])
        )
        neck.align_time.conv.bias.fill_(-7)
    pose = torch.arange(1.0, 6)[None, :, None]  # 5 frames to 2
    # around frame 0: 0 0 1 2 3; around frame 4: 3 4 5 0 0
    expected = torch.tensor([[[32093.0], [536.0]]])
    # eps of the batch norm, whose statistics are 0 and 1
    assert torch.allclose(neck.align_time(pose, 2), expected, rtol=1e-5)
    neck.align_time.conv.bias.data.fill_(-1e6)  # ReLU
    assert not neck.align_time(pose, 2).any()
    for frames in (4, 6, 8):
        with pytest.raises(ValueError, match=f'5 frames .* not {frames}'):
            neck((torch.zeros(1, 2, 3), torch.zeros(1, frames, 1)))


def test_the_release_draws_its_gate_and_its_time_convolution_otherwise():
    neck = build(
        appearance_channels=400,
        pose_channels=300,
        channels=200,
        cgb_layers='conv',
        align_time='conv',
    )
    neck.init_weights()
    for weight, std in (
        (neck.cgb.conv.weight, 0.01),
        (neck.tcb_pose[0].weight, 0.001),
        # PyTorch's: uniform within 1 / sqrt(300 channels x 5 frames)
        (neck.align_time.conv.weight, (1500 * 3) ** -0.5),
    ):
        assert weight.std().item() == pytest.approx(std, rel=0.02)


def test_no_appearance_value_can_change_a_pose_driven_gate():
    neck = build().eval()
    appearance, pose = features()
    neck.init_weights()
    _, before = neck((appearance, pose))
    for other in (appearance * 1e6, torch.zeros_like(appearance)):
        _, after = neck((other, pose))
        assert torch.equal(before['gate'], after['gate'])


@pytest.mark.parametrize(
    'source, by_appearance, by_pose',
    [
        ('pose', False, True),
        ('appearance', True, False),
        ('both', True, True),
        ('constant', False, False),
    ],
)
def test_gate_follows_its_source_alone(source, by_appearance, by_pose):
    neck = build(gate_source=source).eval()
    appearance, pose = features()
    gate = neck((appearance, pose))[1]['gate']
    changed = neck((appearance + 1, pose))[1]['gate']
    assert torch.equal(gate, changed) != by_appearance
    changed = neck((appearance, pose + 1))[1]['gate']
    assert torch.equal(gate, changed) != by_pose


def test_constant_gate_has_its_value_and_no_loss():
    neck = build(gate_source='constant', gate_value=0.25).train()
    by_hand(neck)
    pair = torch.tensor([[[3.0, 1.0, 9.0]]]), torch.tensor([[[2.0, 5.0]]])
    feature, aux = neck(pair)
    np.testing.assert_allclose(
        feature.detach().numpy(), [[[0.25, 0.75]]], atol=1e-4
    )
    assert set(aux) == {'gate'} and aux['gate'].item() == 0.25
    assert not any('cgb' in name for name, _ in neck.named_parameters())


def test_loss_keys_and_gate_shape():
    _, aux = build().train()(features())
    assert set(aux) == {'loss_gate', 'gate'}
    assert aux['gate'].shape == (2, 4) and not aux['gate'].requires_grad
    _, aux = build().eval()(features())
    assert set(aux) == {'gate'}


def test_weight_of_the_loss_scales_it():
    torch.manual_seed(0)
    neck = build(gate_loss_weight=1.0).train()
    one = neck(features())[1]['loss_gate']
    neck.gate_loss_weight = 5.0
    assert neck(features())[1]['loss_gate'].item() == pytest.approx(
        5 * one.item()
    )
    neck.gate_loss_weight = 0.0
    assert neck(features())[1]['loss_gate'].item() == 0


def test_loss_does_not_overflow():
    neck = build().train()
    set_gate(neck, 200.0)  # -log(1 - 1) would be infinite
    assert neck(features())[1]['loss_gate'].item() == pytest.approx(300)


def test_pose_frames_are_averaged_to_the_appearance_frames():
    neck = build().eval()
    appearance, _ = features(frames=2)
    pose = torch.arange(8.0).view(1, 8, 1).expand(2, 8, 2)
    pooled = torch.tensor([1.5, 5.5]).view(1, 2, 1).expand(2, 2, 2)
    assert torch.equal(
        neck((appearance, pose))[0], neck((appearance, pooled))[0]
    )
    with pytest.raises(ValueError, match='7 frames.*2'):
        neck((appearance, pose[:, :7]))


def test_without_gating_the_aligned_features_are_added_by_hand():
    neck = build(type='AddFusion').train()
    by_hand(neck)
    # F'_A = (1, 0) and F'_P = (0, 1), as with the gate; and (1, 0) twice
    appearance = torch.tensor([[[3.0, 1.0, 9.0], [8.0, 2.0, 0.0]]])
    pose = torch.tensor([[[2.0, 5.0], [4.0, -3.0]]])
    feature, aux = neck((appearance, pose))
    np.testing.assert_allclose(
        feature.detach().numpy(), [[[1.0, 1.0], [2.0, 0.0]]], atol=1e-4
    )
    assert aux == {} and not neck.has_gate


def test_without_gating_as_in_the_release_has_no_layer_norm_by_hand():
    neck = build(type='AddFusion', tcb_layers='conv-bn-relu').train()
    by_hand(neck)
    # batch norm of two frames makes -1 and 1 of each channel, ReLU 0 and 1
    appearance = torch.tensor([[[3.0, 1.0, 9.0], [8.0, 0.0, 0.0]]])
    pose = torch.tensor([[[2.0, 5.0], [4.0, 9.0]]])
    feature, _ = neck((appearance, pose))
    np.testing.assert_allclose(
        feature.detach().numpy(), [[[0.0, 1.0], [2.0, 1.0]]], atol=1e-4
    )


def test_feature_fuse_is_a_layer_of_both_features_by_hand():
    neck = build(type='ConcatFusion')
    with torch.no_grad():
        # appearance's third channel, and the sum of pose's two
        neck.tcb[0].weight.copy_(
            torch.tensor([[0.0, 0, 1, 0, 0], [0, 0, 0, 1, 1]])
        )
        neck.tcb[0].bias.zero_()
    appearance = torch.tensor([[[3.0, 1.0, 9.0], [8.0, 2.0, 0.0]]])
    pose = torch.tensor([[[2.0, 5.0], [4.0, 3.0]]])
    # 9 and 7, 0 and 7: layer norm and ReLU leave (1, 0) and (0, 1)
    feature, aux = neck((appearance, pose))
    np.testing.assert_allclose(
        feature.detach().numpy(), [[[1.0, 0.0], [0.0, 1.0]]], atol=1e-4
    )
    assert aux == {} and not neck.has_gate


@pytest.mark.parametrize(
    'wrong, message',
    [
        (dict(gate_source='poes'), "'poes'"),
        (dict(tcb_layers='bn'), "tcb_layers .*'bn'"),
        (dict(cgb_layers='bn'), "cgb_layers .*'bn'"),
        (dict(align_time='mean'), "align_time .*'mean'"),
        (dict(gate_value=1.5), '1.5'),
        (dict(gate_loss_weight=-1), '-1'),
    ],
)
def test_wrong_options_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        build(**wrong)


def test_one_stream_alone_is_refused():
    with pytest.raises(ValueError, match='both streams'):
        build()(features()[0])


def test_weights_are_drawn_as_the_paper_says():
    neck = build(appearance_channels=400, pose_channels=300, channels=200)
    neck.init_weights()
    for layer in (neck.tcb_appearance[0], neck.tcb_pose[0], neck.cgb.conv):
        assert layer.weight.std().item() == pytest.approx(0.001, rel=0.02)
