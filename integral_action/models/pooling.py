"""Features [N, T, C] of a stream, whatever network it is.

Letters: N clips, T frames, C channels, M persons, V keypoints.
"""

from typing import Any, Iterator, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

INPUT_FORMATS = ('NCHW', 'NCTHW', 'NMTVC')


def stream_input(clips: Tensor, input_format: str) -> Tensor:
    """Arrange clips as a backbone takes them.

    Args:
        clips: [N, C, T, H, W], or [N, M, T, V, C] for a graph network.
        input_format: ``'NCHW'`` for frames one by one, [N * T, C, H, W]; the
            others leave clips as they are.
    """
    if input_format == 'NCHW':
        return clips.transpose(1, 2).flatten(0, 1)
    return clips


def to_features(
    output: Any,
    input_format: str = 'NCTHW',
    frames: Optional[int] = None,
    person: Optional[Tensor] = None,
) -> Tensor:
    """Pool whatever a backbone returns to features [N, T, C].

    Args:
        output: by ``input_format``,

            - ``'NCHW'``: maps [N * T, C, H, W] or vectors [N * T, C];
            - ``'NCTHW'``: maps [N, C, T, H, W], or vectors of whole clips
              [N, C], of which T is 1;
            - ``'NMTVC'``: [N, M, C, T, V], of a graph network;
            - any but ``'NCHW'``: features [N, T, C] already.

            Space, persons and keypoints are averaged away. Of a tuple
            (pathways, stages), nested or not, each is pooled, brought to the
            fewest frames among them, and the channels are concatenated; beside
            maps, vectors (a class token) and None are left out.
        input_format: what the backbone was given.
        frames: T, for ``'NCHW'``.
        person: [N, M], whether there is such a person, for ``'NMTVC'``; those
            who are not do not count.

    Raises:
        TypeError: something else than tensors.
        ValueError: a tensor of another shape.
    """
    parts = list(_tensors(output))
    parts = [part for part in parts if part.ndim > 2] or parts
    features = [_pool(part, input_format, frames, person) for part in parts]
    fewest = min(feature.shape[1] for feature in features)
    return torch.cat([pool_frames(f, fewest) for f in features], -1)


def pool_frames(feature: Tensor, frames: int) -> Tensor:
    """Average [N, T, C] over time to ``frames``, which need not divide T."""
    if feature.shape[1] == frames:
        return feature
    if feature.shape[1] % frames == 0:
        return feature.unflatten(1, (frames, -1)).mean(2)
    feature = F.adaptive_avg_pool1d(feature.transpose(1, 2), frames)
    return feature.transpose(1, 2)


def dry_run(stream: nn.Module, input_format: str) -> Tensor:
    """Compute features of one clip of ordinary size, without their values.

    It takes a fraction of a second: weights and clip are tensors of the device
    ``meta``, which have a shape alone. The stream is left as it was.

    Args:
        stream: a backbone.
        input_format: what it is given.

    Raises:
        Exception: of any kind, where the backbone cannot do without values or
            takes clips of another size.
    """
    tensors = dict(stream.named_parameters()) | dict(stream.named_buffers())
    weights = {name: value.to('meta') for name, value in tensors.items()}
    clips = torch.empty(_clip_shape(stream, input_format), device='meta')
    # not eval(): streams do more in it, such as to freeze their stages
    modes = {module: module.training for module in stream.modules()}
    try:
        for module in modes:
            module.training = False
        with torch.no_grad():
            output = functional_call(
                stream, weights, (stream_input(clips, input_format),)
            )
            return to_features(output, input_format, clips.shape[2])
    finally:
        for module, mode in modes.items():
            module.training = mode


def _clip_shape(stream: nn.Module, input_format: str) -> Tuple[int, ...]:
    if input_format == 'NMTVC':
        return 1, 2, 32, stream.graph.num_node, stream.in_channels
    frames = 8 if input_format == 'NCHW' else 16
    for name in ('num_segments', 'num_frames'):
        frames = getattr(stream, name, frames)
    channels = next(
        module.in_channels
        for module in stream.modules()
        if isinstance(module, (nn.Conv2d, nn.Conv3d))
    )
    return 1, channels, frames, 224, 224


def _tensors(output: Any) -> Iterator[Tensor]:
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, (tuple, list)):
        for part in output:
            if part is not None:
                yield from _tensors(part)
    else:
        raise TypeError(
            f'a backbone in a stream returns tensors, not a '
            f'{type(output).__name__}'
        )


def _pool(
    part: Tensor,
    input_format: str,
    frames: Optional[int],
    person: Optional[Tensor],
) -> Tensor:
    dims = part.ndim
    if input_format == 'NCHW' and dims in (2, 4):
        part = part.mean((2, 3)) if dims == 4 else part
        # not unflatten, whose N the ONNX exporter would make constant
        return part.reshape(-1, frames, part.shape[-1])
    if input_format != 'NCHW' and dims == 3:
        return part
    if input_format == 'NCTHW' and dims == 5:
        return part.mean((3, 4)).transpose(1, 2)
    if input_format == 'NCTHW' and dims == 2:
        return part[:, None]
    if input_format == 'NMTVC' and dims == 5:
        part = part.mean(4).transpose(2, 3)  # [N, M, T, C]
        if person is None:
            return part.mean(1)
        # nobody at all: the mean, as of everybody
        weight = (person | ~person.any(1, True)).to(part)
        weight = weight / weight.sum(1, True)
        return (part * weight[..., None, None]).sum(1)
    raise ValueError(
        f'input_format={input_format!r} does not go with an output of shape '
        f'{list(part.shape)}'
    )
