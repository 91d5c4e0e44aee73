import re
from typing import Dict

from mmaction.registry import MODELS
from mmengine.model.weight_init import normal_init
from torch import Tensor, nn

from integral_action.checkpoints import check_weights, read_checkpoint

from .slim_resnet_tsm import SlimResNetTSM


@MODELS.register_module()
class PoseResNetTSM(SlimResNetTSM):
    """The pose stream's ResNet (section 3.2, Tables 13 and 14).

    MMAction2's ``ResNetTSM`` whose strided 7x7 convolution and max pooling
    are replaced by a front end: 3x3 convolution, batch norm, ReLU. Pose maps
    of a quarter of the frames' size so leave it with the same size.

    Takes [N * T, in_channels, H, W], returns [N * T, C_P, H / 8, W / 8].

    Args:
        depth: of the ResNet.
        in_channels: channels of the pose maps, K + 2B
            (``KeypointLayout.num_channels``).
        pretrained: weights of a 2-D ResNet of that depth; the front end does
            not take its own from there, it is drawn with a standard deviation
            of 0.001 (section 3.5).
        **kwargs: of :class:`SlimResNetTSM`.

    Example:
        >>> import torch
        >>> network = PoseResNetTSM(18, in_channels=55, base_channels=16)
        >>> network(torch.rand(8, 55, 28, 28)).shape  # one clip of 8 frames
        torch.Size([8, 128, 4, 4])
    """

    def __init__(self, depth: int, in_channels: int, **kwargs) -> None:
        super().__init__(depth, in_channels=in_channels, **kwargs)

    def forward(self, x: Tensor) -> Tensor:
        """Extract the maps of the last layer.

        Raises:
            ValueError: pose maps of other channels.
        """
        if x.shape[1] != self.in_channels:
            raise ValueError(
                f'the pose maps have {x.shape[1]} channels, but pose.'
                f'in_channels is {self.in_channels}: it is K + 2B of '
                f'data_preprocessor.layout'
            )
        return super().forward(x)

    def _make_stem_layer(self) -> None:
        # ResNet.forward calls both
        self.conv1 = self._conv1(kernel_size=3, padding=1)
        self.maxpool = nn.Identity()

    def load_original_weights(self, logger) -> None:
        """Load a 2-D ResNet into everything but the front end.

        Raises:
            FileNotFoundError, ConnectionError, ValueError: as of
                :func:`read_checkpoint`; or the file lacks a weight, or has it
                in another shape.
        """
        content = read_checkpoint(self.pretrained)
        try:
            weights = check_weights(content.get('state_dict', content))
        except ValueError as error:
            raise ValueError(f'{self.pretrained}: {error}') from error
        weights = rename_2d_weights(weights)
        own = self.state_dict()
        wanted = {
            name: name.replace('.net.', '.')  # inside a temporal shift
            for name in own
            if not name.startswith('conv1.') and 'num_batches' not in name
        }
        for name, source in wanted.items():
            if source not in weights or (
                weights[source].shape != own[name].shape
            ):
                raise ValueError(
                    f'{self.pretrained}: no {source} of shape '
                    f'{list(own[name].shape)}; is it a ResNet-{self.depth}?'
                )
            own[name] = weights[source]
        self.load_state_dict(own)
        normal_init(self.conv1.conv, std=0.001)
        logger.info(
            f'{len(wanted)} weights of the pose stream come from '
            f'{self.pretrained}'
        )


def rename_2d_weights(weights: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """Name a torchvision ResNet's weights as MMAction2's ``ResNet`` does.

    ``layer1.0.bn2.weight`` becomes ``layer1.0.conv2.bn.weight``, and
    ``layer2.0.downsample.1.bias`` becomes ``layer2.0.downsample.bn.bias``.
    """
    rules = (
        (r'\bconv(\d)\.', r'conv\1.conv.'),
        (r'\bbn(\d)\.', r'conv\1.bn.'),
        (r'downsample\.0\.', 'downsample.conv.'),
        (r'downsample\.1\.', 'downsample.bn.'),
    )
    renamed = {}
    for name, value in weights.items():
        for pattern, name_here in rules:
            name, found = re.subn(pattern, name_here, name)
            if found:
                break
        renamed[name] = value
    return renamed
