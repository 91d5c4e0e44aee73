from typing import Dict, List, Tuple

import torch
from mmaction.models.recognizers.base import BaseRecognizer
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from torch import Tensor

from integral_action.models.backbones import TwoStreamBackbone
from integral_action.models.necks import PoseDrivenIntegration


@MODELS.register_module()
class TwoStreamRecognizer(BaseRecognizer):
    """Recognise actions from frames, poses, or both (Figure 2).

    Backbone (:class:`TwoStreamBackbone`), with two streams a neck
    (:class:`PoseDrivenIntegration`), and a head
    (:class:`FrameAverageHead`). Inputs are a dict of ``imgs``
    [N, clips, 3, T, H, W] and ``heatmap_imgs`` [N, clips, K + 2B, T', H', W']
    (for a graph network ``keypoint`` [N, clips, M, T', V, 3]).

    Whether the parts fit together is checked when the model is built, as far
    as the streams can tell (:meth:`TwoStreamBackbone.feature_sizes`), and
    with every batch. Another backbone that returns the maps of both streams,
    [N, C, T, H, W] each, can stand before the neck.

    Losses: ``loss_cls``, ``top1_acc``, ``top5_acc``, and ``loss_gate`` of a
    learned gate. A prediction carries ``pred_score`` [num_classes],
    ``pred_label``, and where there is a gate ``gate`` [clips, T], G averaged
    over channels.

    Args:
        test_cfg: ``dict(max_testing_views=n)`` takes at most n clips at a time
            in testing, for memory.
        **kwargs: of MMAction2's recognizers.

    Raises:
        ValueError: a stream offers other channels than the neck or the head
            takes, or frames that the neck cannot align.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        sizes = {}
        if isinstance(self.backbone, TwoStreamBackbone):
            sizes = self.backbone.feature_sizes()
        offers = {
            f'the {name} stream': channels
            for name, (_, channels) in sizes.items()
        }
        if self.with_neck and isinstance(self.neck, PoseDrivenIntegration):
            if len(sizes) == 2:
                self.neck.check(**sizes)
            offers = {'the neck': self.neck.channels}
        expected = self.cls_head.in_channels if self.with_cls_head else None
        for name, channels in offers.items():
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
    ) -> Tuple[Tensor, Dict]:
        """Extract features.

        Args:
            inputs: see the class.
            stage: ``'backbone'``, ``'neck'`` or ``'head'``.
            data_samples: handed to the neck.
            test_mode: whether ``max_testing_views`` holds.

        Returns:
            Of 'backbone' the features of its streams, of 'neck' F
            [N * clips, T, C], of 'head' logits [N * clips, num_classes]; and a
            dict with ``loss_aux``.
        """
        clips = {name: value.flatten(0, 1) for name, value in inputs.items()}
        views = (self.test_cfg or {}).get('max_testing_views')
        if not (test_mode and views):
            features, aux = self._extract(clips, stage, data_samples)
            return features, dict(loss_aux=aux)
        number = len(next(iter(clips.values())))
        parts = [
            self._extract(
                {name: value[i : i + views] for name, value in clips.items()},
                stage,
                data_samples,
            )
            for i in range(0, number, views)
        ]
        features = _cat([part for part, _ in parts])
        aux = {
            name: _cat([aux[name] for _, aux in parts]) for name in parts[0][1]
        }
        return features, dict(loss_aux=aux)

    def _extract(
        self, clips: Dict[str, Tensor], stage: str, data_samples: SampleList
    ) -> Tuple[Tensor, Dict]:
        features, aux = self.backbone(**clips), {}
        if stage == 'backbone':
            return features, aux
        if self.with_neck:
            features, aux = self.neck(features, data_samples=data_samples)
        if stage == 'head':
            features = self.cls_head(features)
        return features, aux

    def loss(
        self, inputs: Dict[str, Tensor], data_samples: SampleList, **kwargs
    ) -> Dict[str, Tensor]:
        """L_cls + lambda * L_gate (equation 3), and accuracies.

        Of several clips a video, each counts as a sample with its label.
        """
        features, kwargs = self.extract_feat(inputs, data_samples=data_samples)
        clips = len(features) // len(data_samples)
        data_samples = [s for s in data_samples for _ in range(clips)]
        losses = self.cls_head.loss(features, data_samples)
        if 'loss_gate' in kwargs['loss_aux']:
            losses['loss_gate'] = kwargs['loss_aux']['loss_gate']
        return losses

    def predict(
        self, inputs: Dict[str, Tensor], data_samples: SampleList, **kwargs
    ) -> SampleList:
        """Predict, averaged over each video's clips."""
        features, kwargs = self.extract_feat(inputs, test_mode=True)
        data_samples = self.cls_head.predict(features, data_samples)
        gate = kwargs['loss_aux'].get('gate')
        if gate is not None:
            gate = gate.unflatten(0, (len(data_samples), -1))
            for data_sample, value in zip(data_samples, gate):
                data_sample.set_field(value, 'gate')
        return data_samples


def _cat(parts: List) -> Tensor:
    if isinstance(parts[0], tuple):
        return tuple(_cat(list(stream)) for stream in zip(*parts))
    return torch.cat(parts)
