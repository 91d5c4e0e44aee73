"""Which keypoints are found, and whether they are pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integral_action.pose.poses import (
    as_poses,
    has_swapped_shape,
    is_found,
    looks_swapped,
    not_pixels,
    only_found,
    person_score,
)


def test_scores_stand_beside_in_a_third_column_or_nowhere():
    points = np.arange(12.0).reshape(1, 2, 3, 2)
    column = np.array([[[0.1, 0.2, 0.3], [0, 0.5, 1]]])
    both = np.concatenate([points, column[..., None]], -1)
    for given_ in ((points, column), (both,), (both.tolist(),)):
        keypoint, score = as_poses(*given_)
        assert keypoint.dtype == score.dtype == np.float32
        np.testing.assert_array_equal(keypoint, points)
        np.testing.assert_array_equal(score, np.float32(column))
    assert as_poses(points)[1].tolist() == np.ones((1, 2, 3)).tolist()
    assert np.isnan(as_poses([[[[None, 1]]]])[0][0, 0, 0, 0])


@pytest.mark.parametrize(
    ('keypoint', 'score', 'words'),
    [
        ([[[['1', '2']]]], None, 'keypoint is no array of numbers (<U1)'),
        ([[[[1j, 2]]]], None, 'keypoint is no array of numbers (complex128)'),
        ([[[[1, 2], [3]]]], None, 'keypoint is no array of numbers'),
        ([[[1, 2]]], None, 'keypoint has shape [1, 1, 2]'),
        ([[[[1, 2, 0.5, 4]]]], None, 'keypoint has shape [1, 1, 1, 4]'),
        ([[[[1, 2]]]], [[1]], 'keypoint_score [1, 1], expected [M, T, K, 2]'),
        ([[[[1, 2]]]], [[[1000]]], 'keypoint_score goes up to 1000'),
        ([[[[90, 80, 97]]]], None, 'third column of keypoint goes up to 97'),
        (
            [[[[90, 80, -3.5], [70, 60, 2]]]],
            None,
            'goes from -3.5 to 2, which are no scores: is it a 3D skeleton?',
        ),
    ],
)
def test_what_is_no_pose(keypoint, score, words):
    with pytest.raises(ValueError) as error:
        as_poses(keypoint, score)
    assert words in str(error.value)


def test_what_is_found():
    keypoint = np.array([[0, 0], [0, 3], [np.nan, 3], [9, 9], [9, 9.0]])
    score = np.array([0.4, 0.4, 0.4, 0, np.nan])
    assert is_found(keypoint, score).tolist() == [False, True] + 3 * [False]
    keypoint, score = only_found(keypoint, score)
    assert score.tolist() == [0, 0.4, 0, 0, 0]
    assert keypoint.tolist() == [[0, 0], [0, 3], [0, 0], [9, 9], [9, 9]]


def test_a_persons_score_is_the_mean_of_what_is_found():
    """Hands in pockets do not make the person go."""
    score = np.zeros((2, 133), np.float32)
    score[0, :17] = 0.72
    score[0, 17] = -1
    np.testing.assert_allclose(person_score(score), [0.72, 0])


@settings(max_examples=50, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([(240, 320), (1080, 1920), (64, 48), None]),
    st.floats(0, 0.45),
)
def test_outliers_hide_neither_fractions_nor_pixels(seed, shape, share):
    """Of points in the picture, as pixels, fractions and metres."""
    rng = np.random.default_rng(seed)
    fractions = rng.uniform(0.2, 1, (100, 2))
    size = np.array(shape or (240, 320))[::-1]
    outlier = rng.permutation(100) < 100 * share
    for factor, expected in ((1, True), (2.5, True), (size, False)):
        points = fractions * factor
        points[outlier] *= 1000 if expected else 0.01
        assert (not_pixels(points, shape) is not None) == expected
    assert not_pixels(np.ones((9, 2)), shape) is None  # a ghost's


def test_the_corner_of_a_tiny_picture_may_be_pixels():
    points = np.full((17, 2), 1.7)
    assert not_pixels(points, (16, 16)) is None
    assert not_pixels(points, (240, 320)) == (
        'half of the found keypoints have coordinates of at most 1.70 in a '
        'picture of 320 x 240: fractions or metres, not pixels'
    )


def test_a_swapped_shape():
    points = np.random.default_rng(0).uniform((10, 10), (310, 220), (99, 2))
    legs = points * (0.7, 1) + (0, 43)  # cut at the knees
    assert looks_swapped(points, (320, 240))
    assert not looks_swapped(points, (240, 320))
    assert not looks_swapped(points * 2, (240, 320))  # outside of both
    assert not looks_swapped(points[:0], (320, 240))
    assert (legs[:, 1] > 240).sum() > 9 and not looks_swapped(legs, (240, 320))
    assert has_swapped_shape((340, 256), (480, 640))
    # Kinetics, whatever its proportions, is often scaled to this
    assert not has_swapped_shape((256, 340), (720, 1280))
    assert not has_swapped_shape((240, 240), (480, 480))
