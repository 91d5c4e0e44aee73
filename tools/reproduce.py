"""Make a table of the paper, from nothing but the data.

    integral-action reproduce table4 --data puppets --seeds 0 1 2
    integral-action reproduce table7 --data kinetics50 --gpus 4

Trains the table's models through ``mim train`` and tests them through ``mim
test``, each seed's pre-trained streams once for all tables; writes the table
as Markdown and CSV. Stopped and started again, it goes on where it was.
"""

import argparse
import signal
import sys
from pathlib import Path
from typing import Optional, Sequence

from reproduce.datasets import DATA
from reproduce.tables import MODELS, PEERS, TABLES


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
        '--gpus', type=int, default=0, help='GPUs of a training; 0 for the CPU'
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
    parser.add_argument(
        '--further-sets',
        type=Path,
        nargs='+',
        default=[],
        metavar='FOLDER',
        help='folders of other sets out of context of the test videos, made '
        'by out_of_context.py in FOLDER/split1, FOLDER/split2, ... (JHMDB)',
    )
    args = parser.parse_args(arguments)
    if not DATA[args.data].splits:
        if args.splits != [1]:
            parser.error(f'{args.data} has no --splits')
        if args.held_out:
            parser.error(f'{args.data} has no --held-out')
        if args.further_sets:
            parser.error(f'{args.data} has no --further-sets')
    return args


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Run a table's jobs and write it."""
    args = parse_args(arguments)
    # these import torch, for which help and mistakes need not wait
    from reproduce import report, swap_validation
    from reproduce.experiments import Run, plan
    from reproduce.jobs import run_all
    from rich.console import Console

    names = list(TABLES) if 'all' in args.tables else args.tables
    launch = ['--gpus', str(args.gpus)]
    if args.gpus > 1:
        launch += ['--launcher', 'pytorch']
    runs = [
        Run.below(
            args.work_dir,
            args.data,
            seed,
            split,
            args.held_out,
            args.further_sets,
        )
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
        file, table = report.write(name, runs, work)
        console.print(f'\n{file}: {TABLES[name].title}\n')
        print(table)
    if args.swap_validation:
        swapped = [key for key in models if key not in PEERS]
        file, text = swap_validation.write(swapped, runs, work, report.measure)
        console.print(f'\n{file}: Swap validation\n')
        print(text)


if __name__ == '__main__':
    main()
