"""Pose maps in torch: every cell of every map.

No tensor's size depends on the poses, so that a GPU does not wait for it, and
a graph can be compiled or exported.
"""

import math
from typing import Sequence, Tuple

import torch
from torch import Tensor

from .map_options import PoseMapOptions


def draw(
    keypoint: Tensor,
    drawn: Tensor,
    ends: Tensor,
    bones: Sequence[Tuple[int, int]],
    options: PoseMapOptions,
) -> Tensor:
    """Draw pose maps; see :func:`.maps_cpu.draw`. N may be symbolic."""
    keypoint = torch.where(keypoint.abs() < math.inf, keypoint, 0.0)
    maps = []
    if options.heatmap:
        maps.append(_heatmaps(keypoint, drawn, options.size, options.sigma))
    if options.paf and len(bones):
        maps.append(
            _pafs(keypoint, ends, bones, options.size, options.limb_width)
        )
    return torch.cat(maps, 1)


def _heatmaps(
    keypoint: Tensor, drawn: Tensor, size: Tuple[int, int], sigma: float
) -> Tensor:
    """Sum Gaussians over persons by a matrix product: each is one of y times
    one of x."""

    def gaussian(centre: Tensor, length: int) -> Tensor:
        """[N, M, K] -> [N, K, M, length]."""
        cells = torch.arange(length, device=centre.device)
        offset = cells - centre[..., None]
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
    if not keypoint.shape[1]:
        return keypoint.new_zeros(len(keypoint), 2 * len(bones), *size)
    parent, child = map(list, zip(*bones))
    row = torch.arange(size[0], device=keypoint.device)[:, None]
    column = torch.arange(size[1], device=keypoint.device)
    total_x = total_y = count = 0  # zeros of a size would fix N in an export
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
