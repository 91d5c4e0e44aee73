"""Average rank of models over datasets (Table 1).

    integral-action analyze average-rank \\
        --model appearance-only Kinetics=A.pkl Mimetics=B.pkl \\
        --model pose-only Kinetics=C.pkl Mimetics=D.pkl
"""

import argparse
import sys
from typing import Sequence

import numpy as np
from analysis_arguments import add_models, report_parser


def parse_args(arguments=None) -> argparse.Namespace:
    """Parse the command line."""
    parser = report_parser(__doc__, 'average_rank')
    add_models(parser)
    parser.add_argument('--topk', type=int, nargs='+', default=[1, 5])
    return parser.parse_args(arguments)


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

from analysis_common import (
    LINES,
    MARKERS,
    Models,
    read_models,
    write_report,
)
from matplotlib.figure import Figure
from scipy.stats import rankdata

from integral_action.evaluation.comparisons import average_ranks
from integral_action.evaluation.tables import Table
from integral_action_cli import command

RANK = 'avg rank'


def accuracy_table(models: Models, topk: Sequence[int], title: str) -> Table:
    """Top-k accuracies in percent, a row a model."""
    datasets = next(iter(models.values()))
    return Table(
        'methods',
        [f'{name} top-{k}' for name in datasets for k in topk],
        {
            name: [part.accuracy(k=k) for part in model.values() for k in topk]
            for name, model in models.items()
        },
        title,
    )


def rank_figure(table: Table) -> Figure:
    """The ranks in each column, a line a model."""
    figure = Figure(figsize=(7, 3.6), layout='constrained')
    axes = figure.subplots()
    ranks = rankdata(-np.array([*table.rows.values()])[:, :-1], axis=0)
    columns = table.columns[:-1]
    for i, (name, cells) in enumerate(table.rows.items()):
        axes.plot(
            columns,
            ranks[i],
            MARKERS[i % len(MARKERS)] + LINES[i % len(LINES)],
            color=f'C{i}',
            markersize=max(5, 12 - 2 * i),  # equal ranks stay visible
            label=f'{name}: {cells[-1]:.1f}',
        )
    axes.set_yticks(range(1, len(ranks) + 1))
    axes.invert_yaxis()
    axes.set_ylabel('rank')
    axes.tick_params(axis='x', rotation=20)
    axes.grid(axis='y', alpha=0.3)
    figure.legend(loc='outside lower center', ncols=2, title='average rank')
    return figure


@command()
def main(arguments=None) -> None:
    """Write the table and its picture."""
    args = parse_args(arguments)
    title = 'Accuracy (%) and average rank'
    table = accuracy_table(read_models(args), args.topk, title)
    ranks = average_ranks([*table.rows.values()])
    table.columns.append(RANK)
    for cells, rank in zip(table.rows.values(), ranks):
        cells.append(float(rank))
    write_report(
        args.out_dir,
        'average_rank',
        {'average_rank': table},
        {'average_rank': rank_figure(table)},
    )


if __name__ == '__main__':
    sys.exit(main())
