"""Top-1 accuracy of each class, and of the oracle selection (Tables 10-12).

    integral-action analyze per-class \\
        --appearance A.pkl --pose P.pkl --integral I.pkl \\
        [--group-key context] [--classes labels.txt]
    integral-action analyze per-class --model NAME FILE.pkl

The oracle selection takes, for each video, the right one of the
appearance-only and the pose-only model's predictions, where there is one.
"""

import argparse
import sys
from typing import Dict, List

import numpy as np
from analysis_arguments import (
    APPEARANCE,
    POSE,
    add_classes,
    add_models,
    add_streams,
    report_parser,
)


def parse_args(arguments=None) -> argparse.Namespace:
    """Parse the command line."""
    parser = report_parser(__doc__, 'per_class')
    add_streams(parser, required=False)
    add_models(parser, required=False)
    add_classes(parser)
    return parser.parse_args(arguments)


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

from analysis_common import (
    class_names,
    dot_figure,
    file_name,
    read_models,
    write_report,
)

from integral_action.evaluation.comparisons import oracle
from integral_action.evaluation.results import Results
from integral_action.evaluation.tables import Table
from integral_action_cli import command

ORACLE = 'oracle selection'


def class_table(
    results: Dict[str, Results], names: List[str], title: str
) -> Table:
    """The table of a dataset: a row a class that has videos.

    Args:
        results: of each model's name; where appearance-only and pose-only are
            among them, the oracle selection is a column, too.
        names: of the classes.
        title: of the table.

    Returns:
        Percentages and the number of videos. The paper's "average" is of the
        videos; that of the classes differs where their numbers of videos do.
    """
    right = {name: part.right for name, part in results.items()}
    if {APPEARANCE, POSE} <= set(results):
        right[ORACLE] = oracle(results[APPEARANCE], results[POSE])
    labels = next(iter(results.values())).labels

    def cells(keep: np.ndarray) -> List:
        return [
            *(100 * float(part[keep].mean()) for part in right.values()),
            int(keep.sum()),
        ]

    rows = {
        names[label]: cells(labels == label) for label in np.unique(labels)
    }
    means = np.mean([row[:-1] for row in rows.values()], axis=0)
    return Table(
        'classes',
        [*right, 'videos'],
        rows,
        title,
        {
            'average': cells(labels >= 0),
            'mean of the classes': [*means.tolist(), None],
        },
    )


@command()
def main(arguments=None) -> None:
    """Write the tables and pictures."""
    args = parse_args(arguments)
    models = read_models(args)
    names = class_names(args.classes, models)
    tables, pictures = {}, {}
    for dataset in next(iter(models.values())):
        results = {name: model[dataset] for name, model in models.items()}
        title = f'Top-1 accuracy (%) of each class, {dataset}'
        table = class_table(results, names, title)
        stem = file_name('per_class', dataset)
        tables[stem] = table
        pictures[stem] = dot_figure(table, 'top-1 (%)', table.columns[:-1])
    write_report(args.out_dir, 'per_class', tables, pictures)


if __name__ == '__main__':
    sys.exit(main())
