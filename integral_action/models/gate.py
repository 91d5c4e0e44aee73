"""The gate of section 3.3: equations 1 and 2, and the blocks around them."""

import torch.nn.functional as F
from torch import Tensor, nn

TCB_LAYERS = ('conv-ln-relu', 'conv-bn-relu-ln', 'conv-bn-relu')


def integrate(gate: Tensor, appearance: Tensor, pose: Tensor) -> Tensor:
    r"""Let appearance in as far as the gate is open (equation 1).

    .. math:: F = G \odot F'_A + (1 - G) \odot F'_P

    Tables 13 and 14 print G at pose, as the release stores it.

    Args:
        gate: G [N, T, C], from 0 (pose alone) to 1 (appearance alone).
        appearance: F'_A [N, T, C].
        pose: F'_P [N, T, C].

    Example:
        >>> import torch
        >>> integrate(torch.tensor(0.25), torch.tensor(8.0), torch.tensor(4.0))
        tensor(5.)
    """
    return gate * appearance + (1 - gate) * pose


def gate_loss(logit: Tensor) -> Tensor:
    r"""Return the loss that makes the gate prefer pose (equation 2).

    .. math:: L_{gate} = -\log(1 - G), \quad G = \sigma(logit)

    averaged over everything.

    Args:
        logit: [N, T, C].

    Example:
        >>> import torch
        >>> gate_loss(torch.zeros(1, 8, 512))  # G = 0.5 everywhere
        tensor(0.6931)
    """
    # -log(1 - sigmoid(z)) = softplus(z), which does not overflow
    return F.softplus(logit.float()).mean()


class TemporalConvBlock(nn.Sequential):
    """TCB: convolution of kernel size 1, layer norm, ReLU (section 3.3).

    [N, T, in_channels] -> [N, T, channels]. A convolution of size 1 over time
    is a linear layer for each frame.

    Args:
        in_channels: channels of the feature.
        channels: channels after the block.
        layers: ``'conv-ln-relu'``, the paper's; ``'conv-bn-relu-ln'``, the
            release's; ``'conv-bn-relu'``, the release's without gating.
    """

    def __init__(
        self, in_channels: int, channels: int, layers: str = 'conv-ln-relu'
    ) -> None:
        if layers not in TCB_LAYERS:
            raise ValueError(
                f'tcb_layers must be one of {TCB_LAYERS}, got {layers!r}'
            )
        kinds = dict(
            conv=lambda: nn.Linear(in_channels, channels),
            ln=lambda: nn.LayerNorm(channels),
            bn=lambda: nn.BatchNorm1d(channels),
            relu=nn.ReLU,
        )
        super().__init__(*(kinds[kind]() for kind in layers.split('-')))

    def forward(self, x: Tensor) -> Tensor:
        """Align each frame's feature."""
        # every layer is of frames; batch norm takes them all as its batch
        clips, frames, _ = x.shape
        return super().forward(x.flatten(0, 1)).view(clips, frames, -1)


class ConvGatingBlock(nn.Module):
    """CGB: convolution of kernel size 1, batch norm (section 3.3).

    [N, T, in_channels] -> [N, T, channels], the gate before its sigmoid.

    Args:
        in_channels: channels of the feature.
        channels: channels of the gate.
        norm: whether there is a batch norm; without, as in the release, the
            convolution has a bias instead.
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
