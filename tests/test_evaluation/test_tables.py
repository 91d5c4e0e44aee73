"""The paper's tables are those of the paper; tables are written well."""

import csv

import pytest

from integral_action.evaluation.tables import Table

KEPT = (1, 4, 5, 6, 7, 8, 9, 10, 11, 12)


def printed(text, number):
    """The rows of a table as the paper's text has them, cells as text."""
    lines = text.split(f'\nTable {number}:')[1].splitlines()[1:]
    rows = []
    for line in lines:
        if '\t' in line:
            rows.append(line.split('\t'))
        elif rows:
            return rows


@pytest.mark.parametrize('number', KEPT)
def test_numbers_are_those_of_the_paper(shared, number):
    text = (shared / 'paper' / 'integralaction.txt').read_text()
    table = Table.of_paper(number)
    expected = []
    for row in printed(text, number):
        cells = []
        for cell in row:
            try:
                cells.append(float(cell))
            except ValueError:
                continue
        if number == 7:  # the name of a row is a number, but that of ours
            cells = cells[-4:]
        if cells:
            expected.append((row[0], cells))
    rows = [*table.rows.items()]
    if 'average' in table.derived:
        rows.append(('average', table.derived['average']))
    assert [cells for _, cells in rows] == [cells for _, cells in expected]
    if number in (5, 10, 11, 12):
        assert [name for name, _ in rows] == [name for name, _ in expected]


def test_relative_differences_are_those_of_the_paper(shared):
    text = (shared / 'paper' / 'integralaction.txt').read_text()
    for number in (4, 6):
        row = next(r for r in printed(text, number) if r[1].startswith('('))
        expected = [
            int(cell[3:-2]) * (1 if '↑' in cell else -1) for cell in row[1:]
        ]
        derived = Table.of_paper(number).derived
        assert derived == {'relative difference': expected}


def test_a_table_that_is_not_kept_is_named():
    with pytest.raises(ValueError, match='table 2 '):
        Table.of_paper(2)


def test_markdown_and_csv(tmp_path):
    table = Table(
        'model',
        ['top-1', 'videos'],
        {'a|b, c': [12.345, 3], 'd': [None, 0]},
        derived={'mean': [12.345, 1.5]},
    )
    assert table.column('videos') == [3, 0]
    assert table.markdown().splitlines() == [
        '| model | top-1 | videos |',
        '| --- | ---: | ---: |',
        r'| a\|b, c | 12.3 | 3 |',
        '| d |  | 0 |',
        '| *mean* | 12.3 | 1.5 |',
    ]
    assert '| 12.35 | 3 |' in table.markdown(2)
    table.write_csv(tmp_path / 'new' / 't.csv')
    with open(tmp_path / 'new' / 't.csv', newline='') as file:
        assert list(csv.reader(file)) == [
            ['model', 'top-1', 'videos'],
            ['a|b, c', '12.345', '3'],
            ['d', '', '0'],
            ['mean', '12.345', '1.5'],
        ]
    with pytest.raises(ValueError, match="row 'd' .* 1 cells for 2 columns"):
        Table('model', ['a', 'b'], {'d': [1]})
