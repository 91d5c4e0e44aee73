"""The gate over a whole training, for each lambda, on synthetic features.

    python benchmarks/gate_dynamics.py [--data kinetics50] [--out gate.png]

Trains neck and head of the fused configs with their own optimizer and
schedule. In place of the frozen streams' features it draws some of the same
kind: 512 channels, not negative, a mean for each class. The appearance
features always tell the class; the pose features do (`informative`) or do not.
Each clip has one frame, as the frames of a clip are alike. `--shorten 8`, the
default, takes an eighth of the iterations at eight times the learning rate;
`--shorten 1` trains in full.

Prints the mean of G in the last epoch, and draws G over the epochs. The first
rows have L_gate without a classification loss.
"""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from typing import Dict, List, NamedTuple

import common
import torch
import torch.nn.functional as F
from mmaction.registry import MODELS, PARAM_SCHEDULERS
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from torch import nn

FOLDER = common.ROOT / 'configs' / 'integral_action'
CONFIGS = dict(
    kinetics50='integralaction_r18-r18_4xb8-8x8x1-8x8x1-20e_kinetics50.py',
    ntu60='integralaction_r18-r18_4xb8-8x8x1-8x8x1-20e_ntu60-xsub.py',
    kinetics400='integralaction_r18-r18_4xb8-8x8x1-8x8x1-20e_kinetics400.py',
    release='release/integralaction-release_r18-r18_4xb8-8x8x1-8x8x1-30e_kinetics50.py',
)
VIDEOS = dict(
    kinetics50=33_000, ntu60=40_000, kinetics400=240_000, release=33_000
)
LAMBDAS = (0.0, 1.0, 1.5, 5.0)
# share of a feature's variance that is its class's; a training set is told by
# appearance and partly by pose
APPEARANCE, POSE = 0.1, 0.05


class Case(NamedTuple):
    """One training."""

    data: str
    weight: float  # lambda
    features: str  # 'informative', 'not informative' or 'L_gate alone'
    shorten: int


class FusedStage(nn.Module):
    """Neck and head of a config, under the names that it has them."""

    def __init__(self, cfg: Config, **neck) -> None:
        super().__init__()
        self.neck = MODELS.build({**cfg.model.neck, **neck})
        self.cls_head = MODELS.build(cfg.model.cls_head)
        self.neck.init_weights()
        self.cls_head.init_weights()


def draw_features(
    prototypes: torch.Tensor, labels: torch.Tensor, share: float
) -> torch.Tensor:
    """Return features of a class each, as after ReLU and pooling."""
    noise = torch.randn(len(labels), prototypes.shape[1])
    mixed = share**0.5 * prototypes[labels] + (1 - share) ** 0.5 * noise
    return F.softplus(mixed)[:, None]


def train(case: Case) -> List[float]:
    """Return the mean of G in each epoch."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    cfg = Config.fromfile(FOLDER / CONFIGS[case.data])
    cfg.optim_wrapper.optimizer.lr *= case.shorten
    init_default_scope('mmaction')
    model = FusedStage(cfg, gate_loss_weight=case.weight).train()
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    schedulers = [
        PARAM_SCHEDULERS.build(dict(scheduler, optimizer=wrapper))
        for scheduler in cfg.param_scheduler
    ]
    batch = cfg.auto_scale_lr.base_batch_size
    classes = cfg.model.cls_head.num_classes
    prototypes = torch.randn(2, classes, 512)
    pose = POSE if case.features == 'informative' else 0.0
    steps = VIDEOS[case.data] // batch // case.shorten
    gates = []
    for _ in range(cfg.train_cfg.max_epochs):
        total = 0.0
        for _ in range(steps):
            labels = torch.randint(classes, (batch,))
            feature, aux = model.neck(
                (
                    draw_features(prototypes[0], labels, APPEARANCE),
                    draw_features(prototypes[1], labels, pose),
                )
            )
            loss = aux['loss_gate']
            if case.features != 'L_gate alone':
                loss = loss + F.cross_entropy(model.cls_head(feature), labels)
            wrapper.update_params(loss)
            total += float(aux['gate'].mean())
        gates.append(total / steps)
        for scheduler in schedulers:
            scheduler.step()
    return gates


def plot(gates: Dict[Case, List[float]], path: str) -> None:
    """Draw a panel per data and features, a line per lambda."""
    from matplotlib.figure import Figure

    data = list(dict.fromkeys(case.data for case in gates))
    features = list(dict.fromkeys(case.features for case in gates))
    figure = Figure((3.2 * len(features), 2.6 * len(data)), layout='tight')
    axes = figure.subplots(
        len(data), len(features), sharey=True, squeeze=False
    )
    for case, values in gates.items():
        panel = axes[data.index(case.data), features.index(case.features)]
        panel.plot(
            range(1, len(values) + 1),
            values,
            color=f'C{LAMBDAS.index(case.weight)}',
            label=f'{case.weight:g}',
        )
        panel.set(title=f'{case.data}, {case.features}', ylim=(0, 1))
    for row in axes:
        row[0].set_ylabel('mean of G')
    for panel in axes[-1]:
        panel.set_xlabel('epoch')
    axes[0, -1].legend(title='lambda', fontsize='small', ncols=2)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Run the trainings, print the table, draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--data',
        nargs='+',
        choices=CONFIGS,
        default=['kinetics50', 'ntu60', 'release'],
    )
    parser.add_argument('--shorten', type=int, default=8, metavar='N')
    parser.add_argument('--out', help='picture to write (.png)')
    args = parser.parse_args()
    cases = [
        Case(data, weight, features, args.shorten)
        for data in args.data
        for features in ('L_gate alone', 'informative', 'not informative')
        for weight in LAMBDAS
        if weight or features != 'L_gate alone'
    ]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        gates = dict(zip(cases, pool.map(train, cases)))
    rows = {}
    for case, values in gates.items():
        row = rows.setdefault((case.data, case.features), {})
        row[case.weight] = f'{values[-1]:.2f}'
    common.print_table(
        ['G at the end'] + [f'lambda {weight:g}' for weight in LAMBDAS],
        [
            [', '.join(name)] + [row.get(weight, '') for weight in LAMBDAS]
            for name, row in rows.items()
        ],
    )
    if args.out:
        plot(gates, args.out)


if __name__ == '__main__':
    main()
