from typing import Dict, Optional, Tuple

from mmengine.model import BaseModule
from torch import Tensor, nn

from integral_action.models.pooling import to_features
from integral_action.models.time_alignment import (
    TIME_ALIGNMENTS,
    TemporalConv,
    TemporalPool,
)

# frames and channels of a feature; None where it is not known yet
Size = Tuple[Optional[int], Optional[int]]


class StreamFusion(BaseModule):
    """Base of the necks that fuse two streams: all but :meth:`fuse`.

    The stream of more frames is brought to as many as the other has (Table
    13: 32 of pose to 8), and a neck fuses what has the same frames.

    Args:
        appearance_channels: C_A, channels of the appearance feature.
        pose_channels: C_P, channels of the pose feature.
        channels: C, channels of the fused feature.
        align_time: how the streams get as many frames: ``'pool'``, the mean
            of T' / T frames (the paper), or of T / T' where pose has fewer;
            ``'adaptive'``, the same where neither is a multiple of the other;
            ``'conv'``, learned, 4 (T - 1) + 1 of pose to T, as in the release
            (:class:`TemporalConv`), which starts as PyTorch's ``Conv1d`` does.
        init_std: deviation of the Gaussian that weights are drawn from
            (section 3.5).

    Raises:
        ValueError: an unknown ``align_time``.
    """

    #: whether the neck predicts a gate
    has_gate = False

    def __init__(
        self,
        appearance_channels: int,
        pose_channels: int,
        channels: int = 512,
        align_time: str = 'pool',
        init_std: float = 0.001,
        init_cfg: Optional[Dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        if align_time not in TIME_ALIGNMENTS:
            raise ValueError(
                f'align_time must be one of {TIME_ALIGNMENTS}, got '
                f'{align_time!r}'
            )
        self.appearance_channels = appearance_channels
        self.pose_channels = pose_channels
        self.channels = channels
        self.init_std = init_std
        if align_time == 'conv':
            self.align_time = TemporalConv(pose_channels)
        else:
            self.align_time = TemporalPool(align_time == 'adaptive')

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
        """Fuse the features of both streams.

        Args:
            features: F_A [N, T, C_A] and F_P [N, T', C_P], or maps
                [N, C, T, H, W], which are averaged over H and W.
            data_samples: not used; MMAction2 hands them to necks.

        Returns:
            F [N, T, C], and the dict of :meth:`fuse`.

        Raises:
            ValueError: not two features, or not those of :meth:`check`.
        """
        if not isinstance(features, (tuple, list)) or len(features) != 2:
            raise ValueError(
                f'{type(self).__name__} needs the features of both streams: '
                f'(F_A, F_P)'
            )
        appearance, pose = map(to_features, features)
        self.check(appearance.shape[1:], pose.shape[1:])
        if self._pools_appearance(pose.shape[1], appearance.shape[1]):
            appearance = self.align_time(appearance, pose.shape[1])
        else:
            pose = self.align_time(pose, appearance.shape[1])
        return self.fuse(appearance, pose)

    def fuse(
        self, appearance: Tensor, pose: Tensor
    ) -> Tuple[Tensor, Dict[str, Tensor]]:
        """Fuse features of the same frames.

        Args:
            appearance: F_A [N, T, C_A].
            pose: F_P [N, T, C_P].

        Returns:
            F [N, T, C], and a dict: ``gate`` [N, T] and ``loss_gate`` of a
            neck that has them.
        """
        raise NotImplementedError
