from typing import Dict, Tuple

from mmaction.registry import MODELS
from torch import Tensor

from integral_action.models.gate import TemporalConvBlock

from .stream_fusion import StreamFusion


@MODELS.register_module()
class AddFusion(StreamFusion):
    """Add the aligned features of both streams (Table 4, without gating).

    F = TCB_A(F_A) + TCB_P(F_P): of the paper's model, the gate alone is
    missing.

    Args:
        tcb_layers: layers of the alignment: ``'conv-ln-relu'`` (the paper),
            or ``'conv-bn-relu'``, as in the authors' release.
        **kwargs: channels, ``align_time``, ``init_std``
            (:class:`StreamFusion`).

    Example:
        >>> import torch
        >>> neck = AddFusion(64, 32, channels=16)
        >>> fused, aux = neck((torch.rand(2, 8, 64), torch.rand(2, 32, 32)))
        >>> fused.shape, aux
        (torch.Size([2, 8, 16]), {})
    """

    def __init__(
        self, *args, tcb_layers: str = 'conv-ln-relu', **kwargs
    ) -> None:
        super().__init__(*args, **kwargs)
        self.tcb_appearance = TemporalConvBlock(
            self.appearance_channels, self.channels, tcb_layers
        )
        self.tcb_pose = TemporalConvBlock(
            self.pose_channels, self.channels, tcb_layers
        )

    def fuse(
        self, appearance: Tensor, pose: Tensor
    ) -> Tuple[Tensor, Dict[str, Tensor]]:
        """Fuse features of the same frames; see :class:`StreamFusion`."""
        return self.tcb_appearance(appearance) + self.tcb_pose(pose), {}
