import numpy as np
import pytest
import torch
from conftest import render_densely

from integral_action.pose.layouts import KeypointLayout
from integral_action.pose.maps import render_pose_maps


def both(keypoint, score, *args, **kwargs):
    keypoint, score = torch.as_tensor(keypoint), torch.as_tensor(score)
    return (
        render_densely(keypoint, score, *args, **kwargs),
        render_pose_maps(keypoint, score, *args, **kwargs),
    )


@pytest.mark.parametrize('layout', ['openpose18', 'coco17', 'ntu25'])
@pytest.mark.parametrize(
    'size, options',
    [
        ((56, 56), {}),
        ((9, 14), dict(sigma=1.3, limb_width=2.5, score_thr=0.4)),
        ((14, 14), dict(paf=False)),
        ((14, 14), dict(heatmap=False)),
    ],
)
@pytest.mark.parametrize('whole', [True, False])
def test_same_maps(layout, size, options, whole):
    """On whole numbers many cells lie exactly on a bone's edge."""
    layout = KeypointLayout.get(layout)
    random = np.random.default_rng(0)
    shape = (4, 4, layout.num_keypoints)
    keypoint = random.uniform(-4, max(size) + 4, (*shape, 2))
    keypoint = keypoint.round() if whole else keypoint
    score = random.choice([0, 0.1, 0.4, 0.9], shape).astype(np.float32)
    dense, scattered = both(
        keypoint.astype(np.float32), score, layout.bones, size, **options
    )
    assert scattered.abs().max() > 0.9
    torch.testing.assert_close(dense, scattered, rtol=0, atol=1e-6)


def test_bones_along_the_axes_by_hand():
    # from (1, 2) to (4, 2): x 1..4, one cell above and below, vector (1, 0)
    points = torch.tensor([[[[1.0, 2.0], [4.0, 2.0]]]])
    maps = render_densely(
        points, torch.ones(1, 1, 2), ((0, 1),), (5, 6), heatmap=False
    )
    expected = torch.zeros(1, 2, 5, 6)
    expected[:, 0, 1:4, 1:5] = 1
    assert torch.equal(maps, expected)


def test_what_is_not_finite_or_far_away_leaves_nothing():
    for value in (float('nan'), float('inf'), -1e30, 3e38):
        keypoint = torch.full((1, 1, 18, 2), 3.0)
        keypoint[..., 4:8, :] = value
        bones = KeypointLayout.get('openpose18').bones
        dense, scattered = both(keypoint, torch.ones(1, 1, 18), bones)
        assert dense.isfinite().all()
        torch.testing.assert_close(dense, scattered, rtol=0, atol=1e-6)
    lost = torch.ones(1, 1, 18)
    lost[..., 3] = float('nan')
    dense, scattered = both(torch.full((1, 1, 18, 2), 3.0), lost, bones)
    torch.testing.assert_close(dense, scattered, rtol=0, atol=1e-6)
