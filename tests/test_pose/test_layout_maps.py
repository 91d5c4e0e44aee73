"""Maps of layouts whose keypoints and bones share channels."""

import numpy as np
import pytest
import torch
from conftest import render_densely
from hypothesis import given, settings
from hypothesis import strategies as st

from integral_action.pose.layout_maps import render_layout_maps
from integral_action.pose.layouts import KeypointLayout
from integral_action.pose.maps import render_pose_maps

# a body of two, and a hand of three in a row
STICK = KeypointLayout(
    'stick',
    ('head', 'foot', 'hand1', 'hand2', 'hand3'),
    ((0, 1), (0, 2), (2, 3), (3, 4)),
    (),
)


def test_groups_by_hand():
    """The head alone, the foot alone, the hand as one."""
    layout = STICK.grouped(merge=['hand*'])
    assert layout.keypoint_groups == ((0,), (1,), (2, 3, 4))
    # the bone to the hand goes with the hand that it leads to
    assert layout.bone_groups == ((0,), (1, 2, 3))
    assert layout.num_channels == 3 + 2 * 2

    keypoint = np.zeros((1, 1, 5, 2), np.float32)
    keypoint[0, 0] = [(4, 1), (4, 6), (6, 1), (6, 3), (8, 3)]
    score = np.ones((1, 1, 5), np.float32)
    maps = render_layout_maps(
        keypoint, score, layout, (8, 10), sigma=0.1, limb_width=0.4
    )
    assert maps.shape == (1, 7, 8, 10)
    hand = np.zeros((8, 10))
    hand[[1, 3, 3], [6, 6, 8]] = 1
    np.testing.assert_allclose(maps[0, 2], hand, atol=1e-6)
    x, y = np.zeros((2, 8, 10))
    x[1, 4:6] = 1  # head to hand1, to the right
    y[2, 6] = 1  # hand1 to hand2, down
    x[3, 7:9] = 1  # hand2 to hand3
    # two bones meet in each joint of the hand: the mean of right and down
    x[1, 6] = y[1, 6] = x[3, 6] = y[3, 6] = 0.5
    np.testing.assert_allclose(maps[0, 5], x, atol=1e-6)
    np.testing.assert_allclose(maps[0, 6], y, atol=1e-6)


def test_only_what_is_drawn():
    layout = STICK.grouped(draw=['hand*'])
    assert layout.keypoint_groups == ((2,), (3,), (4,))
    assert layout.bone_groups == ((2,), (3,))
    assert STICK.grouped() == STICK and not STICK.is_grouped


def poses(layout, seed, persons=3):
    draw = np.random.default_rng(seed)
    shape = (2, persons, layout.num_keypoints)
    keypoint = draw.uniform(-5, 61, (*shape, 2)).astype(np.float32)
    return keypoint, draw.uniform(0, 1, shape).astype(np.float32)


FINGERS = [
    f'{side}_{finger}*'
    for side in ('left', 'right')
    for finger in ('thumb', 'forefinger', 'middle', 'ring', 'pinky')
]


@settings(max_examples=10, deadline=None)
@given(
    st.integers(0, 1000), st.sampled_from(['coco_wholebody133', 'halpe136'])
)
def test_a_group_is_drawn_as_the_persons_of_one_channel(seed, name):
    """A group's heatmap is the sum of its keypoints' own, up to 1; groups of
    one are what they were."""
    plain = KeypointLayout.get(name)
    layout = plain.grouped(merge=['face-*', *FINGERS])
    keypoint, score = poses(plain, seed)
    maps = render_layout_maps(keypoint, score, layout)
    one_by_one = render_pose_maps(keypoint, score, plain.bones)
    assert maps.shape[1] == layout.num_channels < 120
    for channel, group in enumerate(layout.keypoint_groups):
        expected = one_by_one[:, list(group)].sum(1).clip(max=1)
        np.testing.assert_allclose(maps[:, channel], expected, atol=1e-5)
    for field, group in enumerate(layout.bone_groups):
        if len(group) == 1:
            channel = layout.num_heatmaps + 2 * field
            own = plain.num_keypoints + 2 * group[0]
            np.testing.assert_allclose(
                maps[:, channel : channel + 2],
                one_by_one[:, own : own + 2],
                atol=1e-6,
            )


def test_the_exported_drawing_is_the_same():
    layout = KeypointLayout.get(
        dict(layout='coco_wholebody133', merge=['face-*', *FINGERS])
    )
    keypoint, score = map(torch.from_numpy, poses(layout, 0, persons=2))
    maps = render_layout_maps(keypoint, score, layout, (28, 28))
    dense = render_densely(
        keypoint, score, layout, (28, 28), render=render_layout_maps
    )
    torch.testing.assert_close(dense, maps, atol=1e-5, rtol=0)


@pytest.mark.parametrize('heatmap, channels', [(True, 36), (False, 70)])
def test_one_kind_of_maps(heatmap, channels):
    layout = KeypointLayout.get(
        dict(layout='coco_wholebody133', merge=['face-*', *FINGERS])
    )
    maps = render_layout_maps(
        *poses(layout, 0), layout, heatmap=heatmap, paf=not heatmap
    )
    assert maps.shape == (2, channels, 56, 56)
