"""Let the context lie in training."""

import torch
from torch import Tensor


def swap_appearance(
    appearance: Tensor, labels: Tensor, probability: float
) -> Tensor:
    """Give some clips the appearance of another class.

    Each clip's feature is replaced, with ``probability``, by that of a clip
    drawn from those of other classes in the batch; where there is none, it
    stays. Drawn from torch's generator of the labels' device.

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
