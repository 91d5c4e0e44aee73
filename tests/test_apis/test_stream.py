"""A film that has no end, in windows of frames that follow evenly."""

from hypothesis import given
from hypothesis import strategies as st

from integral_action.apis.stream import PosedFrame, at_rate, gather_windows
from integral_action.apis.timeline import split_windows


def times_of(frames, *sizes):
    return [
        [round(frame.time, 6) for frame in kept]
        for kept in gather_windows(
            (PosedFrame(t, None) for t in frames), *sizes
        )
    ]


def test_windows_of_a_film_without_an_end():
    assert times_of(range(8), 3, 2, 1) == [[0, 1, 2], [2, 3, 4], [4, 5, 6]]
    assert times_of(range(2), 3, 1, 1) == []
    assert times_of([5, 6, 7], 2, 1, 1) == [[5, 6], [6, 7]]
    # frames that lack, and a gap longer than the window
    assert times_of([0, 2, 3, 5], 3, 1, 1) == [[0, 2], [2, 3], [3, 5]]
    assert times_of([0, 1, 2, 10, 11], 3, 1, 1) == [[0, 1, 2], [10], [10, 11]]


@given(st.integers(1, 20), st.data())
def test_windows_as_of_a_film_of_known_length(window, data):
    stride = data.draw(st.integers(1, window))
    fps = data.draw(st.floats(1, 120))
    frames = window + stride * data.draw(st.integers(0, 5))
    found = gather_windows(
        (PosedFrame(i / fps, i) for i in range(frames)),
        window / fps,
        stride / fps,
        1 / fps,
    )
    pairs = [(kept[0].picture, kept[-1].picture + 1) for kept in found]
    assert pairs == split_windows(frames, window, stride)


def test_frames_that_lack_or_are_too_many():
    def numbers(times, fps):
        frames = [PosedFrame(time, None) for time in times]
        return [frame.time for frame in at_rate(frames, fps)]

    assert numbers([0, 1, 4, 5], 1) == [0, 1, 1, 1, 4, 5]
    assert numbers([7], 30) == [7]
    assert numbers([0, 0.25, 0.5, 0.75, 1], 2) == [0, 0.5, 1]
    # a frame that is a little late is that of its time
    assert numbers([0, 1.3, 1.9], 1) == [0, 1.3, 1.9]


@given(st.floats(0, 1e5), st.floats(1, 120), st.integers(1, 99))
def test_even_frames_stay_as_they_are(start, fps, number):
    frames = [PosedFrame(start + i / fps, i) for i in range(number)]
    assert at_rate(frames, fps) == frames
