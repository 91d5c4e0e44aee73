from typing import Dict, Optional, Tuple

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from integral_action.models.stream_features import pool_frames, to_features

GATE_SOURCES = ('pose', 'appearance', 'both', 'constant', 'none')
FUSIONS = ('gated', 'add', 'concat')
TCB_LAYERS = ('conv-ln-relu', 'conv-bn-relu-ln')
CGB_LAYERS = ('conv-bn', 'conv')
TIME_ALIGNMENTS = ('pool', 'adaptive', 'conv')
# frames and channels of a feature; None where it is not known yet
Size = Tuple[Optional[int], Optional[int]]


class TemporalConvBlock(nn.Sequential):
    """TCB: convolution of kernel size 1, layer norm, ReLU (section 3.3).

    [N, T, in_channels] -> [N, T, channels]. A convolution of size 1 over time
    is a linear layer a frame. ``layers`` is ``'conv-ln-relu'``, or
    ``'conv-bn-relu-ln'`` as in the release; ``norm=False`` leaves the layer
    norm out.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        norm: bool = True,
        layers: str = 'conv-ln-relu',
    ) -> None:
        conv = nn.Linear(in_channels, channels)
        layer_norm = nn.LayerNorm(channels) if norm else nn.Identity()
        if layers == 'conv-ln-relu':
            super().__init__(conv, layer_norm, nn.ReLU())
        else:
            batch_norm = nn.BatchNorm1d(channels)
            super().__init__(conv, batch_norm, nn.ReLU(), layer_norm)

    def forward(self, x: Tensor) -> Tensor:
        """Align each frame's feature."""
        # every layer is of frames; batch norm takes them all as its batch
        clips, frames, _ = x.shape
        return super().forward(x.flatten(0, 1)).view(clips, frames, -1)


class ConvGatingBlock(nn.Module):
    """CGB: convolution of kernel size 1, batch norm (section 3.3).

    [N, T, in_channels] -> [N, T, channels], the gate before its sigmoid.
    Without ``norm``, as in the release, the convolution has a bias instead.
    """

    def __init__(
        self, in_channels: int, channels: int, norm: bool = True
    ) -> None:
        super().__init__()
        self.conv = nn.Linear(in_channels, channels, bias=not norm)
        self.bn = nn.BatchNorm1d(channels) if norm else nn.Identity()

    def forward(self, feature: Tensor) -> Tensor:
        """Predict the gate's logits."""
        logit = self.conv(feature)
        # over clips and frames; nn.BatchNorm1d itself, for sync_bn converts it
        return self.bn(logit.flatten(0, 1)).view_as(logit)


class TemporalPool(nn.Module):
    """Average [N, T', C] over time to [N, T, C] (Table 13: 32 to 8).

    Args:
        adaptive: whether T' need not be a multiple of T.
    """

    def __init__(self, adaptive: bool = False) -> None:
        super().__init__()
        self.adaptive = adaptive

    def check(self, given: int, frames: int) -> None:
        """Check that T' = ``given`` frames can become T = ``frames``.

        Raises:
            ValueError: T' is no multiple of T.
        """
        if given % frames and not self.adaptive:
            raise ValueError(
                f'{given} frames of one stream cannot be pooled to {frames} '
                f"of the other: no multiple (align_time='adaptive' takes any)"
            )

    def forward(self, feature: Tensor, frames: int) -> Tensor:
        """Average to T = ``frames``."""
        self.check(feature.shape[1], frames)
        return pool_frames(feature, frames)


class TemporalConv(nn.Module):
    """The release's alignment in time, which is learned.

    Convolution of 5 frames in steps of 4, batch norm, ReLU:
    [N, 4 (T - 1) + 1, C] -> [N, T, C], 29 frames to 8.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, 5, stride=4, padding=2)
        self.bn = nn.BatchNorm1d(channels)

    def check(self, given: int, frames: int) -> None:
        """Check that T' = ``given`` frames can become T = ``frames``.

        Raises:
            ValueError: T' is not 4 (T - 1) + 1.
        """
        if given != 4 * (frames - 1) + 1:
            raise ValueError(
                f"align_time='conv' takes {4 * (frames - 1) + 1} frames of "
                f'the pose stream to {frames} of the appearance stream, not '
                f'{given}'
            )

    def forward(self, feature: Tensor, frames: int) -> Tensor:
        """Align to T = ``frames``."""
        self.check(feature.shape[1], frames)
        feature = self.bn(self.conv(feature.transpose(1, 2)))
        return F.relu(feature).transpose(1, 2)


@MODELS.register_module()
class PoseDrivenIntegration(BaseModule):
    r"""Let the pose decide how much appearance comes in (section 3.3).

    .. math::
        F = G \odot F'_A + (1 - G) \odot F'_P            \quad (1)

        L_{gate} = -\log(1 - G)                          \quad (2)

    :math:`F'_A` and :math:`F'_P` are the features aligned by TCB_A and TCB_P,
    :math:`G = \sigma(CGB(F_P))`. G multiplies appearance: G = 0 is pose alone
    (Tables 13 and 14 print it the other way round, as the release stores it).

    The stream of more frames is brought to as many as the other has first
    (Table 13: 32 of pose to 8).

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
        tcb_layers: of the alignment: ``'conv-ln-relu'`` (the paper), or
            ``'conv-bn-relu-ln'``, as in the authors' release.
        cgb_layers: of the gate before its sigmoid: ``'conv-bn'`` (the paper),
            or ``'conv'``, as in the release.
        align_time: how the streams get as many frames: ``'pool'``, the mean
            of T' / T frames (the paper), or of T / T' where pose has fewer;
            ``'adaptive'``, the same where neither is a multiple of the other;
            ``'conv'``, learned, 4 (T - 1) + 1 of pose to T, as in the release
            (:class:`TemporalConv`).
        init_std: of the Gaussian that weights are drawn from (section 3.5). As
            in the release, ``cgb_layers='conv'`` draws the gate's with 0.01,
            and ``align_time='conv'`` starts as PyTorch's ``Conv1d`` does.

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
        tcb_layers: str = 'conv-ln-relu',
        cgb_layers: str = 'conv-bn',
        align_time: str = 'pool',
        init_std: float = 0.001,
        init_cfg: Optional[Dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        if fusion is None:
            fusion = 'add' if gate_source == 'none' else 'gated'
        for option, value, known in (
            ('gate_source', gate_source, GATE_SOURCES),
            ('fusion', fusion, FUSIONS),
            ('tcb_layers', tcb_layers, TCB_LAYERS),
            ('cgb_layers', cgb_layers, CGB_LAYERS),
            ('align_time', align_time, TIME_ALIGNMENTS),
        ):
            if value not in known:
                raise ValueError(
                    f'{option} must be one of {known}, got {value!r}'
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
        self.appearance_channels = appearance_channels
        self.pose_channels = pose_channels
        self.channels = channels
        self.gate_source = gate_source
        self.gate_value = gate_value
        self.gate_loss_weight = gate_loss_weight
        self.fusion = fusion
        self.cgb_layers = cgb_layers
        self.init_std = init_std

        if align_time == 'conv':
            self.align_time = TemporalConv(pose_channels)
        else:
            self.align_time = TemporalPool(align_time == 'adaptive')
        if fusion == 'concat':
            self.fc = nn.Linear(appearance_channels + pose_channels, channels)
        else:
            norm = fusion == 'gated'
            self.tcb_appearance = TemporalConvBlock(
                appearance_channels, channels, norm, tcb_layers
            )
            self.tcb_pose = TemporalConvBlock(
                pose_channels, channels, norm, tcb_layers
            )
        gate_channels = dict(
            pose=pose_channels,
            appearance=appearance_channels,
            both=appearance_channels + pose_channels,
        ).get(gate_source)
        if gate_channels:
            self.cgb = ConvGatingBlock(
                gate_channels, channels, norm=cgb_layers == 'conv-bn'
            )

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
        if self.cgb_layers == 'conv' and hasattr(self, 'cgb'):
            nn.init.normal_(self.cgb.conv.weight, std=0.01)

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

    def check(self, appearance: Size, pose: Size) -> None:
        """Compare what the streams offer with what the neck takes.

        Raises:
            ValueError: other channels, or frames that cannot be aligned.
        """
        for name, (_, given), expected in (
            ('appearance', appearance, self.appearance_channels),
            ('pose', pose, self.pose_channels),
        ):
            if given not in (None, expected):
                raise ValueError(
                    f'the {name} stream offers features of {given} channels, '
                    f'but neck.{name}_channels is {expected}'
                )
        frames = (pose[0], appearance[0])
        if all(frames):
            if self._pools_appearance(*frames):
                frames = frames[::-1]
            self.align_time.check(*frames)

    def _pools_appearance(self, pose: int, appearance: int) -> bool:
        """Whether it is appearance that has too many frames."""
        return pose < appearance and isinstance(self.align_time, TemporalPool)

    def forward(
        self, features: Tuple[Tensor, Tensor], data_samples=None
    ) -> Tuple[Tensor, Dict[str, Tensor]]:
        """Integrate the features of both streams.

        Args:
            features: F_A [N, T, C_A] and F_P [N, T', C_P], or maps
                [N, C, T, H, W], which are averaged over H and W.
            data_samples: not used; MMAction2 hands them to necks.

        Returns:
            F [N, T, C], and a dict: ``gate`` [N, T], G averaged over channels,
            where there is a gate; ``loss_gate``, lambda * L_gate averaged over
            everything, where the gate is learned and in training.

        Raises:
            ValueError: not two features, or not those of :meth:`check`.
        """
        if not isinstance(features, (tuple, list)) or len(features) != 2:
            raise ValueError(
                'PoseDrivenIntegration needs the features of '
                'both streams: (F_A, F_P)'
            )
        appearance, pose = map(to_features, features)
        self.check(appearance.shape[1:], pose.shape[1:])
        if self._pools_appearance(pose.shape[1], appearance.shape[1]):
            appearance = self.align_time(appearance, pose.shape[1])
        else:
            pose = self.align_time(pose, appearance.shape[1])
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
