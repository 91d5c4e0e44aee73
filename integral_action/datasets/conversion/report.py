import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Dict, List

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from integral_action.datasets.conversion.video import NOBODY
from integral_action.fileio import write_annotations, write_text


@dataclass(frozen=True)
class Finding:
    """Remark on one video; those of a ``kind`` are counted."""

    filename: str
    kind: str
    message: str


@dataclass
class Report:
    """Outcome of a conversion.

    Args:
        out: the folder to write.
        lists: the number of videos in each list.
        left_out: the videos that are in no list, and why.
        excluded: the same, where it is no fault: the data set leaves them out,
            or they are to be left out where nobody is found.
        noted: what is to be known of videos that are in the lists.
    """

    out: Path
    lists: Dict[str, int] = field(default_factory=dict)
    left_out: List[Finding] = field(default_factory=list)
    excluded: List[Finding] = field(default_factory=list)
    noted: List[Finding] = field(default_factory=list)

    @property
    def exit_status(self) -> int:
        """Exit status of the process: 0 where nothing was left out for a
        fault, 3 where some videos were, 1 where there is no list."""
        if not any(self.lists.values()):
            return 1
        return 3 if self.left_out else 0

    def leave_out(self, filename: str, kind: str, message: str) -> None:
        """Note a video that is in no list."""
        findings = self.excluded if kind == NOBODY else self.left_out
        findings.append(Finding(filename, kind, message))

    def write(self, lists: Dict[str, List[Dict]]) -> None:
        """Write the lists that have videos, and ``problems.json``."""
        for name, records in lists.items():
            self.lists[name] = len(records)
            path = self.out / f'{name}.jsonl'
            if records:
                write_annotations(path, records)
            else:  # of an earlier run
                path.unlink(missing_ok=True)
        groups = ('left_out', 'excluded', 'noted')
        findings = {
            name: [asdict(one) for one in getattr(self, name)]
            for name in groups
        }
        write_text(self.out / 'problems.json', json.dumps(findings, indent=1))

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
