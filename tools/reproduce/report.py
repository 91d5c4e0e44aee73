"""The tables that are written of the tests' results."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from integral_action.evaluation.results import Results
from integral_action.evaluation.tables import Table
from integral_action.fileio import atomic_write
from integral_action.out_of_context.results import ContextSets, context_row

from .datasets import DATA
from .experiments import Run
from .tables import AVERAGE, PAPER, STREAMS, TABLES, Rows

# what the sets out of context say, of the test videos that they are made of
SETS = {
    'in context': 'of the sets, in context',
    'scene swap, still': 'scene swap, still',
    'follows the scene, still': 'follows the still scene',
    'scene swap, moving': 'scene swap, moving',
    'follows the scene, moving': 'follows the moving scene',
    'person only': 'person only',
    'background only': 'background only',
}


@lru_cache(None)
def results_of(model: str, result: str, run: Run) -> Results:
    """Return the results of a model, or of the streams' score average."""
    if model != AVERAGE:
        return Results.load(run.folder(model) / f'{result}.pkl')
    appearance, pose = (
        Results.load(run.folder(stream) / f'{result}.pkl')
        for stream in STREAMS
    )
    return appearance.average(pose)


@lru_cache(None)  # a model is in several tables
def measure(model: str, run: Run) -> Dict[str, float]:
    """Return a model's cells of one run, by column.

    Accuracies are in percent; "mean G" is there where the model has a gate.
    """
    cells, gates = {}, {}
    for title, result, context in DATA[run.data].columns:
        results = results_of(model, result, run)
        if context:
            results = results.select(results.meta('context') == context)
        for k in (1, 5):
            cells[f'{title} top-{k}'] = results.accuracy(k=k)
        if results.gates is not None:
            gates[f'{title} mean G'] = float(results.gates.mean())
    for result, folder in run.sets.items():
        sets = ContextSets(folder).split([results_of(model, result, run)])
        row = context_row(sets)
        further = '' if result == 'context' else f' ({result})'
        cells |= {
            name + further: row[key]
            for key, name in SETS.items()
            if row[key] is not None  # a set that was not made
        }
    return cells | gates


def names_of(runs: Sequence[Run]) -> str:
    """Return the seeds and splits of runs as text."""
    parts = dict(seed=[run.seed for run in runs])
    if DATA[runs[0].data].splits:
        parts['split'] = [run.split for run in runs]
    named = []
    for name, numbers in parts.items():
        numbers = sorted(set(numbers))
        plural = 's' * (len(numbers) > 1)
        named.append(f'{name}{plural} {", ".join(map(str, numbers))}')
    if runs[0].held_out:
        named.append('training videos held out')
    return ', '.join(named)


def over_seeds(values: Sequence[Optional[float]], digits: int) -> str:
    """Return mean and standard deviation as text; '' without a value."""
    if None in values:
        return ''
    mean = round(float(np.mean(values)), digits) + 0.0  # no -0.0
    text = f'{mean:.{digits}f}'
    if len(values) > 1:
        text += f' ± {np.std(values, ddof=1):.{digits}f}'
    return text


def write(name: str, runs: Sequence[Run], work: Path) -> Tuple[Path, str]:
    """Write a table of the tests: Markdown, and CSV by run.

    Returns:
        The Markdown file, and its table.
    """
    rows, data = TABLES[name], runs[0].data
    measured = {
        row: [measure(model, run) for run in runs] for row, model in rows.rows
    }
    # a model with a gate has the most
    columns = list(max((row[0] for row in measured.values()), key=len))
    table = Table('', columns, {}, rows.title)
    by_run = Table('model, run', columns, {}, rows.title)
    for row, cells in measured.items():
        for run, one in zip(runs, cells):
            by_run.rows[f'{row}, {run.name}'] = [one.get(c) for c in columns]
        table.rows[row] = [
            over_seeds(
                [one.get(c) for one in cells], 2 if 'mean G' in c else 1
            )
            for c in columns
        ]
    notes = f'{data}, {names_of(runs)}: accuracy in percent'
    if len(runs) > 1:
        notes += ', mean and standard deviation'
    notes += '; G is the share of appearance let in.'
    if DATA[data].generated:
        notes += ' Results on generated data.'
    paper = PAPER.get(data, ())
    if rows.number in paper:
        notes += " In brackets: the paper's."
        add_paper(table, Table.of_paper(rows.number))
    text = table.markdown()
    if len(runs) > 1 and 'integral' in dict(rows.rows).values():
        text += f'\n\n{paired_differences(rows, measured)}'
    file = work / f'{name}.md'
    with atomic_write(file) as temporary:
        temporary.write_text(f'# {rows.title}\n\n{notes}\n\n{text}\n')
    by_run.write_csv(file.with_suffix('.csv'))
    return file, text


def paired_differences(rows: Rows, measured: Dict[str, List[Dict]]) -> str:
    """Return each row less IntegralAction, run by run, in percent points."""
    base = next(row for row, model in rows.rows if model == 'integral')
    columns = [c for c in measured[base][0] if not re.search('top-5|G$', c)]
    table = Table('less IntegralAction', columns, {})
    for row, cells in measured.items():
        if row != base:
            table.rows[row] = [
                over_seeds(
                    [a[c] - b[c] for a, b in zip(cells, measured[base])], 1
                )
                for c in columns
            ]
    return table.markdown()


def add_paper(table: Table, paper: Table) -> None:
    """Put the paper's numbers behind ours, row by row of the same name."""
    for row, numbers in paper.rows.items():
        for column, number in zip(paper.columns, numbers):
            if row in table.rows and column in table.columns:
                table.rows[row][table.columns.index(column)] += f' ({number})'
