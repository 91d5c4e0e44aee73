from pathlib import Path
from typing import Callable, Dict, List

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from integral_action.datasets.conversion.journal import Journal
from integral_action.datasets.conversion.video import Video
from integral_action.datasets.conversion.workers import convert_all


def do_what_is_left(
    convert_one: Callable[[Video], Dict],
    videos: List[Video],
    stamps: List[List],
    files: List[Path],
    journal: Journal,
    workers: int,
    title: str,
) -> Dict[str, Dict]:
    """Convert the videos that the journal does not have, with progress.

    Args:
        convert_one: gives the outcome of a video, as JSON can write it. One
            with ``problem`` (kind, message) is tried again next time.
        videos: all of them.
        stamps: of each video; another one than the journal's is done again.
        files: that each video's conversion writes last; it is done again
            where this is not there.
        journal: what is done is added.
        workers: processes.
        title: stands before the progress bar.

    Returns:
        The outcome of each file name.
    """
    outcomes, todo = {}, {}
    for video, stamp, file in zip(videos, stamps, files):
        outcome = journal.find(video, stamp, file)
        if outcome is None:
            todo[video.filename] = video, stamp
        else:
            outcomes[video.filename] = outcome
    with Progress(
        TextColumn(escape(title)),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as progress:
        bar = progress.add_task('', total=len(videos), completed=len(outcomes))
        left = [video for video, _ in todo.values()]
        for video, outcome in convert_all(convert_one, left, workers):
            outcomes[video.filename] = outcome
            if 'problem' not in outcome:
                journal.add(video, todo[video.filename][1], outcome)
            progress.advance(bar)
    return outcomes
