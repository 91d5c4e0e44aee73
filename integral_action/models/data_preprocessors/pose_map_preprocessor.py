from typing import Dict, Optional, Sequence, Tuple, Union

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseDataPreprocessor

from integral_action.pose.layout_maps import render_layout_maps
from integral_action.pose.layouts import KeypointLayout
from integral_action.pose.maps import map_size, to_map_pixels


@MODELS.register_module()
class PoseMapPreprocessor(BaseDataPreprocessor):
    """Normalise frames, and draw a batch's pose maps on the model's device.

    Inputs of a sample, each optional: ``imgs`` uint8 [clips, 3, T, H, W];
    ``pose`` float32 [clips, T, M, K, 3] of :class:`FormatPoses`; or
    ``heatmap_imgs`` [clips, C, T, H, W], drawn already. The batch has ``imgs``
    and ``heatmap_imgs``, float32, with N samples in front.

    Args:
        layout: as of :meth:`KeypointLayout.get`, grouped or not.
        size: (H, W) of the maps.
        sigma, limb_width, score_thr, heatmap, paf: as of
            :func:`render_pose_maps`.
        half_pixel: as of :func:`to_map_pixels`; False with
            ``DecodeTwoStream(half_pixel=False)`` draws as the release does.
        mean, std: of the RGB channels, in 0..255; None leaves frames as they
            are.

    Raises:
        ValueError: a size that is not (height, width), or mean without std.
    """

    def __init__(
        self,
        layout: Union[str, Dict] = 'openpose18',
        size: Tuple[int, int] = (56, 56),
        sigma: float = 0.5,
        limb_width: float = 1.0,
        score_thr: float = 0.1,
        heatmap: bool = True,
        paf: bool = True,
        half_pixel: bool = True,
        mean: Optional[Sequence[float]] = (123.675, 116.28, 103.53),
        std: Optional[Sequence[float]] = (58.395, 57.12, 57.375),
    ) -> None:
        super().__init__()
        self.layout = KeypointLayout.get(layout)
        self.size = map_size(size)
        self.half_pixel = half_pixel
        self.options = dict(
            sigma=sigma,
            limb_width=limb_width,
            score_thr=score_thr,
            heatmap=heatmap,
            paf=paf,
        )
        if (mean is None) != (std is None):
            raise ValueError(
                f'mean is {mean} and std {std}; give both or none'
            )
        mean, std = mean or (0, 0, 0), std or (1, 1, 1)
        for name, value in (('mean', mean), ('std', std)):
            buffer = torch.tensor(value).float().view(-1, 1, 1, 1)
            self.register_buffer(name, buffer, persistent=False)

    def forward(self, data: Dict, training: bool = False) -> Dict:
        """Turn a batch of the data loader into the model's inputs."""
        data = self.cast_data(data)
        if not isinstance(data['inputs'], dict):
            raise TypeError(
                f'the inputs are a {type(data["inputs"]).__name__}, not a '
                f'dict of streams: give PackActionInputs its collect_keys, '
                f"such as ('imgs', 'pose')"
            )
        inputs = {
            name: torch.stack(list(value))
            for name, value in data['inputs'].items()
        }
        if 'imgs' in inputs:
            inputs['imgs'] = (inputs['imgs'] - self.mean) / self.std
        if 'pose' in inputs:
            inputs.update(self.pose_inputs(inputs.pop('pose')))
        if 'heatmap_imgs' in inputs:
            inputs['heatmap_imgs'] = inputs['heatmap_imgs'].float()
        return dict(inputs=inputs, data_samples=data.get('data_samples'))

    def pose_inputs(self, pose: torch.Tensor) -> Dict[str, torch.Tensor]:
        """The pose stream's input, by its name."""
        return dict(heatmap_imgs=self.draw(pose))

    def draw(self, pose: torch.Tensor) -> torch.Tensor:
        """[N, clips, T, M, K, 3] -> [N, clips, K + 2B, T, H, W].

        Raises:
            ValueError: poses of another layout.
        """
        self.check_layout(pose)
        maps = render_layout_maps(
            self.to_map_pixels(pose[..., :2]),
            pose[..., 2],
            self.layout,
            self.size,
            **self.options,
        )
        return maps.transpose(2, 3)

    def to_map_pixels(self, fraction: torch.Tensor) -> torch.Tensor:
        """Turn [..., 2], fractions of the picture, into map pixels."""
        return to_map_pixels(fraction, self.size, self.half_pixel)

    def check_layout(self, pose: torch.Tensor) -> None:
        """Whether poses [..., K, 3] are of the layout.

        Raises:
            ValueError: poses of another layout.
        """
        if pose.shape[-2] != self.layout.num_keypoints:
            raise ValueError(
                f'poses of {pose.shape[-2]} keypoints, but the model draws '
                f'{self.layout.num_keypoints} ({self.layout.name!r}): give '
                f'data_preprocessor.layout and the dataset the same layout'
            )
