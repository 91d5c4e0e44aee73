"""The memory layout that 2D convolutions like best on many machines."""

import torch
from torch import nn


def to_channels_last(module: nn.Module) -> nn.Module:
    """Lay out the weights of 2D convolutions channels-last.

    What a convolution gives has its weights' layout, so that the input may
    have any. Values are the same, sums differ in the last digits.

    Args:
        module: changed in place; weights that are loaded into it later keep
            the layout.

    Returns:
        The module.
    """
    for parameter in module.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(
                memory_format=torch.channels_last
            )
    return module
