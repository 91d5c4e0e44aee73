"""Arguments that the command lines of the converters share."""

import argparse
import os
from pathlib import Path
from typing import Callable, Dict

from integral_action_cli import command, number


def folder(text: str) -> Path:
    """The type of an argument that is a folder to read."""
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f'{text}: there is no such folder')
    return Path(text)


def add_arguments(
    parser: argparse.ArgumentParser, keep_empty: bool = True
) -> None:
    """Add the options of every converter, for :func:`run`."""
    parser.add_argument(
        '--workers',
        type=number(0),
        default=min(8, os.cpu_count() or 1),
        help='number of processes; 0 for this one',
    )
    parser.add_argument(
        '--max-persons',
        type=number(1),
        default=10,
        help='the best of a frame that are kept',
    )
    parser.add_argument(
        '--tolerance',
        type=number(0),
        default=5,
        help='frames that poses may be longer or shorter than their video',
    )
    parser.add_argument(
        '--keep-empty',
        action=argparse.BooleanOptionalAction,
        default=keep_empty,
        help='keep videos with nobody in any frame',
    )
    parser.add_argument(
        '--link',
        action=argparse.BooleanOptionalAction,
        default=True,
        help='make OUT/videos a link to the folder of videos',
    )


def add_split_arguments(parser: argparse.ArgumentParser, share: str) -> None:
    """Add the options of ``split_videos``; ``share`` is the first's name."""
    parser.add_argument(
        share,
        type=float,
        default=0.2,
        help='share of each class that goes into the second list',
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='seed of the random split'
    )
    parser.add_argument(
        '--group',
        metavar='REGEX',
        help='videos of a class in which it finds the same text stay together',
    )


@command()
def run(prepare: Callable[..., Dict], args: argparse.Namespace) -> int:
    """Convert a dataset and print the report.

    Args:
        prepare: takes the parsed arguments and gives the arguments of
            :func:`convert`, but for those of :func:`add_arguments`.
        args: of a parser after :func:`add_arguments`.

    Returns:
        The exit status: 1 where no list can be written, 3 where lists are
        written but videos were left out.
    """
    from integral_action.datasets.conversion import convert

    options = {
        name: getattr(args, name)
        for name in (
            'workers',
            'max_persons',
            'tolerance',
            'keep_empty',
            'link',
        )
    }
    report = convert(**prepare(args), **options)
    report.print()
    return report.exit_status
