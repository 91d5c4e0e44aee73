from typing import Any, Dict, List, Optional, Sequence, Tuple

import torch
from mmaction.models.recognizers.base import BaseRecognizer
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from torch import Tensor

from integral_action.models.backbones import TwoStreamBackbone
from integral_action.models.backbones.two_stream_backbone import STREAMS
from integral_action.models.necks import StreamFusion


@MODELS.register_module()
class TwoStreamRecognizer(BaseRecognizer):
    """Recognise actions from frames, poses, or both (Figure 2).

    Backbone (:class:`TwoStreamBackbone`), with two streams a neck
    (:class:`StreamFusion`, such as :class:`PoseDrivenIntegration`), and a
    head (:class:`FrameAverageHead`); or no neck, and a head of both streams
    (:class:`RobustProductHead`). Inputs are a dict of ``imgs``
    [N, clips, 3, T, H, W] and ``heatmap_imgs`` [N, clips, K + 2B, T', H', W']
    (for a graph network ``keypoint`` [N, clips, M, T', V, 3]).

    Whether the parts fit together is checked when the model is built, as far
    as the streams can tell (:meth:`TwoStreamBackbone.feature_sizes`), and
    with every batch. Another backbone that returns the maps of both streams,
    [N, C, T, H, W] each, can stand before the neck.

    Losses: ``loss_cls``, ``top1_acc``, ``top5_acc``, ``loss_gate`` of a
    learned gate, and the head's own. A prediction carries ``pred_score``
    [num_classes], ``pred_label``, and where there is a gate ``gate``
    [clips, T], G averaged over channels ([clips, 1] of one number a clip).

    Args:
        feature_transform: config of a module that gets the streams' features
            and the data samples of a loss, and returns the features that the
            neck or the head sees, such as :class:`AppearanceSwap`; None for
            none.
        test_cfg: ``dict(max_testing_views=n)`` takes at most n clips at a time
            in testing, for memory.
        **kwargs: of MMAction2's recognizers.

    Raises:
        ValueError: a stream offers other channels than the neck or the head
            takes, or frames that the neck cannot align; or as of the head's
            and the transform's own ``check_recognizer(recognizer, sizes)``,
            where they have it.

    Example:
        >>> pose = dict(type='PoseResNetTSM', depth=18, in_channels=55)
        >>> model = TwoStreamRecognizer(
        ...     backbone=dict(type='TwoStreamBackbone', pose=pose),
        ...     cls_head=dict(type='FrameAverageHead', num_classes=21),
        ...     data_preprocessor=dict(type='mmaction.PoseMapPreprocessor'),
        ... )
        >>> maps = dict(heatmap_imgs=torch.rand(2, 1, 55, 8, 14, 14))
        >>> model.extract_feat(maps, 'head')[0].shape
        torch.Size([2, 21])
    """

    def __init__(
        self, *args, feature_transform: Optional[Dict] = None, **kwargs
    ) -> None:
        super().__init__(*args, **kwargs)
        self.feature_transform = None
        if feature_transform is not None:
            self.feature_transform = MODELS.build(feature_transform)
        self._keeps_features = False
        self._check_parts()

    def keep_features(self, keep: bool = True) -> None:
        """Have predictions carry the streams' features, or no longer.

        They are ``stream_features`` then, a dict of each stream's
        [clips, T, C].
        """
        self._keeps_features = keep

    @property
    def streams(self) -> Sequence[str]:
        """The streams' names; of another backbone, both."""
        return getattr(self.backbone, 'streams', STREAMS)

    def _check_parts(self) -> None:
        sizes = {}
        if isinstance(self.backbone, TwoStreamBackbone):
            sizes = self.backbone.feature_sizes()
        # what offers how many channels to the head, as far as it is known
        offers = {}
        if len(sizes) == 1:
            ((name, (_, channels)),) = sizes.items()
            offers = {f'the {name} stream': channels}
        if self.with_neck and isinstance(self.neck, StreamFusion):
            if len(sizes) > 1 and tuple(sizes) != STREAMS:
                raise ValueError(
                    f'{type(self.neck).__name__} fuses {list(STREAMS)}, but '
                    f'the streams are {list(sizes)}'
                )
            if len(sizes) == 2:
                self.neck.check(**sizes)
            offers = {'the neck': self.neck.channels}
        head = self.cls_head if self.with_cls_head else None
        for part in (head, self.feature_transform):
            if hasattr(part, 'check_recognizer'):
                part.check_recognizer(self, sizes)
        for name, channels in offers.items():
            expected = getattr(head, 'in_channels', None)
            if None not in (channels, expected) and channels != expected:
                raise ValueError(
                    f'{name} offers features of {channels} channels, but '
                    f'cls_head.in_channels is {expected}'
                )

    def extract_feat(
        self,
        inputs: Dict[str, Tensor],
        stage: str = 'neck',
        data_samples: SampleList = None,
        test_mode: bool = False,
        **kwargs,
    ) -> Tuple[Any, Dict]:
        """Extract features.

        Args:
            inputs: see the class.
            stage: ``'backbone'``, ``'neck'`` or ``'head'``.
            data_samples: handed to the neck.
            test_mode: whether ``max_testing_views`` holds.
            **kwargs: of the backbone's ``forward``.

        Returns:
            Of 'backbone' the features of its streams, of 'neck' F
            [N * clips, T, C] (without a neck, those of the streams), of 'head'
            logits [N * clips, num_classes]; and a dict with ``loss_aux``.
        """
        clips = {name: value.flatten(0, 1) for name, value in inputs.items()}
        features, aux = self._backbone_features(clips, test_mode, **kwargs), {}
        if stage != 'backbone':
            features, aux = self.integrate(features, data_samples)
        if stage == 'head':
            features = self.cls_head(features)
        return features, dict(loss_aux=aux)

    def _backbone_features(
        self, clips: Dict[str, Tensor], test_mode: bool, **kwargs
    ) -> Any:
        views = (self.test_cfg or {}).get('max_testing_views')
        if not (test_mode and views):
            return self.backbone(**clips, **kwargs)
        number = len(next(iter(clips.values())))
        return _cat(
            [
                self.backbone(
                    **{name: x[i : i + views] for name, x in clips.items()},
                    **kwargs,
                )
                for i in range(0, number, views)
            ]
        )

    def integrate(
        self, features: Any, data_samples: SampleList = None
    ) -> Tuple[Any, Dict]:
        """Take the backbone's features to what the head gets.

        Args:
            features: as of :meth:`predict_by_features`.
            data_samples: handed to the neck.

        Returns:
            F [N, T, C] (without a neck, the features), and a dict: the neck's
            results, or ``gate`` [N, 1] of a head that has one.
        """
        aux = {}
        if self.with_neck:
            features, aux = self.neck(features, data_samples=data_samples)
        elif not self.training and getattr(self.cls_head, 'has_gate', False):
            aux['gate'] = self.cls_head.gate(features)
        return features, aux

    def loss(
        self, inputs: Dict[str, Tensor], data_samples: SampleList, **kwargs
    ) -> Dict[str, Tensor]:
        """L_cls + lambda * L_gate (equation 3), and accuracies.

        Of several clips a video, each counts as a sample with its label.
        """
        features, _ = self.extract_feat(inputs, 'backbone')
        clips = next(iter(inputs.values())).shape[1]
        data_samples = [s for s in data_samples for _ in range(clips)]
        if self.feature_transform is not None:
            features = self.feature_transform(features, data_samples)
        features, aux = self.integrate(features, data_samples)
        losses = self.cls_head.loss(features, data_samples)
        if 'loss_gate' in aux:
            losses['loss_gate'] = aux['loss_gate']
        return losses

    def predict(
        self, inputs: Dict[str, Tensor], data_samples: SampleList, **kwargs
    ) -> SampleList:
        """Predict, averaged over each video's clips."""
        features, _ = self.extract_feat(inputs, 'backbone', test_mode=True)
        if self._keeps_features:
            self._attach(features, data_samples)
        return self.predict_by_features(features, data_samples)

    def predict_by_features(
        self, features: Any, data_samples: SampleList
    ) -> SampleList:
        """Predict from the backbone's features.

        Args:
            features: F_A [N * clips, T, C_A] and F_P [N * clips, T', C_P]; of
                one stream, its own alone.
            data_samples: N, that get the predictions.
        """
        features, aux = self.integrate(features, data_samples)
        data_samples = self.cls_head.predict(features, data_samples)
        if 'gate' in aux:
            gate = aux['gate'].unflatten(0, (len(data_samples), -1))
            for data_sample, value in zip(data_samples, gate):
                data_sample.set_field(value, 'gate')
        return data_samples

    def _attach(self, features: Any, data_samples: SampleList) -> None:
        streams = features if isinstance(features, tuple) else (features,)
        streams = [x.unflatten(0, (len(data_samples), -1)) for x in streams]
        for data_sample, *values in zip(data_samples, *streams):
            named = dict(zip(self.streams, values))
            data_sample.set_field(named, 'stream_features')


def _cat(parts: List) -> Any:
    if isinstance(parts[0], tuple):
        return tuple(_cat(list(stream)) for stream in zip(*parts))
    return torch.cat(parts)
