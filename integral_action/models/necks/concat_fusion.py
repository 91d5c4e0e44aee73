from typing import Dict, Tuple

import torch
from mmaction.registry import MODELS
from torch import Tensor

from integral_action.models.gate import TemporalConvBlock

from .stream_fusion import StreamFusion


@MODELS.register_module()
class ConcatFusion(StreamFusion):
    """Apply one layer to both streams' features (Table 4, feature fuse).

    F = TCB([F_A, F_P]): a linear layer, layer norm and ReLU on what is
    concatenated.

    Args:
        **kwargs: channels, ``align_time``, ``init_std``
            (:class:`StreamFusion`).

    Example:
        >>> neck = ConcatFusion(64, 32, channels=16)
        >>> fused, aux = neck((torch.rand(2, 8, 64), torch.rand(2, 32, 32)))
        >>> fused.shape, aux
        (torch.Size([2, 8, 16]), {})
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.tcb = TemporalConvBlock(
            self.appearance_channels + self.pose_channels, self.channels
        )

    def fuse(
        self, appearance: Tensor, pose: Tensor
    ) -> Tuple[Tensor, Dict[str, Tensor]]:
        """Fuse features of the same frames; see :class:`StreamFusion`."""
        return self.tcb(torch.cat((appearance, pose), -1)), {}
