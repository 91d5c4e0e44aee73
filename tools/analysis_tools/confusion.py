"""Confusion matrices of models, side by side (Figure 6).

    integral-action analyze confusion --group-key context \\
        --appearance A.pkl --pose P.pkl --integral I.pkl [--classes labels.txt]
    integral-action analyze confusion --model NAME FILE.pkl
"""

import argparse
import sys
from typing import Dict, List, Tuple

import numpy as np
from analysis_arguments import (
    add_classes,
    add_models,
    add_streams,
    report_parser,
)


def parse_args(arguments=None) -> argparse.Namespace:
    """Parse the command line."""
    parser = report_parser(__doc__, 'confusion')
    add_streams(parser, required=False)
    add_models(parser, required=False)
    add_classes(parser)
    parser.add_argument(
        '--num',
        type=int,
        default=10,
        help='number of confusions to list',
    )
    return parser.parse_args(arguments)


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

from analysis_common import (
    class_names,
    file_name,
    read_models,
    write_report,
)
from matplotlib.figure import Figure
from mmaction.evaluation import confusion_matrix

from integral_action.evaluation.results import Results
from integral_action.evaluation.tables import Table
from integral_action_cli import command

MAX_NAMES = 24  # more classes are drawn without their names


def confusion(results: Results) -> np.ndarray:
    """Numbers of videos, [classes, classes]: of a class, taken for a class."""
    number = results.scores.shape[1]
    matrix = np.zeros((number, number), np.int64)
    # MMAction2's has no rows of classes that are neither shown nor predicted
    known = np.unique([results.labels, results.predictions])
    matrix[np.ix_(known, known)] = confusion_matrix(
        results.predictions, results.labels
    )
    return matrix


def shares(matrix: np.ndarray) -> np.ndarray:
    """Return the percentage of a class's videos; 0 of a class without any."""
    return 100 * matrix / matrix.sum(1, keepdims=True).clip(1)


def matrix_table(matrix: np.ndarray, names: List[str], title: str) -> Table:
    return Table(
        'class / taken for',
        names,
        dict(zip(names, matrix.tolist())),
        title,
    )


def frequent_table(
    matrices: Dict[str, np.ndarray], names: List[str], number: int, title: str
) -> Table:
    """The most frequent confusions of each model, from the top."""
    rows = {str(rank + 1): [] for rank in range(number)}
    for matrix in matrices.values():
        wrong = matrix * (1 - np.eye(len(matrix), dtype=np.int64))
        order = np.argsort(-wrong, axis=None, kind='stable')
        for cells, place in zip(rows.values(), order.tolist()):
            one, two = divmod(place, len(matrix))
            count = wrong[one, two]
            text = f'{names[one]} → {names[two]}: {count}'
            cells.append(f'{text} of {matrix[one].sum()}' if count else None)
    rows = {name: cells for name, cells in rows.items() if any(cells)}
    return Table('', list(matrices), rows, title)


def confusion_figure(
    matrices: Dict[Tuple[str, str], np.ndarray], names: List[str]
) -> Figure:
    """Draw shades of grey with the numbers of videos; a row per dataset, a
    column per model."""
    datasets, models = (list(dict.fromkeys(part)) for part in zip(*matrices))
    side = 3.2 if len(names) > MAX_NAMES else 1 + 0.19 * len(names)
    room = 0 if len(names) > MAX_NAMES else 1.2  # for names
    figure = Figure(
        figsize=(
            1.2 + room + side * len(models),
            0.6 + room + side * len(datasets),
        ),
        layout='constrained',
    )
    panels = figure.subplots(
        len(datasets), len(models), sharex=True, sharey=True, squeeze=False
    )
    for (dataset, model), matrix in matrices.items():
        row, column = datasets.index(dataset), models.index(model)
        axes = panels[row, column]
        percent = shares(matrix)
        image = axes.imshow(percent, 'gray_r', vmin=0, vmax=100)
        if row == 0:
            axes.set_title(model)
        if column == 0:
            axes.set_ylabel(f'{dataset}: class')
        if row == len(datasets) - 1:
            axes.set_xlabel('taken for')
        if len(names) <= MAX_NAMES:
            places = range(len(names))
            axes.set_xticks(places, names, rotation=90, fontsize=8)
            axes.set_yticks(places, names, fontsize=8)
            for row, column in np.argwhere(matrix).tolist():
                dark = percent[row, column] > 50
                axes.text(
                    column,
                    row,
                    matrix[row, column],
                    color='white' if dark else 'black',
                    ha='center',
                    va='center',
                    fontsize=6,
                )
    figure.colorbar(
        image, ax=panels, label="share of a class's videos (%)", aspect=40
    )
    return figure


@command()
def main(arguments=None) -> None:
    """Write the tables and the picture."""
    args = parse_args(arguments)
    models = read_models(args)
    names = class_names(args.classes, models)
    tables, lists, figures = {}, {}, {}
    for dataset in next(iter(models.values())):
        matrices = {
            name: confusion(model[dataset]) for name, model in models.items()
        }
        title = f'Most frequent confusions, {dataset}'
        tables[file_name('confusions', dataset)] = frequent_table(
            matrices, names, args.num, title
        )
        for name, matrix in matrices.items():
            figures[dataset, name] = matrix
            title = f'{name}, {dataset}'
            lists[file_name('confusion', dataset, name)] = matrix_table(
                matrix, names, title
            )
    write_report(
        args.out_dir,
        'confusion',
        tables,
        {'confusion': confusion_figure(figures, names)},
        lists,
    )


if __name__ == '__main__':
    sys.exit(main())
