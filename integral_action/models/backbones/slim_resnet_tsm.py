from typing import Optional, Tuple, Union

from mmaction.models.backbones import ResNetTSM
from mmaction.models.backbones.resnet import make_res_layer
from mmaction.registry import MODELS
from mmcv.cnn import ConvModule
from torch import Tensor, nn


@MODELS.register_module()
class SlimResNetTSM(ResNetTSM):
    """MMAction2's ``ResNetTSM`` in another width, or shifting the other way.

    Args:
        depth: of the ResNet: 18, 34, 50, 101 or 152.
        base_channels: channels of the first stage; each next one has twice as
            many. ResNet has 64.
        past_first: give the first 1/shift_div of the channels the frame before
            and the second one the frame after, as the authors' release does;
            MMAction2 does the opposite.
        pretrained2d: whether ``pretrained`` names the weights of a 2-D ResNet;
            None where ``pretrained`` is given.
        **kwargs: of ``ResNetTSM``, such as ``num_segments`` (T) and
            ``shift_div`` (1/shift_div of the channels is shifted forward and
            as much back; section 3.1).

    Raises:
        ValueError: ``past_first`` with ``temporal_pool``, which leaves half of
            the frames.

    Example:
        >>> import torch
        >>> network = SlimResNetTSM(18, base_channels=16, num_segments=4)
        >>> network(torch.rand(8, 3, 32, 32)).shape  # two clips of 4 frames
        torch.Size([8, 128, 1, 1])
    """

    def __init__(
        self,
        depth: int,
        base_channels: int = 64,
        past_first: bool = False,
        pretrained2d: Optional[bool] = None,
        **kwargs,
    ) -> None:
        self.base_channels = base_channels
        self.past_first = past_first
        if past_first and kwargs.get('temporal_pool'):
            raise ValueError('past_first does not go with temporal_pool')
        if pretrained2d is None:
            pretrained2d = kwargs.get('pretrained') is not None
        super().__init__(depth, pretrained2d=pretrained2d, **kwargs)

    def forward(self, x: Tensor) -> Union[Tensor, Tuple[Tensor, ...]]:
        """[N * T, C, H, W] -> [N * T, C', h, w], or a tuple of stages'."""
        if not self.past_first:
            return super().forward(x)
        # Seen backwards in time, the frame before is the frame after.
        maps = super().forward(self._reverse(x))
        if isinstance(maps, tuple):
            return tuple(self._reverse(stage) for stage in maps)
        return self._reverse(maps)

    def _reverse(self, x: Tensor) -> Tensor:
        # not unflatten(0, (-1, T)), which the ONNX exporter makes constant
        clips = x.reshape(-1, self.num_segments, *x.shape[1:])
        return clips.flip(1).flatten(0, 1)

    def init_structure(self) -> None:
        """Give the layers their width, then insert the shifts."""
        if self.base_channels != 64:
            self._make_layers()
        super().init_structure()

    def _make_stem_layer(self) -> None:
        self.conv1 = self._conv1(kernel_size=7, stride=2, padding=3)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)

    def _conv1(self, **kwargs) -> ConvModule:
        return ConvModule(
            self.in_channels,
            self.base_channels,
            bias=False,
            conv_cfg=self.conv_cfg,
            norm_cfg=self.norm_cfg,
            act_cfg=self.act_cfg,
            **kwargs,
        )

    def _make_layers(self) -> None:
        # ResNet.__init__ has built them with 64 channels, which is fixed there
        self.inplanes = self.base_channels
        for i, num_blocks in enumerate(self.stage_blocks):
            planes = self.base_channels * 2**i
            layer = make_res_layer(
                self.block,
                self.inplanes,
                planes,
                num_blocks,
                stride=self.strides[i],
                dilation=self.dilations[i],
                style=self.style,
                conv_cfg=self.conv_cfg,
                norm_cfg=self.norm_cfg,
                act_cfg=self.act_cfg,
                with_cp=self.with_cp,
            )
            self.inplanes = planes * self.block.expansion
            setattr(self, f'layer{i + 1}', layer)
        self.feat_dim = self.inplanes
