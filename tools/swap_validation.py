"""Swap validation of many models beside what they do out of context."""

import json
from pathlib import Path
from typing import Callable, Dict, Sequence, Tuple

import numpy as np
from experiments import DATA, MODELS, Run
from matplotlib.figure import Figure
from scipy.stats import spearmanr

from integral_action.evaluation.tables import Table
from integral_action.fileio import whole_file

COLUMNS = {
    'swap accuracy': 'swap/accuracy',
    'context following': 'swap/context_following',
}


def read_metrics(folder: Path) -> Dict[str, float]:
    """What ``mim test`` with SwapAccuracy has written last, in percent.

    Raises:
        FileNotFoundError: nothing.
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
        runs: of which data, and with which seeds.
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
        f'{data}, mean of {len(runs)} runs, percent. Swap accuracy needs '
        f'videos in context alone.\n\n{table.markdown()}\n'
    )
    file = work / 'swap.md'
    if len(contexts) == 2 and len(models) > 2:
        text += '\n' + _correlations(values, columns)
        _draw(mean, models, columns, file.with_suffix('.png'))
    with whole_file(file) as temporary:
        temporary.write_text(f'# {title}\n\n{text}')
    by_run.write_csv(file.with_suffix('.csv'))
    return file, text


def _correlations(values: np.ndarray, columns: Sequence[str]) -> str:
    """Of the ranks in context, and with scenes swapped, to those out of it."""
    inside, outside, swap = 0, 1, 2

    def rank(column: int, of: np.ndarray) -> str:
        return f'{spearmanr(of[:, column], of[:, outside]).statistic:.2f}'

    lines = []
    for column, name in ((swap, 'swap accuracy'), (inside, columns[inside])):
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
    """Accuracy out of context against that in context, and swapped."""
    figure = Figure((9, 4), layout='constrained')
    axes = figure.subplots(1, 2, sharey=True)
    for axis, column in zip(axes, (0, 2)):
        axis.set_xlabel(f'{columns[column]}, %')
        axis.grid(alpha=0.3)
        axis.margins(0.08)
        for number, model in enumerate(models, 1):
            x, y = mean[number - 1, [column, 1]]
            axis.plot(
                x,
                y,
                marker=f'${number}$',
                markersize=9 if number > 9 else 6,
                color='black',
                linestyle='none',
                label=f'{number}  {MODELS[model]}',
            )
    axes[0].set_ylabel(f'{columns[1]}, %')
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc='outside right center',
        fontsize=8,
        handlelength=0,
        handletextpad=0,
        markerscale=0,
        frameon=False,
    )
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=120, format='png')
