import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from integral_action.pose.layouts import KeypointLayout
from integral_action.pose.maps import render_pose_maps, to_map_pixels

BONE = ((0, 1),)


def render(points, scores, bones=BONE, size=(5, 6), **kwargs):
    """points [M][K](x, y), scores [M][K]."""
    return render_pose_maps(
        np.array(points, np.float32),
        np.array(scores, np.float32),
        bones,
        size,
        **kwargs,
    )


def dense(keypoint, score, bones, size, sigma=0.5, width=1.0, thr=0.1):
    """The formulas of section 3.2, cell by cell; [M, K, 2], [M, K]."""
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float64)
    maps = []
    for k in range(keypoint.shape[1]):
        total = np.zeros(size)
        for (px, py), s in zip(keypoint[:, k], score[:, k]):
            if s > thr:
                total += np.exp(
                    -((x - px) ** 2 + (y - py) ** 2) / 2 / sigma**2
                )
        maps.append(np.minimum(total, 1))
    for a, b in bones:
        total, count = np.zeros((2, *size)), np.zeros(size)
        for person in range(len(keypoint)):
            (ax, ay), (bx, by) = keypoint[person, a], keypoint[person, b]
            length = math.hypot(bx - ax, by - ay)
            if min(score[person, a], score[person, b]) < thr or not length:
                continue
            ux, uy = (bx - ax) / length, (by - ay) / length
            along = ux * (x - ax) + uy * (y - ay)
            across = np.abs(uy * (x - ax) - ux * (y - ay))
            on = (along >= 0) & (along <= length) & (across <= width)
            total += on * np.array([ux, uy])[:, None, None]
            count += on
        maps.extend(total / np.maximum(count, 1))
    return np.stack(maps)


def test_one_keypoint_by_hand():
    maps = render([[(2, 1)]], [[1.0]], bones=())
    assert maps.shape == (1, 5, 6) and maps.dtype == np.float32
    e2, e4 = math.exp(-2), math.exp(-4)  # sigma 0.5: exp(-2 d^2)
    np.testing.assert_allclose(
        maps[0, :3, 1:4],
        [[e4, e2, e4], [e2, 1, e2], [e4, e2, e4]],
        atol=1e-6,
    )
    assert maps[0, 4, 5] < 1e-6


def test_two_persons_are_summed_and_clamped():
    maps = render([[(2, 1)], [(3, 1)]], [[1.0], [0.5]], bones=())
    # between the two: 1 + exp(-2) is cut to 1; two cells off: exp(-8) + e^-2
    assert maps[0, 1, 2] == maps[0, 1, 3] == 1
    np.testing.assert_allclose(
        maps[0, 1, 4], math.exp(-8) + math.exp(-2), atol=1e-6
    )


def test_horizontal_bone_by_hand():
    # from (1, 2) to (4, 2): x 1..4, one cell above and below, vector (1, 0)
    x, y = render([[(1, 2), (4, 2)]], [[1, 1]], heatmap=False)
    expected = np.zeros((5, 6))
    expected[1:4, 1:5] = 1
    np.testing.assert_array_equal(x, expected)
    np.testing.assert_array_equal(y, np.zeros((5, 6)))


def test_upright_bone_against_the_axis_by_hand():
    x, y = render([[(3, 3), (3, 1)]], [[1, 1]], heatmap=False)
    expected = np.zeros((5, 6))
    expected[1:4, 2:5] = -1
    np.testing.assert_array_equal(x, np.zeros((5, 6)))
    np.testing.assert_array_equal(y, expected)


def test_bones_of_two_persons_are_averaged_where_they_overlap():
    # one to the right through row 2, one downward through column 2
    points = [[(0, 2), (5, 2)], [(2, 0), (2, 4)]]
    x, y = render(points, [[1, 1], [1, 1]], heatmap=False)
    assert (x[2, 2], y[2, 2]) == (0.5, 0.5)  # both
    assert (x[2, 5], y[2, 5]) == (1, 0)  # the first alone
    assert (x[0, 2], y[0, 2]) == (0, 1)  # the second alone
    assert (x[0, 5], y[0, 5]) == (0, 0)


def test_score_below_the_threshold_draws_nothing():
    maps = render([[(1, 2), (4, 2)]], [[0.05, 0.9]])
    assert maps[0].max() == 0 and maps[1].max() == 1
    assert not maps[2:].any()  # a bone needs both ends


def test_threshold_itself():
    # as the release: a keypoint must be above it, a bone's ends reach it
    maps = render([[(1, 2), (4, 2)]], [[0.1, 0.9]])
    assert maps[0].max() == 0 and maps[2].max() == 1


def test_bone_of_length_zero_leaves_nothing():
    maps = render([[(2, 2), (2, 2)]], [[1, 1]])
    assert maps[0, 2, 2] == maps[1, 2, 2] == 1
    assert not maps[2:].any()


def test_persons_outside_the_picture():
    far = [[(-40, 2), (1e30, -1e30)]]
    assert not render(far, [[1, 1]]).any()
    # half a cell outside: its flank reaches in
    maps = render([[(-0.5, 2), (-3, 2)]], [[1, 1]])
    np.testing.assert_allclose(maps[0, 2, 0], math.exp(-0.5), atol=1e-6)
    # a bone that crosses the whole picture
    x, _ = render([[(-9, 2), (20, 2)]], [[1, 1]], heatmap=False)
    assert x[1:4].all() and not x[[0, 4]].any()


def test_no_person():
    maps = render_pose_maps(
        np.zeros((3, 0, 2, 2), np.float32), np.zeros((3, 0, 2)), BONE, (5, 6)
    )
    assert maps.shape == (3, 4, 5, 6) and not maps.any()
    empty = torch.zeros(0, 1, 2, 2), torch.zeros(0, 1, 2)
    assert render_pose_maps(*empty, BONE, (5, 6)).shape == (0, 4, 5, 6)


def test_nan_with_score_zero_draws_nothing_and_spoils_nothing():
    nan = float('nan')
    maps = render([[(nan, nan), (4, 2)], [(1, 2), (4, 2)]], [[0, 0], [1, 1]])
    np.testing.assert_array_equal(maps, render([[(1, 2), (4, 2)]], [[1, 1]]))
    maps = render([[(nan, 2), (4, 2)]], [[1, nan]])
    assert not maps.any()


def test_options_choose_the_maps():
    points, scores = [[(1, 2), (4, 2)]], [[1, 1]]
    both = render(points, scores)
    np.testing.assert_array_equal(both[:2], render(points, scores, paf=False))
    np.testing.assert_array_equal(
        both[2:], render(points, scores, heatmap=False)
    )
    wide = render(points, scores, heatmap=False, limb_width=2)
    assert wide[0, :, 1:5].all()


def test_torch_stays_torch_and_agrees():
    keypoint = torch.tensor([[[[1.0, 2.0], [4.0, 2.5]]]])
    score = torch.ones(1, 1, 2)
    maps = render_pose_maps(keypoint, score, BONE, (5, 6))
    assert isinstance(maps, torch.Tensor) and maps.dtype == torch.float32
    np.testing.assert_array_equal(
        maps.numpy(),
        render_pose_maps(keypoint.numpy(), score.numpy(), BONE, (5, 6)),
    )


def test_wrong_input_says_what():
    with pytest.raises(ValueError, match=r'\[1, 2, 2\].*\[1, 3\]'):
        render([[(0, 0), (1, 1)]], [[1, 1, 1]])
    with pytest.raises(ValueError, match=r'bone \(0, 2\)'):
        render([[(0, 0), (1, 1)]], [[1, 1]], bones=((0, 2),))
    with pytest.raises(TypeError, match='ndarray and Tensor'):
        render_pose_maps(np.zeros((1, 2, 2)), torch.zeros(1, 2), BONE)
    with pytest.raises(ValueError, match='size must be'):
        render([[(0, 0), (1, 1)]], [[1, 1]], size=(0, 5))
    with pytest.raises(ValueError, match='nothing to draw: no heatmaps'):
        render([[(0, 0), (1, 1)]], [[1, 1]], bones=(), heatmap=False)
    with pytest.raises(ValueError, match='nothing to draw'):
        render([[(0, 0), (1, 1)]], [[1, 1]], heatmap=False, paf=False)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    persons=st.integers(1, 4),
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    sigma=st.sampled_from([0.4, 0.5, 1.0, 2.0]),
    width=st.sampled_from([0.5, 1.0, 2.5]),
)
def test_the_few_cells_are_the_dense_formulas(
    seed, persons, size, sigma, width
):
    rng = np.random.default_rng(seed)
    keypoint = rng.uniform(-6, 26, (persons, 4, 2)).astype(np.float32)
    score = rng.uniform(0, 0.4, (persons, 4)).astype(np.float32)
    bones = ((0, 1), (1, 2), (3, 0))
    maps = render_pose_maps(
        keypoint, score, bones, size, sigma=sigma, limb_width=width
    )
    expected = dense(
        keypoint.astype(np.float64), score, bones, size, sigma, width
    )
    np.testing.assert_allclose(maps, expected, atol=2e-6)


def test_recorded_outputs_of_the_authors_release(shared, monkeypatch):
    monkeypatch.syspath_prepend(str(shared / 'reference'))
    import drawn

    keypoint, score = drawn.poses(7, 2, 8)
    reference = np.load(shared / 'reference' / 'pose_maps.npz')
    bones = KeypointLayout.get('openpose18').bones
    maps = render_pose_maps(keypoint, score, bones).reshape(16, 52, 56, 56)
    assert abs(maps[:, :18] - reference['heatmap']).max() <= 1e-5
    assert abs(maps[:, 18:] - reference['paf']).max() <= 1e-5


def test_map_pixels_count_from_the_centre_of_a_cell():
    # the middle of the picture is the border between two of four cells
    fraction = np.array([[0.5, 0.125]], np.float32)
    np.testing.assert_array_equal(
        to_map_pixels(fraction, (4, 4)), [[1.5, 0.0]]
    )
    np.testing.assert_array_equal(
        to_map_pixels(torch.from_numpy(fraction), (4, 8)).numpy(), [[3.5, 0.0]]
    )
