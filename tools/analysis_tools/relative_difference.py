"""Relative difference of a model to the best of the others (Tables 4 and 6).

    integral-action analyze relative-difference --group-key context \\
        --model appearance-only A.pkl --model 'feature fuse' F.pkl \\
        --model IntegralAction I.pkl --not-compared appearance-only
"""

import argparse
import sys

import numpy as np
from analysis_arguments import add_models, report_parser


def parse_args(arguments=None) -> argparse.Namespace:
    """Parse the command line."""
    parser = report_parser(__doc__, 'relative_difference')
    add_models(parser)
    parser.add_argument(
        '--ours', metavar='NAME', help='the model to compare (default: last)'
    )
    parser.add_argument(
        '--not-compared',
        nargs='+',
        default=[],
        metavar='NAME',
        help='models that are only shown; in Table 4 those of one stream',
    )
    parser.add_argument('--topk', type=int, nargs='+', default=[1, 5])
    return parser.parse_args(arguments)


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

from analysis_common import (
    HATCHES,
    read_models,
    write_report,
)
from average_rank import accuracy_table
from matplotlib.figure import Figure

from integral_action.evaluation.comparisons import relative_difference
from integral_action.evaluation.tables import Table
from integral_action_cli import command

DIFFERENCE = 'relative difference'


def difference_figure(table: Table, ours: str) -> Figure:
    """A bar a column, up where ours is better."""
    figure = Figure(figsize=(6, 3.6), layout='constrained')
    axes = figure.subplots()
    values = np.array(table.derived[DIFFERENCE])
    bars = axes.bar(
        table.columns,
        values,
        color=['C0' if value > 0 else 'C1' for value in values],
        hatch=[HATCHES[0] if value > 0 else '' for value in values],
        edgecolor='black',
    )
    axes.bar_label(bars, [f'{value:+.1f}%' for value in values], padding=2)
    axes.axhline(0, color='black', linewidth=0.8)
    axes.margins(y=0.15)
    axes.tick_params(axis='x', rotation=20)
    axes.set_ylabel(f'{ours} to the best other (%)')
    return figure


@command()
def main(arguments=None) -> None:
    """Write the table and its picture."""
    args = parse_args(arguments)
    models = read_models(args)
    ours = args.ours or list(models)[-1]
    for name in (ours, *args.not_compared):
        if name not in models:
            raise ValueError(f'{name!r} is none of the models')
    others = set(models) - {ours, *args.not_compared}
    if not others:
        raise ValueError(f'there is nothing to compare {ours} with')
    title = f'Accuracy (%), and how {ours} differs from the best other (%)'
    table = accuracy_table(models, args.topk, title)
    table.derived[DIFFERENCE] = relative_difference(
        table.rows[ours], [table.rows[name] for name in others]
    ).tolist()
    write_report(
        args.out_dir,
        'relative_difference',
        {'relative_difference': table},
        {'relative_difference': difference_figure(table, ours)},
    )


if __name__ == '__main__':
    sys.exit(main())
