"""Hold out a share of the training videos, to choose settings by.

    integral-action convert hold-out data/train.jsonl

`data/train-fit.jsonl` is to train on, `data/train-held-out.jsonl` to compare
settings on; the test videos stay for what was chosen. A pickle becomes two
pickles; `--split` names which of its splits to divide. See docs/data.md.
"""

import argparse
import pickle
import re
import sys
from collections import Counter
from pathlib import Path
from typing import List, Optional

from converter_arguments import add_split_arguments
from rich.console import Console
from rich.table import Table

from integral_action_cli import command, make_parser


def parse_args(arguments: Optional[List[str]] = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = make_parser(__doc__)
    parser.add_argument('ann_file', type=Path, help='the training list')
    parser.add_argument('--split', help='training split of a pickle')
    add_split_arguments(parser, '--share')
    return parser.parse_args(arguments)


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

from video_folder import split_videos

from integral_action.fileio import (
    atomic_write,
    read_annotations,
    write_annotations,
)

PARTS = {'train': 'fit', 'test': 'held-out'}  # of split_videos


@command(re.error)
def main(arguments: Optional[List[str]] = None) -> None:
    """Write both lists; the exit status is 1 where that cannot be."""
    args = parse_args(arguments)
    records = {}
    for record in read_annotations(args.ann_file, args.split):
        if not isinstance(record, dict):
            raise ValueError(f'{args.ann_file}: no video but {record!r}')
        name = record.get('filename', record.get('frame_dir'))
        if name is None or name in records:
            raise ValueError(
                f'{args.ann_file}: a video without a name, or twice: {name}'
            )
        if 'label' not in record:
            raise ValueError(f"{args.ann_file}: {name}: no 'label'")
        records[name] = record
    parts = split_videos(
        list(records),
        args.share,
        args.seed,
        args.group,
        class_of=lambda name: records[name]['label'],
    )
    # a pickle's arrays are none for JSON
    pickled = args.ann_file.suffix in ('.pkl', '.pickle')
    ending = args.ann_file.suffix if pickled else '.jsonl'
    for part, names in parts.items():
        path = args.ann_file.with_name(
            f'{args.ann_file.stem}-{PARTS[part]}{ending}'
        )
        chosen = [records[name] for name in names]
        if pickled:
            with atomic_write(path) as temporary:
                temporary.write_bytes(pickle.dumps(chosen))
        else:
            write_annotations(path, chosen)
    counts = [
        Counter(records[name]['label'] for name in names)
        for names in parts.values()
    ]
    table = Table('label', *PARTS.values())
    for label in sorted(counts[0]):
        table.add_row(str(label), *(str(count[label]) for count in counts))
    Console().print(table)
    print(f'{args.ann_file.with_suffix("")}-{{fit,held-out}}{ending}')


if __name__ == '__main__':
    sys.exit(main())
