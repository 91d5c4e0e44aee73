"""A table of several trainings, such as those of one mim gridsearch.

    integral-action analyze compare-runs WORK_DIR... [--key acc/top1]

Of each work_dir the value of the last validation, and the best one with its
epoch, in the order of the names, numbers among them by their size. A training
that was resumed counts as one. The row of one that has not come to a
validation is empty.
"""

import json
import os
import re
import sys
from pathlib import Path
from typing import Dict, List, Optional

from integral_action_cli import command, make_parser


def read_values(work_dir: Path, key: str) -> Dict[int, float]:
    """Epoch (or step) -> value, of every validation of a training."""
    values = {}
    # of each start of the training, the oldest first
    for path in sorted(work_dir.glob('*/vis_data/scalars.json')):
        for line in path.read_text().splitlines():
            try:
                record = json.loads(line)
            except ValueError:  # it was cut off while this was written
                continue
            if key in record:
                values[record['step']] = record[key]
    return values


def make_table(work_dirs: List[Path], key: str) -> str:
    """The table, in Markdown.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: no training has a validation with ``key``.
    """
    for path in work_dirs:
        if not path.is_dir():
            raise FileNotFoundError(f'{path}: there is no such folder')
    paths = sorted(work_dirs, key=lambda path: _by_number(path.name))
    names = [path.name for path in paths]
    start = os.path.commonprefix(names) if len(names) > 1 else ''
    # whole words, and not a part of a number
    start = start[: start.rfind('_') + 1]
    rows = [f'| run | {key} | best | at |', '| --- | ---: | ---: | ---: |']
    found = [read_values(path, key) for path in paths]
    if not any(found):
        raise ValueError(f'{paths[0]}: no validation with {key!r}')
    for name, values in zip(names, found):
        cells = ['', '', '']
        if values:
            best = max(values, key=values.get)
            cells = [f'{values[max(values)]:.4f}', f'{values[best]:.4f}', best]
        rows.append(
            f'| {name[len(start) :]} | {" | ".join(map(str, cells))} |'
        )
    return '\n'.join(rows)


def _by_number(name: str) -> List:
    """Return a key that sorts 1.5 before 10."""
    parts = re.split(r'(\d+(?:\.\d+)?)', name)
    return [float(p) if i % 2 else p for i, p in enumerate(parts)]


@command()
def main(arguments: Optional[List[str]] = None) -> None:
    """Print the table; the exit status is 1 where there is none."""
    parser = make_parser(__doc__)
    parser.add_argument('work_dirs', metavar='WORK_DIR', nargs='+', type=Path)
    parser.add_argument('--key', default='acc/top1')
    args = parser.parse_args(arguments)
    print(make_table(args.work_dirs, args.key))


if __name__ == '__main__':
    sys.exit(main())
