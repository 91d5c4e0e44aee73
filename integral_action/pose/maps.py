"""Pose maps: keypoint heatmaps and part affinity fields (section 3.2).

Letters: M persons, K keypoints, B bones, H x W the size of a map.
"""

import math
from typing import Any, Sequence, Tuple, Union

import numpy as np
import torch
from torch import Tensor

from . import maps_cpu, maps_dense
from .map_options import PoseMapOptions

Array = Union[np.ndarray, Tensor]


def render_pose_maps(
    keypoint: Array,
    score: Array,
    bones: Sequence[Tuple[int, int]],
    size: Tuple[int, int] = (56, 56),
    **options: Any,
) -> Array:
    """Draw poses as K heatmaps and 2B part affinity maps.

    Heatmap k holds ``exp(-d^2 / (2 sigma^2))``, d the distance in cells to
    keypoint k, summed over persons and clamped to 1. The two maps of a bone
    hold the x and y of the unit vector from its parent to its child in every
    cell whose projection falls between the two (inclusive) and whose distance
    to the line is at most ``limb_width``; the mean over persons where they
    overlap, 0 elsewhere.

    On the CPU compiled loops compute the cells that are touched
    (:mod:`.maps_cpu`); on a GPU, and in a model that is compiled or exported,
    torch computes every cell (:mod:`.maps_dense`). Heatmaps agree to 1e-6.

    Args:
        keypoint: [..., M, K, 2], (x, y) in map pixels; the centre of the top
            left cell is (0, 0). Keypoints may lie outside the map. What is not
            finite is not drawn.
        score: [..., M, K].
        bones: the B (parent, child) keypoint indices.
        size: (H, W).
        **options: further options (:class:`PoseMapOptions`).

    Returns:
        [..., K + 2B, H, W], float32: the heatmaps, then x and y of each bone.
        An array for arrays, a tensor on the same device for tensors.

    Raises:
        TypeError: keypoint and score are not both arrays or both tensors.
        ValueError: shapes that do not belong together, a bone that names no
            keypoint, or options of :class:`PoseMapOptions`.

    Example:
        >>> keypoint = np.array([[[1, 2], [4, 2]]])  # a person, two keypoints
        >>> score, bones = np.ones((1, 2)), [(0, 1)]
        >>> maps = render_pose_maps(keypoint, score, bones, size=(5, 6))
        >>> maps.shape
        (4, 5, 6)
        >>> maps[2, 2]  # x of the bone, which points to the right
        array([0., 1., 1., 1., 1., 0.], dtype=float32)
    """
    if isinstance(keypoint, np.ndarray) and isinstance(score, np.ndarray):
        keypoint, score = (
            torch.from_numpy(np.ascontiguousarray(array, np.float32))
            for array in (keypoint, score)
        )
        return render_pose_maps(
            keypoint, score, bones, size, **options
        ).numpy()
    if not (isinstance(keypoint, Tensor) and isinstance(score, Tensor)):
        raise TypeError(
            f'keypoint and score must both be arrays or both be '
            f'tensors, got {type(keypoint).__name__} and '
            f'{type(score).__name__}'
        )
    options = PoseMapOptions(size, **options)
    _check(keypoint, score, bones, options)

    lead = keypoint.shape[:-3]
    keypoint, score = keypoint.detach().float(), score.detach()
    if len(lead) != 1:  # [N, M, K, 2], which an export takes as it is
        keypoint = keypoint[None].flatten(0, -4)
        score = score[None].flatten(0, -3)
    # false for what is not a number, too; ONNX knows no isfinite
    finite = (keypoint.abs() < math.inf).all(-1)
    drawn = (score > options.score_thr) & finite
    ends = (score >= options.score_thr) & finite
    graph = torch.compiler.is_compiling() or torch.jit.is_tracing()
    cpu = keypoint.device.type == 'cpu' and not graph
    draw = maps_cpu.draw if cpu else maps_dense.draw
    maps = draw(keypoint, drawn, ends, bones, options)
    return maps if len(lead) == 1 else maps.view(*lead, *maps.shape[1:])


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
        >>> to_map_pixels(np.array([0.5, 0.25]), (56, 56))
        array([27.5, 13.5])
    """
    height, width = size
    offset = 0.5 * half_pixel
    if isinstance(fraction, np.ndarray):
        return fraction * np.array((width, height), fraction.dtype) - offset
    return fraction * fraction.new_tensor((width, height)) - offset


def _check(
    keypoint: Tensor, score: Tensor, bones, options: PoseMapOptions
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
    if not options.heatmap and not len(bones):
        raise ValueError(
            'nothing to draw: no heatmaps, and no part affinity '
            'fields or no bones'
        )
