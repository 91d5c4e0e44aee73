"""Names out of files on terminals and in reports."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integral_action.checkpoints import read_dataset_meta
from integral_action.datasets.label_map import LabelMap
from integral_action.evaluation.tables import Table
from integral_action.text import in_markdown, printable

BAD = '\x1b]0;x\x07\x9b2J\u202e\r\n'


def test_control_characters_and_nothing_else():
    assert printable('a\x1b[2Jb\u202ec\x9bd') == 'a\ufffd[2Jb\ufffdc\ufffdd'
    for name in ('Yoga – Übung', 'می‌دود', 'दौड़ना', '👩‍👩‍👧', 'a b'):
        assert printable(name) == name  # joiners are letters' parts


@given(st.text())
def test_one_line_for_everybody(text):
    shown = printable(text)
    assert len(shown) == len(text) and len(shown.splitlines()) <= 1
    assert not set(shown) & set(map(chr, range(32)))


@pytest.mark.parametrize(
    'name, shown',
    [
        ('a|b', r'a\|b'),
        ('<script>x</script>', '&lt;script>x&lt;/script>'),
        ('![a](http://x)', r'!\[a\](http://x)'),
        ('a\\|b', r'a\\\|b'),
        ('a\nb', 'a\ufffdb'),
    ],
)
def test_markdown(name, shown):
    assert in_markdown(name) == shown
    table = Table('class', [name], {name: [1.0]}).markdown()
    assert table.splitlines()[0] == f'| class | {shown} |'
    assert table.splitlines()[2] == f'| {shown} | 1.0 |'


def test_where_names_of_classes_come_from(tmp_path):
    meta = dict(meta=dict(dataset_meta=dict(classes=['a' + BAD, 'b'])))
    names = read_dataset_meta(meta)['classes']
    assert names == [printable('a' + BAD), 'b'] and '\x1b' not in names[0]
    (tmp_path / 'a.txt').write_text('wave\x1b[2J\nclap\n')
    labels = LabelMap.read(tmp_path / 'a.txt')
    assert labels.names == ['wave\ufffd[2J', 'clap']
    assert labels['wave [2J'] == 0
