"""Text lists of videos, a path and its label a line."""

from pathlib import PurePosixPath
from typing import Dict, List, NamedTuple, Optional, Tuple

from mmengine.logging import MMLogger

from integral_action.datasets.label_map import LabelMap
from integral_action.fileio import PathLike, read_text


class Line(NamedTuple):
    """A line of a list: its place, for errors, and what it holds."""

    place: str
    filename: str
    label: Optional[str]


def read_video_list(
    path: PathLike, backend_args: Optional[Dict] = None
) -> List[Line]:
    """Read a list of videos.

    Args:
        path: UTF-8 text. A line has a path and, behind blanks or a tab,
            perhaps a label: a number, or a class name. Both may hold blanks
            where a tab, or the ending of the video's name, parts them.
        backend_args: arguments of :func:`open_file`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no such text; the message tells the file and line.
    """
    lines = []
    whole = read_text(path, backend_args)
    for number, text in enumerate(whole.splitlines(), 1):
        place, text = f'{path}, line {number}', text.strip()
        if not text:
            continue
        filename, label = _parse(text)
        words = (label or '').split()
        if '\t' in filename or (len(words) > 1 and words[-1].isdecimal()):
            raise ValueError(
                f'{place}: {text!r}, expected a path and perhaps one label'
            )
        lines.append(Line(place, filename, label))
    if not lines:
        raise ValueError(f'{path}: no videos')
    return lines


def _parse(text: str) -> Tuple[str, Optional[str]]:
    ending = PurePosixPath(text).suffix  # '.mp4 high jump'
    if '\t' in text:
        filename, _, label = text.rpartition('\t')
    elif ending:
        label = ending.partition(' ')[2]
        filename = text.removesuffix(label)
    else:
        filename, _, label = text.rpartition(' ')
        if not filename:
            return label, None
    return filename.strip(), label.strip() or None


def number_labels(
    lists: Dict[str, List[Line]], names: Optional[LabelMap] = None
) -> LabelMap:
    """Return the class names of lists: given ones, or those that they have.

    Labels that are numbers are their own names; that they go from 1 is said.

    Args:
        lists: by name.
        names: the given ones.
    """
    found = {line.label for lines in lists.values() for line in lines}
    found.discard(None)
    numbers = {int(label) for label in found if label.isdecimal()}
    if len(numbers) == len(found) > 1 and min(numbers) == 1:
        MMLogger.get_current_instance().warning(
            f'{", ".join(lists)}: labels go from 1 to {max(numbers)}, but '
            f'labels count from 0: there is no video of the class 0'
        )
    if names is not None:
        return names
    if len(numbers) == len(found):
        return LabelMap(map(str, range(max(numbers, default=0) + 1)), 'lists')
    return LabelMap(sorted(found), 'the lists')


def label_of(line: Line, names: LabelMap) -> int:
    """Return the number of a line's label.

    Raises:
        ValueError: it has none, or none of the names nor the number of one.
    """
    if line.label is None:
        raise ValueError(f'{line.place}: {line.filename!r} has no label')
    if line.label in names:
        return names[line.label]
    if line.label.isdecimal() and int(line.label) < len(names.names):
        return int(line.label)
    raise ValueError(
        f'{line.place}: label {line.label!r} is none of the '
        f'{len(names.names)} class names in {names.source}, nor a number '
        f'from 0 to {len(names.names) - 1}'
    )
