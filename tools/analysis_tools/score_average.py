"""Weights of the score average, in against out of context (Figure 5).

    integral-action analyze score-average --group-key context \\
        --appearance A.pkl --pose P.pkl --integral I.pkl
"""

import argparse
import sys

import numpy as np
from analysis_arguments import (
    APPEARANCE,
    INTEGRAL,
    POSE,
    add_streams,
    report_parser,
)

from integral_action_cli import number


def parse_args(arguments=None) -> argparse.Namespace:
    """Parse the command line."""
    parser = report_parser(__doc__, 'score_average')
    add_streams(parser)
    parser.add_argument(
        '--num', type=number(2), default=11, help='number of weights'
    )
    return parser.parse_args(arguments)


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

from analysis_common import (
    Models,
    read_models,
    write_report,
)
from matplotlib.figure import Figure

from integral_action.evaluation.tables import Table
from integral_action_cli import command


def sweep(models: Models, number: int) -> Table:
    """Top-1 in percent: a row a pair of weights, of the appearance-only and
    the pose-only model's scores, and IntegralAction's."""
    streams = models[APPEARANCE], models[POSE]
    weights = np.linspace(0, 1, number)
    digits = 1 if np.allclose(weights, weights.round(1)) else 2
    rows = {
        f'{1 - weight:.{digits}f} + {weight:.{digits}f}': [
            streams[0][name].average(streams[1][name], weight).accuracy()
            for name in streams[0]
        ]
        for weight in weights
    }
    ours = [part.accuracy() for part in models[INTEGRAL].values()]
    return Table(
        'appearance + pose',
        list(streams[0]),
        rows,
        'Top-1 accuracy (%) of score averages',
        {INTEGRAL: ours},
    )


def sweep_figure(table: Table) -> Figure:
    """The curve of the weights, and IntegralAction's point."""
    figure = Figure(figsize=(6.5, 4.8), layout='constrained')
    axes = figure.subplots()
    values = np.array([*table.rows.values()])
    axes.plot(*values.T, 'o-', color='C0', label='score average')
    names = list(table.rows)
    for i in sorted({0, len(names) // 2, len(names) - 1}):
        axes.annotate(
            names[i],
            values[i],
            xytext=(9, -4),
            textcoords='offset points',
            bbox=dict(facecolor='white', edgecolor='none', pad=0.5),
            fontsize=9,
        )
    axes.plot(
        *table.derived[INTEGRAL],
        '*',
        color='C3',
        markersize=16,
        zorder=3,
        markeredgecolor='black',
        label=INTEGRAL,
    )
    for axis, name in zip('xy', table.columns):
        axes.set(**{f'{axis}label': f'top-1, {name} (%)'})
    axes.margins(x=0.16, y=0.08)
    axes.grid(alpha=0.3)
    axes.legend(title='weights: appearance + pose')
    return figure


@command()
def main(arguments=None) -> None:
    """Write the table and its picture."""
    args = parse_args(arguments)
    models = read_models(args)
    datasets = list(models[APPEARANCE])
    if len(datasets) != 2:
        raise ValueError(
            f'one dataset is drawn against another, but there are '
            f'{len(datasets)}: {", ".join(datasets)}'
        )
    table = sweep(models, args.num)
    write_report(
        args.out_dir,
        'score_average',
        {'score_average': table},
        {'score_average': sweep_figure(table)},
    )


if __name__ == '__main__':
    sys.exit(main())
