"""The options that the analysis tools share."""

import argparse
from pathlib import Path

from integral_action_cli import make_parser

APPEARANCE, POSE, INTEGRAL = 'appearance-only', 'pose-only', 'IntegralAction'
FILES = (
    'result files of `mim test --dump`, each with the name of its dataset '
    'before it (Mimetics=b.pkl) where there are several'
)


def report_parser(doc: str, out_dir: str) -> argparse.ArgumentParser:
    """A parser of the options that every tool has."""
    parser = make_parser(doc)
    parser.add_argument(
        '--group-key',
        help='a meta key, such as context: its values are datasets of their '
        'own',
    )
    parser.add_argument(
        '--out-dir',
        type=Path,
        default=Path('work_dirs/analysis') / out_dir,
        help='folder to write',
    )
    parser.set_defaults(appearance=None, pose=None, integral=None, models=[])
    return parser


def add_streams(
    parser: argparse.ArgumentParser, required: bool = True
) -> None:
    """Add ``--appearance``, ``--pose`` and ``--integral``."""
    for option, name in (
        ('--appearance', APPEARANCE),
        ('--pose', POSE),
        ('--integral', INTEGRAL),
    ):
        parser.add_argument(
            option,
            nargs='+',
            required=required,
            metavar='[DATASET=]FILE',
            help=f'of {name}: {FILES}',
        )


def add_models(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """Add ``--model NAME FILE ...``, as often as there are models."""
    parser.add_argument(
        '--model',
        nargs='+',
        action='append',
        required=required,
        dest='models',
        metavar=('NAME', '[DATASET=]FILE'),
        help=f'a name, and its {FILES}; again for each model',
    )


def add_classes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--classes', type=Path, help='the names of the classes, one a line'
    )
