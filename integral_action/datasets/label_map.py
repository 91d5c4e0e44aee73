import re
from pathlib import Path
from typing import Iterable


class LabelMap:
    """Class names, and the label of each.

    Args:
        names: in the order of the labels.
        source: what to call them in errors.

    Raises:
        ValueError: no names, or one stands there twice.
    """

    def __init__(self, names: Iterable[str], source: str) -> None:
        self.names, self.source = list(names), source
        self._labels = {}
        for label, name in enumerate(self.names):
            if self._labels.setdefault(_plain(name), label) != label:
                raise ValueError(f'{source}: {name!r} stands there twice')
        if not self.names:
            raise ValueError(f'{source}: no class names')

    @classmethod
    def read(cls, path: Path) -> 'LabelMap':
        """Read a file of one name a line."""
        lines = Path(path).read_text().splitlines()
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
