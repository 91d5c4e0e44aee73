"""Make a model faster for inference, with the same predictions."""

from mmaction.models.backbones.resnet_tsm import TemporalShift
from mmcv.cnn import ConvModule
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from integral_action.models.channels_last import to_channels_last


def fuse_model(model: nn.Module) -> nn.Module:
    """Fold batch norms into convolutions, and lay them out channels-last.

    The predictions are the same but for the last digits (1e-6); the model
    cannot be trained any more, and its weights no longer have the names of its
    config.

    Args:
        model: in evaluation mode; it is changed. Convolutions of frames become
            faster, others stay what they are.

    Returns:
        The model.

    Raises:
        ValueError: it is in training mode.
    """
    if model.training:
        raise ValueError('fuse_model() is for a model in evaluation mode')
    for module in model.modules():
        if isinstance(module, ConvModule) and module.with_norm:
            _fold(module)
    for module in list(model.modules()):
        for name, part in module.named_children():
            if isinstance(part, TemporalShift):
                shift = LayoutKeepingShift(
                    part.net, part.num_segments, part.shift_div
                )
                setattr(module, name, shift)
    return to_channels_last(model)


def _fold(module: ConvModule) -> None:
    """Fold a batch norm that stands straight behind the convolution."""
    if module.order[:2] != ('conv', 'norm') or not isinstance(
        module.norm, nn.modules.batchnorm._BatchNorm
    ):
        return
    if isinstance(module.conv, TemporalShift):
        module.conv.net = fuse_conv_bn_eval(module.conv.net, module.norm)
    else:
        module.conv = fuse_conv_bn_eval(module.conv, module.norm)
    setattr(module, module.norm_name, nn.Identity())


class LayoutKeepingShift(TemporalShift):
    """MMAction2's ``TemporalShift``, which leaves the layout as it is.

    Example:
        >>> import torch
        >>> frames = torch.arange(6.0).view(3, 2, 1, 1)
        >>> LayoutKeepingShift.shift(frames, 3, 2).view(3, 2).tolist()
        [[2.0, 0.0], [4.0, 1.0], [0.0, 3.0]]
    """

    @staticmethod
    def shift(x: Tensor, num_segments: int, shift_div: int = 3) -> Tensor:
        """Shift some channels by a frame.

        Args:
            x: [N * T, C, H, W].
            num_segments: T.
            shift_div: the first C / shift_div channels become those of the
                next frame, as many behind them those of the frame before; 0
                beyond the clip.
        """
        fold = x.shape[1] // shift_div
        out = x.clone()
        clips, shifted = (a.unflatten(0, (-1, num_segments)) for a in (x, out))
        shifted[:, :-1, :fold] = clips[:, 1:, :fold]
        shifted[:, -1, :fold] = 0
        shifted[:, 1:, fold : 2 * fold] = clips[:, :-1, fold : 2 * fold]
        shifted[:, 0, fold : 2 * fold] = 0
        return out
