"""Tables of results: the paper's, and those that tools write."""

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Union

import yaml

from integral_action.fileio import PathLike, atomic_write
from integral_action.text import in_markdown

Cell = Union[float, int, str, None]
_PAPER = Path(__file__).parents[1] / '.mim' / 'tools' / 'data' / 'paper'


@dataclass
class Table:
    """Named rows of named columns.

    Args:
        corner: what the rows are: models, classes.
        columns: names of the columns, without the corner's.
        rows: of each row's name a cell a column; None is an empty one.
        title: one line.
        derived: rows that are worked out from the others, as averages.

    Raises:
        ValueError: a row that is longer or shorter than the columns.
    """

    corner: str
    columns: List[str]
    rows: Dict[str, List[Cell]]
    title: str = ''
    derived: Dict[str, List[Cell]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, cells in {**self.rows, **self.derived}.items():
            if len(cells) != len(self.columns):
                raise ValueError(
                    f'row {name!r} of table {self.title!r} has {len(cells)} '
                    f'cells for {len(self.columns)} columns'
                )

    @classmethod
    def of_paper(cls, number: int) -> 'Table':
        """A table of the paper: accuracies in percent, without citations.

        Raises:
            ValueError: it is not kept here.
        """
        path = _PAPER / f'table{number}.yml'
        if not path.is_file():
            raise ValueError(f'table {number} of the paper is not kept here')
        return cls(**yaml.safe_load(path.read_text('utf-8')))

    def column(self, name: str) -> List[Cell]:
        """The cells of a column, without the derived rows."""
        place = self.columns.index(name)
        return [cells[place] for cells in self.rows.values()]

    def markdown(self, digits: int = 1) -> str:
        """Return it as Markdown, floats with ``digits`` digits."""

        def text(cell: Cell) -> str:
            if isinstance(cell, float):
                return f'{cell:.{digits}f}'
            cell = '' if cell is None else str(cell)
            return in_markdown(cell)

        lines = [
            [self.corner, *self.columns],
            ['---'] + ['---:'] * len(self.columns),
            *([name, *cells] for name, cells in self.rows.items()),
            *([f'*{name}*', *cells] for name, cells in self.derived.items()),
        ]
        return '\n'.join(
            '| ' + ' | '.join(map(text, line)) + ' |' for line in lines
        )

    def write_csv(self, path: PathLike) -> None:
        """Write it as CSV, floats in full. The file appears only whole."""
        with atomic_write(path) as temporary:
            with open(temporary, 'w', newline='', encoding='utf-8') as file:
                writer = csv.writer(file, lineterminator='\n')
                writer.writerow([self.corner, *self.columns])
                for name, cells in {**self.rows, **self.derived}.items():
                    writer.writerow([name, *cells])
