"""Backbone and recognizer: freezing, stages, losses, predictions."""

import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

FRAMES, POSE_FRAMES, CLASSES = 4, 8, 6


def streams(**kwargs):
    return dict(
        appearance=dict(
            type='SlimResNetTSM',
            depth=18,
            base_channels=8,
            num_segments=FRAMES,
        ),
        pose=dict(
            type='PoseResNetTSM',
            depth=18,
            base_channels=8,
            in_channels=52,
            num_segments=POSE_FRAMES,
        ),
        **kwargs,
    )


def config(backbone=None, **kwargs):
    return dict(
        type='TwoStreamRecognizer',
        data_preprocessor=dict(type='PoseMapPreprocessor', size=(8, 8)),
        backbone=dict(type='TwoStreamBackbone', **(backbone or streams())),
        neck=dict(
            type='PoseDrivenIntegration',
            appearance_channels=64,
            pose_channels=64,
            channels=16,
        ),
        cls_head=dict(
            type='FrameAverageHead', num_classes=CLASSES, in_channels=16
        ),
        **kwargs,
    )


def build(backbone=None, **kwargs):
    torch.manual_seed(0)
    model = MODELS.build(config(backbone, **kwargs))
    model.init_weights()
    return model


def batch(samples=2, clips=1):
    """As the data loader gives it, before the data preprocessor."""
    generator = torch.Generator().manual_seed(1)

    def random(*shape):
        return torch.rand(*shape, generator=generator)

    return dict(
        inputs=dict(
            imgs=[
                (random(clips, 3, FRAMES, 32, 32) * 255).byte()
                for _ in range(samples)
            ],
            pose=[
                random(clips, POSE_FRAMES, 5, 18, 3) for _ in range(samples)
            ],
        ),
        data_samples=[
            ActionDataSample().set_gt_label(i % CLASSES)
            for i in range(samples)
        ],
    )


def train_step(model, lr=0.1):
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(parameters, lr=lr)
    data = model.data_preprocessor(batch(), True)
    losses = model(**data, mode='loss')
    loss = losses['loss_cls'] + losses.get('loss_gate', 0)
    loss.backward()
    optimizer.step()
    return losses


def test_losses_have_the_names_users_know():
    losses = train_step(build().train())
    assert set(losses) == {'loss_cls', 'loss_gate', 'top1_acc', 'top5_acc'}


@pytest.mark.parametrize('stream', ['appearance', 'pose'])
def test_one_stream_alone(stream):
    backbone = {stream: streams()[stream]}
    head = dict(type='FrameAverageHead', num_classes=CLASSES, in_channels=64)
    cfg = {**config(backbone), 'cls_head': head}
    del cfg['neck']
    model = MODELS.build(cfg)
    model.init_weights()
    assert set(train_step(model.train())) == {
        'loss_cls',
        'top1_acc',
        'top5_acc',
    }
    data = model.data_preprocessor(batch(clips=3))
    (sample, _) = model.eval()(**data, mode='predict')
    assert sample.pred_score.shape == (CLASSES,)
    assert 'gate' not in sample


def test_prediction_carries_scores_and_gate():
    model = build().eval()
    data = model.data_preprocessor(batch(samples=3, clips=2))
    with torch.no_grad():
        samples = model(**data, mode='predict')
    assert len(samples) == 3
    for sample in samples:
        assert sample.pred_score.shape == (CLASSES,)
        assert sample.pred_score.sum().item() == pytest.approx(1, abs=1e-5)
        assert sample.gate.shape == (2, FRAMES)
        assert ((sample.gate > 0) & (sample.gate < 1)).all()


def test_few_views_at_a_time_give_the_same_predictions():
    model = build().eval()
    predictions = []
    for views in (None, 2):
        model.test_cfg = dict(max_testing_views=views) if views else None
        data = model.data_preprocessor(batch(samples=2, clips=3))
        with torch.no_grad():
            predictions.append(model(**data, mode='predict'))
    for one, other in zip(*predictions):
        torch.testing.assert_close(one.pred_score, other.pred_score)
        torch.testing.assert_close(one.gate, other.gate)


def test_gate_and_scores_belong_to_their_video():
    model = build().eval()
    together = batch(samples=3, clips=2)
    with torch.no_grad():
        samples = model(**model.data_preprocessor(together), mode='predict')
        for i, sample in enumerate(samples):
            alone = dict(
                inputs={k: [v[i]] for k, v in batch(3, 2)['inputs'].items()},
                data_samples=[ActionDataSample()],
            )
            (expected,) = model(
                **model.data_preprocessor(alone), mode='predict'
            )
            torch.testing.assert_close(expected.gate, sample.gate)
            torch.testing.assert_close(expected.pred_score, sample.pred_score)
    assert not torch.allclose(samples[0].gate, samples[1].gate)


def test_clips_of_a_training_video_each_have_its_label():
    model = build().eval()  # batch norm would tie the clips together
    two = batch(samples=2, clips=2)
    single = dict(
        inputs={
            key: [clip[None] for video in value for clip in video]
            for key, value in two['inputs'].items()
        },
        data_samples=[
            ActionDataSample().set_gt_label(label) for label in (0, 0, 1, 1)
        ],
    )
    losses = [
        model(**model.data_preprocessor(data), mode='loss')['loss_cls']
        for data in (two, single)
    ]
    torch.testing.assert_close(*losses)


def test_a_label_the_model_has_no_class_for_is_named():
    model = build()
    data = model.data_preprocessor(batch())
    data['data_samples'][1].set_gt_label(CLASSES)
    data['data_samples'][1].set_metainfo(dict(filename='jump.mp4'))
    with pytest.raises(ValueError, match='jump.mp4: its label is 6.* 6 cl'):
        model(**data, mode='loss')


def test_losses_and_scores_stay_float32_under_autocast():
    model = build()
    with torch.autocast('cpu', torch.bfloat16):
        data = model.data_preprocessor(batch(), True)
        losses = model.train()(**data, mode='loss')
        (sample, _) = model.eval()(**data, mode='predict')
    assert losses['loss_cls'].dtype == losses['loss_gate'].dtype
    assert losses['loss_gate'].dtype == torch.float32
    assert sample.pred_score.dtype == sample.gate.dtype == torch.float32


def test_frozen_streams_get_no_gradient_and_do_not_move():
    model = build(streams(frozen=('appearance', 'pose'))).train()
    before = {
        name: value.clone()
        for name, value in model.backbone.state_dict().items()
    }
    assert not any(p.requires_grad for p in model.backbone.parameters())
    train_step(model)
    for name, value in model.backbone.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert all(p.grad is None for p in model.backbone.parameters())
    assert model.neck.cgb.conv.weight.grad.abs().sum() > 0
    # nothing of them is kept for a backward pass either
    data = model.data_preprocessor(batch(), True)
    features, _ = model.extract_feat(data['inputs'], stage='backbone')
    assert not any(feature.requires_grad for feature in features)


def test_a_stream_that_is_not_frozen_moves_with_its_batch_norm():
    model = build(streams(frozen=('appearance',))).train()
    before = {
        name: value.clone()
        for name, value in model.backbone.state_dict().items()
    }
    train_step(model)
    after = model.backbone.state_dict()
    moved = {
        name.split('.')[0]
        for name in after
        if not torch.equal(after[name], before[name])
    }
    assert moved == {'pose'}
    assert not torch.equal(
        after['pose.conv1.bn.running_mean'],
        before['pose.conv1.bn.running_mean'],
    )


def stage(path, prefix='backbone.appearance.'):
    return dict(type='Pretrained', checkpoint=str(path), prefix=prefix)


@pytest.fixture
def checkpoint(tmp_path):
    """A checkpoint of both streams."""
    model = build()
    path = tmp_path / 'stage.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    return path, model.backbone


def with_stage(init_cfg, name='appearance'):
    backbone = streams()
    backbone[name]['init_cfg'] = init_cfg
    return backbone


def test_a_stream_starts_from_its_stage(checkpoint):
    path, source = checkpoint
    torch.manual_seed(5)
    model = MODELS.build(config(with_stage(stage(path))))
    model.init_weights()
    for name, value in model.backbone.appearance.state_dict().items():
        assert torch.equal(value, source.appearance.state_dict()[name])
    assert not torch.equal(
        model.backbone.pose.conv1.conv.weight, source.pose.conv1.conv.weight
    )


def load(path, prefix='backbone.appearance.', name='appearance'):
    MODELS.build(config(with_stage(stage(path, prefix), name))).init_weights()


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r'pose stage: .*no.pth: there is no such file'
    ):
        load(tmp_path / 'no.pth', 'backbone.pose.', 'pose')


def test_a_swapped_stage_is_named(checkpoint, tmp_path):
    path, source = checkpoint
    pose_only = tmp_path / 'pose.pth'
    weights = {
        f'backbone.pose.{k}': v for k, v in source.pose.state_dict().items()
    }
    torch.save(dict(state_dict=weights), pose_only)
    with pytest.raises(
        ValueError,
        match=r'appearance stage: .*pose.pth: no weights under '
        r"'backbone.appearance.'; it holds backbone.pose",
    ):
        load(pose_only)
    with pytest.raises(ValueError, match='size mismatch: conv1'):
        load(pose_only, prefix='backbone.pose.')


def test_a_partial_stage_is_named(checkpoint, tmp_path):
    path, source = checkpoint
    weights = torch.load(path)['state_dict']
    del weights['backbone.appearance.layer4.1.conv2.conv.weight']
    partial = tmp_path / 'partial.pth'
    torch.save(dict(state_dict=weights), partial)
    with pytest.raises(
        ValueError,
        match=r'partial.pth: .*missing keys: layer4.1.conv2.conv.weight',
    ):
        load(partial)
    weights = torch.load(path)['state_dict']
    weights['backbone.appearance.extra'] = torch.zeros(1)
    torch.save(dict(state_dict=weights), partial)
    with pytest.raises(ValueError, match='unexpected keys: extra'):
        load(partial)


def test_weights_that_are_none_are_named(tmp_path):
    path = tmp_path / 'stage.pth'
    for weights in ({}, {'a': 1}, {0: torch.zeros(1)}, [1]):
        torch.save(dict(state_dict=weights), path)
        with pytest.raises(ValueError, match='stage.pth: .*weights'):
            load(path)


def test_past_first_does_not_go_with_a_temporal_pool():
    config = dict(type='SlimResNetTSM', depth=50, temporal_pool=True)
    assert MODELS.build(config)
    with pytest.raises(ValueError, match='temporal_pool'):
        MODELS.build(dict(config, past_first=True))


def test_what_is_no_checkpoint_is_named(tmp_path):
    path = tmp_path / 'page.pth'
    path.write_text('<html>not found</html>')
    with pytest.raises(ValueError, match='page.pth: not a checkpoint'):
        load(path)


def test_a_stage_by_url_is_loaded_without_running_its_code(tmp_path):
    import functools
    import http.server
    import threading

    class Evil:
        def __reduce__(self):
            return open, (str(tmp_path / 'ran'), 'w')

    (tmp_path / 'web').mkdir()
    torch.save(dict(state_dict=Evil()), tmp_path / 'web' / 'evil.pth')
    handler = functools.partial(
        http.server.SimpleHTTPRequestHandler, directory=tmp_path / 'web'
    )
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f'http://127.0.0.1:{server.server_port}/evil.pth'
        with pytest.raises(ValueError, match='evil.pth: not a checkpoint'):
            load(url)
        server.shutdown()
    assert not (tmp_path / 'ran').exists()


def test_misspelt_streams_are_named():
    with pytest.raises(ValueError, match="frozen names \\['apperance'\\]"):
        build(streams(frozen=('apperance',)))
    apart = streams()
    apart['apearance'] = apart.pop('appearance')
    with pytest.raises(
        ValueError, match=r"the streams are \['pose', 'apearance'\]"
    ):
        MODELS.build(config(apart))
    with pytest.raises(TypeError, match='visibilty=True is no option'):
        MODELS.build(dict(type='TwoStreamBackbone', visibilty=True))
    with pytest.raises(TypeError, match=r"poes=\{'depth': 18\} is no option"):
        MODELS.build(config(streams(poes=dict(depth=18))))
    with pytest.raises(ValueError, match='cannot be called forward'):
        MODELS.build(config(streams(forward=dict(type='ResNet', depth=18))))
    with pytest.raises(ValueError, match='needs appearance, pose or both'):
        MODELS.build(dict(type='TwoStreamBackbone'))


def test_clips_of_another_length_are_refused():
    model = build()
    clips = torch.zeros(2, 3, FRAMES * 2, 32, 32)
    maps = torch.zeros(2, 52, POSE_FRAMES, 8, 8)
    with pytest.raises(ValueError, match='num_segments=4 frames.*clips of 8'):
        model.backbone(clips, maps)
    with pytest.raises(ValueError, match='pose stream gets no heatmap_imgs'):
        model.backbone(clips[:, :, :FRAMES])


def test_no_network_says_how_to_give_a_file(monkeypatch):
    from urllib.error import URLError

    backbone = streams()
    backbone['pose'].update(pretrained='https://download.pytorch.org/x.pth')
    model = MODELS.build(config(backbone))

    def offline(*args, **kwargs):
        raise URLError('no network')

    monkeypatch.setattr('torch.hub.download_url_to_file', offline)
    monkeypatch.setattr('urllib.request.urlopen', offline)
    with pytest.raises(
        ConnectionError, match='model.backbone.pose.pretrained=FILE'
    ):
        model.init_weights()


def test_torchvision_weights_without_torchvision_say_the_same(monkeypatch):
    backbone = streams()
    backbone['appearance'].update(pretrained='torchvision://resnet18')
    monkeypatch.setitem(__import__('sys').modules, 'torchvision', None)
    with pytest.raises(
        ConnectionError, match='model.backbone.appearance.pretrained=FILE'
    ):
        build(backbone)


def test_pose_maps_of_another_layout_are_named():
    cfg = dict(type='PoseResNetTSM', depth=18, in_channels=52, num_segments=8)
    with pytest.raises(ValueError, match=r'have 13 .* is 52: it is K \+ 2B'):
        MODELS.build(cfg)(torch.zeros(8, 13, 14, 14))


def test_imagenet_weights_reach_all_of_the_pose_stream_but_its_front_end(
    tmp_path,
):
    """From a file with torchvision's names, made of a model without shift."""
    cfg = dict(type='PoseResNetTSM', depth=18, in_channels=52, num_segments=8)
    source = MODELS.build({**cfg, 'is_shift': False})
    source.init_weights()
    weights = {}
    for name, value in source.state_dict().items():
        name = name.replace('downsample.conv', 'downsample.0')
        name = name.replace('downsample.bn', 'downsample.1')
        for i in '123':
            name = name.replace(f'conv{i}.conv.', f'conv{i}.')
            name = name.replace(f'conv{i}.bn.', f'bn{i}.')
        weights[name] = value
    weights['conv1.weight'] = torch.zeros(64, 3, 7, 7)
    weights['fc.weight'] = torch.zeros(1000, 512)
    path = tmp_path / 'resnet18.pth'
    torch.save(weights, path)
    pose = MODELS.build({**cfg, 'pretrained': str(path)})
    pose.init_weights()
    for name, value in pose.state_dict().items():
        if not name.startswith('conv1.') and 'num_batches' not in name:
            assert torch.equal(
                value, source.state_dict()[name.replace('.net.', '.')]
            ), name
    assert pose.conv1.conv.weight.std().item() == pytest.approx(1e-3, rel=0.05)
    del weights['layer3.0.bn1.bias']
    torch.save(weights, path)
    with pytest.raises(
        ValueError, match='resnet18.pth: no layer3.0.conv1.bn.bias'
    ):
        pose.init_weights()


def test_a_backbone_of_clips_can_stand_in_a_stream():
    backbone = dict(
        appearance=dict(
            type='ResNet3dSlowOnly',
            depth=18,
            pretrained=None,
            input_format='NCTHW',
        )
    )
    model = MODELS.build(dict(type='TwoStreamBackbone', **backbone))
    features = model(imgs=torch.zeros(2, 3, FRAMES, 32, 32))
    assert features.shape == (2, FRAMES, 512)


@MODELS.register_module()
class Echo(torch.nn.Module):
    """Features are the pictures' colours."""

    def forward(self, x):
        return x


def test_a_stream_on_differences_sees_what_moves(tmp_path):
    """Frames of 1, 4 and 9 on the left and of 7 on the right: 3 and 5 on the
    half, so 1.5 and 2.5."""
    clips = torch.full((1, 3, 3, 2, 2), 7.0)
    clips[..., 0] = torch.tensor([1.0, 4.0, 9.0])[:, None]
    model = MODELS.build(
        dict(
            type='TwoStreamBackbone',
            motion=dict(type='Echo', input='imgs_diff'),
            scene=dict(type='Echo'),
        )
    )
    motion, scene = model(imgs=clips)
    assert motion.tolist() == [[[1.5] * 3, [2.5] * 3]]
    assert scene.tolist() == [[[4.0] * 3, [5.5] * 3, [8.0] * 3]]
    torch.onnx.export(model, (clips,), tmp_path / 'm.onnx', dynamo=False)
    kept = model(imgs=clips, scene_features=motion)
    assert kept[1] is motion
    with pytest.raises(ValueError, match='the motion stream gets no imgs'):
        model(scene_features=scene)


def test_what_a_further_stream_cannot_have_is_named():
    motion = dict(streams()['appearance'], input='imgs_diff')
    backbone = MODELS.build(dict(type='TwoStreamBackbone', motion=motion))
    with pytest.raises(ValueError, match='=4 frames.* clips of 3'):
        backbone(torch.zeros(1, 3, FRAMES, 32, 32))
    with pytest.raises(ValueError, match="motion: input .* got 'flow'"):
        MODELS.build(
            dict(type='TwoStreamBackbone', motion=dict(motion, input='flow'))
        )
    with pytest.raises(
        ValueError, match=r"fuses \['appearance', 'pose'\], .* 'motion'\]"
    ):
        build(streams(motion=motion))
