"""A list on the disk is the list that was written."""

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integral_action.json_lines import JSONLines

RECORDS = st.lists(
    st.dictionaries(st.text(max_size=5), st.text(max_size=9) | st.integers()),
    max_size=12,
)


@given(RECORDS, st.sampled_from(['\n', '\n\n', '\n \t\r\n']), st.booleans())
def test_it_is_the_list(tmp_path_factory, records, newline, at_end):
    path = tmp_path_factory.mktemp('json') / 'list.jsonl'
    text = newline.join(json.dumps(r, ensure_ascii=False) for r in records)
    path.write_bytes((text + newline * at_end).encode())
    lines = JSONLines(path)
    assert len(lines) == len(records)
    assert list(lines) == records == [lines[i] for i in range(len(lines))]
    assert lines == records and lines[1:9:3] == records[1:9:3]
    if records:
        assert lines[-1] == records[-1]
    with pytest.raises(IndexError):
        lines[len(records)]
    assert pickle.loads(pickle.dumps(lines)) == records


def test_only_the_places_of_lines_are_kept(tmp_path):
    path = tmp_path / 'list.jsonl'
    sizes = []
    for text in ('x', 'x' * 10000):
        path.write_text(f'{json.dumps(text)}\n' * 50)
        sizes.append(len(pickle.dumps(JSONLines(path))))
    assert abs(sizes[0] - sizes[1]) < 20 and sizes[0] < 50 * 16 + 600


def test_a_broken_line_is_named_when_it_is_read(tmp_path):
    path = tmp_path / 'list.jsonl'
    path.write_text('{"a": 1}\n\n{"a"\n{"a": 2}\n')
    lines = JSONLines(path)
    assert (lines[0], lines[2]) == ({'a': 1}, {'a': 2})
    with pytest.raises(ValueError, match='list.jsonl, line 3: not JSON'):
        lines[1]
    with pytest.raises(ValueError, match='list.jsonl, line 3: not JSON'):
        list(lines)


def test_a_file_that_changed_is_not_read_at_the_old_places(tmp_path):
    path = tmp_path / 'list.jsonl'
    path.write_text('{"a": 1}\n{"a": 2}\n')
    lines = JSONLines(path)
    path.write_text('{"abc": 1}\n{"a": 2}\n')
    with pytest.raises(ValueError, match='list.jsonl: changed'):
        lines[1]
    with pytest.raises(FileNotFoundError):
        JSONLines(tmp_path / 'missing.jsonl')
