from typing import Dict, Optional, Sequence

import torch
from mmaction.registry import MODELS

from .pose_map_preprocessor import PoseMapPreprocessor


@MODELS.register_module()
class PoseGraphPreprocessor(PoseMapPreprocessor):
    """Normalise frames and poses, for a graph network in the pose stream.

    Inputs of a sample, each optional: ``imgs`` uint8 [clips, 3, T, H, W];
    ``pose`` float32 [clips, T, M, K, 3] of :class:`FormatPoses`. The batch has
    ``imgs`` and ``keypoint`` [clips, M, T, K, 3], float32, with N samples in
    front: (x, y) from -1 to 1 over the picture, as MMAction2's
    ``PreNormalize2D`` has them, and the score. What has score 0 is all 0.

    Args:
        layout: as of :meth:`KeypointLayout.get`. MMAction2's graph of
            ``'openpose18'`` is called ``'openpose'``, of ``'coco17'``
            ``'coco'``, of ``'ntu25'`` ``'nturgb+d'``.
        mean, std: of the RGB channels, in 0..255; None leaves frames as they
            are.

    Raises:
        ValueError: mean without std.
    """

    def __init__(
        self,
        layout: str = 'openpose18',
        mean: Optional[Sequence[float]] = (123.675, 116.28, 103.53),
        std: Optional[Sequence[float]] = (58.395, 57.12, 57.375),
    ) -> None:
        super().__init__(layout, mean=mean, std=std)

    def pose_inputs(self, pose: torch.Tensor) -> Dict[str, torch.Tensor]:
        """[N, clips, T, M, K, 3] -> [N, clips, M, T, K, 3].

        Raises:
            ValueError: poses of another layout.
        """
        self.check_layout(pose)
        score = pose[..., 2:]
        keypoint = torch.cat((2 * pose[..., :2] - 1, score), -1)
        return dict(keypoint=(keypoint * (score != 0)).transpose(2, 3))
