"""Every config: it builds, and has the shapes of the paper's tables."""

from pathlib import Path

import pytest
import torch
from conftest import CONFIGS, load_config
from mmaction.registry import DATASETS, MODELS

from integral_action.fileio import write_annotations
from integral_action.pose.layouts import KeypointLayout

PATHS = {path.stem: path for path in CONFIGS.rglob('*.py')}
NAMES = sorted(PATHS)
OURS = [name for name in NAMES if 'release' not in name]
RELEASE = [name for name in NAMES if 'release' in name]
BEYOND = [name for name in NAMES if 'robust-product' in name]
MAIN = [
    name
    for name in OURS
    if PATHS[name].parent == CONFIGS and name not in BEYOND
]
# clips a video in the test, where they are not ten
CLIPS = dict(puppets=1, jhmdb=3)

# Tables 13 and 14: the output of each stage, (frames, height, channels)
APPEARANCE = {
    50: [
        (8, 112, 64),
        (8, 56, 256),
        (8, 28, 512),
        (8, 14, 1024),
        (8, 7, 2048),
    ],
    18: [(8, 112, 64), (8, 56, 64), (8, 28, 128), (8, 14, 256), (8, 7, 512)],
}
POSE = {
    frames: [
        (frames, 56, 64),
        (frames, 56, 64),
        (frames, 28, 128),
        (frames, 14, 256),
        (frames, 7, 512),
    ]
    for frames in (32, 8)
}


def load(name):
    return load_config(PATHS[name])


def outputs(stream, frames, channels, size):
    """What each stage gives for one clip, (frames, height, channels)."""
    shapes = []
    hooks = [
        getattr(stream, stage).register_forward_hook(
            lambda *args: shapes.append(args[2].shape)
        )
        for stage in ('conv1', 'layer1', 'layer2', 'layer3', 'layer4')
    ]
    with torch.no_grad():
        stream(torch.zeros(frames, channels, size, size))
    for hook in hooks:
        hook.remove()
    assert all(shape[2] == shape[3] for shape in shapes)
    return [(shape[0], shape[2], shape[1]) for shape in shapes]


@pytest.mark.parametrize(
    'name, depth, frames',
    [
        (
            'integralaction_r50-r18_4xb8-8x8x1-32x2x1-20e_kinetics400',
            50,
            32,
        ),
        (
            'integralaction_r18-r18_4xb8-8x8x1-8x8x1-20e_kinetics50',
            18,
            8,
        ),
    ],
)
def test_stages_of_tables_13_and_14(name, depth, frames):
    cfg = load(name)
    model = MODELS.build(cfg.model).eval()
    streams = model.backbone
    assert outputs(streams.appearance, 8, 3, 224) == APPEARANCE[depth]
    assert outputs(streams.pose, frames, 52, 56) == POSE[frames]
    classes = cfg.model.cls_head.num_classes
    with torch.no_grad():
        inputs = dict(  # small ones: the sizes of pictures are pooled away
            imgs=torch.zeros(1, 1, 3, 8, 64, 64),
            heatmap_imgs=torch.zeros(1, 1, 52, frames, 16, 16),
        )
        features, _ = model.extract_feat(inputs, stage='backbone')
        fused, aux = model.extract_feat(inputs, stage='neck')
        score, _ = model.extract_feat(inputs, stage='head')
    assert features[0].shape == (1, 8, 2048 if depth == 50 else 512)
    assert features[1].shape == (1, frames, 512)
    assert fused.shape == (1, 8, 512)
    assert aux['loss_aux']['gate'].shape == (1, 8)
    assert score.shape == (1, classes)


def test_temporal_shift_is_an_eighth_in_every_block():
    from mmaction.models.backbones.resnet_tsm import TemporalShift

    cfg = load('integralaction_r50-r18_4xb8-8x8x1-32x2x1-20e_kinetics400')
    backbone = MODELS.build(cfg.model).backbone
    for stream, blocks, frames in (
        (backbone.appearance, 16, 8),
        (backbone.pose, 8, 32),
    ):
        shifts = [m for m in stream.modules() if isinstance(m, TemporalShift)]
        assert len(shifts) == blocks
        assert {s.shift_div for s in shifts} == {8}
        assert {s.num_segments for s in shifts} == {frames}


def test_there_is_a_config_for_every_row():
    for data in ('kinetics400', 'kinetics50', 'ntu60-xsub'):
        mine = [n for n in MAIN if n.endswith(f'_{data}')]
        assert len(mine) == 6, mine  # two tables of three models


@pytest.mark.parametrize('name', NAMES)
def test_config(name, tmp_path, monkeypatch):
    cfg = load(name)
    monkeypatch.chdir(tmp_path)
    for step in cfg.train_dataloader.dataset.pipeline:
        if step['type'] == 'SceneMix':  # which opens its list
            lines = [dict(filename=f'{i}.mp4', label=i) for i in range(2)]
            Path(step['scenes']).parent.mkdir(parents=True)
            write_annotations(step['scenes'], lines)
    model = MODELS.build(cfg.model)
    layout = KeypointLayout.get(cfg.train_dataloader.dataset.layout)
    classes = cfg.train_dataloader.dataset.get('num_classes')
    assert classes in (None, model.cls_head.num_classes)
    streams = model.backbone.streams
    if 'pose' in streams:
        drawn = model.data_preprocessor.layout
        options = model.data_preprocessor.options
        channels = drawn.num_heatmaps * options.heatmap
        channels += 2 * drawn.num_pafs * options.paf
        assert model.backbone.pose.in_channels == channels
        assert drawn.name == layout.name
        assert drawn.is_grouped == ('wholebody' in name)
    for loader in ('train', 'val', 'test'):
        dataset = cfg[f'{loader}_dataloader'].dataset
        dataset = DATASETS.build({**dataset, 'lazy_init': True})
        read = dict(appearance='RGB', pose='Pose', motion='RGB')
        expected = dict.fromkeys(read[stream] for stream in streams)
        assert dataset.modalities == list(expected)
    for stream in streams:  # what the batch brings is what was built for
        clip = cfg.train_pipeline[0].clip_len[read[stream]]
        clip -= model.backbone.inputs[stream] == 'imgs_diff'
        backbone = getattr(model.backbone, stream)
        assert getattr(backbone, 'num_segments', clip) == clip
    if name in OURS:  # the paper's variant
        for stream in streams:
            backbone = getattr(model.backbone, stream)
            # EfficientNetLite shifts nothing
            assert getattr(backbone, 'shift_div', 8) == 8
            assert not getattr(backbone, 'past_first', False)
        assert getattr(model.cls_head, 'average_frames', 'prob') == 'prob'
        assert 'neck.align_time.conv.weight' not in model.state_dict()
        assert 'neck.cgb.conv.bias' not in model.state_dict()
    clips = cfg.test_pipeline[0].get('num_clips', 1)
    expected = [n for data, n in CLIPS.items() if data in name] or [10]
    assert [clips] == expected
    epochs = cfg.train_cfg.max_epochs
    assert f'-{epochs}e_' in name
    batch = cfg.train_dataloader.batch_size
    assert f'xb{batch}-' in name


@pytest.mark.parametrize('name', [n for n in MAIN if 'r18_4xb8' in n])
def test_schedule_of_section_3_5(name):
    cfg = load(name)
    fused = name.startswith('integralaction_')
    assert cfg.optim_wrapper.optimizer.type == 'SGD'
    assert cfg.optim_wrapper.optimizer.lr == (1e-3 if fused else 1e-2)
    assert cfg.auto_scale_lr.base_batch_size == 32
    (scheduler,) = cfg.param_scheduler
    expected = [10, 15] if fused else [20, 30]
    if 'kinetics400' in name and not fused:
        expected = [30, 60]
    assert scheduler.milestones == expected and scheduler.gamma == 0.1


@pytest.mark.parametrize(
    'name',
    [
        n
        for n in NAMES
        if n.startswith(('integralaction_r', 'integralaction-release_r'))
        or n in BEYOND
    ],
)
def test_stages_come_from_the_configs_beside_it(name):
    """The fused config's checkpoints are those that the others write."""
    cfg = load(name)
    for stream in MODELS.build(cfg.model).backbone.streams:
        checkpoint = cfg.model.backbone[stream].init_cfg.checkpoint
        _, config, epoch = checkpoint.split('/')
        stage = load(config)
        assert epoch == f'epoch_{stage.train_cfg.max_epochs}.pth'
        built = MODELS.build(stage.model).backbone
        assert built.streams == [stream]
        ours = getattr(MODELS.build(cfg.model).backbone, stream).state_dict()
        theirs = getattr(built, stream).state_dict()
        assert {k: v.shape for k, v in ours.items()} == {
            k: v.shape for k, v in theirs.items()
        }


@pytest.mark.parametrize('name', RELEASE)
def test_the_releases_variant(name):
    """What docs/release_checkpoint.md says of it."""
    cfg = load(name)
    model = MODELS.build(cfg.model)
    for stream in model.backbone.streams:
        backbone = getattr(model.backbone, stream)
        assert (backbone.shift_div, backbone.past_first) == (4, True)
        assert backbone.num_segments == (
            29 if stream == 'pose' and '29x2' in name else 8
        )
    frames = torch.full((1, 3, 1, 2, 2), 51, dtype=torch.uint8)
    batch = dict(inputs=dict(imgs=[frames]), data_samples=None)
    if 'appearance' in model.backbone.streams:
        imgs = model.data_preprocessor(batch)['inputs']['imgs']
        assert torch.allclose(imgs, torch.tensor(0.2))
    assert model.cls_head.average_frames == 'score'
    assert model.cls_head.average_clips == 'prob'
    if hasattr(model, 'neck'):
        layers = [type(layer).__name__ for layer in model.neck.tcb_pose]
        assert layers == ['Linear', 'BatchNorm1d', 'ReLU', 'LayerNorm']
        assert model.neck.cgb.conv.bias is not None
        # 29 frames from the first to the last of 8, each eighth
        pose = torch.zeros(1, 29 if '29x2' in name else 8, 512)
        assert model.neck.align_time(pose, 8).shape == (1, 8, 512)
    for split in ('train', 'val', 'test'):
        pipeline = cfg[f'{split}_dataloader'].dataset.pipeline
        sampling = pipeline[0]
        spans = {
            (sampling.clip_len[s] - 1) * sampling.frame_interval[s]
            for s in sampling.clip_len
        }
        assert spans == {56}
        if 'pose' in model.backbone.streams:
            assert pipeline[2].type == 'SelectTopPersons'
            assert pipeline[2].score_thr == 0
    fused = 'appearance' in cfg.model.backbone and 'pose' in cfg.model.backbone
    assert cfg.optim_wrapper.optimizer.lr == (5e-4 if fused else 5e-3)
    (scheduler,) = cfg.param_scheduler
    assert (scheduler.milestones, scheduler.end) == ([21, 26], 30)


@pytest.mark.parametrize('name', BEYOND)
def test_robust_product(name):
    """Its head is built for the channels of its streams, and has no neck."""
    cfg = load(name)
    model = MODELS.build(cfg.model).eval()
    assert not model.with_neck and model.cls_head.prior == 'train'
    channels = model.data_preprocessor.layout.num_channels
    inputs = dict(
        imgs=torch.zeros(1, 1, 3, 8, 32, 32),
        heatmap_imgs=torch.zeros(1, 1, channels, 8, 14, 14),
    )
    with torch.no_grad():
        score, aux = model.extract_feat(inputs, stage='head')
    assert score.shape == (1, model.cls_head.num_classes)
    assert aux['loss_aux']['gate'].shape == (1, 1)
