"""Pose maps in operations that can be exported.

:func:`integral_action.pose.maps.render_pose_maps` computes few cells and
scatters them, in tensors whose size depends on the poses: fast, but no graph
that another runtime could take. Here every cell of the map is computed, by the
same arithmetic in the same order, so that no cell falls to another side of a
bone's edge.
"""

import math
from typing import Sequence, Tuple

import torch
from torch import Tensor


def render_pose_maps_densely(
    keypoint: Tensor,
    score: Tensor,
    bones: Sequence[Tuple[int, int]],
    size: Tuple[int, int] = (56, 56),
    sigma: float = 0.5,
    limb_width: float = 1.0,
    score_thr: float = 0.1,
    heatmap: bool = True,
    paf: bool = True,
) -> Tensor:
    """Draw what ``render_pose_maps`` draws, with its arguments.

    Args:
        keypoint: [N, M, K, 2], (x, y) in map pixels; N may be symbolic.
        score: [N, M, K].
        bones, size, sigma, limb_width, score_thr, heatmap, paf: as there.

    Returns:
        [N, K + 2B, H, W], float32.
    """
    # false for what is not a number, too; ONNX knows no isfinite
    finite = (keypoint.abs() < math.inf).all(-1)
    keypoint = torch.where(finite[..., None], keypoint, 0.0)
    maps = []
    if heatmap:
        drawn = (score > score_thr) & finite
        maps.append(_heatmaps(keypoint, drawn, size, sigma))
    if paf and bones:
        ends = (score >= score_thr) & finite
        maps.append(_pafs(keypoint, ends, bones, size, limb_width))
    return torch.cat(maps, 1)


def _heatmaps(
    keypoint: Tensor, drawn: Tensor, size: Tuple[int, int], sigma: float
) -> Tensor:
    """A Gaussian is one of y times one of x: persons are summed by a matrix
    product."""

    def gaussian(centre: Tensor, length: int) -> Tensor:
        """[N, M, K] -> [N, K, M, length]."""
        offset = torch.arange(length) - centre[..., None]
        return torch.exp(-(offset**2) / (2 * sigma**2)).transpose(1, 2)

    x, y = keypoint[..., 0], keypoint[..., 1]
    row = gaussian(y, size[0]) * drawn.transpose(1, 2)[..., None]
    column = gaussian(x, size[1])
    return (row.transpose(2, 3) @ column).clamp(max=1)


def _pafs(
    keypoint: Tensor,
    drawn: Tensor,
    bones: Sequence[Tuple[int, int]],
    size: Tuple[int, int],
    limb_width: float,
) -> Tensor:
    parent, child = (list(ends) for ends in zip(*bones))
    row = torch.arange(size[0])[:, None]
    column = torch.arange(size[1])
    total_x = total_y = count = 0
    for person in range(keypoint.shape[1]):  # one by one, for memory
        points = keypoint[:, person]
        start = points[:, parent]  # [N, B, 2]
        vector = points[:, child] - start
        length = vector.square().sum(-1).sqrt()
        there = drawn[:, person][:, parent] & drawn[:, person][:, child]
        there = there & (length > 0) & (length < math.inf)
        unit = vector / torch.where(there, length, 1.0)[..., None]
        unit = torch.where(there[..., None], unit, 0.0)

        # [N, B, H, W]
        unit_x, unit_y = unit[..., 0, None, None], unit[..., 1, None, None]
        x = column - start[..., 0, None, None]
        y = row - start[..., 1, None, None]
        projection = unit_x * x + unit_y * y
        distance = (unit_y * x - unit_x * y).abs()
        covered = (
            (projection >= 0)
            & (projection <= length[..., None, None])
            & (distance <= limb_width)
            & there[..., None, None]
        ).float()
        total_x = total_x + covered * unit_x
        total_y = total_y + covered * unit_y
        count = count + covered
    fields = (
        torch.stack((total_x, total_y), 2) / count.clamp(min=1)[:, :, None]
    )
    return fields.flatten(1, 2)
