"""Pose maps of a keypoint layout, whose channels may be grouped."""

import math
from typing import Any, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor

from integral_action.pose.layouts import KeypointLayout
from integral_action.pose.maps import Array, render_pose_maps


def render_layout_maps(
    keypoint: Array,
    score: Array,
    layout: KeypointLayout,
    size: Tuple[int, int] = (56, 56),
    heatmap: bool = True,
    paf: bool = True,
    **options: Any,
) -> Array:
    """Draw poses of a layout (section 3.2).

    The keypoints of a group share a heatmap, and the bones of one their two
    PAF maps, just as several persons do: heatmaps are summed and clamped to 1,
    vectors are averaged where bones overlap.

    Args:
        keypoint: [..., M, K, 2], (x, y) in map pixels.
        score: [..., M, K].
        layout: keypoint layout of the poses.
        size: (H, W) of the maps.
        heatmap, paf: whether to draw them.
        **options: further options (:class:`PoseMapOptions`).

    Returns:
        [..., ``num_channels``, H, W], float32, as of :func:`render_pose_maps`.
    """
    if not layout.is_grouped:
        return render_pose_maps(
            keypoint,
            score,
            layout.bones,
            size,
            heatmap=heatmap,
            paf=paf,
            **options,
        )
    if isinstance(keypoint, np.ndarray):
        tensors = (torch.from_numpy(keypoint), torch.from_numpy(score))
        return render_layout_maps(
            *tensors, layout, size, heatmap, paf, **options
        ).numpy()
    maps = []
    if heatmap:
        groups = [[(i,) for i in group] for group in layout.keypoint_groups]
        poses = _as_persons(keypoint, score, groups)
        maps.append(render_pose_maps(*poses, (), size, paf=False, **options))
    if paf and layout.num_pafs:
        groups = [
            [layout.bones[i] for i in group] for group in layout.bone_groups
        ]
        poses = _as_persons(keypoint, score, groups)
        bones = [(2 * i, 2 * i + 1) for i in range(len(groups))]
        maps.append(
            render_pose_maps(*poses, bones, size, heatmap=False, **options)
        )
    return torch.cat(maps, -3)


def _as_persons(
    keypoint: Tensor, score: Tensor, groups: Sequence[Sequence[Sequence[int]]]
) -> Tuple[Tensor, Tensor]:
    """Turn the members of a group into persons.

    Args:
        keypoint: [..., M, K, 2].
        score: [..., M, K].
        groups: of each, the S or fewer members' n keypoint indices.

    Returns:
        keypoint [..., M * S, groups * n, 2] and score without the 2; what a
        group lacks has the score -inf.
    """
    most = max(map(len, groups))
    absent = (keypoint.shape[-2],) * len(groups[0][0])
    index = torch.tensor(
        [
            [group[i] if i < len(group) else absent for group in groups]
            for i in range(most)
        ],
        device=keypoint.device,
    )
    keypoint = torch.cat((keypoint, keypoint[..., :1, :] * 0), -2)
    score = torch.cat((score, torch.full_like(score[..., :1], -math.inf)), -1)
    shape = (most, index[0].numel())
    keypoint = keypoint.index_select(-2, index.flatten())
    score = score.index_select(-1, index.flatten())
    return (
        keypoint.unflatten(-2, shape).flatten(-4, -3),
        score.unflatten(-1, shape).flatten(-3, -2),
    )
