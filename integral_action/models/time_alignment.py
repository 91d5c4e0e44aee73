"""Ways to bring the features of one stream to the frames of the other."""

import torch.nn.functional as F
from torch import Tensor, nn

from .pooling import pool_frames

TIME_ALIGNMENTS = ('pool', 'adaptive', 'conv')


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
