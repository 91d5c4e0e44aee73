"""Building a model without more memory than its weights explain."""

from typing import Any, Dict

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from .checkpoint_config import leaves

SPARE = 2**25  # elements: layers that constructors make and replace
MAKERS = {
    torch.arange,
    torch.empty,
    torch.eye,
    torch.full,
    torch.linspace,
    torch.ones,
    torch.rand,
    torch.randint,
    torch.randn,
    torch.zeros,
}


class Bounded(TorchFunctionMode):
    """Refuse new tensors beyond what a model of some weights takes.

    A config can ask for a network of any size. What each tensor would take
    is told by the device ``meta``, before there is memory for it.

    Args:
        weights: of the model.

    Raises:
        ValueError: all together have more than twice their elements (and 2^25
            more), or are more than four times as many (and 1000 more).

    Example:
        >>> with Bounded({'weight': torch.zeros(3)}):
        ...     torch.empty(10**6, 10**6)
        Traceback (most recent call last):
        ...
        ValueError: its config asks for a tensor of [1000000, 1000000], ...
    """

    def __init__(self, weights: Dict[str, Tensor]) -> None:
        super().__init__()
        self.elements = sum(value.numel() for value in weights.values())
        self.left = 2 * self.elements + SPARE
        self.most = self.tensors = 4 * len(weights) + 1000

    def check_numbers(self, config: Any) -> None:
        """Refuse a whole number beyond all elements: numpy and loops are not
        seen here."""
        for _, value in leaves(config):
            if isinstance(value, int) and abs(value) > self.left:
                raise ValueError(
                    f'its config has the number {value}, but its weights have '
                    f'{self.elements} elements'
                )

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in MAKERS and str(kwargs.get('device')) != 'meta':
            shape = func(*args, **{**kwargs, 'device': 'meta'}).shape
            self.left -= shape.numel()
            self.tensors -= 1
            if self.left < 0:
                raise ValueError(
                    f'its config asks for a tensor of {list(shape)}, beyond '
                    f'what its weights of {self.elements} elements explain'
                )
            if self.tensors < 0:
                raise ValueError(
                    f'its config asks for more than {self.most} tensors, '
                    f'which its weights do not explain'
                )
        return func(*args, **kwargs)
