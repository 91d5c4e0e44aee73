"""What a stream offers: features of any backbone, checked early."""

import pytest
import torch
from mmaction.registry import MODELS
from torch import nn

from integral_action.models.pooling import (
    dry_run,
    pool_frames,
    stream_input,
    to_features,
)

CLIPS, FRAMES, CHANNELS = 2, 3, 4
# [N, T, C]: 0, 1, 2, ...
FEATURES = torch.arange(24.0).view(CLIPS, FRAMES, CHANNELS)


def maps(feature, spread=1.0):
    """[N, C, T, 2, 2] whose mean over the last two is the feature."""
    offset = spread * torch.tensor([[-3.0, 1.0], [1.0, 1.0]])
    return feature.transpose(1, 2)[..., None, None] + offset


def test_maps_of_clips_and_of_frames_are_pooled():
    clips = maps(FEATURES)
    assert torch.equal(to_features(clips), FEATURES)
    frames = stream_input(clips, 'NCHW')
    assert frames.shape == (6, 4, 2, 2)
    assert torch.equal(to_features(frames, 'NCHW', FRAMES), FEATURES)
    vectors = FEATURES.flatten(0, 1)
    assert torch.equal(to_features(vectors, 'NCHW', FRAMES), FEATURES)


def test_features_are_left_as_they_are_and_a_vector_is_one_frame():
    assert torch.equal(to_features(FEATURES), FEATURES)
    assert torch.equal(to_features(FEATURES[:, 0]), FEATURES[:, :1])


def test_pathways_meet_at_the_fewest_frames():
    fast = torch.stack((FEATURES - 1, FEATURES + 1), 2).flatten(1, 2)
    both = to_features((maps(FEATURES), maps(fast[..., :1])))
    assert both.shape == (CLIPS, FRAMES, 5)
    assert torch.equal(both[..., :4], FEATURES)
    assert torch.equal(both[..., 4:], FEATURES[..., :1])


def test_a_class_token_beside_maps_is_left_out():
    token = torch.full((CLIPS, CHANNELS), 100.0)
    assert torch.equal(to_features(([maps(FEATURES), token],)), FEATURES)
    assert torch.equal(to_features([maps(FEATURES), None]), FEATURES)


def test_joints_and_persons_are_averaged_but_for_who_is_not_there():
    # [N, M, C, T, V]
    joints = FEATURES.transpose(1, 2)[:, None, ..., None] + torch.tensor(
        [-1.0, 1.0]
    )
    joints = torch.cat((joints, joints + 10, joints + 1000), 1)
    person = torch.tensor([[True, True, False], [False, True, False]])
    features = to_features(joints, 'NMTVC', person=person)
    assert torch.equal(features[0], FEATURES[0] + 5)
    assert torch.equal(features[1], FEATURES[1] + 10)
    nobody = to_features(joints, 'NMTVC', person=person & False)
    torch.testing.assert_close(nobody, FEATURES + 1010 / 3)


@pytest.mark.parametrize(
    'output, input_format',
    [
        (torch.zeros(2, 3, 4, 5), 'NCTHW'),
        (torch.zeros(2, 3, 4), 'NCHW'),
        (torch.zeros(2, 3), 'NMTVC'),
    ],
)
def test_other_shapes_are_refused(output, input_format):
    with pytest.raises(ValueError, match='does not go with .* shape .2, 3'):
        to_features(output, input_format, 2)
    with pytest.raises(TypeError, match='tensors, not a dict'):
        to_features(dict(maps=output))


def test_frames_are_averaged_to_any_number():
    feature = torch.arange(6.0).view(1, 6, 1)
    assert pool_frames(feature, 6) is feature
    assert pool_frames(feature, 3).flatten().tolist() == [0.5, 2.5, 4.5]
    # 6 to 4: frames 0-1, 1-2, 3-4, 4-5
    assert pool_frames(feature, 4).flatten().tolist() == [0.5, 1.5, 3.5, 4.5]


def shape(input_format, **config):
    stream = MODELS.build(config)
    before = [p.clone() for p in stream.parameters()]
    modes = [module.training for module in stream.modules()]
    result = tuple(dry_run(stream, input_format).shape)
    assert [module.training for module in stream.modules()] == modes
    for old, new in zip(before, stream.parameters()):
        assert new.device.type == 'cpu' and torch.equal(old, new)
    return result


def test_a_dry_run_tells_frames_and_channels_and_leaves_no_trace():
    slim = dict(type='SlimResNetTSM', depth=18, base_channels=8)
    assert shape('NCHW', **slim, num_segments=4) == (1, 4, 64)
    mvit = dict(embed_dims=16, num_layers=2, num_heads=1)
    mvit = dict(type='MViT', arch=dict(mvit, downscale_indices=[1]))
    assert shape('NCTHW', **mvit) == (1, 8, 32)
    graph = dict(layout='coco', mode='spatial')
    gcn = dict(type='STGCN', graph_cfg=graph, base_channels=8)
    assert shape('NMTVC', **gcn) == (1, 8, 32)


def stream(kind):
    """Small backbones of MMAction2's, and what they offer of 8 frames."""
    return dict(
        slowfast=(
            dict(
                type='ResNet3dSlowFast',
                resample_rate=4,
                speed_ratio=4,
                channel_ratio=4,
                slow_pathway=dict(
                    type='resnet3d',
                    depth=18,
                    base_channels=8,
                    pretrained=None,
                    lateral=True,
                    conv1_stride_t=1,
                    pool1_stride_t=1,
                    inflate=(0, 0, 1, 1),
                ),
                fast_pathway=dict(
                    type='resnet3d',
                    depth=18,
                    base_channels=2,
                    pretrained=None,
                    lateral=False,
                    conv1_stride_t=1,
                    pool1_stride_t=1,
                ),
            ),
            (2, 64 + 16),
        ),
        swin=(
            dict(
                type='SwinTransformer3D',
                arch=dict(
                    embed_dims=12,
                    depths=[1, 1, 1, 1],
                    num_heads=[1, 1, 1, 1],
                ),
                pretrained2d=False,
            ),
            (4, 96),
        ),
        timesformer=(
            dict(
                type='TimeSformer',
                num_frames=8,
                img_size=32,
                patch_size=16,
                embed_dims=24,
                num_heads=2,
                num_transformer_layers=1,
            ),
            (1, 24),
        ),
    )[kind]


@pytest.mark.parametrize('kind', ['slowfast', 'swin', 'timesformer'])
def test_backbones_of_clips_in_a_stream(kind):
    config, (frames, channels) = stream(kind)
    backbone = MODELS.build(
        dict(
            type='TwoStreamBackbone',
            appearance=dict(config, input_format='NCTHW'),
        )
    ).eval()
    features = backbone(imgs=torch.rand(2, 3, 8, 32, 32))
    assert features.shape == (2, frames, channels)


def graph_model(layout='openpose', channels=32, **kwargs):
    graph = dict(layout=layout, mode='spatial')
    return MODELS.build(
        dict(
            type='TwoStreamRecognizer',
            data_preprocessor=dict(type='PoseGraphPreprocessor'),
            backbone=dict(
                type='TwoStreamBackbone',
                pose=dict(
                    type='STGCN',
                    input_format='NMTVC',
                    graph_cfg=graph,
                    base_channels=8,
                ),
            ),
            cls_head=dict(
                type='FrameAverageHead', num_classes=3, in_channels=channels
            ),
        )
    ).eval()


def pose_batch():
    """One clip of one sample: 8 frames, 2 places, one person."""
    pose = torch.zeros(1, 8, 2, 18, 3)
    pose[:, :, 0] = torch.tensor([0.75, 0.5, 0.9])
    return dict(inputs=dict(pose=[pose]), data_samples=None)


def test_a_graph_network_gets_coordinates_as_prenormalize2d_makes_them():
    model = graph_model()
    inputs = model.data_preprocessor(pose_batch())['inputs']
    assert list(inputs) == ['keypoint']
    keypoint = inputs['keypoint']  # [N, clips, M, T, V, 3]
    assert keypoint.shape == (1, 1, 2, 8, 18, 3)
    expected = torch.tensor([0.5, 0.0, 0.9]).expand(8, 18, 3)
    torch.testing.assert_close(keypoint[0, 0, 0], expected)
    assert not keypoint[0, 0, 1].any()
    features, _ = model.extract_feat(inputs, stage='backbone')
    assert features.shape == (1, 2, 32)
    # the free place does not count
    alone, _ = model.extract_feat(
        dict(keypoint=keypoint[:, :, :1]), stage='backbone'
    )
    torch.testing.assert_close(features, alone)


def test_a_graph_of_another_layout_is_named():
    inputs = graph_model().data_preprocessor(pose_batch())['inputs']
    with pytest.raises(ValueError, match='graph has 17 .* poses of 18'):
        graph_model('coco').extract_feat(inputs)
    batch = pose_batch()
    batch['inputs']['pose'][0] = batch['inputs']['pose'][0][..., :17, :]
    with pytest.raises(ValueError, match="17 keypoints.*18 .'openpose18'"):
        graph_model().data_preprocessor(batch)
    with pytest.raises(ValueError, match="pose: input_format .* 'NVC'"):
        pose = dict(type='STGCN', input_format='NVC')
        MODELS.build(dict(type='TwoStreamBackbone', pose=pose))


def fused(neck=None, head=16, frames=4, pose_frames=8, **appearance):
    small = dict(depth=18, base_channels=8)
    return MODELS.build(
        dict(
            type='TwoStreamRecognizer',
            data_preprocessor=dict(type='PoseMapPreprocessor', size=(8, 8)),
            backbone=dict(
                type='TwoStreamBackbone',
                appearance=appearance
                or dict(type='SlimResNetTSM', num_segments=frames, **small),
                pose=dict(
                    type='PoseResNetTSM',
                    in_channels=52,
                    num_segments=pose_frames,
                    **small,
                ),
            ),
            neck=dict(
                type='PoseDrivenIntegration',
                **dict(appearance_channels=64, pose_channels=64, channels=16)
                | (neck or {}),
            ),
            cls_head=dict(
                type='FrameAverageHead', num_classes=3, in_channels=head
            ),
        )
    )


def test_what_does_not_fit_is_named_when_the_model_is_built():
    for name in ('appearance', 'pose'):
        message = (
            f'the {name} stream offers features of 64 channels, but '
            f'neck.{name}_channels is 512'
        )
        with pytest.raises(ValueError, match=message):
            fused({f'{name}_channels': 512})
    with pytest.raises(ValueError, match='neck offers .* 16 .* is 512'):
        fused(head=512)
    with pytest.raises(ValueError, match='pose stream offers .* 32 .* is 64'):
        graph_model(channels=64)
    with pytest.raises(ValueError, match="6 frames .* to 4 .*'adaptive'"):
        fused(pose_frames=6)
    with pytest.raises(ValueError, match='takes 13 frames'):
        fused(dict(align_time='conv'))
    fused(dict(align_time='adaptive'), pose_frames=6)
    config, _ = stream('swin')
    with pytest.raises(
        ValueError, match="cannot take input_format='NCHW', but 'NCTHW'$"
    ):
        fused(**config)


def test_what_cannot_be_told_then_is_named_at_the_first_batch():
    @MODELS.register_module(name='OneValue', force=True)
    class OneValue(nn.Module):
        def forward(self, x):  # needs its input's values
            return x[:, :, : 2 if x.sum().item() < 0 else 1]

    model = fused(type='OneValue', input_format='NCTHW')
    assert model.backbone.feature_sizes()['appearance'] == (None, None)
    assert model.backbone.feature_sizes()['pose'] == (8, 64)
    inputs = dict(
        imgs=torch.zeros(1, 1, 3, 4, 8, 8),
        heatmap_imgs=torch.zeros(1, 1, 52, 8, 8, 8),
    )
    with pytest.raises(
        ValueError, match='appearance stream offers features of 3 channels'
    ):
        model.extract_feat(inputs)


def test_the_stream_of_more_frames_is_averaged():
    neck = MODELS.build(
        dict(
            type='PoseDrivenIntegration',
            appearance_channels=4,
            pose_channels=4,
            channels=5,
            align_time='adaptive',
        )
    ).eval()
    for frames, pose_frames, expected in ((8, 4, 4), (4, 8, 4), (4, 7, 4)):
        appearance = torch.rand(2, frames, 4)
        pose = torch.rand(2, pose_frames, 4)
        with torch.no_grad():
            out, aux = neck((appearance, pose))
            assert out.shape == (2, expected, 5)
            assert aux['gate'].shape == (2, expected)
            # maps are pooled to the same
            from_maps, _ = neck((maps(appearance), maps(pose)))
            torch.testing.assert_close(from_maps, out)
    pool = MODELS.build(
        dict(
            type='PoseDrivenIntegration',
            appearance_channels=4,
            pose_channels=4,
        )
    ).eval()
    twice = torch.cat((FEATURES, FEATURES), 2).view(2, 6, 4)
    with torch.no_grad():
        long, _ = pool((twice, FEATURES))
        short, _ = pool((FEATURES, FEATURES))
    torch.testing.assert_close(long, short)
