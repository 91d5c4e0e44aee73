"""Windows and labels over time, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integral_action.apis.timeline import (
    label_timeline,
    split_windows,
    window_borders,
)


def test_windows_by_hand():
    assert split_windows(10, 4, 4) == [(0, 4), (4, 8), (6, 10)]
    assert split_windows(8, 4, 2) == [(0, 4), (2, 6), (4, 8)]
    assert split_windows(4, 4, 1) == [(0, 4)]
    assert split_windows(3, 4, 1) == [(0, 3)]


@given(st.integers(1, 60), st.integers(1, 20), st.data())
def test_windows_see_every_frame(frames, window, data):
    stride = data.draw(st.integers(1, window))
    windows = split_windows(frames, window, stride)
    assert {i for pair in windows for i in range(*pair)} == set(range(frames))
    assert {stop - start for start, stop in windows} == {min(window, frames)}
    borders = window_borders(windows)
    assert borders == sorted(borders)
    assert (borders[0], borders[-1]) == (0, frames)


def test_borders_are_where_the_next_middle_is_nearer():
    # middles 2, 6, 8
    assert window_borders([(0, 4), (4, 8), (6, 10)]) == [0, 4, 7, 10]


def test_neighbours_of_one_label_are_one_span():
    """At 2 frames a second; borders at 0, 4, 7, 10 frames."""
    scores = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    spans = label_timeline(
        [(0, 4), (4, 8), (6, 10)], scores, [0.1, 0.8, 0.5], np.arange(11) / 2
    )
    first, second = spans
    assert (first['start'], first['end'], first['label']) == (0, 3.5, 0)
    assert first['score'] == pytest.approx((4 * 0.9 + 3 * 0.6) / 7)
    assert first['gate'] == pytest.approx((4 * 0.1 + 3 * 0.8) / 7)
    assert (second['start'], second['end'], second['label']) == (3.5, 5, 1)
    assert second['score'] == pytest.approx(0.8)


def test_a_label_that_comes_back_is_a_span_of_its_own():
    scores = np.array([[1, 0], [0, 1], [1, 0]], float)
    windows = [(0, 2), (2, 4), (4, 6)]
    spans = label_timeline(windows, scores, [None] * 3, range(7))
    assert [span['label'] for span in spans] == [0, 1, 0]
    assert [span['start'] for span in spans] == [0, 2, 4]
    assert spans[0]['gate'] is None
