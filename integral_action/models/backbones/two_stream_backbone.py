from typing import Dict, Optional, Sequence, Tuple, Union
from urllib.error import URLError

import torch
from mmaction.registry import MODELS
from mmengine.logging import MMLogger
from mmengine.model import BaseModule
from torch import Tensor, nn

from integral_action.models.stages import load_stage

STREAMS = ('appearance', 'pose')


@MODELS.register_module()
class TwoStreamBackbone(BaseModule):
    """The appearance stream, the pose stream, or both (sections 3.1, 3.2).

    Letters: N clips, T frames of the appearance stream, T' of the pose stream,
    C_A and C_P their channels.

    A stream is a backbone of MMAction2's registry. One of frames (ResNetTSM,
    PoseResNetTSM, ...) gets [N * T, C, H, W] and returns [N * T, C', h, w];
    one of clips (ResNet3dSlowOnly, ...) is announced by
    ``input_format='NCTHW'``, gets [N, C, T, H, W] and returns
    [N, C', T'', h, w]. What it returns is averaged over h and w.

    Args:
        appearance: config of the stream on RGB frames; None for none.
        pose: config of the stream on pose maps; None for none.
        frozen: the streams that are not trained: no gradient, no activations
            kept, batch norm statistics fixed (section 3.4, last stage).
        visibility: whether F_P gets one channel more, for a gate: how much of
            a pose its clip shows, the share of pose maps that are not empty,
            from 0 to 1.

    A stream whose ``init_cfg`` is ``dict(type='Pretrained', checkpoint=...,
    prefix='backbone.appearance.')`` starts from that stage's checkpoint, all
    of it, or it is an error that names the stage (:func:`load_stage`).

    Raises:
        ValueError: no stream, or ``frozen`` or ``visibility`` is of one that
            is not there.
    """

    def __init__(
        self,
        appearance: Optional[Dict] = None,
        pose: Optional[Dict] = None,
        frozen: Sequence[str] = (),
        visibility: bool = False,
    ) -> None:
        super().__init__()
        frozen = (frozen,) if isinstance(frozen, str) else frozen
        configs = dict(appearance=appearance, pose=pose)
        self.streams = [name for name in STREAMS if configs[name] is not None]
        if not self.streams:
            raise ValueError(
                'TwoStreamBackbone needs appearance, pose or both'
            )
        unknown = set(frozen) - set(self.streams)
        if unknown:
            raise ValueError(
                f'frozen names {sorted(unknown)}, the streams '
                f'are {self.streams}'
            )
        if visibility and pose is None:
            raise ValueError('visibility is of poses, but there is no pose')
        self.frozen = tuple(frozen)
        self.visibility = visibility
        self.formats = {}
        for name in self.streams:
            config = configs[name].copy()
            self.formats[name] = config.pop('input_format', 'NCHW')
            if self.formats[name] not in ('NCHW', 'NCTHW'):
                raise ValueError(
                    f"{name}: input_format must be 'NCHW' or "
                    f"'NCTHW', got {self.formats[name]!r}"
                )
            stream = MODELS.build(config)
            if name in self.frozen:
                stream.requires_grad_(False)
            setattr(self, name, stream)

    def init_weights(self) -> None:
        """Initialise each stream, from its stage's checkpoint if it has one.

        Raises:
            FileNotFoundError, ValueError: see :func:`load_stage`.
            ConnectionError: weights are to be downloaded, and cannot be.
        """
        for name in self.streams:
            stream = getattr(self, name)
            init_cfg = stream.init_cfg
            if isinstance(init_cfg, dict) and (
                init_cfg.get('type') == 'Pretrained'
            ):
                load_stage(
                    stream,
                    name,
                    init_cfg['checkpoint'],
                    init_cfg.get('prefix', ''),
                )
            else:
                self._init_stream(name, stream)
                if name in self.frozen and not getattr(
                    stream, 'pretrained', None
                ):
                    MMLogger.get_current_instance().warning(
                        f'the {name} stream is frozen with random weights; '
                        f'give it an init_cfg of type Pretrained'
                    )
        self._is_init = True

    @staticmethod
    def _init_stream(name: str, stream: nn.Module) -> None:
        try:
            stream.init_weights()
        # ImportError: 'torchvision://...' without torchvision
        except (URLError, ConnectionError, TimeoutError, ImportError) as error:
            pretrained = getattr(stream, 'pretrained', None)
            raise ConnectionError(
                f'{name} stream: {pretrained} cannot be had ({error}). Fetch '
                f'the weights where there is a network, and give the file: '
                f'--cfg-options model.backbone.{name}.pretrained=FILE'
            ) from error

    def train(self, mode: bool = True) -> 'TwoStreamBackbone':
        """Frozen streams stay in evaluation mode."""
        super().train(mode)
        for name in self.frozen:
            getattr(self, name).eval()
        return self

    def forward(
        self,
        imgs: Optional[Tensor] = None,
        heatmap_imgs: Optional[Tensor] = None,
    ) -> Union[Tensor, Tuple[Tensor, Tensor]]:
        """Extract features.

        Args:
            imgs: [N, 3, T, H, W] for the appearance stream.
            heatmap_imgs: [N, K + 2B, T', H', W'] for the pose stream.

        Returns:
            F_A [N, T, C_A] and F_P [N, T', C_P] (C_P + 1 with
            ``visibility``); of one stream, its own alone.

        Raises:
            ValueError: the batch lacks a stream's input, or has another number
                of frames than the stream was built for.
        """
        inputs = dict(appearance=imgs, pose=heatmap_imgs)
        features = [
            self._features(name, inputs[name]) for name in self.streams
        ]
        if self.visibility:  # the pose stream is the last
            features[-1] = _with_visibility(features[-1], heatmap_imgs)
        return tuple(features) if len(features) > 1 else features[0]

    def _features(self, name: str, clips: Optional[Tensor]) -> Tensor:
        if clips is None:
            key = dict(appearance='imgs', pose='heatmap_imgs')[name]
            raise ValueError(
                f'the {name} stream gets no {key}; does the '
                f'pipeline collect them?'
            )
        stream = getattr(self, name)
        with torch.set_grad_enabled(
            torch.is_grad_enabled() and name not in self.frozen
        ):
            if self.formats[name] == 'NCTHW':
                return stream(clips).mean((3, 4)).transpose(1, 2)
            num_clips, _, frames = clips.shape[:3]
            # A shift over another T would mix the frames of two videos.
            if getattr(stream, 'num_segments', frames) != frames:
                raise ValueError(
                    f'the {name} stream was built for num_segments='
                    f'{stream.num_segments} frames, but gets clips of '
                    f'{frames}'
                )
            maps = stream(clips.transpose(1, 2).flatten(0, 1))
            return maps.mean((2, 3)).unflatten(0, (num_clips, frames))


def _with_visibility(feature: Tensor, maps: Tensor) -> Tensor:
    """[N, T', C_P] and its maps [N, C, T, H, W] -> [N, T', C_P + 1]."""
    drawn = maps.detach().abs().amax((3, 4)) > 0
    visible = drawn.to(feature.dtype).mean((1, 2))
    visible = visible[:, None, None].expand(-1, feature.shape[1], 1)
    return torch.cat((feature, visible), -1)
