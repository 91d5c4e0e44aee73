from typing import Dict, Optional, Tuple

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

GATE_SOURCES = ('pose', 'appearance', 'both', 'constant', 'none')
FUSIONS = ('gated', 'add', 'concat')


class TemporalConvBlock(nn.Sequential):
    """TCB: convolution of kernel size 1, layer norm, ReLU (section 3.3).

    [N, T, in_channels] -> [N, T, channels]. A convolution of size 1 over time
    is a linear layer a frame.
    """

    def __init__(
        self, in_channels: int, channels: int, norm: bool = True
    ) -> None:
        super().__init__(
            nn.Linear(in_channels, channels),
            nn.LayerNorm(channels) if norm else nn.Identity(),
            nn.ReLU(),
        )


class ConvGatingBlock(nn.Module):
    """CGB: convolution of kernel size 1, batch norm (section 3.3).

    [N, T, in_channels] -> [N, T, channels], the gate before its sigmoid.
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv = nn.Linear(in_channels, channels, bias=False)
        self.bn = nn.BatchNorm1d(channels)

    def forward(self, feature: Tensor) -> Tensor:
        """Predict the gate's logits."""
        logit = self.conv(feature)
        return self.bn(logit.flatten(0, 1)).view_as(logit)


@MODELS.register_module()
class PoseDrivenIntegration(BaseModule):
    r"""Let the pose decide how much appearance comes in (section 3.3).

    .. math::
        F = G \odot F'_A + (1 - G) \odot F'_P            \quad (1)

        L_{gate} = -\log(1 - G)                          \quad (2)

    :math:`F'_A` and :math:`F'_P` are the features aligned by TCB_A and TCB_P,
    :math:`G = \sigma(CGB(F_P))`. G multiplies appearance: G = 0 is pose alone
    (Tables 13 and 14 print it the other way round, as the release stores it).

    A pose feature of more frames than appearance is average pooled to as many
    first (Table 13: 32 to 8).

    Args:
        appearance_channels: C_A.
        pose_channels: C_P.
        channels: C, of the integrated feature.
        gate_source: what predicts the gate: ``'pose'`` (the paper),
            ``'appearance'`` or ``'both'`` (Table 6); ``'constant'``, a gate
            that is ``gate_value`` everywhere; ``'none'``, no gate.
        gate_value: of the constant gate.
        gate_loss_weight: lambda of equation 3; 0 trains without L_gate.
        fusion: ``'gated'`` (equation 1); ``'add'``, the sum of the aligned
            features without their layer norm (Table 4, without gating);
            ``'concat'``, a linear layer and ReLU on both features (Table 4,
            feature fuse). None takes ``'gated'``, or ``'add'`` where
            ``gate_source='none'``.
        init_std: of the Gaussian that weights are drawn from (section 3.5).

    Raises:
        ValueError: an unknown option, or two that contradict each other.
    """

    def __init__(
        self,
        appearance_channels: int,
        pose_channels: int,
        channels: int = 512,
        gate_source: str = 'pose',
        gate_value: float = 0.1,
        gate_loss_weight: float = 1.5,
        fusion: Optional[str] = None,
        init_std: float = 0.001,
        init_cfg: Optional[Dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        if gate_source not in GATE_SOURCES:
            raise ValueError(
                f'gate_source must be one of {GATE_SOURCES}, got '
                f'{gate_source!r}'
            )
        if fusion is None:
            fusion = 'add' if gate_source == 'none' else 'gated'
        if fusion not in FUSIONS:
            raise ValueError(
                f'fusion must be one of {FUSIONS}, got {fusion!r}'
            )
        if (fusion == 'gated') != (gate_source != 'none'):
            raise ValueError(
                f'gate_source={gate_source!r} does not go with '
                f'fusion={fusion!r}'
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
        self.fusion = fusion
        self.init_std = init_std

        if fusion == 'concat':
            self.fc = nn.Linear(appearance_channels + pose_channels, channels)
        else:
            norm = fusion == 'gated'
            self.tcb_appearance = TemporalConvBlock(
                appearance_channels, channels, norm
            )
            self.tcb_pose = TemporalConvBlock(pose_channels, channels, norm)
        gate_channels = dict(
            pose=pose_channels,
            appearance=appearance_channels,
            both=appearance_channels + pose_channels,
        ).get(gate_source)
        if gate_channels:
            self.cgb = ConvGatingBlock(gate_channels, channels)

    def init_weights(self) -> None:
        """Draw the weights (section 3.5), unless ``init_cfg`` says else."""
        if self.init_cfg:
            super().init_weights()
            return
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=self.init_std)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def gate_logit(self, appearance: Tensor, pose: Tensor) -> Tensor:
        """The gate before its sigmoid, of a learned gate.

        Args:
            appearance: F_A [N, T, C_A].
            pose: F_P [N, T, C_P].

        Returns:
            [N, T, C].
        """
        if self.gate_source == 'pose':
            return self.cgb(pose)
        if self.gate_source == 'appearance':
            return self.cgb(appearance)
        return self.cgb(torch.cat((appearance, pose), -1))

    def forward(
        self, features: Tuple[Tensor, Tensor], data_samples=None
    ) -> Tuple[Tensor, Dict[str, Tensor]]:
        """Integrate the features of both streams.

        Args:
            features: F_A [N, T, C_A] and F_P [N, T', C_P], T' a multiple of T.
            data_samples: not used; MMAction2 hands them to necks.

        Returns:
            F [N, T, C], and a dict: ``gate`` [N, T], G averaged over channels,
            where there is a gate; ``loss_gate``, lambda * L_gate averaged over
            everything, where the gate is learned and in training.

        Raises:
            ValueError: not two features, or T' is no multiple of T.
        """
        if not isinstance(features, (tuple, list)) or len(features) != 2:
            raise ValueError(
                'PoseDrivenIntegration needs the features of '
                'both streams: (F_A, F_P)'
            )
        appearance, pose = features
        pose = pool_time(pose, appearance.shape[1])
        if self.fusion == 'concat':
            return F.relu(self.fc(torch.cat((appearance, pose), -1))), {}
        aligned_appearance = self.tcb_appearance(appearance)
        aligned_pose = self.tcb_pose(pose)
        if self.fusion == 'add':
            return aligned_appearance + aligned_pose, {}

        aux = {}
        if self.gate_source == 'constant':
            gate = torch.full_like(aligned_pose, self.gate_value)
        else:
            logit = self.gate_logit(appearance, pose)
            gate = logit.sigmoid()
            if self.training:
                # -log(1 - sigmoid(z)) = softplus(z), which does not overflow
                aux['loss_gate'] = (
                    self.gate_loss_weight * F.softplus(logit.float()).mean()
                )
        aux['gate'] = gate.detach().float().mean(-1)
        return gate * aligned_appearance + (1 - gate) * aligned_pose, aux


def pool_time(feature: Tensor, frames: int) -> Tensor:
    """Average [N, T', C] over time to [N, ``frames``, C].

    Raises:
        ValueError: T' is no multiple of ``frames``.
    """
    if feature.shape[1] % frames:
        raise ValueError(
            f'{feature.shape[1]} frames of the pose stream cannot'
            f' be pooled to {frames} of the appearance stream'
        )
    return feature.unflatten(1, (frames, -1)).mean(2)
