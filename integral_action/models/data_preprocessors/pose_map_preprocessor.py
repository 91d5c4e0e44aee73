from dataclasses import asdict
from typing import Any, Dict, Optional, Sequence, Union

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseDataPreprocessor

from integral_action.pose.layout_maps import render_layout_maps
from integral_action.pose.layouts import KeypointLayout
from integral_action.pose.map_options import PoseMapOptions
from integral_action.pose.maps import to_map_pixels


@MODELS.register_module()
class PoseMapPreprocessor(BaseDataPreprocessor):
    """Normalise frames, and draw a batch's pose maps on the model's device.

    Inputs of a sample, each optional: ``imgs`` uint8 [clips, 3, T, H, W];
    ``pose`` float32 [clips, T, M, K, 3] of :class:`FormatPoses`; or
    ``heatmap_imgs`` [clips, C, T, H, W], drawn already. The batch has ``imgs``
    and ``heatmap_imgs``, float32, with N samples in front.

    Args:
        layout: as of :meth:`KeypointLayout.get`, grouped or not.
        mean, std: mean and deviation of the RGB channels, in 0..255; None
            leaves frames as they are.
        **options: size of the maps and how they are drawn
            (:class:`PoseMapOptions`).

    Raises:
        ValueError: an option that is out of range, or mean without std.
    """

    def __init__(
        self,
        layout: Union[str, Dict] = 'openpose18',
        mean: Optional[Sequence[float]] = (123.675, 116.28, 103.53),
        std: Optional[Sequence[float]] = (58.395, 57.12, 57.375),
        **options: Any,
    ) -> None:
        super().__init__()
        self.layout = KeypointLayout.get(layout)
        self.options = PoseMapOptions(**options)
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
        options = self.options
        # not in six dimensions, whose sizes an export would fix
        frames = pose.flatten(0, 2)
        maps = render_layout_maps(
            to_map_pixels(frames[..., :2], options.size, options.half_pixel),
            frames[..., 2],
            self.layout,
            **asdict(options),
        )
        return maps.view(*pose.shape[:3], *maps.shape[1:]).transpose(2, 3)

    def check_layout(self, pose: torch.Tensor) -> None:
        """Check that poses [..., K, 3] are of the layout.

        Raises:
            ValueError: poses of another layout.
        """
        if pose.shape[-2] != self.layout.num_keypoints:
            raise ValueError(
                f'poses of {pose.shape[-2]} keypoints, but the model draws '
                f'{self.layout.num_keypoints} ({self.layout.name!r}): give '
                f'data_preprocessor.layout and the dataset the same layout'
            )
