from typing import Dict, Tuple

import torch
from mmaction.models.recognizers.base import BaseRecognizer
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from torch import Tensor, nn


@MODELS.register_module()
class AppearanceSwap(nn.Module):
    """Let some training clips see the appearance of another class.

    A ``feature_transform`` of :class:`TwoStreamRecognizer`: in training each
    clip's appearance feature is replaced, with a probability, by that of a
    clip drawn from those of other classes in the batch; where there is none,
    it stays. Pose and label stay.

    Args:
        prob: the probability, from 0 to 1.

    Raises:
        ValueError: ``prob`` is out of range.

    Example:
        >>> from mmaction.structures import ActionDataSample
        >>> swap = AppearanceSwap(prob=1.0)
        >>> samples = [ActionDataSample().set_gt_label(i) for i in (0, 1)]
        >>> appearance = torch.tensor([[[5.0]], [[7.0]]])
        >>> swap((appearance, appearance), samples)[0].flatten()
        tensor([7., 5.])
    """

    def __init__(self, prob: float = 0.3) -> None:
        super().__init__()
        if not 0 <= prob <= 1:
            raise ValueError(f'prob must be from 0 to 1, got {prob}')
        self.prob = prob

    def check_recognizer(
        self, recognizer: BaseRecognizer, sizes: Dict
    ) -> None:
        """Look whether the recognizer has both streams.

        Raises:
            ValueError: it has one.
        """
        if len(recognizer.streams) < 2:
            raise ValueError(
                f'AppearanceSwap needs both streams, the model has '
                f'{list(recognizer.streams)}'
            )

    def forward(
        self, features: Tuple[Tensor, Tensor], data_samples: SampleList
    ) -> Tuple[Tensor, Tensor]:
        """Swap in training; in evaluation mode, return what is given.

        Args:
            features: F_A [N, T, C_A] and F_P [N, T', C_P].
            data_samples: N, with one label each.

        Raises:
            ValueError: a sample has more than one label.
        """
        if not self.training:
            return features
        labels = torch.stack([sample.gt_label for sample in data_samples])
        if labels.shape[1:] != (1,):
            raise ValueError(
                f'AppearanceSwap needs one class a video, not labels of shape '
                f'{list(labels.shape[1:])}'
            )
        appearance, *others = features
        swapped = swap_appearance(appearance, labels.squeeze(1), self.prob)
        return (swapped, *others)


def swap_appearance(
    appearance: Tensor, labels: Tensor, probability: float
) -> Tensor:
    """Give some clips the appearance of another class.

    Drawn from torch's generator of the labels' device.

    Args:
        appearance: F_A [N, T, C].
        labels: [N], classes.
        probability: from 0 to 1.

    Returns:
        [N, T, C].
    """
    other = labels[:, None] != labels
    possible = other.any(1)
    swapped = possible & (
        torch.rand_like(labels, dtype=torch.float) < probability
    )
    # a row of zeros cannot be drawn from
    weights = (other | ~possible[:, None]).float()
    partner = torch.multinomial(weights, 1).squeeze(1)
    own = torch.arange(len(labels), device=labels.device)
    return appearance[torch.where(swapped, partner, own)]
