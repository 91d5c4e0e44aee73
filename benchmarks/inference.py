"""Predicting a batch: what each setting gains, and what it changes.

    OMP_NUM_THREADS=1 python benchmarks/inference.py [--compile]

The fused model of two ResNet-18 (Table 14), clips of 8 frames of 224 x 224
with pose maps, from frames and maps to probabilities; in turns, medians. The
settings add up where they are joined by +. ``fuse_model`` is batch norms
folded into convolutions, channels-last, and a temporal shift that keeps it;
one clip at a time is ``model.test_cfg.max_testing_views=1``. Differences are
of probabilities, from those of the model as it is (eager). Weights are drawn,
the classifier's so that probabilities are far from even.

``--compile`` adds ``torch.compile`` of the model as it is, with weights that
are frozen, so that the compiler folds and lays out by itself (minutes on a
CPU). ``--device cuda`` is the same on a GPU; there the share of the peak of
its bfloat16 tensor cores is given if ``--peak`` tells it, in TFLOPS.
"""

import argparse
import copy
import time
from functools import partial

import common
import torch
import torch._inductor.config
from mmaction.structures import ActionDataSample
from mmengine.registry import init_default_scope
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import integral_action  # noqa: F401
from integral_action.models.channels_last import to_channels_last
from integral_action.models.fuse_conv_bn import fuse_model

EXACT = 1e-5  # of probabilities


def make_inputs(clips, device):
    """Return the inputs of one video."""
    generator = torch.Generator().manual_seed(0)
    imgs = torch.randn(1, clips, 3, 8, 224, 224, generator=generator)
    maps = torch.rand(1, clips, 52, 8, 56, 56, generator=generator)
    # maps are empty but for a few cells
    maps = maps * (torch.rand(maps.shape, generator=generator) > 0.95)
    return dict(imgs=imgs.to(device), heatmap_imgs=maps.to(device))


def build(device):
    """Build the model as ``load_model`` does."""
    model = common.build_model(common.read_config()).eval()
    nn.init.normal_(model.cls_head.fc_cls.weight, std=0.3)
    return model.to(device)


def predict(model, inputs, dtype=None, views=None):
    """Probabilities [1, 50]."""
    model.test_cfg = dict(max_testing_views=views)
    device = inputs['imgs'].device.type
    with (
        torch.no_grad(),
        torch.autocast(device, dtype, enabled=dtype is not None),
    ):
        (sample,) = model.predict(inputs, [ActionDataSample()])
    return sample.pred_score.float().cpu()


def make_runs(model, inputs, compiled):
    """By name, what predicts."""
    fused = fuse_model(copy.deepcopy(model))
    runs = {
        'eager': model,
        'channels-last': to_channels_last(copy.deepcopy(model)),
        'fuse_model': fused,
        'fuse_model + one clip at a time': partial(
            predict, fused, inputs, views=1
        ),
        'bf16 autocast': partial(predict, model, inputs, torch.bfloat16),
        'fuse_model + bf16': partial(predict, fused, inputs, torch.bfloat16),
    }
    if compiled:
        torch._inductor.config.freezing = True
        for name, dtype in (('', None), (' + bf16', torch.bfloat16)):
            one = copy.deepcopy(model)
            one.backbone = torch.compile(one.backbone)
            runs[f'torch.compile{name}'] = partial(predict, one, inputs, dtype)
    return {
        name: partial(predict, run, inputs)
        if isinstance(run, nn.Module)
        else run
        for name, run in runs.items()
    }


def synchronised(run, device):
    """Return a function that ends when the device is done."""

    def wait():
        result = run()
        if device == 'cuda':
            torch.cuda.synchronize()
        return result

    return wait


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--clips', type=int, default=10)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--compile', action='store_true')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--peak', type=float, help='TFLOPS of the device')
    args = parser.parse_args()
    init_default_scope('mmaction')
    inputs = make_inputs(args.clips, args.device)
    model = build(args.device)
    runs = {
        name: synchronised(run, args.device)
        for name, run in make_runs(model, inputs, args.compile).items()
    }
    with FlopCounterMode(display=False) as counter:
        expected = runs['eager']()
    flops = counter.get_total_flops()
    differences, first = {}, {}
    for name, run in runs.items():
        start = time.perf_counter()
        scores = run()
        first[name] = time.perf_counter() - start
        differences[name] = float((scores - expected).abs().max())
        if 'bf16' not in name and not differences[name] <= EXACT:
            raise SystemExit(f'{name}: {differences[name]:.1e} off')
    times = common.measure(runs, args.rounds)
    eager = times['eager']
    print(
        f'{args.device}, {torch.get_num_threads()} threads; {args.clips} '
        f'clips, {flops / 1e9:.0f} GFLOP; the largest probability is '
        f'{expected.max():.2f}.'
    )
    rows = []
    for name, mine in times.items():
        row = [
            name,
            f'{mine.wall * 1e3:.0f}',
            f'{mine.processor * 1e3:.0f}',
            f'{eager.wall / mine.wall:.2f}',
            f'{eager.processor / mine.processor:.2f}',
            f'{differences[name]:.1e}',
            f'{args.clips / mine.wall:.1f}',
        ]
        if args.peak:
            row.append(f'{flops / mine.wall / args.peak / 1e12:.1%}')
        rows.append(row)
    header = [
        'setting',
        'ms',
        'processor, ms',
        'times faster',
        'processor',
        'largest difference',
        'clips a second',
    ]
    header += ['of the peak'] if args.peak else []
    common.print_table(header, rows)
    exact = {n: t for n, t in times.items() if differences[n] <= EXACT}
    best = min(exact, key=lambda name: exact[name].processor)
    print(
        f'The fastest exact setting: {best}, '
        f'{eager.wall / times[best].wall:.2f} times eager, '
        f'{eager.processor / times[best].processor:.2f} in processor time.'
    )


if __name__ == '__main__':
    main()
