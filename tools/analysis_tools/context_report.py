"""How far models lean on the scene, on sets out of context of one's own.

    integral-action analyze context-report data/mine-ooc \\
        --model NAME FILE ... [--model NAME FILE ...] \\
        [--metrics NAME METRICS.json] [--classes labels.txt]

The first argument is the folder that out_of_context.py wrote. A model's files
are those of `mim test --dump` on `all.jsonl` of that folder, or on any of its
other lists; its swap validation is in the JSON that `mim test` leaves in its
work_dir. See docs/out_of_context.md.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Dict, List

import numpy as np
from analysis_arguments import add_classes

from integral_action_cli import command, make_parser


def parse_args(arguments=None) -> argparse.Namespace:
    """Parse the command line."""
    parser = make_parser(__doc__)
    parser.add_argument(
        'sets', type=Path, help='the folder that out_of_context.py wrote'
    )
    parser.add_argument(
        '--model',
        nargs='+',
        action='append',
        required=True,
        dest='models',
        metavar=('NAME', 'FILE'),
        help='a name, and its result files; again for each model',
    )
    parser.add_argument(
        '--metrics',
        nargs=2,
        action='append',
        default=[],
        metavar=('NAME', 'FILE'),
        help='the JSON of a test with SwapAccuracy; again for each model',
    )
    parser.add_argument(
        '--visible',
        type=float,
        default=0.5,
        help='share of the frames with a pose, from which on a pose counts as '
        'visible',
    )
    add_classes(parser)
    parser.add_argument(
        '--out-dir',
        type=Path,
        default=Path('work_dirs/analysis/context_report'),
        help='folder to write',
    )
    return parser.parse_args(arguments)


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

from analysis_common import (
    class_names,
    dot_figure,
    file_name,
    files_of,
    write_report,
)

from integral_action.evaluation.results import Results
from integral_action.evaluation.tables import Table
from integral_action.out_of_context.results import (
    ACCURACIES,
    SWAP_METRICS,
    ContextSets,
    context_row,
)


def read_models(args) -> Dict[str, Dict[str, Results]]:
    """The results of every model on each set.

    Raises:
        ValueError: a model without files or twice; as of
            :meth:`ContextSets.split`.
    """
    sets = ContextSets(args.sets)
    return {
        name: sets.split([Results.load(file) for file in files])
        for name, files in files_of(args.models).items()
    }


def read_metrics(args, models: List[str]) -> Dict[str, Dict]:
    """The metrics of swap validation, of the models that have them.

    Raises:
        ValueError: of no model, or a file without them.
    """
    metrics = {}
    for name, file in args.metrics:
        if name not in models:
            raise ValueError(
                f'--metrics {name}: the models are {", ".join(models)}'
            )
        try:
            values = json.loads(Path(file).read_text())
        except ValueError as error:
            raise ValueError(f'{file}: not JSON: {error}') from error
        for key in SWAP_METRICS.values():
            if not isinstance(values, dict) or not isinstance(
                values.get(key), (int, float)
            ):
                raise ValueError(
                    f'{file}: no {key!r}; was SwapAccuracy in test_evaluator?'
                )
        metrics[name] = values
    return metrics


def overview(
    models: Dict[str, Dict[str, Results]],
    metrics: Dict[str, Dict],
    visible: float,
) -> Table:
    """Return the table of metrics, with a row each and a column per model."""
    rows = {
        name: context_row(parts, metrics.get(name), visible=visible)
        for name, parts in models.items()
    }
    return Table(
        'percent',
        list(models),
        {key: [row[key] for row in rows.values()] for key in measured(rows)},
        'In and out of context',
    )


def measured(rows: Dict[str, Dict]) -> List[str]:
    """The keys that some of the rows have a value of."""
    first, *_ = rows.values()
    return [k for k in first if any(r[k] is not None for r in rows.values())]


def class_table(
    parts: Dict[str, Results], names: List[str], title: str, visible: float
) -> Table:
    """A row a class that has videos."""
    labels = np.unique(np.concatenate([p.labels for p in parts.values()]))
    rows = {
        names[label]: context_row(parts, label=label, visible=visible)
        for label in labels
    }
    keys = measured(rows)
    cells = {name: [row[key] for key in keys] for name, row in rows.items()}
    return Table('classes', keys, cells, title)


@command()
def main(arguments=None) -> None:
    """Write the tables and pictures."""
    args = parse_args(arguments)
    if not 0 <= args.visible <= 1:
        raise ValueError(f'--visible {args.visible}: expected 0 to 1')
    models = read_models(args)
    metrics = read_metrics(args, list(models))
    names = class_names(args.classes, models)
    table = overview(models, metrics, args.visible)
    tables = {'context': table}
    pictures = {'context': dot_figure(table, '%', table.columns)}
    for model, parts in models.items():
        stem = file_name('context', model)
        title = f'Each class, {model} (%)'
        part = class_table(parts, names, title, args.visible)
        tables[stem] = part
        shown = [name for name in ACCURACIES.values() if name in part.columns]
        pictures[stem] = dot_figure(part, 'top-1 (%)', shown)
    write_report(args.out_dir, 'context_report', tables, pictures)


if __name__ == '__main__':
    sys.exit(main())
