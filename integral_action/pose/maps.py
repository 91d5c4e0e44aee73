"""Pose maps: keypoint heatmaps and part affinity fields (section 3.2).

Letters: M persons, K keypoints, B bones, H x W the size of a map.

Only the few cells that a keypoint or a bone touches are computed and
scattered into the maps, for all frames and persons at once. The values are
those of the dense formulas (to 1e-6 for the heatmaps, whose Gaussians are cut
where they fall below 1e-7). On the CPU the same is done by compiled loops
(:mod:`integral_action.pose.maps_numba`), elsewhere by torch.
"""

import math
from typing import Sequence, Tuple, Union

import numpy as np
import torch
from torch import Tensor

from integral_action.pose import maps_numba as pose_maps_numba

Array = Union[np.ndarray, Tensor]


def render_pose_maps(
    keypoint: Array,
    score: Array,
    bones: Sequence[Tuple[int, int]],
    size: Tuple[int, int] = (56, 56),
    sigma: float = 0.5,
    limb_width: float = 1.0,
    score_thr: float = 0.1,
    heatmap: bool = True,
    paf: bool = True,
) -> Array:
    """Draw poses as K heatmaps and 2B part affinity maps.

    Heatmap k holds ``exp(-d^2 / (2 sigma^2))``, d the distance in cells to
    keypoint k, summed over persons and clamped to 1. The two maps of a bone
    hold the x and y of the unit vector from its parent to its child in every
    cell whose projection falls between the two (inclusive) and whose distance
    to the line is at most ``limb_width``; the mean over persons where they
    overlap, 0 elsewhere.

    Args:
        keypoint: [..., M, K, 2], (x, y) in map pixels; the centre of the top
            left cell is (0, 0). Keypoints may lie outside the map.
        score: [..., M, K]. A keypoint is drawn where its score is above
            ``score_thr``, a bone where both its ends reach it.
        bones: the B (parent, child) keypoint indices.
        size: (H, W).
        sigma: of the Gaussians, in cells.
        limb_width: the half width of a bone, in cells.
        score_thr: see ``score``.
        heatmap: whether to draw the K heatmaps.
        paf: whether to draw the 2B part affinity maps.

    Returns:
        [..., K + 2B, H, W], float32: the heatmaps, then x and y of each bone.
        A numpy array for numpy arrays, a tensor on the same device for
        tensors. Coordinates that are not finite are not drawn.

    Raises:
        TypeError: keypoint and score are not both arrays or both tensors.
        ValueError: shapes that do not belong together, a bone that names no
            keypoint, or neither kind of map asked for.
    """
    if isinstance(keypoint, np.ndarray) and isinstance(score, np.ndarray):
        maps = render_pose_maps(
            torch.from_numpy(np.ascontiguousarray(keypoint, np.float32)),
            torch.from_numpy(np.ascontiguousarray(score, np.float32)),
            bones,
            size,
            sigma,
            limb_width,
            score_thr,
            heatmap,
            paf,
        )
        return maps.numpy()
    if not (isinstance(keypoint, Tensor) and isinstance(score, Tensor)):
        raise TypeError(
            f'keypoint and score must both be arrays or both be '
            f'tensors, got {type(keypoint).__name__} and '
            f'{type(score).__name__}'
        )
    _check(keypoint, score, bones, size, sigma, heatmap, paf)

    *lead, persons, num_keypoints, _ = keypoint.shape
    frames = math.prod(lead)
    keypoint = keypoint.reshape(frames, persons, num_keypoints, 2).float()
    score = score.reshape(frames, persons, num_keypoints)
    # A comparison with what is not a number is false.
    finite = (keypoint.abs() < math.inf).all(-1)
    drawn = (score > score_thr) & finite
    ends = (score >= score_thr) & finite

    num_heatmaps = num_keypoints if heatmap else 0
    num_pafs = 2 * len(bones) if paf else 0
    maps = keypoint.new_empty(frames, num_heatmaps + num_pafs, *size)
    # torch.compile can look into torch alone
    loops = maps.device.type == 'cpu' and not torch.compiler.is_compiling()
    draw = _draw_compiled if loops else _draw
    with torch.no_grad():
        draw(
            maps, num_heatmaps, keypoint, drawn, ends, bones, sigma, limb_width
        )
    return maps.view(*lead, num_heatmaps + num_pafs, *size)


def map_size(size: Tuple[int, int]) -> Tuple[int, int]:
    """Check a map's size.

    Raises:
        ValueError: it is not two positive numbers, (height, width).
    """
    if not isinstance(size, (tuple, list)) or len(size) != 2 or min(size) < 1:
        raise ValueError(f'size must be (height, width), got {size}')
    return tuple(size)


def to_map_pixels(
    fraction: Array, size: Tuple[int, int], half_pixel: bool = True
) -> Array:
    """Turn positions in the picture into map pixels.

    Args:
        fraction: [..., 2], (x, y) as fractions of the picture's width and
            height, counted from its edges.
        size: (H, W) of the map.
        half_pixel: whether the centre of the top left cell is half a cell
            from the map's edges; the release takes it to be at the edges.

    Returns:
        [..., 2], (x, y); the centre of the map's top left cell is (0, 0).

    Example:
        >>> import numpy as np
        >>> to_map_pixels(np.array([0.5, 0.25]), (56, 56))
        array([27.5, 13.5])
    """
    height, width = size
    offset = 0.5 * half_pixel
    if isinstance(fraction, np.ndarray):
        return fraction * np.array((width, height), fraction.dtype) - offset
    return fraction * fraction.new_tensor((width, height)) - offset


def _check(
    keypoint: Tensor, score: Tensor, bones, size, sigma, heatmap, paf
) -> None:
    if (
        keypoint.ndim < 3
        or keypoint.shape[-1] != 2
        or (keypoint.shape[:-1] != score.shape)
    ):
        raise ValueError(
            f'keypoint has shape {list(keypoint.shape)} and '
            f'score {list(score.shape)}, expected [..., M, K, 2] '
            f'and [..., M, K]'
        )
    num_keypoints = keypoint.shape[-2]
    for bone in bones:
        if len(bone) != 2 or not all(0 <= i < num_keypoints for i in bone):
            raise ValueError(
                f'bone {tuple(bone)} does not join two of '
                f'{num_keypoints} keypoints'
            )
    map_size(size)
    if not sigma > 0:
        raise ValueError(f'sigma must be positive, got {sigma}')
    if not heatmap and not (paf and len(bones)):
        raise ValueError(
            'nothing to draw: no heatmaps, and no part affinity '
            'fields or no bones'
        )


def _draw(
    maps: Tensor,
    num_heatmaps: int,
    keypoint: Tensor,
    drawn: Tensor,
    ends: Tensor,
    bones: Sequence[Tuple[int, int]],
    sigma: float,
    limb_width: float,
) -> None:
    """Fill maps [N, C, H, W]: heatmaps of the keypoints [N, M, K, 2] that are
    ``drawn``, fields of the bones between those that are ``ends``."""
    maps.zero_()
    if num_heatmaps:
        _draw_heatmaps(maps, keypoint, drawn, sigma)
    if maps.shape[1] > num_heatmaps:
        _draw_pafs(maps, num_heatmaps, keypoint, ends, bones, limb_width)


def _draw_compiled(
    maps: Tensor,
    num_heatmaps: int,
    keypoint: Tensor,
    drawn: Tensor,
    ends: Tensor,
    bones: Sequence[Tuple[int, int]],
    sigma: float,
    limb_width: float,
) -> None:
    """As :func:`_draw`, on the CPU."""
    keypoint = keypoint.detach()
    if num_heatmaps:
        pose_maps_numba.draw_heatmaps(
            maps.numpy(),
            keypoint.contiguous().numpy(),
            drawn.contiguous().numpy(),
            float(sigma),
            _heatmap_reach(sigma),
        )
    if maps.shape[1] > num_heatmaps:
        arrays = (
            part.contiguous().numpy() for part in _limbs(keypoint, ends, bones)
        )
        pose_maps_numba.draw_pafs(
            maps.numpy(),
            num_heatmaps,
            *arrays,
            float(limb_width),
            _paf_reach(limb_width),
        )


def _limbs(
    keypoint: Tensor, drawn: Tensor, bones: Sequence[Tuple[int, int]]
) -> Tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Start, end and unit vector [N, M, B, 2], length and whether it can be
    drawn [N, M, B] of the bones between keypoints [N, M, K, 2]."""
    parent, child = torch.tensor(bones, device=keypoint.device).T
    start, end = (
        keypoint.index_select(2, parent),
        keypoint.index_select(2, child),
    )
    vector = end - start
    # not norm(), whose last bit depends on how it is computed: a cell on a
    # bone's edge would be inside here and outside in an exported model
    length = vector.square().sum(-1).sqrt()
    drawn = drawn.index_select(2, parent) & drawn.index_select(2, child)
    drawn &= (length > 0) & (length < math.inf)
    return start, end, vector / length[..., None], length, drawn


def _heatmap_reach(sigma: float) -> int:
    """How many cells beside its own a keypoint touches."""
    # exp(-r^2 / 2 sigma^2) < 1e-7 outside r = 5.7 sigma; the centre is
    # rounded by up to half a cell.
    return math.ceil(5.7 * sigma - 0.5)


def _paf_reach(limb_width: float) -> int:
    """How many cells, across the axis that a bone is longer in, it touches on
    either side of the one in its middle."""
    # The unit vector's longer part is >= sqrt(1/2), so the line is within
    # sqrt(2) * limb_width.
    return math.floor(math.sqrt(2) * limb_width + 0.5)


def _draw_heatmaps(
    maps: Tensor, keypoint: Tensor, drawn: Tensor, sigma: float
) -> None:
    """Draw [N, M, K, 2] where [N, M, K] into the first K of maps
    [N, C, H, W]."""
    channels, height, width = maps.shape[1:]
    frame, _, index = torch.where(drawn)
    x, y = keypoint[drawn].unbind(-1)
    reach = _heatmap_reach(sigma)
    offset = torch.arange(-reach, reach + 1, device=keypoint.device)
    column, weight_x = _gaussian(x, offset, sigma, width)  # [P, 2 * reach + 1]
    row, weight_y = _gaussian(y, offset, sigma, height)
    weight = weight_y[:, :, None] * weight_x[:, None, :]
    cell = (
        ((frame * channels + index) * height)[:, None, None] * width
        + row[:, :, None] * width
        + column[:, None, :]
    )
    maps.view(-1).index_add_(0, cell.flatten(), weight.flatten())
    maps[:, : keypoint.shape[2]].clamp_(max=1)


def _gaussian(
    centre: Tensor, offset: Tensor, sigma: float, length: int
) -> Tuple[Tensor, Tensor]:
    """Cells round ``centre`` [P] along one axis and their weights; a cell
    outside the map counts as cell 0 with weight 0."""
    # Bounded first: a coordinate of 1e30 has no integer.
    near = centre.clamp(-2.0 * len(offset), length + 2.0 * len(offset))
    cell = near.round().long()[:, None] + offset
    weight = torch.exp(-((cell - near[:, None]) ** 2) / (2 * sigma**2))
    inside = (cell >= 0) & (cell < length)
    return cell * inside, weight * inside


def _draw_pafs(
    maps: Tensor,
    first: int,
    keypoint: Tensor,
    drawn: Tensor,
    bones: Sequence[Tuple[int, int]],
    limb_width: float,
) -> None:
    """Draw [N, M, K, 2] where [N, M, K] into the 2B maps [N, C, H, W] from
    channel ``first`` on."""
    frames, channels, height, width = maps.shape
    num_bones = len(bones)
    device = keypoint.device
    start, _, unit, length, drawn = _limbs(keypoint, drawn, bones)
    frame, _, bone = torch.where(drawn)
    start, unit, length = start[drawn], unit[drawn], length[drawn]  # [P, ...]

    # A bone is walked along the axis it is longer in (`major`): at each
    # step it covers few cells of the other axis.
    upright = unit[:, 1].abs() > unit[:, 0].abs()
    swapped = upright[:, None]
    start_major, start_minor = start.where(~swapped, start.flip(1)).unbind(1)
    unit_major, unit_minor = unit.where(~swapped, unit.flip(1)).unbind(1)
    reach = _paf_reach(limb_width)
    offset = torch.arange(-reach, reach + 1, device=device)
    major = torch.arange(max(height, width), device=device)
    # [P, S] and [P, S, 2 * reach + 1]
    along = major - start_major[:, None]
    centre = start_minor[:, None] + along * (unit_minor / unit_major)[:, None]
    centre = centre.clamp(-2.0 * len(offset), len(major) + 2.0 * len(offset))
    minor = centre.round().long()[:, :, None] + offset
    across = minor - start_minor[:, None, None]
    along = along[:, :, None]
    projection = (
        unit_major[:, None, None] * along + unit_minor[:, None, None] * across
    )
    distance = (
        unit_minor[:, None, None] * along - unit_major[:, None, None] * across
    ).abs()
    major_size = torch.where(upright, height, width)[:, None, None]
    minor_size = torch.where(upright, width, height)[:, None, None]
    covered = (
        (projection >= 0)
        & (projection <= length[:, None, None])
        & (distance <= limb_width)
        & (minor >= 0)
        & (minor < minor_size)
        & (major[None, :, None] < major_size)
    )

    limb, step, _ = torch.where(covered)
    major, minor = major[step], minor[covered]
    upright = upright[limb]
    row, column = major.where(upright, minor), minor.where(upright, major)
    cell = row * width + column
    area = height * width
    bone = bone[limb]
    channel = frame[limb] * channels + first + 2 * bone  # of x; y is the next
    for axis in range(2):
        maps.view(-1).index_add_(
            0, (channel + axis) * area + cell, unit[limb, axis]
        )
    count = maps.new_zeros(frames * num_bones * area)
    count.index_add_(
        0,
        (frame[limb] * num_bones + bone) * area + cell,
        torch.ones_like(unit[limb, 0]),
    )
    fields = maps[:, first:].unflatten(1, (num_bones, 2))
    fields /= count.view(frames, num_bones, 1, height, width).clamp_(min=1)
