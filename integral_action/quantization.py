"""Weights in eight and sixteen bits, for checkpoints that are passed on."""

from typing import Any, Dict, Tuple

import torch
from torch import Tensor

SCALES = 'int8_scales'  # a checkpoint's key, beside its state_dict


def quantize(
    weights: Dict[str, Tensor], min_size: int = 2**17
) -> Tuple[Dict[str, Tensor], Dict[str, Tensor]]:
    """Round weights: the large ones to int8, the others to float16.

    An int8 matrix or kernel has one scale per output channel, which maps its
    largest weight to 127. Biases and batch norms stay as they are.

    Args:
        weights: a state_dict.
        min_size: number of elements from which a weight becomes int8.

    Returns:
        The weights, and the scales [C_out, 1, ...] of those that are int8.

    Example:
        >>> weights, scales = quantize({'w': torch.tensor([[127.0, -1.2]])}, 2)
        >>> weights['w'].tolist(), scales['w'].tolist()
        ([[127, -1]], [[1.0]])
    """
    rounded, scales = {}, {}
    for name, value in weights.items():
        rounded[name] = value
        if value.ndim < 2 or not value.is_floating_point():
            continue
        if value.numel() < min_size:
            rounded[name] = value.half()
            continue
        largest = value.float().abs().flatten(1).amax(1)
        scale = (largest / 127).clamp(min=torch.finfo(torch.float32).tiny)
        scales[name] = scale.reshape(-1, *[1] * (value.ndim - 1))
        rounded[name] = (value / scales[name]).round().to(torch.int8)
    return rounded, scales


def dequantize(content: Dict[str, Any]) -> None:
    """Bring a checkpoint's int8 weights back to float32, in place.

    Args:
        content: a checkpoint; one without scales stays as it is.

    Raises:
        ValueError: the scales are not those of its int8 weights.
    """
    scales = content.pop(SCALES, {})
    weights = content.get('state_dict')
    for name, scale in scales.items() if isinstance(scales, dict) else ():
        weight = weights.get(name) if isinstance(weights, dict) else None
        if not (
            torch.is_tensor(weight)
            and torch.is_tensor(scale)
            and weight.dtype == torch.int8
            and scale.shape == (len(weight), *[1] * (weight.ndim - 1))
        ):
            raise ValueError(f'{SCALES}.{name} is no scale of int8 weights')
        weights[name] = weight * scale.float()
