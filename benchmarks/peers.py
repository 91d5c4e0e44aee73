"""A clip through our models and MMAction2's: prediction and training step.

    OMP_NUM_THREADS=1 python benchmarks/peers.py [--rounds 5] [--device cuda]

Clips of 8 frames of 224 x 224 and of 32 pose maps of 56 x 56, random numbers:
the sizes of Table 13, and those of MMAction2's configs. Ours are the streams
and the fused model of Table 13 (ResNet-50, ResNet-18); MMAction2's are TSM
with ResNet-50, PoseC3D (SlowOnly with ResNet-50) and RGBPoseConv3D, as their
configs have them. They are other models, with other results: docs/results.md.
A prediction is of one clip, a training step of ``--clips``; that of our fused
model leaves the streams as they are, as the paper does. Multiplications and
their additions are counted as one.
"""

import argparse
from pathlib import Path

import common
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.utils import get_installed_path
from torch.utils.flop_counter import FlopCounterMode

import integral_action  # noqa: F401

OURS = common.ROOT / 'configs' / 'integral_action'
THEIRS = Path(get_installed_path('mmaction')) / '.mim' / 'configs'
# what sees the same, ours first
GROUPS = {
    'frames': {
        'our appearance stream': OURS
        / 'integralaction-appearance_r50_4xb8-8x8x1-'
        '70e_kinetics400.py',
        'TSM': THEIRS / 'recognition' / 'tsm' / 'tsm_imagenet-pretrained-'
        'r50_8xb16-1x1x8-50e_kinetics400-rgb.py',
    },
    'poses': {
        'our pose stream': OURS / 'integralaction-pose_r18_4xb8-32x2x1-70e_'
        'kinetics400.py',
        'PoseC3D (SlowOnly)': THEIRS / 'skeleton' / 'posec3d' / 'slowonly_'
        'r50_8xb16-u48-240e_ntu60-xsub-keypoint.py',
    },
    'both': {
        'IntegralAction': OURS / 'integralaction_r50-r18_4xb8-8x8x1-32x2x1-'
        '20e_kinetics400.py',
        'RGBPoseConv3D': THEIRS
        / 'skeleton'
        / 'posec3d'
        / 'rgbpose_conv3d'
        / 'rgbpose_conv3d.py',
    },
}


def without_checkpoints(config):
    """Nothing is loaded: weights do not change the time."""
    if isinstance(config, dict):
        for key in ('init_cfg', 'pretrained'):
            config.pop(key, None)
        for value in config.values():
            without_checkpoints(value)
    return config


def build(path, device):
    """A config's model."""
    torch.manual_seed(0)
    model = MODELS.build(without_checkpoints(Config.fromfile(path).model))
    return model.to(device)


def make_inputs(model, clips, device):
    """Return inputs like its preprocessor's."""
    kind = type(model).__name__
    frames = torch.randn(clips, 1, 3, 8, 224, 224, device=device)
    channels = {'TwoStreamRecognizer': 52}.get(kind, 17)
    maps = torch.rand(clips, 1, channels, 32, 56, 56, device=device)
    if kind == 'Recognizer2D':
        return frames[:, 0].transpose(1, 2).contiguous()
    if kind == 'Recognizer3D':
        return maps
    inputs = dict(imgs=frames, heatmap_imgs=maps)
    streams = getattr(model.backbone, 'streams', ('appearance', 'pose'))
    names = dict(appearance='imgs', pose='heatmap_imgs')
    return {names[stream]: inputs[names[stream]] for stream in streams}


def once(inputs):
    """MMAction2's multi-modal recognizer changes the dict that it gets."""
    return dict(inputs) if isinstance(inputs, dict) else inputs


def make_predict(model, device):
    """A run."""
    inputs = make_inputs(model, 1, device)

    def run():
        model.eval()
        with torch.no_grad():
            model(once(inputs), [ActionDataSample()], mode='predict')
            if device == 'cuda':
                torch.cuda.synchronize()

    return run


def make_step(model, clips, device):
    """Losses and gradients."""
    inputs = make_inputs(model, clips, device)
    samples = [
        ActionDataSample().set_gt_label(i).to(device) for i in range(clips)
    ]

    def run():
        model.train()
        model.zero_grad()
        losses = model(once(inputs), samples, mode='loss')
        model.parse_losses(losses)[0].backward()
        if device == 'cuda':
            torch.cuda.synchronize()

    return run


def main() -> None:
    """Print a table of each group."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--clips', type=int, default=2)
    parser.add_argument('--device', default='cpu')
    args = parser.parse_args()
    init_default_scope('mmaction')
    print(
        f'{args.device}, {torch.get_num_threads()} threads; training steps '
        f'of {args.clips} clips.'
    )
    for group, paths in GROUPS.items():
        models = {name: build(p, args.device) for name, p in paths.items()}
        predict, step, sizes = {}, {}, {}
        for name, model in models.items():
            predict[name] = make_predict(model, args.device)
            step[name] = make_step(model, args.clips, args.device)
            with FlopCounterMode(display=False) as counter:
                predict[name]()
            step[name]()  # what is made at the first
            parameters = sum(p.numel() for p in model.parameters())
            sizes[name] = parameters, counter.get_total_flops() / 2
        rows = [[name] for name in models]
        for row, (parameters, flops) in zip(rows, sizes.values()):
            row += [f'{parameters / 1e6:.1f}', f'{flops / 1e9:.1f}']
        for runs in (predict, step):
            table = common.times_table(common.measure(runs, args.rounds))
            for row, (_, wall, _, times, processor) in zip(rows, table):
                row += [wall, times, processor]
        common.print_table(
            (
                group,
                'parameters, M',
                'GFLOP',
                'prediction, ms',
                'times ours',
                'processor',
                'training step, ms',
                'times ours',
                'processor',
            ),
            rows,
        )


if __name__ == '__main__':
    main()
