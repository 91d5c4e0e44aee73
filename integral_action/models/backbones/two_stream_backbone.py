from typing import Dict, Optional, Sequence, Tuple, Union
from urllib.error import URLError

import torch
from mmaction.registry import MODELS
from mmengine.logging import MMLogger
from mmengine.model import BaseModule
from torch import Tensor, nn

from integral_action.models.channels_last import to_channels_last
from integral_action.models.pooling import (
    INPUT_FORMATS,
    dry_run,
    stream_input,
    to_features,
)
from integral_action.models.stages import load_stage

STREAMS = ('appearance', 'pose')
INPUTS = ('imgs', 'imgs_diff')


@MODELS.register_module()
class TwoStreamBackbone(BaseModule):
    """The appearance stream, the pose stream, or both (sections 3.1, 3.2).

    Further streams may stand behind them, under names of their own.

    Letters: N clips, T frames of the appearance stream, T' of the pose stream,
    C_A and C_P their channels.

    A stream is any backbone of MMAction2's registry. It offers features
    [N, T, C] or what :func:`to_features` pools to them (maps, tuples of maps,
    joints), of whatever number of frames. Its config says by ``input_format``
    what it takes:

    - ``'NCHW'`` (the default): frames one by one, [N * T, C, H, W];
    - ``'NCTHW'``: clips, [N, C, T, H, W];
    - ``'NMTVC'``: the keypoints of :class:`PoseGraphPreprocessor`, for a graph
      network in the pose stream, [N, M, T', V, 3].

    A stream on frames may say by ``input`` that it sees ``'imgs'``, the
    frames (the default), or ``'imgs_diff'``, each frame less the one before:
    T - 1 pictures of what moves, where a still background is 0.

    Args:
        appearance: config of the stream on RGB frames; None for none.
        pose: config of the stream on poses; None for none.
        frozen: the streams that are not trained: no gradient, no activations
            kept, batch norm statistics fixed (section 3.4, last stage).
        visibility: whether F_P gets one channel more, for a gate: how much of
            a pose its clip shows, the share of pose maps that are not empty,
            from 0 to 1.
        channels_last: whether the weights of 2D convolutions are laid out so
            (:func:`to_channels_last`), which is faster on many machines.
        **further: configs of further streams on frames, by their names.

    A stream whose ``init_cfg`` is ``dict(type='Pretrained', checkpoint=...,
    prefix='backbone.appearance.')`` starts from that stage's checkpoint, all
    of it, or it is an error that names the stage (:func:`load_stage`).

    Raises:
        ValueError: no stream, ``frozen`` or ``visibility`` is of one that is
            not there, or an ``input_format`` that the stream cannot have.

    Example:
        >>> pose = dict(type='PoseResNetTSM', depth=18, in_channels=55)
        >>> backbone = TwoStreamBackbone(pose=pose)
        >>> backbone(heatmap_imgs=torch.rand(2, 55, 8, 28, 28)).shape
        torch.Size([2, 8, 512])
    """

    def __init__(
        self,
        appearance: Optional[Dict] = None,
        pose: Optional[Dict] = None,
        frozen: Sequence[str] = (),
        visibility: bool = False,
        channels_last: bool = False,
        **further: Dict,
    ) -> None:
        super().__init__()
        frozen = (frozen,) if isinstance(frozen, str) else frozen
        configs = dict(appearance=appearance, pose=pose, **further)
        self.streams = [name for name in configs if configs[name] is not None]
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
        self.formats, self.inputs, self.stages = {}, {}, {}
        for name in self.streams:
            is_config = isinstance(configs[name], dict)
            if not is_config or 'type' not in configs[name]:
                raise TypeError(
                    f'{name}={configs[name]!r} is no option of '
                    f'TwoStreamBackbone, and no config of a stream, with a '
                    f'type'
                )
            if hasattr(self, name):
                raise ValueError(f'a stream cannot be called {name}')
            config = configs[name].copy()
            self.formats[name] = _input_format(name, config)
            self.inputs[name] = _input(name, config, self.formats[name])
            init_cfg = config.get('init_cfg')
            if isinstance(init_cfg, dict) and (
                init_cfg.get('type') == 'Pretrained'
            ):  # loaded here; some backbones take no init_cfg
                self.stages[name] = config.pop('init_cfg')
            stream = MODELS.build(config)
            if name in self.frozen:
                stream.requires_grad_(False)
            setattr(self, name, stream)
        if channels_last:
            to_channels_last(self)

    def init_weights(self) -> None:
        """Initialise each stream, from its stage's checkpoint if it has one.

        Raises:
            FileNotFoundError, ValueError: see :func:`load_stage`.
            ConnectionError: weights are to be downloaded, and cannot be.
        """
        for name in self.streams:
            stream = getattr(self, name)
            if name in self.stages:
                stage = self.stages[name]
                load_stage(
                    stream, name, stage['checkpoint'], stage.get('prefix', '')
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

    def feature_sizes(self) -> Dict[str, Tuple[Optional[int], Optional[int]]]:
        """Tell what the streams offer, as far as that is known without a clip.

        Returns:
            By stream, T where that is the network's own (``num_segments``),
            and C; None for what is not known (see :func:`dry_run`).

        Raises:
            ValueError: a stream cannot take its ``input_format``, but another.
        """
        sizes = {}
        for name in self.streams:
            frames, channels = self._dry_run(name)
            if self.visibility and name == 'pose' and channels:
                channels += 1
            fixed = hasattr(getattr(self, name), 'num_segments')
            sizes[name] = (frames if fixed else None, channels)
        return sizes

    def _dry_run(self, name: str) -> Tuple[Optional[int], Optional[int]]:
        works = []
        for input_format in (self.formats[name], *INPUT_FORMATS):
            try:
                features = dry_run(getattr(self, name), input_format)
            except Exception:  # of any kind; the first batch will tell
                continue
            if input_format == self.formats[name]:
                return features.shape[1:]
            works.append(repr(input_format))
        if works:
            raise ValueError(
                f'the {name} stream cannot take input_format='
                f'{self.formats[name]!r}, but {" or ".join(works)}'
            )
        return None, None

    def forward(
        self,
        imgs: Optional[Tensor] = None,
        heatmap_imgs: Optional[Tensor] = None,
        keypoint: Optional[Tensor] = None,
        visibility: Optional[bool] = None,
        **kept: Tensor,
    ) -> Union[Tensor, Tuple[Tensor, ...]]:
        """Extract features.

        Args:
            imgs: [N, 3, T, H, W] for the streams on frames.
            heatmap_imgs: [N, K + 2B, T', H', W'] for the pose stream.
            keypoint: [N, M, T', V, 3] for a pose stream that is a graph
                network.
            visibility: whether F_P has that channel; None as it was built.
            **kept: ``appearance_features``, ``pose_features`` and the like:
                what this has returned for a stream before, which then does
                not run.

        Returns:
            F_A [N, T, C_A], F_P [N, T', C_P] (C_P + 1 with ``visibility``),
            and those of further streams; of one stream, its own alone.

        Raises:
            ValueError: the batch lacks a stream's input, or has another number
                of frames or keypoints than the stream was built for; or the
                stream offers no features.
        """
        inputs = dict(imgs=imgs, heatmap_imgs=heatmap_imgs, keypoint=keypoint)
        visibility = self.visibility if visibility is None else visibility
        features = tuple(
            self._features(name, inputs, visibility)
            if kept.get(f'{name}_features') is None
            else kept[f'{name}_features']
            for name in self.streams
        )
        return features if len(features) > 1 else features[0]

    def _features(
        self,
        name: str,
        inputs: Dict[str, Optional[Tensor]],
        visibility: bool,
    ) -> Tensor:
        differences = self.inputs[name] == 'imgs_diff'
        key = 'imgs' if differences else self.inputs[name]
        clips = inputs[key]
        if clips is None:
            raise ValueError(
                f'the {name} stream gets no {key}; does the '
                f'pipeline collect them?'
            )
        if differences:
            # not diff(), which ONNX does not know
            clips = clips[:, :, 1:] - clips[:, :, :-1]
        stream, input_format = getattr(self, name), self.formats[name]
        person = None
        if input_format == 'NMTVC':
            person = clips.flatten(2).any(2)
            joints = getattr(getattr(stream, 'graph', None), 'num_node', None)
            if joints not in (None, clips.shape[3]):
                raise ValueError(
                    f"the {name} stream's graph has {joints} keypoints, but "
                    f'gets poses of {clips.shape[3]}'
                )
        elif input_format == 'NCHW':
            # A shift over another T would mix the frames of two videos.
            frames = clips.shape[2]
            if getattr(stream, 'num_segments', frames) != frames:
                raise ValueError(
                    f'the {name} stream was built for num_segments='
                    f'{stream.num_segments} frames, but gets clips of '
                    f'{frames}'
                )
        with torch.set_grad_enabled(
            torch.is_grad_enabled() and name not in self.frozen
        ):
            output = stream(stream_input(clips, input_format))
        try:
            features = to_features(
                output, input_format, clips.shape[2], person
            )
        except (TypeError, ValueError) as error:
            raise ValueError(f'the {name} stream: {error}') from error
        if visibility and name == 'pose':
            return _with_visibility(features, clips, person)
        return features


def _input_format(name: str, config: Dict) -> str:
    """Take ``input_format`` out of a stream's config."""
    input_format = config.pop('input_format', 'NCHW')
    known = INPUT_FORMATS if name == 'pose' else INPUT_FORMATS[:2]
    if input_format not in known:
        raise ValueError(
            f'{name}: input_format must be one of {known}, got '
            f'{input_format!r}'
        )
    return input_format


def _input(name: str, config: Dict, input_format: str) -> str:
    """Take ``input`` out of a stream's config; return the key of a batch, or
    ``'imgs_diff'``."""
    if name == 'pose':
        return 'keypoint' if input_format == 'NMTVC' else 'heatmap_imgs'
    key = config.pop('input', 'imgs')
    if key not in INPUTS:
        raise ValueError(f'{name}: input must be one of {INPUTS}, got {key!r}')
    return key


def _with_visibility(
    feature: Tensor, clips: Tensor, person: Optional[Tensor]
) -> Tensor:
    """[N, T', C_P] and its maps [N, C, T', H, W], or keypoints
    [N, M, T', V, 3] -> [N, T', C_P + 1]."""
    if person is None:
        seen = clips.detach().abs().amax((3, 4)) > 0
    else:
        seen = (clips[..., 2] > 0).any(1)
    visible = seen.to(feature.dtype).mean((1, 2))
    visible = visible[:, None, None].expand(-1, feature.shape[1], 1)
    return torch.cat((feature, visible), -1)
