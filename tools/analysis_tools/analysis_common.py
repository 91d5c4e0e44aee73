"""Functions that the analysis tools share: result files and reports."""

import argparse
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Union

import numpy as np
from analysis_arguments import APPEARANCE, INTEGRAL, POSE
from matplotlib.figure import Figure
from PIL import Image

from integral_action.datasets.label_map import LabelMap
from integral_action.evaluation.results import Results
from integral_action.evaluation.tables import Table
from integral_action.fileio import atomic_write, write_text
from integral_action.text import in_markdown

# One a series, so that pictures can be read in black and white.
MARKERS = ('o', 's', '^', 'D', 'v', 'P', 'X', '*')
LINES = ('-', '--', ':', '-.')
HATCHES = ('//', '..', '\\\\', 'xx', 'oo', '++', '--', '**')

# of each model's name, of each dataset's name
Models = Dict[str, Dict[str, Results]]


def read_models(args: argparse.Namespace) -> Models:
    """Read the models of ``add_streams`` and ``add_models``, their videos in
    one order.

    Raises:
        ValueError: no model, one without files, a name twice, or models of
            different datasets or videos.
    """
    streams = (
        (APPEARANCE, args.appearance),
        (POSE, args.pose),
        (INTEGRAL, args.integral),
    )
    given = [(name, *files) for name, files in streams if files]
    models = {
        name: read_model(files, args.group_key)
        for name, files in files_of([*given, *args.models]).items()
    }
    if not models:
        raise ValueError('no model is given: --model NAME FILE')
    return of_the_same_videos(models)


def files_of(models: Sequence[Sequence[str]]) -> Dict[str, List[str]]:
    """The files of each model, which is given as its name and them.

    Raises:
        ValueError: one without files, or a name twice.
    """
    found = {}
    for name, *files in models:
        if not files:
            raise ValueError(f'--model {name}: no result files')
        if found.setdefault(name, files) is not files:
            raise ValueError(f'--model {name} stands there twice')
    return found


def read_model(files: List[str], group_key: Optional[str]) -> Dict:
    """A model's results on each dataset.

    Args:
        files: as the user names them, ``FILE`` or ``DATASET=FILE``.
        group_key: as of ``--group-key``.

    Raises:
        ValueError: a file cannot be read, or datasets have the same name.
    """
    datasets = {}
    for text in files:
        name, sep, path = text.partition('=')
        if not sep or Path(text).exists():
            name, path = '', text
        results = Results.load(path)
        parts = {name or 'all videos': results}
        if group_key:
            groups = results.meta(group_key)
            parts = {
                f'{name} {group}'.strip(): results.select(groups == group)
                for group in np.unique(groups)
            }
        for part in parts:
            if part in datasets:
                raise ValueError(
                    f'{path}: there is a dataset {part!r} already; name them, '
                    f'as in NAME={path}'
                )
        datasets.update(parts)
    return datasets


def of_the_same_videos(models: Models) -> Models:
    """Put the videos of all models in the order of the first.

    Raises:
        ValueError: models have different datasets, or videos in one of them:
            their numbers cannot be compared.
    """
    (first, datasets), *others = models.items()
    for name, other in others:
        if list(other) != list(datasets):
            raise ValueError(
                f'{first} has the datasets {", ".join(datasets)}, {name} has '
                f'{", ".join(other)}'
            )
    return {
        name: {
            key: part.ordered_as(datasets[key]) for key, part in model.items()
        }
        for name, model in models.items()
    }


def class_names(path: Optional[Path], models: Models) -> List[str]:
    """The names in a file, or ``class 0`` and so on.

    Raises:
        ValueError: there are not as many as the scores have classes.
    """
    results = [part for model in models.values() for part in model.values()]
    number = results[0].scores.shape[1]
    for part in results:
        if part.scores.shape[1] != number:
            raise ValueError(
                f'{results[0].source} has {number} classes, {part.source} '
                f'{part.scores.shape[1]}'
            )
    if path is None:
        return [f'class {label}' for label in range(number)]
    names = LabelMap.read(path).names
    if len(names) != number:
        raise ValueError(
            f'{path} names {len(names)} classes, {results[0].source} has '
            f'{number}'
        )
    return names


def file_name(*parts: str) -> str:
    """Names as part of a file's name."""
    text = ' '.join(parts)
    return ''.join(c if c.isalnum() or c in '-.' else '_' for c in text)


def dot_figure(table: Table, label: str, columns: List[str]) -> Figure:
    """A table as dots: a line a row, a kind of dot a column.

    Args:
        table: its rows stand from the top.
        label: of the axis.
        columns: those to draw.
    """
    names = list(table.rows)
    height = 1.4 + 0.26 * len(names)
    figure = Figure(figsize=(6.5, height), layout='constrained')
    axes = figure.subplots()
    places = np.arange(len(names))
    beside = np.linspace(-0.28, 0.28, len(columns))  # none hides another
    for i, column in enumerate(columns):
        values = [np.nan if x is None else x for x in table.column(column)]
        axes.plot(
            values,
            places + beside[i],
            MARKERS[i % len(MARKERS)],
            color=f'C{i}',
            fillstyle='full' if i % 2 else 'none',
            markersize=5,
            label=column,
        )
    axes.set_yticks(places, names, fontsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlabel(label)
    axes.set_title(table.title, fontsize=10)
    axes.hlines(
        places[1:] - 0.5,
        0,
        1,
        'lightgrey',
        linewidth=0.6,
        transform=axes.get_yaxis_transform(),
    )
    figure.legend(
        loc='outside lower center', ncols=min(4, len(columns)), fontsize=8
    )
    return figure


def write_report(
    out_dir: Path,
    name: str,
    tables: Dict[str, Table],
    pictures: Dict[str, Union[Figure, np.ndarray]],
    lists: Optional[Dict[str, Table]] = None,
    digits: int = 1,
) -> None:
    """Write ``name.md`` with its tables and pictures, the tables as CSV as
    well; and print the tables.

    Args:
        out_dir: the folder.
        name: of the Markdown file.
        tables: by the names of their files.
        pictures: by the names of their files; figures, or RGB uint8.
        lists: further tables, too long for more than CSV.
        digits: behind the point, in Markdown.
    """
    blocks = [
        f'## {in_markdown(table.title)}\n\n{table.markdown(digits)}'
        for table in tables.values()
    ]
    shown = '\n\n'.join(blocks)
    for stem, table in {**tables, **(lists or {})}.items():
        table.write_csv(out_dir / f'{stem}.csv')
    for stem, picture in pictures.items():
        with atomic_write(out_dir / f'{stem}.png') as temporary:
            if isinstance(picture, Figure):
                picture.savefig(temporary, dpi=110)
            else:
                Image.fromarray(picture).save(temporary)
        blocks.append(f'![{stem}]({stem}.png)')
    write_text(out_dir / f'{name}.md', '\n\n'.join(blocks) + '\n')
    print(f'{shown}\n\n{out_dir / name}.md has the pictures.')
