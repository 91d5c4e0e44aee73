from dataclasses import asdict
from typing import Any, Dict, Union

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from integral_action.pose.layout_maps import render_layout_maps
from integral_action.pose.layouts import KeypointLayout
from integral_action.pose.map_options import PoseMapOptions
from integral_action.pose.maps import render_pose_maps, to_map_pixels

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
        **options: size of the maps and how they are drawn
            (:class:`PoseMapOptions`).

    Raises:
        ValueError: an option that is out of range.

    Example:
        >>> import numpy as np
        >>> sample = dict(
        ...     keypoint=np.zeros((1, 8, 17, 2), np.float32),
        ...     keypoint_score=np.ones((1, 8, 17), np.float32),
        ...     img_shape=(240, 320),
        ... )
        >>> GeneratePoseMaps('coco17', size=(14, 14))(sample)['imgs'].shape
        (8, 55, 14, 14)
    """

    def __init__(
        self, layout: Union[None, str, Dict] = None, **options: Any
    ) -> None:
        self.layout = layout
        self.options = PoseMapOptions(**options)
        # What is compiled at the first call is so before the data loader
        # forks its workers.
        empty = np.zeros((0, 1, 1, 2), np.float32)
        render_pose_maps(empty, empty[..., 0], ((0, 0),))

    def transform(self, results: Dict) -> Dict:
        """Draw the maps."""
        layout = KeypointLayout.get(self.layout or results['keypoint_layout'])
        options = self.options
        fraction = poses_as_fractions(results, options.half_pixel)
        keypoint = to_map_pixels(fraction, options.size, options.half_pixel)
        maps = render_layout_maps(
            keypoint.swapaxes(0, 1),
            results['keypoint_score'].swapaxes(0, 1),
            layout,
            **asdict(options),
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
        name = self.__class__.__name__
        return f'{name}(layout={self.layout!r}, {self.options})'
