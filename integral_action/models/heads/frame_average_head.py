import math
from typing import Dict, Optional

import torch.nn.functional as F
from mmaction.models.heads import BaseHead
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from mmengine.model.weight_init import normal_init
from torch import Tensor, nn

from .label_check import check_labels


@MODELS.register_module()
class FrameAverageHead(BaseHead):
    """Classify every frame, average the probabilities (section 3.4).

    A linear layer and softmax a frame; the probabilities are averaged over the
    frames of a clip, then (``average_clips='prob'``) over the clips of a
    video. The loss is the cross entropy of a clip's averaged probabilities.

    Args:
        num_classes: of the data set.
        in_channels: C.
        loss_cls: config of the loss.
        dropout_ratio: of the features; the paper has none.
        average_frames: ``'prob'`` averages probabilities (the paper),
            ``'score'`` logits.
        init_std: of the linear layer's weights (section 3.5).
        average_clips: as of MMAction2's heads.
        **kwargs: of MMAction2's ``BaseHead``.

    Raises:
        ValueError: another ``average_frames``.

    Example:
        >>> import torch
        >>> head = FrameAverageHead(num_classes=4, in_channels=64)
        >>> features = torch.rand(2, 8, 64)
        >>> head(features).shape, head.frame_logits(features).shape
        (torch.Size([2, 4]), torch.Size([2, 8, 4]))
    """

    #: whether the head predicts a gate
    has_gate = False

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 512,
        loss_cls: Dict = dict(type='CrossEntropyLoss'),
        dropout_ratio: float = 0.0,
        average_frames: str = 'prob',
        init_std: float = 0.001,
        average_clips: Optional[str] = 'prob',
        **kwargs,
    ) -> None:
        super().__init__(
            num_classes,
            in_channels,
            loss_cls,
            average_clips=average_clips,
            **kwargs,
        )
        if average_frames not in ('prob', 'score'):
            raise ValueError(
                f"average_frames must be 'prob' or 'score', got "
                f'{average_frames!r}'
            )
        self.average_frames = average_frames
        self.init_std = init_std
        self.dropout = nn.Dropout(dropout_ratio)
        self.fc_cls = nn.Linear(in_channels, num_classes)

    def init_weights(self) -> None:
        """Draw the linear layer's weights, unless ``init_cfg`` says else."""
        if self.init_cfg:
            super().init_weights()
            return
        normal_init(self.fc_cls, std=self.init_std)

    def frame_logits(self, x: Tensor) -> Tensor:
        """Score the classes of every frame, [N, T, C] -> [N, T, classes]."""
        return self.fc_cls(self.dropout(x))

    def loss_by_feat(
        self, cls_scores: Tensor, data_samples: SampleList
    ) -> Dict:
        """Cross entropy and accuracies of clips' scores.

        Raises:
            ValueError: a label that the model has no class for.
        """
        check_labels(data_samples, self.num_classes)
        return super().loss_by_feat(cls_scores, data_samples)

    def forward(
        self, x: Tensor, num_segs: Optional[int] = None, **kwargs
    ) -> Tensor:
        """Score the classes of every clip.

        Args:
            x: [N, T, C]; or the maps [N * T, C, H, W] that MMAction2's
                ``Recognizer2D`` hands to its heads, with ``num_segs`` T.
            num_segs: T, of such maps.

        Returns:
            [N, num_classes], logits: the logarithms of the averaged
            probabilities, whose softmax these are; or the averaged logits.
        """
        if x.ndim == 4:
            x = x.mean((2, 3)).unflatten(0, (-1, num_segs))
        logits = self.frame_logits(x).float()
        if self.average_frames == 'score':
            return logits.mean(1)
        return F.log_softmax(logits, -1).logsumexp(1) - math.log(x.shape[1])
