"""Make a table of the paper, from nothing but the data.

    integral-action reproduce table4 --data puppets --seeds 0 1 2
    integral-action reproduce table7 --data kinetics50 --gpus 4

Trains the table's models through ``mim train`` and tests them through ``mim
test``, each seed's pre-trained streams once for all tables; writes the table
as Markdown and CSV. Stopped and started again, it goes on where it was.
"""

import argparse
import re
import signal
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
from experiments import DATA, MODELS, PEERS, STREAMS, Run, plan
from jobs import run_all
from rich.console import Console

# the data of the paper's tables
PAPER = dict(kinetics50=(4, 6, 7, 8, 9), kinetics400=(1,), ntu60=(1,))
AVERAGE = 'score-average'  # of the two streams, not trained
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


@dataclass(frozen=True)
class Rows:
    """A table's title and rows, a name and the model's key each.

    ``number`` is the paper's of it; None of one that the paper does not have.
    """

    number: Optional[int]
    title: str
    rows: Tuple[Tuple[str, str], ...]

    @property
    def models(self) -> List[str]:
        """The keys of the models to train."""
        keys = []
        for _, key in self.rows:
            keys += STREAMS if key == AVERAGE else [key]
        return list(dict.fromkeys(keys))


TABLES = {
    'table1': Rows(
        1,
        'The streams and their integration (Table 1)',
        (
            ('appearance-only model', 'appearance'),
            ('pose-only model', 'pose'),
            ('IntegralAction (ours, λ = 1.5)', 'integral'),
            ('IntegralAction (ours, λ = 5.0)', 'lambda5'),
        ),
    ),
    'table4': Rows(
        4,
        'Ways to integrate the streams (Table 4)',
        (
            ('appearance-only model', 'appearance'),
            ('pose-only model', 'pose'),
            ('feature fuse', 'feature-fuse'),
            ('score average', AVERAGE),
            ('ours without gating', 'no-gating'),
            ('ours without L_gate', 'no-gate-loss'),
            ('constant gate 0.1', 'constant-gate'),
            ('IntegralAction (ours)', 'integral'),
        ),
    ),
    'table6': Rows(
        6,
        'What drives the gate (Table 6)',
        (
            ('appearance-driven', 'appearance-driven'),
            ('pose-driven (ours)', 'integral'),
            ('both-driven', 'both-driven'),
            ('constant gate 0.1', 'constant-gate'),
        ),
    ),
    'table7': Rows(
        7,
        'The weight lambda of L_gate (Table 7)',
        (
            ('0.0', 'no-gate-loss'),
            ('1.0', 'lambda1'),
            ('1.5 (ours)', 'integral'),
            ('5.0', 'lambda5'),
            ('constant gate 0.1', 'constant-gate'),
        ),
    ),
    'table8': Rows(
        8,
        'Pre-trained streams, fixed streams (Table 8)',
        (
            ('not pre-trained, not fixed', 'from-scratch'),
            ('pre-trained, not fixed', 'not-fixed'),
            ('pre-trained, fixed', 'integral'),
        ),
    ),
    'table9': Rows(
        9,
        "The pose stream's input (Table 9)",
        (
            ('heatmap-only', 'pose-heatmap'),
            ('PAF-only', 'pose-paf'),
            ('heatmap + PAF (ours)', 'pose'),
        ),
    ),
    'robust': Rows(
        None,
        'Beyond the paper',
        (
            ('appearance-only model', 'appearance'),
            ('pose-only model', 'pose'),
            ('score average', AVERAGE),
            ('feature fuse', 'feature-fuse'),
            ('without L_gate', 'no-gate-loss'),
            ('constant gate 0.1', 'constant-gate'),
            ('IntegralAction', 'integral'),
            ('IntegralAction, lambda 5', 'lambda5'),
            ('IntegralAction, appearance swap', 'appearance-swap'),
            ('robust product, constant G', 'robust-product'),
            ('robust product, pose-driven G', 'robust-product-pose-gate'),
            ('robust product, LDA of appearance', 'robust-product-lda'),
        ),
    ),
    'mixing': Rows(
        None,
        'Another appearance stream',
        (
            ('appearance-only model', 'appearance'),
            ('pose-only model', 'pose'),
            ('feature fuse', 'feature-fuse'),
            ('score average', AVERAGE),
            ('IntegralAction (ours)', 'integral'),
        ),
    ),
    'peers': Rows(
        None,
        "MMAction2's own models on the same data",
        (
            ('TSM', 'tsm'),
            ('ST-GCN', 'stgcn'),
            ('PoseC3D (SlowOnly)', 'posec3d'),
            ('RGBPoseConv3D', 'rgbpose-conv3d'),
            ('appearance-only model', 'appearance'),
            ('pose-only model', 'pose'),
            ('score average', AVERAGE),
            ('IntegralAction (ours)', 'integral'),
        ),
    ),
}


def parse_args(
    arguments: Optional[Sequence[str]] = None,
) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('tables', nargs='+', choices=[*TABLES, 'all'])
    parser.add_argument('--data', choices=list(DATA), default='puppets')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0])
    parser.add_argument(
        '--splits',
        type=int,
        nargs='+',
        default=[1],
        help='splits of JHMDB (default: 1)',
    )
    parser.add_argument(
        '--held-out',
        action='store_true',
        help='test on training videos that are held out, by their source: to '
        'choose settings by (JHMDB)',
    )
    parser.add_argument(
        '--work-dir', type=Path, default=Path('work_dirs/reproduce')
    )
    parser.add_argument(
        '--gpus', type=int, default=0, help='of a training; 0 for the CPU'
    )
    parser.add_argument(
        '--at-a-time',
        type=int,
        help='jobs side by side: 2 on the CPU, 1 on GPUs',
    )
    parser.add_argument(
        '--swap-validation',
        action='store_true',
        help='test all models with swapped appearance, too, and write swap.md '
        '(docs/robust.md)',
    )
    parser.add_argument(
        '--reuse-features',
        action='store_true',
        help='keep the features of frozen streams: all fused models but the '
        'first are trained and tested in seconds; the disk needs 32 KB for '
        'each video and epoch, and each clip that is tested, with two '
        'ResNet-18 of 8 frames (docs/training.md)',
    )
    args = parser.parse_args(arguments)
    if not DATA[args.data].splits:
        if args.splits != [1]:
            parser.error(f'{args.data} has no --splits')
        if args.held_out:
            parser.error(f'{args.data} has no --held-out')
    return args


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

import swap_validation

from integral_action.evaluation.results import Results
from integral_action.evaluation.tables import Table
from integral_action.fileio import atomic_write
from integral_action.out_of_context.results import ContextSets, context_row


@lru_cache(None)
def results_of(model: str, result: str, run: Run) -> Results:
    """The results of a model, or of the streams' score average."""
    if model != AVERAGE:
        return Results.load(run.folder(model) / f'{result}.pkl')
    appearance, pose = (
        Results.load(run.folder(stream) / f'{result}.pkl')
        for stream in STREAMS
    )
    return appearance.average(pose)


@lru_cache(None)  # a model is in several tables
def measure(model: str, run: Run) -> Dict[str, float]:
    """A model's cells of one run, by column.

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
    if DATA[run.data].sets:
        parts = ContextSets(run.sets).split(
            [results_of(model, 'context', run)]
        )
        row = context_row(parts)
        cells |= {name: row[key] for key, name in SETS.items()}
    return cells | gates


def names_of(runs: Sequence[Run]) -> str:
    """Their seeds and splits, and what of them is held out."""
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
    """Mean and standard deviation; nothing, where there is no value."""
    if None in values:
        return ''
    mean = round(float(np.mean(values)), digits) + 0.0  # no -0.0
    text = f'{mean:.{digits}f}'
    if len(values) > 1:
        text += f' ± {np.std(values, ddof=1):.{digits}f}'
    return text


def write(name: str, runs: Sequence[Run], work: Path) -> Tuple[Path, str]:
    """Write a table of what has been tested: Markdown, and CSV by run.

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
    """Each row less IntegralAction, run by run: points of percent."""
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


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Run a table's jobs and write it."""
    args = parse_args(arguments)
    names = list(TABLES) if 'all' in args.tables else args.tables
    launch = ['--gpus', str(args.gpus)]
    if args.gpus > 1:
        launch += ['--launcher', 'pytorch']
    runs = [
        Run.below(args.work_dir, args.data, seed, split, args.held_out)
        for seed in args.seeds
        for split in args.splits
    ]
    models = dict.fromkeys(m for name in names for m in TABLES[name].models)
    models = [key for key in MODELS if key in models]
    try:
        jobs = plan(
            models, runs, launch, args.swap_validation, args.reuse_features
        )
    except ValueError as error:
        sys.exit(str(error))
    console = Console()
    work = args.work_dir / args.data / ('held-out' * args.held_out)
    work.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run_all(jobs, console, args.at_a_time or (1 if args.gpus else 2))
    except KeyboardInterrupt:
        sys.exit('stopped; the same command goes on from here')
    for name in names:
        file, table = write(name, runs, work)
        console.print(f'\n{file}: {TABLES[name].title}\n')
        print(table)
    if args.swap_validation:
        swapped = [key for key in models if key not in PEERS]
        file, text = swap_validation.write(swapped, runs, work, measure)
        console.print(f'\n{file}: Swap validation\n')
        print(text)


if __name__ == '__main__':
    main()
