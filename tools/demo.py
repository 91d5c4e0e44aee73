"""Run the paper's experiment on Puppets, a generated benchmark, in minutes.

Generates the videos, trains the two streams and the fused models through
``mim train``, tests them in and out of context through ``mim test``, and
writes a report. Stopped and started again, it goes on where it was.

    integral-action puppets [--seed 0] [--ablations]
"""

import argparse
import signal
import sys
from pathlib import Path

from rich.console import Console

from integral_action_cli import command, make_parser


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = make_parser(__doc__)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument(
        '--ablations',
        action='store_true',
        help='train three more: without gating, without L_gate and with a '
        'constant gate of 0.1',
    )
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

from demo_report import write_report
from reproduce.experiments import Run, plan, puppets_of
from reproduce.jobs import run_all

MODELS = ('appearance', 'pose', 'feature-fuse', 'integral')
ABLATIONS = ('no-gating', 'no-gate-loss', 'constant-gate')


@command(stopped='stopped; "make demo" goes on from here')
def main() -> None:
    """Run the demo."""
    args = parse_args()
    suffix = f'-seed{args.seed}' if args.seed else ''
    work = Path(f'work_dirs/demo{suffix}')
    models = MODELS + ABLATIONS if args.ablations else MODELS

    console = Console()
    work.mkdir(parents=True, exist_ok=True)
    console.print(
        'IntegralAction on Puppets (generated videos). Stop it at any time; '
        'started again, it goes on.'
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    run_all(plan(models, [Run('puppets', args.seed, work)]), console)
    write_report(puppets_of(args.seed), work, console)


if __name__ == '__main__':
    sys.exit(main())
