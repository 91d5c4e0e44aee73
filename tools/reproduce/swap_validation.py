"""Swap validation of many models beside what they do out of context."""

import json
from pathlib import Path
from typing import Callable, Dict, Sequence, Tuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.stats import rankdata, spearmanr

from integral_action.evaluation.tables import Table
from integral_action.fileio import atomic_write

from .datasets import DATA
from .experiments import Run
from .tables import MODELS

COLUMNS = {
    'swap accuracy': 'swap/accuracy',
    'harmonic mean': 'swap/harmonic_mean',
    'context following': 'swap/context_following',
}


def read_metrics(folder: Path) -> Dict[str, float]:
    """Return the last result of ``mim test`` with SwapAccuracy, in percent.

    Raises:
        FileNotFoundError: there is no such result.
    """
    files = sorted((folder / 'swap').glob('*/*.json'))
    if not files:
        raise FileNotFoundError(f'{folder / "swap"}: no JSON of a test')
    values = json.loads(files[-1].read_text())
    return {name: 100 * values[key] for name, key in COLUMNS.items()}


def write(
    models: Sequence[str],
    runs: Sequence[Run],
    work: Path,
    measure: Callable[[str, Run], Dict[str, float]],
) -> Tuple[Path, str]:
    """Write swap.md, swap.csv and, of data out of context, swap.png.

    Args:
        models: keys of :data:`MODELS` that were tested with SwapAccuracy.
        runs: their data and seeds.
        work: the folder to write to.
        measure: gives a model's accuracies of a run, by column.

    Returns:
        The Markdown file, and its text below the title.
    """
    data = runs[0].data
    contexts = [f'{title} top-1' for title, *_ in DATA[data].columns]
    columns = [*contexts, *COLUMNS]
    values = np.empty((len(models), len(runs), len(columns)))
    for i, model in enumerate(models):
        for j, run in enumerate(runs):
            cells = measure(model, run) | read_metrics(run.folder(model))
            values[i, j] = [cells[column] for column in columns]
    mean = values.mean(1)
    order = np.argsort(-mean[:, len(contexts) - 1], kind='stable')
    title = 'Swap validation'
    table = Table(
        'model', columns, {MODELS[models[i]]: [*mean[i]] for i in order}, title
    )
    by_run = Table(
        'model, run',
        columns,
        {
            f'{MODELS[model]}, {run.name}': [*values[i, j]]
            for i, model in enumerate(models)
            for j, run in enumerate(runs)
        },
    )
    text = (
        f'{data}, mean of {len(runs)} runs, percent. Swap accuracy, and its '
        f'harmonic mean with accuracy, need videos in context alone.\n\n'
        f'{table.markdown()}\n'
    )
    file = work / 'swap.md'
    if len(contexts) == 2 and len(models) > 2:
        text += '\n' + _correlations(values, columns)
        _draw(mean, models, columns, file.with_suffix('.png'))
    with atomic_write(file) as temporary:
        temporary.write_text(f'# {title}\n\n{text}')
    by_run.write_csv(file.with_suffix('.csv'))
    return file, text


def _correlations(values: np.ndarray, columns: Sequence[str]) -> str:
    """Return rank correlations of measures in context with one out of it."""
    outside = 1

    def rank(column: int, of: np.ndarray) -> str:
        return f'{spearmanr(of[:, column], of[:, outside]).statistic:.2f}'

    lines = []
    for name in ('swap accuracy', 'harmonic mean', columns[0]):
        column = columns.index(name)
        each = ', '.join(
            rank(column, values[:, j]) for j in range(values.shape[1])
        )
        lines.append(
            f'- {name}: {rank(column, values.mean(1))} (run by run {each})'
        )
    return (
        f'Rank correlation with {columns[outside]}, over {len(values)} '
        'models:\n\n' + '\n'.join(lines) + '\n'
    )


def _draw(
    mean: np.ndarray, models: Sequence[str], columns: Sequence[str], path: Path
) -> None:
    """Draw ranks out of context against ranks in context."""
    figure = Figure((9, 4.2), layout='constrained')
    axes = figure.subplots(1, 2, sharey=True)
    ranks = rankdata(-mean, axis=0)  # 1 is the best
    ticks = np.arange(1, len(models) + 1)
    for axis, name in zip(axes, (columns[0], 'harmonic mean')):
        x, y = ranks[:, columns.index(name)], ranks[:, 1]
        axis.plot(ticks, ticks, color='0.8', zorder=0)
        axis.scatter(x, y, s=170, facecolor='white', edgecolor='black')
        for number, place in enumerate(zip(x, y), 1):
            axis.annotate(
                number, place, ha='center', va='center_baseline', fontsize=8
            )
        axis.set_xlabel(f'rank by {name}')
        axis.set_xticks(ticks[::3])
        axis.set_yticks(ticks[::3])
        axis.invert_xaxis()
        axis.set_aspect('equal')
    axes[0].invert_yaxis()
    axes[0].set_ylabel(f'rank by {columns[1]}')
    names = [f'{i}  {MODELS[model]}' for i, model in enumerate(models, 1)]
    figure.legend(
        [Line2D([], [], linestyle='none')] * len(names),
        names,
        loc='outside right center',
        fontsize=8,
        handlelength=0,
        handletextpad=0,
        frameon=False,
    )
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=120, format='png')
