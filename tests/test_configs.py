"""Every config: it builds, and has the shapes of the paper's tables."""

import pytest
import torch
from conftest import CONFIGS
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config

from integral_action.keypoints import KeypointLayout

NAMES = sorted(path.stem for path in CONFIGS.glob('*.py'))

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
    return Config.fromfile(CONFIGS / f'{name}.py')


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
            'integralaction_r50-r18_4xb8-8x8x1-32x2x1-20e_'
            'kinetics400-rgb-keypoint',
            50,
            32,
        ),
        (
            'integralaction_r18-r18_4xb8-8x8x1-8x8x1-20e_'
            'kinetics50-rgb-keypoint',
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
        inputs = dict(
            imgs=torch.zeros(1, 1, 3, 8, 224, 224),
            heatmap_imgs=torch.zeros(1, 1, 52, frames, 56, 56),
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

    cfg = load(
        'integralaction_r50-r18_4xb8-8x8x1-32x2x1-20e_kinetics400-rgb-keypoint'
    )
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
        mine = [n for n in NAMES if f'_{data}-' in n and 'mimetics' not in n]
        assert len(mine) == 6, mine  # two tables of three models
        mimetics = [n for n in NAMES if f'_{data}-to-mimetics-' in n]
        assert len(mimetics) == (0 if data.startswith('ntu') else 6)


@pytest.mark.parametrize('name', NAMES)
def test_config(name):
    cfg = load(name)
    model = MODELS.build(cfg.model)
    layout = KeypointLayout.get(cfg.train_dataloader.dataset.layout)
    classes = cfg.train_dataloader.dataset.num_classes
    assert model.cls_head.num_classes == classes
    streams = model.backbone.streams
    if 'pose' in streams:
        assert model.backbone.pose.in_channels == layout.num_channels
        assert model.data_preprocessor.layout == layout
    for loader in ('train', 'val', 'test'):
        dataset = cfg[f'{loader}_dataloader'].dataset
        dataset = DATASETS.build({**dataset, 'lazy_init': True})
        read = dict(appearance='RGB', pose='Pose')
        assert dataset.modalities == [read[stream] for stream in streams]
    for stream in streams:  # what the batch brings is what was built for
        clip = cfg.train_pipeline[0].clip_len[read[stream]]
        assert getattr(model.backbone, stream).num_segments == clip
    clips = cfg.test_pipeline[0].get('num_clips', 1)
    assert clips == (1 if 'puppets' in name else 10)
    epochs = cfg.train_cfg.max_epochs
    assert f'-{epochs}e_' in name
    batch = cfg.train_dataloader.batch_size
    assert f'xb{batch}-' in name


@pytest.mark.parametrize(
    'name', [n for n in NAMES if 'mimetics' not in n and '-r18_4xb8' in n]
)
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
    'name', [n for n in NAMES if n.startswith('integralaction_r')]
)
def test_stages_come_from_the_configs_beside_it(name):
    """The fused config's checkpoints are those that the others write."""
    cfg = load(name)
    for stream in ('appearance', 'pose'):
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
