"""A journal of what is done, so that a stopped run goes on."""

import json
import os
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from integral_action.fileio import read_json, write_lines, write_text
from integral_action.process_pool import run_in_processes


class Task(NamedTuple):
    """An item to work on.

    Args:
        name: of its line in the journal.
        item: argument of the function that does the work.
        stamp: what the result depends on, as JSON has it; with another one
            than the journal's the task is done again.
        file: last file that the work writes; the task is done again where it
            is not there.
    """

    name: str
    item: Any
    stamp: Any
    file: Optional[Path] = None


class Journal:
    """Journal of what is done.

    It has one line per task, written as it is done; the first line holds the
    settings that all are done with.

    Args:
        path: the file; None for no journal.
        settings: as JSON has them.

    Raises:
        ValueError: the tasks in it were done with other settings.
    """

    def __init__(self, path: Optional[Path], settings: Dict) -> None:
        self.path, self.done = path, {}
        if path is None:
            return
        lines = path.read_text().splitlines() if path.exists() else []
        before = _parse(lines[0]) if lines else None
        if before is not None:
            compare_settings(path.parent, before, settings)
        for line in lines[1:]:
            entry = _parse(line)  # the last may be half a line
            if entry is not None:
                self.done[entry['filename']] = entry
        # rewritten whole: nothing is ever put behind half a line
        entries = settings, *self.done.values()
        write_lines(path, map(json.dumps, entries))

    def find(self, task: Task) -> Optional[Dict]:
        """Return the outcome of a task that is done."""
        entry = self.done.get(task.name)
        there = task.file is None or task.file.exists()
        if entry and entry['stamp'] == task.stamp and there:
            return entry['outcome']
        return None

    def add(self, task: Task, outcome: Dict) -> None:
        """Note the outcome of a task."""
        if self.path is None:
            return
        entry = dict(filename=task.name, stamp=task.stamp, outcome=outcome)
        with open(self.path, 'a') as file:
            file.write(json.dumps(entry) + '\n')


def _parse(line: str) -> Optional[Dict]:
    try:
        return json.loads(line)
    except ValueError:
        return None


def compare_settings(folder: Path, before: Dict, settings: Dict) -> None:
    """Check that a folder was made with the settings at hand.

    Raises:
        ValueError: it was made with others.
    """
    for key in sorted({*before, *settings}):
        if before.get(key) != settings.get(key):
            raise ValueError(
                f'{folder} was made with {key} {before.get(key)!r}, not '
                f'{settings.get(key)!r}: choose another folder, or remove '
                f'this one'
            )


def note_settings(path: Path, settings: Dict) -> None:
    """Note in a folder the settings that it is made with.

    Args:
        path: the note, a JSON file.
        settings: as JSON has them.

    Raises:
        ValueError: others are noted there.
    """
    if path.exists():
        compare_settings(path.parent, read_json(path), settings)
    else:
        write_text(path, json.dumps(settings, indent=2) + '\n')


def do_what_is_left(
    function: Callable[[Any], Dict],
    tasks: List[Task],
    journal: Journal,
    workers: int,
    title: str,
    crashed: Callable[[Any], Dict],
) -> Dict[str, Dict]:
    """Do the tasks that the journal does not have, with progress.

    Args:
        function: gives the outcome of an item, as JSON has it. One that has a
            ``problem`` is not noted, so that it is tried again next time.
        tasks: all of them.
        journal: what is done is added.
        workers: number of processes; 0 for this one.
        title: stands before the progress bar.
        crashed: outcome of an item on which its process dies.

    Returns:
        The outcome of each name.
    """
    outcomes = {task.name: journal.find(task) for task in tasks}
    left = [task for task in tasks if outcomes[task.name] is None]
    with Progress(
        TextColumn(escape(title)),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as progress:
        done = len(tasks) - len(left)
        bar = progress.add_task('', total=len(tasks), completed=done)
        for task, outcome in run_in_processes(
            partial(_of_item, function),
            left,
            workers,
            partial(_of_item, crashed),
        ):
            outcomes[task.name] = outcome
            if not outcome.get('problem'):
                journal.add(task, outcome)
            progress.advance(bar)
    return outcomes


def _of_item(function: Callable, task: Task) -> Any:
    return function(task.item)


def stamp_of(*paths: Path) -> List:
    """Return what changes when one of the files does, or one in a folder."""
    return [_stamp(path) if path.exists() else None for path in paths]


def _stamp(path: Path) -> List:
    inside = path.iterdir() if path.is_dir() else ()
    stats = [os.stat(one) for one in (path, *inside)]
    return [
        sum(stat.st_size for stat in stats),
        max(stat.st_mtime_ns for stat in stats),
    ]
