import numpy as np
import pytest
import torch
from conftest import render_densely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from integral_action.datasets.transforms import GeneratePoseMaps
from integral_action.pose.maps import render_pose_maps
from integral_action.pose.maps_cpu import (
    _compile,
    _draw_heatmaps,
    _draw_pafs,
)

BONES = ((0, 1), (1, 2), (3, 0), (2, 2))


def poses(seed, frames, persons, grid):
    """Keypoints [T, M, 4, 2] and scores [T, M, 4], in and round 24 x 24
    cells: on whole and half cells where ``grid`` is given, some not finite,
    far away or the same as another's."""
    random = np.random.default_rng(seed)
    keypoint = random.uniform(-8, 32, (frames, persons, 4, 2))
    if grid:
        keypoint = (keypoint / grid).round() * grid
    strange = random.random(keypoint.shape) < 0.05
    keypoint[strange] = random.choice(
        [np.nan, np.inf, -np.inf, 1e30, -3e38, 1e4, -1e4], strange.sum()
    )
    if random.random() < 0.5:  # one person on another, bones of length 0
        keypoint[:, 1:] = keypoint[:, :1]
        keypoint[:, :, 1] = keypoint[:, :, 0]
    score = random.choice([0, 0.1, 0.2, 1, np.nan], (frames, persons, 4))
    return keypoint.astype(np.float32), score.astype(np.float32)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    frames=st.integers(0, 3),
    persons=st.integers(0, 4),
    grid=st.sampled_from([0, 0.5, 1]),
    size=st.tuples(st.integers(1, 24), st.integers(1, 24)),
    sigma=st.sampled_from([0.05, 0.5, 1, 2.7, 20.0]),
    limb_width=st.sampled_from([0, 0.3, 1, 2.5, 40.0]),
    options=st.sampled_from([{}, dict(paf=False), dict(heatmap=False)]),
)
@example(3, 2, 3, 1, (24, 24), 0.5, 1, {})
def test_same_maps_as_in_torch(
    seed, frames, persons, grid, size, sigma, limb_width, options
):
    args = (*poses(seed, frames, persons, grid), BONES, size)
    options = dict(sigma=sigma, limb_width=limb_width, **options)
    compiled = render_pose_maps(*args, **options)
    expected = render_densely(*args, **options)
    assert compiled.dtype == expected.dtype == np.float32
    np.testing.assert_allclose(compiled, expected, rtol=0, atol=1e-6)


def test_the_poses_above_draw_something():
    keypoint, score = poses(3, 2, 3, 1)
    maps = render_pose_maps(keypoint, score, BONES, (24, 24))
    assert all(maps[:, channel].any() for channel in range(8))
    assert not maps[:, 10:].any()  # from a keypoint to itself


def test_many_persons_on_a_bone_keep_its_mean():
    # 300 persons: more than a byte counts
    keypoint = np.tile(np.float32([[1, 2], [4, 2]]), (300, 1, 1))
    keypoint[200:] = keypoint[200:, ::-1]  # 100 of them the other way
    maps = render_pose_maps(
        keypoint, np.ones((300, 2), np.float32), ((0, 1),), (5, 6)
    )
    field = np.zeros((5, 6))
    field[1:4, 1:5] = 100 / 300
    np.testing.assert_allclose(maps[2], field, atol=1e-6)
    assert maps[0, 2, 1] == 1


@pytest.mark.parametrize('dtype', [torch.float64, torch.float16])
def test_any_tensor_is_taken(dtype):
    keypoint, score = map(torch.from_numpy, poses(5, 2, 3, 1))
    keypoint = keypoint.clamp(-50, 50)  # 1e4 and more are coarse in float16
    expected = render_pose_maps(keypoint, score, BONES, (24, 24))
    given = keypoint.to(dtype).transpose(0, 1).contiguous().transpose(0, 1)
    assert not given.is_contiguous()
    given.requires_grad_()
    maps = render_pose_maps(given, score, BONES, (24, 24))
    assert not maps.requires_grad
    torch.testing.assert_close(maps, expected, rtol=0, atol=0)
    with torch.inference_mode():
        maps = render_pose_maps(keypoint.clone(), score, BONES, (24, 24))
    torch.testing.assert_close(maps, expected, rtol=0, atol=0)


@pytest.mark.filterwarnings('ignore:.*not writable')
def test_arrays_that_cannot_be_written_are_read():
    keypoint, score = poses(5, 2, 3, 1)
    expected = render_pose_maps(keypoint, score, BONES, (24, 24))
    keypoint.flags.writeable = score.flags.writeable = False
    maps = render_pose_maps(keypoint, score, BONES, (24, 24))
    np.testing.assert_array_equal(maps, expected)


def test_within_a_compiled_function():
    keypoint, score = map(torch.from_numpy, poses(5, 2, 3, 1))

    @torch.compile(backend='eager')
    def draw(keypoint, score):
        return render_pose_maps(keypoint, score, BONES, (24, 24))

    torch.testing.assert_close(
        draw(keypoint, score),
        render_pose_maps(keypoint, score, BONES, (24, 24)),
        rtol=0,
        atol=1e-6,
    )


def test_the_transform_leaves_nothing_to_compile_for_workers():
    GeneratePoseMaps(size=(9, 7), sigma=1)
    functions = _draw_heatmaps, _draw_pafs
    assert [len(each.signatures) for each in functions] == [1, 1]
    render_pose_maps(*poses(3, 2, 3, 1), BONES, (24, 24), limb_width=2)
    assert [len(each.signatures) for each in functions] == [1, 1]
    with pytest.raises(ValueError, match='sigma'):
        GeneratePoseMaps(sigma=0)


def test_compiles_where_nothing_can_be_kept():
    # as in a container that cannot be written: numba finds no place for it
    namespace = {}
    exec('def double(value):\n    return 2 * value\n', namespace)
    double = _compile(namespace['double'])
    assert double(3) == 6 and double.signatures
