"""Class activation maps: the places where a class is seen."""

from typing import Any, Dict, List, Optional

import torch
import torch.nn.functional as F
from mmengine.dataset import pseudo_collate
from mmengine.model import BaseModel
from torch import Tensor

from integral_action.models.backbones import TwoStreamBackbone

from .inferencer import IntegralActionInferencer


def activation_maps(
    model: BaseModel, inputs: Dict[str, Tensor], label: int
) -> Dict[str, Tensor]:
    """Compute class activation maps of every stream, by Grad-CAM.

    Letters: N clips, T frames, C channels and h x w cells of a stream's last
    feature maps A. A map is ``sum_c a_c A_c``, ``a_c`` the sum over the cells
    of the gradient, with respect to A_c, of the class's logits summed over the
    frames. So its mean over h x w is what the stream adds to a frame's logit,
    as far as that is linear. In a model of one stream it is, behind the global
    average: the map is then CAM's, ``sum_c w_c A_c``. In the fused model the
    gradient goes through alignment and gate, and both streams' maps have the
    same unit, so that they can be compared, and added. A frame's logits are
    the head's ``frame_logits``; :class:`RobustProductHead` gives each frame
    its clip's score. Of a stream of several maps (pathways), it is their sum,
    in the finest size.

    Args:
        model: a :class:`TwoStreamRecognizer` in evaluation mode, whose head
            offers ``frame_logits(features)``.
        inputs: as its data preprocessor gives them: ``imgs``
            [V, clips, 3, T, H, W] and ``heatmap_imgs``
            [V, clips, K + 2B, T', H', W'], what its streams take; V videos.
        label: the class.

    Returns:
        Of each stream (``'appearance'``, ``'pose'``) [N, T, h, w] with N = V *
        clips, T the frames of its maps. Negative where the stream speaks
        against the class.

    Raises:
        ValueError: there is no such class; the model is of another kind; or a
            stream has no maps of the picture, as a graph network has none.
    """
    backbone = getattr(model, 'backbone', None)
    head = getattr(model, 'cls_head', None)
    if not (
        isinstance(backbone, TwoStreamBackbone)
        and hasattr(head, 'frame_logits')
    ):
        raise ValueError(
            f'activation maps need a TwoStreamBackbone and a head with '
            f'frame_logits(); this {type(model).__name__} has a '
            f'{type(backbone).__name__} and a {type(head).__name__}'
        )
    number = head.num_classes
    if not 0 <= label < number:
        raise ValueError(
            f'label is {label}, but the model has {number} classes'
        )
    taken, hooks = {}, []

    def take(stream: str):
        taken[stream] = []
        dimensions = 4 if backbone.formats[stream] == 'NCHW' else 5

        def leaves(output: Any) -> Any:
            """Make leaves of maps: a frozen stream computes no gradient."""
            if isinstance(output, (list, tuple)):
                return type(output)([leaves(part) for part in output])
            if not (torch.is_tensor(output) and output.ndim == dimensions):
                return output
            taken[stream].append(output.detach().requires_grad_())
            return taken[stream][-1]

        return lambda module, _, output: leaves(output)

    for stream in backbone.streams:
        if backbone.formats[stream] == 'NMTVC':
            raise ValueError(
                f'the {stream} stream is a graph network: it has no maps that '
                f'could be laid over a picture'
            )
        module = getattr(backbone, stream)
        hooks.append(module.register_forward_hook(take(stream)))
    try:
        with torch.enable_grad():
            features, _ = model.extract_feat(inputs)
            logits = head.frame_logits(features)  # [N, T, classes]
            parts = [part for maps in taken.values() for part in maps]
            gradients = iter(
                torch.autograd.grad(
                    logits[..., label].sum(), parts, allow_unused=True
                )
            )
    finally:
        for hook in hooks:
            hook.remove()
    result = {}
    for stream, values in taken.items():
        if not values:
            raise ValueError(f'the {stream} stream has no maps of the picture')
        maps = []
        for value in values:
            gradient = next(gradients)
            if gradient is None:  # a part that the head does not see
                continue
            if backbone.formats[stream] == 'NCHW':  # [N * T, C, h, w]
                value, gradient = (
                    x.unflatten(0, (len(logits), -1))
                    for x in (value, gradient)
                )
            else:  # [N, C, T, h, w]
                value, gradient = (
                    x.transpose(1, 2) for x in (value, gradient)
                )
            weights = gradient.sum((3, 4), keepdim=True)
            maps.append((weights * value).sum(2).detach())
        result[stream] = _sum(maps)
    return result


def _sum(maps: List[Tensor]) -> Tensor:
    """Add maps [N, T, h, w] of several sizes, in the finest; each keeps its
    sum over the frames."""
    size = [max(sizes) for sizes in zip(*(one.shape[1:] for one in maps))]
    return sum(
        F.interpolate(one[:, None], size, mode='trilinear')[:, 0]
        * (one.shape[1] / size[0])
        if list(one.shape[1:]) != size
        else one
        for one in maps
    )


def vis_cam(
    inferencer: IntegralActionInferencer,
    video: Any,
    poses: Any = None,
    label: Optional[int] = None,
    clip: Optional[int] = None,
) -> 'ActivationView':  # noqa: F821
    """Show a clip of a video as a model sees it, for ``activation_sheet``.

    Args:
        inferencer: of the model.
        video, poses: one video, as the inferencer takes it.
        label: the class; None for the best of the video.
        clip: which of the test pipeline's clips, from 0; None for the middle.

    Raises:
        ValueError: no such class or clip, or as of the inferencer.
    """
    # matplotlib, which it brings, takes a while to import
    from integral_action.visualization import ActivationView, Clip

    model = inferencer.model
    packed = inferencer.pack(video, poses)
    with torch.no_grad():
        data = model.data_preprocessor(pseudo_collate([packed]))
        (result,) = model(**data, mode='predict')
    inputs = data['inputs']
    clips = next(iter(inputs.values())).shape[1]
    clip = clips // 2 if clip is None else clip
    if not 0 <= clip < clips:
        raise ValueError(f'clip is {clip}, but there are {clips}, from 0')
    inputs = {
        name: value[:, clip : clip + 1] for name, value in inputs.items()
    }
    label = int(result.pred_score.argmax()) if label is None else label
    maps = activation_maps(model, inputs, label)
    parts, numbers = {}, result.get('RGB_inds')
    if 'imgs' in inputs:
        frames = packed['inputs']['imgs'][clip]  # uint8, [3, T, H, W]
        parts['frames'] = frames.permute(1, 2, 3, 0).numpy()
        numbers = numbers.reshape(result.num_clips, -1)
        parts['frame_numbers'] = numbers[clip % len(numbers)].tolist()
    if 'heatmap_imgs' in inputs:
        drawn = inputs['heatmap_imgs'][0, 0]  # [K + 2B, T', H', W']
        parts['maps'] = drawn.transpose(0, 1).cpu().numpy()
        parts['shape'] = tuple(result.img_shape)
    name, score = inferencer.classes[label], float(result.pred_score[label])
    gate = float(result.gate[clip].mean()) if 'gate' in result else None
    return ActivationView(
        Clip(**parts, layout=inferencer.layout),
        {stream: value[0].cpu().numpy() for stream, value in maps.items()},
        f'{name} {score:.2f}',
        gate,
    )
