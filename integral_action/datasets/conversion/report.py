import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Dict, List

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from integral_action.fileio import whole_file


@dataclass(frozen=True)
class Finding:
    """What is to be said of one video; ``kind`` is counted."""

    filename: str
    kind: str
    message: str


@dataclass
class Report:
    """What came of a conversion.

    Args:
        out: the folder that was written.
        lists: the number of videos in each list.
        left_out: the videos that are in no list, and why.
        excluded: the same, where it is no fault: the data set leaves them out,
            or they are to be left out where nobody is found.
        noted: what is to be known of videos that are in the lists.
    """

    out: Path
    lists: Dict[str, int]
    left_out: List[Finding]
    excluded: List[Finding]
    noted: List[Finding]

    @property
    def exit_status(self) -> int:
        """Of the process, 0 where nothing was left out for a fault, 3 where
        some videos were, 1 where there is no list."""
        if not any(self.lists.values()):
            return 1
        return 3 if self.left_out else 0

    def write(self) -> None:
        """Write ``problems.json``."""
        with whole_file(self.out / 'problems.json') as temporary:
            temporary.write_text(
                json.dumps(
                    {
                        name: [asdict(one) for one in getattr(self, name)]
                        for name in ('left_out', 'excluded', 'noted')
                    },
                    indent=1,
                )
            )

    def print(self) -> None:
        """Print a table of kinds, with the first names of each."""
        console = Console()
        table = Table('videos', 'what')
        table.add_column('the first', overflow='fold')
        for findings, verdict in (
            (self.left_out, 'left out'),
            (self.excluded, 'left out, no fault'),
            (self.noted, 'kept'),
        ):
            kinds = {}
            for one in findings:
                kinds.setdefault(one.kind, []).append(one.filename)
            for kind, names in kinds.items():
                first = '\n'.join(names[:3]) + ('\n...' * (len(names) > 3))
                table.add_row(
                    str(len(names)), f'{kind} ({verdict})', escape(first)
                )
        if table.row_count:
            console.print(table)
            print(f'all of them: {self.out / "problems.json"}')
        for name, count in sorted(self.lists.items()):
            print(
                f'{self.out / name}.jsonl: {count} videos'
                if count
                else f'{name}: no video can be used, no list is written'
            )
