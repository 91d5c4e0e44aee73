from typing import Dict, Tuple

import torch
from mmaction.registry import MODELS
from torch import Tensor, nn

from integral_action.models.gate import (
    ConvGatingBlock,
    TemporalConvBlock,
    gate_loss,
    integrate,
)

from .stream_fusion import StreamFusion

GATE_SOURCES = ('pose', 'appearance', 'both', 'constant')
CGB_LAYERS = ('conv-bn', 'conv')


@MODELS.register_module()
class PoseDrivenIntegration(StreamFusion):
    r"""Let the pose decide how much appearance comes in (section 3.3).

    :math:`F = G \odot F'_A + (1 - G) \odot F'_P`
    (:func:`~integral_action.models.gate.integrate`, equation 1), where TCB_A
    and TCB_P align the features, :math:`G = \sigma(CGB(F_P))`, and
    :math:`L_{gate} = -\log(1 - G)`
    (:func:`~integral_action.models.gate.gate_loss`, equation 2).

    Args:
        gate_source: what predicts the gate: ``'pose'`` (the paper),
            ``'appearance'`` or ``'both'`` (Table 6); ``'constant'``, a gate
            that is ``gate_value`` everywhere.
        gate_value: G of the constant gate.
        gate_loss_weight: lambda of equation 3; 0 trains without L_gate.
        tcb_layers: layers of the alignment: ``'conv-ln-relu'`` (the paper),
            or ``'conv-bn-relu-ln'``, as in the authors' release.
        cgb_layers: layers of the gate before its sigmoid: ``'conv-bn'`` (the
            paper), or ``'conv'``, as in the release, which draws its weights
            with a deviation of 0.01.
        **kwargs: channels, ``align_time``, ``init_std``
            (:class:`StreamFusion`).

    Raises:
        ValueError: an option that is unknown or out of range.

    Example:
        >>> neck = PoseDrivenIntegration(
        ...     appearance_channels=2048, pose_channels=512
        ... )
        >>> features = torch.rand(2, 8, 2048), torch.rand(2, 32, 512)
        >>> fused, aux = neck(features)
        >>> fused.shape, aux['gate'].shape
        (torch.Size([2, 8, 512]), torch.Size([2, 8]))
    """

    has_gate = True

    def __init__(
        self,
        *args,
        gate_source: str = 'pose',
        gate_value: float = 0.1,
        gate_loss_weight: float = 1.5,
        tcb_layers: str = 'conv-ln-relu',
        cgb_layers: str = 'conv-bn',
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        for option, value, known in (
            ('gate_source', gate_source, GATE_SOURCES),
            ('cgb_layers', cgb_layers, CGB_LAYERS),
        ):
            if value not in known:
                raise ValueError(
                    f'{option} must be one of {known}, got {value!r}'
                )
        if not 0 <= gate_value <= 1:
            raise ValueError(
                f'gate_value must be from 0 to 1, got {gate_value}'
            )
        if gate_loss_weight < 0:
            raise ValueError(
                f'gate_loss_weight must not be negative, got '
                f'{gate_loss_weight}'
            )
        self.gate_source = gate_source
        self.gate_value = gate_value
        self.gate_loss_weight = gate_loss_weight
        self.cgb_layers = cgb_layers
        self.tcb_appearance = TemporalConvBlock(
            self.appearance_channels, self.channels, tcb_layers
        )
        self.tcb_pose = TemporalConvBlock(
            self.pose_channels, self.channels, tcb_layers
        )
        gate_channels = dict(
            pose=self.pose_channels,
            appearance=self.appearance_channels,
            both=self.appearance_channels + self.pose_channels,
        ).get(gate_source)
        if gate_channels:
            self.cgb = ConvGatingBlock(
                gate_channels, self.channels, norm=cgb_layers == 'conv-bn'
            )

    def init_weights(self) -> None:
        """Draw the weights (section 3.5), unless ``init_cfg`` says else."""
        super().init_weights()
        learned = self.gate_source != 'constant'
        if learned and self.cgb_layers == 'conv' and not self.init_cfg:
            nn.init.normal_(self.cgb.conv.weight, std=0.01)

    def gate_logit(self, appearance: Tensor, pose: Tensor) -> Tensor:
        """Predict a learned gate's logits [N, T, C], before the sigmoid."""
        if self.gate_source == 'pose':
            return self.cgb(pose)
        if self.gate_source == 'appearance':
            return self.cgb(appearance)
        return self.cgb(torch.cat((appearance, pose), -1))

    def fuse(
        self, appearance: Tensor, pose: Tensor
    ) -> Tuple[Tensor, Dict[str, Tensor]]:
        """Fuse features of the same frames.

        Args:
            appearance: F_A [N, T, C_A].
            pose: F_P [N, T, C_P].

        Returns:
            F [N, T, C], and a dict: ``gate`` [N, T], G averaged over
            channels; in training of a learned gate ``loss_gate``, lambda *
            L_gate.
        """
        aligned_appearance = self.tcb_appearance(appearance)
        aligned_pose = self.tcb_pose(pose)
        aux = {}
        if self.gate_source == 'constant':
            gate = torch.full_like(aligned_pose, self.gate_value)
        else:
            logit = self.gate_logit(appearance, pose)
            gate = logit.sigmoid()
            if self.training:
                aux['loss_gate'] = self.gate_loss_weight * gate_loss(logit)
        aux['gate'] = gate.detach().float().mean(-1)
        return integrate(gate, aligned_appearance, aligned_pose), aux
