"""How cost grows with frames, persons, clips, classes, and videos.

    OMP_NUM_THREADS=1 python benchmarks/scaling.py --out benchmarks/scaling.png

Frames, persons, clips, classes: one prediction of the Puppets model (two
ResNet-18 of a quarter of their width, frames of 56 x 56), from frames and
keypoints to probabilities, pose maps included; one number grows, the others
stay at 8 frames, 1 person, 1 clip, 12 classes. Videos: opening and checking an
annotation list of as many. Processor time, medians of rounds in turns. The
picture shows cost against size, both as multiples of the smallest; above the
dashed line growth would be worse than linear.
"""

import argparse
import tempfile
from functools import partial
from pathlib import Path

import common
import matplotlib
import torch
from annotations import open_list, write_list
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope

import integral_action  # noqa: F401

NAME = 'integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets'
SIZES = dict(
    frames=(8, 16, 32, 64),
    persons=(1, 4, 16, 64),
    clips=(1, 4, 16, 64),
    classes=(12, 120, 1200, 12000),
    videos=(1000, 4000, 16000, 64000),
)


def make_prediction(frames=8, persons=1, clips=1, classes=12):
    """A run: one video."""
    cfg = Config.fromfile(common.CONFIG.parent / f'{NAME}.py').model
    for stream in ('appearance', 'pose'):
        cfg.backbone[stream].pop('init_cfg')
        cfg.backbone[stream].num_segments = frames
    cfg.cls_head.num_classes = classes
    model = common.build_model(Config(dict(model=cfg))).eval()
    imgs = 256 * torch.rand(clips, 3, frames, 56, 56)
    inputs = dict(
        imgs=[imgs.to(torch.uint8)],
        pose=[torch.rand(clips, frames, persons, 18, 3)],
    )

    def run():
        batch = dict(inputs=inputs, data_samples=[ActionDataSample()])
        with torch.no_grad():
            model.test_step(batch)

    return run


def make_opening(folder, videos):
    """A run: a list is opened."""
    path = Path(folder) / f'{videos}.jsonl'
    write_list(path, videos)
    return partial(open_list, path)


def draw(costs, path):
    """All curves in one picture."""
    matplotlib.use('Agg')
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4.5), layout='constrained')
    for marker, (what, cost) in zip('os^Dv', costs.items()):
        sizes, seconds = zip(*cost.items())
        axes.loglog(
            [size / sizes[0] for size in sizes],
            [value / seconds[0] for value in seconds],
            marker=marker,
            label=f'{what} (from {sizes[0]})',
        )
    axes.plot((1, 64), (1, 64), color='black', ls='--', label='linear')
    axes.set(xlabel='times the size', ylabel='times the cost')
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    """Print the table, and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--out', type=Path, help='the picture, a png')
    args = parser.parse_args()
    init_default_scope('mmaction')
    costs, rows = {}, []
    with tempfile.TemporaryDirectory() as folder:
        for what, sizes in SIZES.items():
            runs = {
                size: make_opening(folder, size)
                if what == 'videos'
                else make_prediction(**{what: size})
                for size in sizes
            }
            for run in runs.values():
                run()
            times = common.measure(runs, args.rounds)
            costs[what] = {size: t.processor for size, t in times.items()}
            least, most = (costs[what][sizes[i]] for i in (0, -1))
            rows.append(
                [
                    what,
                    ', '.join(map(str, sizes)),
                    ', '.join(f'{v * 1e3:.0f}' for v in costs[what].values()),
                    f'{sizes[-1] / sizes[0]:.0f}',
                    f'{most / least:.1f}',
                ]
            )
    common.print_table(
        (
            'what grows',
            'sizes',
            'processor, ms',
            'times the size',
            'times the cost',
        ),
        rows,
    )
    if args.out:
        draw(costs, args.out)


if __name__ == '__main__':
    main()
