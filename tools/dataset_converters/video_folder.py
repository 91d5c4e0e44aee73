"""Make lists of your own videos: a folder a class, split into train and test.

    integral-action convert video-folder VIDEOS OUT

`VIDEOS/<class>/**/*.mp4` become `OUT/train.txt` and `OUT/test.txt` (a path and
a label a line), `OUT/classes.txt` and a link `OUT/videos`. The lists are what
tools/extract_poses.py takes. See docs/custom_dataset.md.
"""

import argparse
import random
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path, PurePosixPath
from typing import Callable, Dict, List, Optional

from converter_arguments import add_split_arguments, folder
from rich.console import Console
from rich.table import Table

from integral_action_cli import command, make_parser


def parse_args(arguments: Optional[List[str]] = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = make_parser(__doc__)
    parser.add_argument('videos', type=folder, help='a folder a class')
    parser.add_argument('out', type=Path, help='folder to write')
    add_split_arguments(parser, '--test-share')
    return parser.parse_args(arguments)


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

from integral_action.checkpoints import some
from integral_action.datasets.conversion import link_to, split_files
from integral_action.fileio import write_lines


def folder_of(name: str) -> str:
    """The first folder of a video's name, which is its class."""
    return PurePosixPath(name).parts[0]


def split_videos(
    names: List[str],
    test_share: float,
    seed: int,
    group: Optional[str] = None,
    class_of: Callable[[str], str] = folder_of,
) -> Dict[str, List[str]]:
    """Divide the videos of each class.

    Args:
        names: ``<class>/...``, or others with their own ``class_of``.
        test_share: of the videos of a class, from 0 to 1; each class has at
            least one video in both lists.
        seed: of the draw.
        group: regular expression; videos of a class in which it finds the same
            text (its first group, if it has one) stay together, such as clips
            of one film. None: each for itself.
        class_of: the class of a name.

    Returns:
        ``train`` and ``test``, sorted.

    Raises:
        ValueError: a share out of range; a class has one video or group alone;
            the expression is not found in a name.
    """
    if not 0 < test_share < 1:
        raise ValueError(f'a share of {test_share} is not between 0 and 1')
    groups = defaultdict(lambda: defaultdict(list))
    for name in names:
        key = name
        if group is not None:
            found = re.search(group, name)
            if found is None:
                raise ValueError(f'--group {group!r} is not found in {name}')
            key = found.group(1) if found.re.groups else found.group()
        groups[class_of(name)][key].append(name)

    lists = dict(train=[], test=[])
    for label, members in sorted(groups.items()):
        if len(members) < 2:
            raise ValueError(
                f'class {label!r} has one '
                f'{"group" if group else "video"} alone, which cannot be split'
            )
        keys = sorted(members)
        random.Random(f'{seed} {label}').shuffle(keys)
        wanted = test_share * sum(map(len, members.values()))
        # one group goes to test whatever its size: the one that fits best
        best = min(keys, key=lambda key: abs(len(members[key]) - wanted))
        keys.insert(0, keys.pop(keys.index(best)))
        number = 0
        for place, key in enumerate(keys):
            left = len(keys) - place
            test = place == 0 or (
                left > 1 and number + len(members[key]) <= wanted
            )
            number += len(members[key]) * test
            lists['test' if test else 'train'].extend(members[key])
    return {name: sorted(members) for name, members in lists.items()}


def check_pose_files(names: List[str]) -> None:
    """Poses of a.avi and of a.mp4 would be in one file.

    Raises:
        ValueError: there are two such videos.
    """
    found = {}
    for name in names:
        other = found.setdefault(PurePosixPath(name).with_suffix(''), name)
        if other != name:
            raise ValueError(
                f'{other} and {name} differ in their endings alone: rename one'
            )


def write_lists(out: Path, lists: Dict[str, List[str]]) -> List[str]:
    """Write the lists and the names of the classes; gives the names."""
    classes = sorted(set(map(folder_of, sum(lists.values(), []))))
    label = {name: number for number, name in enumerate(classes)}
    for split, names in lists.items():
        lines = [f'{name} {label[folder_of(name)]}' for name in names]
        write_lines(out / f'{split}.txt', lines)
    write_lines(out / 'classes.txt', classes)
    return classes


@command(re.error)
def main(arguments: Optional[List[str]] = None) -> None:
    """Write the lists; the exit status is 1 where that cannot be."""
    args = parse_args(arguments)
    every, others = split_files(args.videos)
    names = [name for name in every if '/' in name]
    if not names:
        raise ValueError(
            f'{args.videos}: no videos in folders that name their class'
        )
    check_pose_files(names)
    lists = split_videos(names, args.test_share, args.seed, args.group)
    args.out.mkdir(parents=True, exist_ok=True)
    link_to(args.out / 'videos', args.videos)
    classes = write_lists(args.out, lists)
    table = Table('label', 'class', *lists)
    counts = {
        split: Counter(map(folder_of, members))
        for split, members in lists.items()
    }
    for number, name in enumerate(classes):
        table.add_row(
            str(number), name, *(str(counts[split][name]) for split in lists)
        )
    Console().print(table)
    if others:
        print(f'left out, no videos: {len(others)} ({some(others)})')
    empty = {folder_of(name) for name in others if '/' in name}
    empty = sorted(empty - set(classes))
    if empty:
        print(f'left out, folders without a video: {some(empty)}')
    if len(names) < len(every):
        print(f'left out, in no folder of a class: {len(every) - len(names)}')
    print(f'{len(classes)} classes; written: {args.out}')


if __name__ == '__main__':
    sys.exit(main())
