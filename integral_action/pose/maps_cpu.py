"""Pose maps on the CPU: compiled loops over the cells that are touched.

The arithmetic is that of :mod:`.maps_dense`, step by step and in float32, so
that no cell falls to another side of a bone's edge; the bones' lengths and
directions come from torch, whose square root differs in the last bit. Every
map is cleared, drawn and finished while it lies in the processor's cache.
Compiled at the first call; the machine code is kept on the disk.
"""

import math
from typing import Sequence, Tuple

import numpy as np
import torch
from numba import njit
from numpy import float32
from torch import Tensor

from .map_options import PoseMapOptions


def draw(
    keypoint: Tensor,
    drawn: Tensor,
    ends: Tensor,
    bones: Sequence[Tuple[int, int]],
    options: PoseMapOptions,
) -> Tensor:
    """Draw pose maps.

    Args:
        keypoint: [N, M, K, 2], float32, (x, y) in map pixels.
        drawn: [N, M, K], bool, the keypoints of the heatmaps.
        ends: [N, M, K], bool, the keypoints whose bones may be drawn.
        bones: the B (parent, child) keypoint indices.
        options: what to draw.

    Returns:
        [N, K + 2B, H, W].
    """
    num_heatmaps = keypoint.shape[2] if options.heatmap else 0
    num_pafs = 2 * len(bones) if options.paf else 0
    channels = num_heatmaps + num_pafs
    maps = keypoint.new_empty(len(keypoint), channels, *options.size)
    if num_heatmaps:
        _draw_heatmaps(
            maps.numpy(),
            keypoint.contiguous().numpy(),
            drawn.contiguous().numpy(),
            float(options.sigma),
            # exp(-r^2 / 2 sigma^2) < 1e-7 outside r = 5.7 sigma; the centre
            # is rounded by up to half a cell
            math.ceil(5.7 * options.sigma - 0.5),
        )
    if num_pafs:
        _draw_pafs(
            maps.numpy(),
            num_heatmaps,
            *_limbs(keypoint, ends, bones),
            float(options.limb_width),
            # the unit vector's longer part is >= sqrt(1/2), so that the line
            # is within sqrt(2) * limb_width
            math.floor(math.sqrt(2) * options.limb_width + 0.5),
        )
    return maps


def _limbs(
    keypoint: Tensor, drawn: Tensor, bones: Sequence[Tuple[int, int]]
) -> Tuple[np.ndarray, ...]:
    """Return start, end and unit vector [N, M, B, 2] of the bones, their
    length and whether they can be drawn [N, M, B]."""
    parent, child = torch.tensor(bones).T
    start, end = (keypoint.index_select(2, i) for i in (parent, child))
    vector = end - start
    # not norm(), whose last bit depends on how it is computed
    length = vector.square().sum(-1).sqrt()
    drawn = drawn.index_select(2, parent) & drawn.index_select(2, child)
    drawn &= (length > 0) & (length < math.inf)
    unit = vector / length[..., None]
    return tuple(x.numpy() for x in (start, end, unit, length, drawn))


def _compile(function):
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:  # no folder that can be written: once a process
        return njit(nogil=True)(function)


@_compile
def _draw_heatmaps(
    maps: np.ndarray,
    keypoint: np.ndarray,
    drawn: np.ndarray,
    sigma: float,
    reach: int,
) -> None:
    """Fill the first K of maps.

    Args:
        maps: [N, C, H, W], float32; what it holds does not matter.
        keypoint: [N, M, K, 2], float32, (x, y) in map pixels.
        drawn: [N, M, K], bool; only finite keypoints may be drawn.
        sigma: of the Gaussians, in cells.
        reach: how many cells beside its own a keypoint touches.
    """
    height, width = maps.shape[2:]
    frames, persons, num_keypoints = drawn.shape
    scale = float32(2 * sigma**2)
    weight_x = np.empty(width, np.float32)
    weight_y = np.empty(height, np.float32)
    for frame in range(frames):
        for index in range(num_keypoints):
            heatmap = maps[frame, index]
            heatmap[:] = 0
            for person in range(persons):
                if not drawn[frame, person, index]:
                    continue
                x = keypoint[frame, person, index, 0]
                y = keypoint[frame, person, index, 1]
                left, right = _gaussian(weight_x, x, scale, reach)
                top, bottom = _gaussian(weight_y, y, scale, reach)
                for row in range(top, bottom):
                    for column in range(left, right):
                        value = heatmap[row, column]
                        value += weight_y[row] * weight_x[column]
                        heatmap[row, column] = min(value, float32(1))


@_compile
def _draw_pafs(
    maps: np.ndarray,
    first: int,
    start: np.ndarray,
    end: np.ndarray,
    unit: np.ndarray,
    length: np.ndarray,
    drawn: np.ndarray,
    limb_width: float,
    reach: int,
) -> None:
    """Fill the 2B maps from channel ``first`` on.

    Args:
        maps: [N, C, H, W], float32; what it holds does not matter.
        first: the x of the first bone.
        start, end: [N, M, B, 2], float32, (x, y) in map pixels.
        unit: [N, M, B, 2], float32, the direction from start to end.
        length: [N, M, B], float32, in cells.
        drawn: [N, M, B], bool; only finite bones longer than 0 may be drawn.
        limb_width: the half width of a bone, in cells.
        reach: how many cells, across the axis that a bone is longer in, it
            touches on either side of the one in its middle.
    """
    height, width = maps.shape[2:]
    frames, persons, num_bones = drawn.shape
    count = np.zeros(height * width, np.int64)  # persons; cleared after a bone
    touched = np.empty(height * width, np.int64)
    half_width = float32(limb_width)
    beside = int(math.ceil(limb_width)) + 1  # a cell more, for rounding
    for frame in range(frames):
        for bone in range(num_bones):
            channel = first + 2 * bone
            field_x = maps[frame, channel].reshape(-1)
            field_y = maps[frame, channel + 1].reshape(-1)
            field_x[:] = 0
            field_y[:] = 0
            num_touched = 0
            for person in range(persons):
                if not drawn[frame, person, bone]:
                    continue
                unit_x = unit[frame, person, bone, 0]
                unit_y = unit[frame, person, bone, 1]
                long = length[frame, person, bone]

                # Walked along the axis it is longer in, 0 for x and 1 for y.
                axis = int(abs(unit_y) > abs(unit_x))
                if axis == 0:
                    unit_major, unit_minor = unit_x, unit_y
                    major_size, minor_size = width, height
                    major_stride, minor_stride = 1, width
                else:
                    unit_major, unit_minor = unit_y, unit_x
                    major_size, minor_size = height, width
                    major_stride, minor_stride = width, 1
                major = start[frame, person, bone, axis]
                minor = start[frame, person, bone, 1 - axis]
                last = end[frame, person, bone, axis]
                slope = unit_minor / unit_major
                low, high = min(major, last), max(major, last)
                begin, _ = _around(low, beside, major_size)
                _, stop = _around(high, beside, major_size)
                for step in range(begin, stop):
                    along = float32(step) - major
                    middle = minor + along * slope
                    near, far = _around(middle, reach, minor_size)
                    for other in range(near, far):
                        across = float32(other) - minor
                        projection = unit_major * along + unit_minor * across
                        distance = unit_minor * along - unit_major * across
                        if not (
                            0 <= projection <= long
                            and abs(distance) <= half_width
                        ):
                            continue
                        cell = step * major_stride + other * minor_stride
                        field_x[cell] += unit_x
                        field_y[cell] += unit_y
                        if count[cell] == 0:
                            touched[num_touched] = cell
                            num_touched += 1
                        count[cell] += 1
            for cell in touched[:num_touched]:
                field_x[cell] /= float32(count[cell])
                field_y[cell] /= float32(count[cell])
                count[cell] = 0


@_compile
def _around(position, reach, length):
    """The first cell within ``reach`` of the nearest one, and the one after
    the last."""
    # Bounded first: a coordinate of 1e30 has no whole number.
    bounded = min(max(position, float32(-reach - 1)), float32(length + reach))
    nearest = int(np.rint(bounded))
    return max(nearest - reach, 0), min(nearest + reach + 1, length)


@_compile
def _gaussian(weight, centre, scale, reach):
    """Weigh the cells round ``centre`` along one axis; gives the first and
    the one after the last."""
    begin, stop = _around(centre, reach, len(weight))
    for cell in range(begin, stop):
        offset = float32(cell) - centre
        weight[cell] = math.exp(-(offset * offset) / scale)
    return begin, stop
