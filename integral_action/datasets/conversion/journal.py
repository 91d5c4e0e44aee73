import json
import os
from pathlib import Path
from typing import Dict, List, Optional

from integral_action.datasets.conversion.video import Video
from integral_action.fileio import whole_file


class Journal:
    """Journal of what is done, so that a stopped run goes on.

    A line a video, written as it is done; the first line holds the settings
    that the pose files were made with.

    Raises:
        ValueError: they were made with other settings.
    """

    def __init__(self, path: Path, settings: Dict) -> None:
        self.path = path
        self.done = {}
        lines = path.read_text().splitlines() if path.exists() else []
        before = self._parse(lines[0]) if lines else None
        if before is not None:
            self._compare(before, settings)
        for line in lines[1:]:
            entry = self._parse(line)  # the last may be half a line
            if entry is not None:
                self.done[entry['filename']] = entry
        # rewritten whole: nothing is ever put behind half a line
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as temporary:
            temporary.write_text(
                ''.join(
                    json.dumps(entry) + '\n'
                    for entry in (settings, *self.done.values())
                )
            )
        self.file = open(path, 'a', buffering=1)

    @staticmethod
    def _parse(line: str) -> Optional[Dict]:
        try:
            return json.loads(line)
        except ValueError:
            return None

    def _compare(self, before: Dict, settings: Dict) -> None:
        for key in sorted({*before, *settings}):
            if before.get(key) != settings.get(key):
                raise ValueError(
                    f'{self.path.parent} was made with {key} '
                    f'{before.get(key)!r}, not {settings.get(key)!r}: choose '
                    f'another folder, or remove this one'
                )

    def find(
        self, video: Video, stamp: List, pose_file: Path
    ) -> Optional[Dict]:
        """The outcome of an unchanged video whose pose file is there."""
        entry = self.done.get(video.filename)
        if entry and entry['stamp'] == stamp and pose_file.exists():
            return entry['outcome']
        return None

    def add(self, video: Video, stamp: List, outcome: Dict) -> None:
        entry = dict(filename=video.filename, stamp=stamp, outcome=outcome)
        self.file.write(json.dumps(entry) + '\n')


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
