import re
from pathlib import Path
from typing import Dict, Iterable, List, Optional

from integral_action.fileio import PathLike, read_json, read_text
from integral_action.text import printable


class LabelMap:
    """Class names, and the label of each.

    Args:
        names: in the order of the labels.
        source: what to call them in errors.

    Raises:
        ValueError: no names, or one stands there twice.
    """

    def __init__(self, names: Iterable[str], source: str) -> None:
        self.names, self.source = list(map(printable, names)), source
        self._labels = {}
        for label, name in enumerate(self.names):
            if self._labels.setdefault(_plain(name), label) != label:
                raise ValueError(f'{source}: {name!r} stands there twice')
        if not self.names:
            raise ValueError(f'{source}: no class names')

    @classmethod
    def read(
        cls, path: PathLike, backend_args: Optional[Dict] = None
    ) -> 'LabelMap':
        """Read a file of class names.

        Args:
            path: text, one name a line; or an annotation file (``.json``) of
                the authors' release, which tells ``action_label`` and
                ``action_name`` of every video.
            backend_args: arguments of :func:`open_file`.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: a label has two names, or none.
        """
        if Path(path).suffix == '.json':
            return cls(_names_of_release(path, backend_args), str(path))
        lines = read_text(path, backend_args).splitlines()
        return cls([line.strip() for line in lines if line.strip()], str(path))

    def __contains__(self, name: str) -> bool:
        return _plain(name) in self._labels

    def __getitem__(self, name: str) -> int:
        """The label of a name; capitals, '_' for blanks, and brackets do not
        matter.

        Raises:
            ValueError: no such name.
        """
        if name not in self:
            raise ValueError(
                f'{name!r} is none of the {len(self.names)} class names in '
                f'{self.source}'
            )
        return self._labels[_plain(name)]


def _plain(name: str) -> str:
    return re.sub(r'[\W_]+', ' ', name.lower()).strip()


def _names_of_release(
    path: PathLike, backend_args: Optional[Dict]
) -> List[str]:
    try:
        annotations = read_json(path, backend_args)['annotations']
        names = {}
        for one in annotations:
            label, name = int(one['action_label']), one['action_name']
            if names.setdefault(label, name) != name:
                raise ValueError(
                    f'label {label} is {names[label]!r} and {name!r}'
                )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f'{path}: no annotations with action_label and action_name '
            f'({error})'
        ) from error
    missing = sorted(set(range(max(names, default=0) + 1)) - set(names))
    if missing:
        raise ValueError(f'{path}: no video of the labels {missing}')
    return [names[label] for label in range(len(names))]
