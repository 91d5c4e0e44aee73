"""The gate G: of each class, and its distribution (Table 5, Figure 4).

    integral-action analyze gate --group-key context \\
        --model 'with L_gate' I.pkl --model 'without L_gate' N.pkl \\
        [--classes labels.txt]

G of a video is the mean over its clips, time and channels: the share of
appearance that the gate lets in. With --by clip the distribution is of clips,
as in the authors' release.
"""

import argparse
import sys
from typing import Dict, List, Tuple, Union

import numpy as np
from analysis_arguments import add_classes, add_models, report_parser


def parse_args(arguments=None) -> argparse.Namespace:
    """Parse the command line."""
    parser = report_parser(__doc__, 'gate')
    add_models(parser)
    add_classes(parser)
    parser.add_argument(
        '--by',
        choices=('video', 'clip'),
        default='video',
        help='unit of the distribution',
    )
    return parser.parse_args(arguments)


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

from analysis_common import (
    HATCHES,
    LINES,
    Models,
    class_names,
    dot_figure,
    read_models,
    write_report,
)
from matplotlib.figure import Figure
from scipy.stats import kstest, norm

from integral_action.evaluation.results import Results
from integral_action.evaluation.tables import Table
from integral_action_cli import command

Parts = Dict[Tuple[str, str], Results]  # of (model, dataset)
Gates = Dict[Tuple[str, str], np.ndarray]


def parts_of(models: Models) -> Parts:
    """The results of every model on every dataset.

    Raises:
        ValueError: a model has no gate.
    """
    parts = {
        (model, dataset): results
        for model, datasets in models.items()
        for dataset, results in datasets.items()
    }
    for results in parts.values():
        if results.gates is None:
            raise ValueError(f"{results.source}: no 'gate' in its samples")
    return parts


def gates_of(parts: Parts, by: str) -> Gates:
    """Return G of each video, or of each clip."""
    return {
        name: part.gates if by == 'video' else part.clip_gates
        for name, part in parts.items()
    }


def names_of(parts: Union[Parts, Gates]) -> List[str]:
    """Names of the parts, without what they have in common."""
    models, datasets = (set(names) for names in zip(*parts))
    if len(models) == 1 < len(datasets):
        return [dataset for _, dataset in parts]
    if len(datasets) == 1:
        return [model for model, _ in parts]
    return [', '.join(part) for part in parts]


def distribution_table(gates: Gates, by: str) -> Table:
    """Return mean and standard deviation, those of the fitted Gaussian."""
    return Table(
        f'{by}s of',
        ['mean G', 'standard deviation', f'{by}s'],
        {
            name: [*norm.fit(values), len(values)]
            for name, values in zip(names_of(gates), gates.values())
        },
        'Distribution of G',
    )


def class_table(parts: Parts, classes: List[str]) -> Table:
    """Mean G of each class, the highest of the first column first."""
    columns = names_of(parts)
    rows = {}
    for label, name in enumerate(classes):
        gates = [part.gates[part.labels == label] for part in parts.values()]
        if any(map(len, gates)):
            rows[name] = [float(g.mean()) if len(g) else None for g in gates]
    first = {
        name: -1 if cells[0] is None else cells[0]
        for name, cells in rows.items()
    }
    order = sorted(rows, key=first.get, reverse=True)
    return Table(
        'action classes',
        columns,
        {name: rows[name] for name in order},
        f'Averaged G of each class, from the highest ({columns[0]})',
    )


def is_gaussian(gates: np.ndarray) -> bool:
    """Whether the fitted Gaussian tells the distribution of some numbers: it
    is nowhere off by more than a tenth of them; of few, by what chance does
    (Lilliefors' 5%)."""
    mean, deviation = norm.fit(gates)
    if deviation < 1e-6:  # a constant gate has no curve
        return False
    off = kstest(gates, norm(mean, deviation).cdf).statistic
    return bool(off <= max(0.1, 0.886 / len(gates) ** 0.5))


def distribution_figure(gates: Gates) -> Figure:
    """Histograms, and the fitted Gaussians where they fit, or else the mean; a
    panel a model."""
    models = list(dict.fromkeys(model for model, _ in gates))
    datasets = list(dict.fromkeys(dataset for _, dataset in gates))
    figure = Figure(figsize=(6.5, 0.8 + 2.4 * len(models)))
    figure.set_layout_engine('constrained')
    panels = figure.subplots(len(models), sharex=True, squeeze=False)[:, 0]
    every = np.concatenate(list(gates.values()))
    low, high = every.min(), every.max()
    room = 0.05 * (high - low) or 0.05
    low, high = max(0, low - room), min(1, high + room)
    bins, points = np.linspace(low, high, 31), np.linspace(low, high, 400)
    for (model, dataset), values in gates.items():
        axes, i = panels[models.index(model)], datasets.index(dataset)
        style = dict(color=f'C{i}', linestyle=LINES[i % len(LINES)])
        mean, deviation = norm.fit(values)
        axes.hist(
            values,
            bins,
            density=True,
            histtype='stepfilled',
            facecolor='none',
            edgecolor=f'C{i}',
            hatch=HATCHES[i % len(HATCHES)],
            alpha=0.45,
        )
        label = f'{dataset}: {mean:.3f} ± {deviation:.3f}'
        if is_gaussian(values):
            density = norm.pdf(points, mean, deviation)
            axes.plot(points, density, linewidth=2, label=label, **style)
        else:
            axes.axvline(mean, linewidth=2, label=label, **style)
    for axes, model in zip(panels, models):
        axes.set_title(model, fontsize=10)
        axes.set_ylabel('density')
        axes.set_xlim(low, high)
        axes.legend(fontsize=8)
    panels[-1].set_xlabel('G, the share of appearance let in')
    return figure


@command()
def main(arguments=None) -> None:
    """Write the tables and pictures."""
    args = parse_args(arguments)
    models = read_models(args)
    parts = parts_of(models)
    gates = gates_of(parts, args.by)
    table = class_table(parts, class_names(args.classes, models))
    write_report(
        args.out_dir,
        'gate',
        {
            'gate_distribution': distribution_table(gates, args.by),
            'gate': table,
        },
        {
            'gate_distribution': distribution_figure(gates),
            'gate': dot_figure(table, 'averaged G', table.columns),
        },
        digits=3,
    )


if __name__ == '__main__':
    sys.exit(main())
