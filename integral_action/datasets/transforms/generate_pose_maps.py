from typing import Dict, Tuple, Union

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from integral_action.pose.layout_maps import render_layout_maps
from integral_action.pose.layouts import KeypointLayout
from integral_action.pose.maps import map_size, render_pose_maps, to_map_pixels

from .format_poses import poses_as_fractions


@TRANSFORMS.register_module()
class GeneratePoseMaps(BaseTransform):
    """Draw heatmaps and part affinity fields (section 3.2) in the data loader.

    It stands where MMAction2's ``GeneratePoseTarget`` does, and is followed by
    ``FormatShape`` as that is; only behind :class:`SampleTwoStreamFrames` with
    the pose stream alone, which ``FormatShape`` cannot take, the maps are
    formatted here. See :func:`render_pose_maps` for the maps.

    Required keys: ``keypoint`` [M, T, K, 2] in pixels (of ``img_shape``),
    ``keypoint_score`` [M, T, K], ``img_shape``, and ``keypoint_layout`` where
    no ``layout`` is given. Added key: ``heatmap_imgs`` (``imgs`` in pipelines
    of MMAction2's without frames), float32 [clips * T, K + 2B, H, W], or
    [clips, K + 2B, T, H, W] for the pose stream alone.

    Args:
        layout: as of :meth:`KeypointLayout.get`, grouped or not; None for the
            sample's own.
        size: (H, W) of the maps.
        sigma, limb_width, score_thr, heatmap, paf: as of
            :func:`render_pose_maps`.
        half_pixel: as of :func:`to_map_pixels`.

    Raises:
        ValueError: options that :func:`render_pose_maps` does not take.
    """

    def __init__(
        self,
        layout: Union[None, str, Dict] = None,
        size: Tuple[int, int] = (56, 56),
        sigma: float = 0.5,
        limb_width: float = 1.0,
        score_thr: float = 0.1,
        heatmap: bool = True,
        paf: bool = True,
        half_pixel: bool = True,
    ) -> None:
        self.layout = layout
        self.size = map_size(size)
        self.half_pixel = half_pixel
        self.options = dict(
            sigma=sigma,
            limb_width=limb_width,
            score_thr=score_thr,
            heatmap=heatmap,
            paf=paf,
        )
        # No frame is drawn, but the options are checked, and what is compiled
        # at the first call is so before the data loader forks its workers.
        render_pose_maps(
            np.zeros((0, 1, 1, 2), np.float32),
            np.zeros((0, 1, 1), np.float32),
            ((0, 0),),
            self.size,
            **self.options,
        )

    def transform(self, results: Dict) -> Dict:
        """Draw the maps."""
        layout = KeypointLayout.get(self.layout or results['keypoint_layout'])
        fraction = poses_as_fractions(results, self.half_pixel)
        keypoint = to_map_pixels(fraction, self.size, self.half_pixel)
        maps = render_layout_maps(
            keypoint.swapaxes(0, 1),
            results['keypoint_score'].swapaxes(0, 1),
            layout,
            self.size,
            **self.options,
        )
        if 'imgs' in results:
            results['heatmap_imgs'] = maps
        elif isinstance(results.get('clip_len'), dict):
            maps = maps.reshape(results['num_clips'], -1, *maps.shape[1:])
            results['heatmap_imgs'] = maps.swapaxes(1, 2)
        else:
            results['imgs'] = maps
        return results

    def __repr__(self) -> str:
        options = ', '.join(f'{k}={v}' for k, v in self.options.items())
        return (
            f'{self.__class__.__name__}(layout={self.layout!r}, '
            f'size={self.size}, {options}, half_pixel={self.half_pixel})'
        )
