from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch
from mmaction.registry import METRICS
from mmaction.structures import ActionDataSample
from mmengine.evaluator import BaseMetric
from torch import nn

PAIRS_AT_A_TIME = 64


def draw_pairings(
    labels: Sequence[int], num_pairings: int, seed: int
) -> Tuple[np.ndarray, np.ndarray]:
    """Draw videos of other classes for each video, all alike likely.

    Args:
        labels: [N], the videos' classes.
        num_pairings: of each video; they may repeat.
        seed: of the draw.

    Returns:
        Two arrays [N * num_pairings] of places in ``labels``: each video
        ``num_pairings`` times, and the videos of other classes.

    Raises:
        ValueError: all videos are of one class.
    """
    labels = np.asarray(labels)
    if len(np.unique(labels)) < 2:
        raise ValueError(
            'SwapAccuracy needs videos of two classes or more, all '
            f'{len(labels)} are of one'
        )
    # By class, one's own class is a stretch that a draw steps over.
    by_class = np.argsort(labels, kind='stable')
    place = np.repeat(np.arange(len(labels)), num_pairings)
    first = np.searchsorted(labels[by_class], labels[place], 'left')
    end = np.searchsorted(labels[by_class], labels[place], 'right')
    count = end - first
    draw = np.random.default_rng(seed).integers(len(labels) - count)
    return place, by_class[draw + (draw >= first) * count]


@METRICS.register_module()
class SwapAccuracy(BaseMetric):
    """How a two-stream model does when the scene is another class's.

    Each video's appearance features are replaced by those of videos of other
    classes, its pose features and its label kept: a validation out of context,
    made of videos in context. Nothing is decoded again, and no backbone runs
    again; of one stream alone it is defined as well.

    It needs :class:`SwapValidationHook`, which our configs have. Gives, from
    0 to 1 as ``AccMetric``:

    - ``swap/accuracy``: how often the prediction is the pose's class;
    - ``swap/context_following``: how often it is the swapped-in class;
    - ``swap/ordinary_accuracy``: of the videos as they are;
    - ``swap/harmonic_mean`` of ordinary and swap accuracy;
    - with a ``floor``, ``swap/accuracy_above_floor``: swap accuracy where
      ordinary accuracy reaches the floor. Below it, how much it lacks, as a
      negative number; so the best is any that reaches it.

    Memory, on the CPU: 4 bytes (2 in ``'float16'``) for each video, clip,
    frame and channel of both streams. A clip of 8 frames of two ResNet-18 is
    32 KB, so 0.65 GB for Kinetics400's 20,000 validation videos of one clip,
    and 6.5 GB for their ten clips of a test; with ResNet-50 and 32 frames of
    pose four times as much. In distributed testing each process keeps its
    videos until the end, when the first collects all.

    Args:
        num_pairings: videos of other classes for each video.
        seed: of their draw, so that all models get the same.
        floor: see above; from 0 to 1.
        dtype: that features are kept in, ``'float32'`` or ``'float16'``.
        **kwargs: of mmengine's ``BaseMetric``.

    Raises:
        ValueError: an option out of range; all videos are of one class; a
            sample without features or with more than one label.

    Example:
        >>> val_evaluator = [
        ...     dict(type='AccMetric'),
        ...     dict(type='SwapAccuracy', num_pairings=4, seed=0),
        ... ]
    """

    default_prefix = 'swap'

    def __init__(
        self,
        num_pairings: int = 4,
        seed: int = 0,
        floor: Optional[float] = None,
        dtype: str = 'float32',
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if num_pairings < 1:
            raise ValueError(
                f'num_pairings must be 1 or more, got {num_pairings}'
            )
        if floor is not None and not 0 <= floor <= 1:
            raise ValueError(f'floor must be from 0 to 1, got {floor}')
        if dtype not in ('float32', 'float16'):
            raise ValueError(
                f"dtype must be 'float32' or 'float16', got {dtype!r}"
            )
        self.num_pairings = num_pairings
        self.seed = seed
        self.floor = floor
        self.dtype = getattr(torch, dtype)
        self.model = None

    def start(self, model: nn.Module) -> None:
        """Take a model, whose predictions carry features from here on.

        Raises:
            ValueError: it is no :class:`TwoStreamRecognizer`.
        """
        if not hasattr(model, 'predict_by_features'):
            raise ValueError(
                f'SwapAccuracy needs a TwoStreamRecognizer, the model is a '
                f'{type(model).__name__}'
            )
        model.keep_features()
        self.model = model

    def end(self) -> None:
        """Give the model back as it was."""
        self.model.keep_features(False)
        self.model = None

    def process(self, data_batch: Any, data_samples: Sequence[Dict]) -> None:
        """Note a batch's labels, predictions and features."""
        for sample in data_samples:
            # taken out: a dump of the predictions is not to hold them
            features = sample.pop('stream_features', None)
            if features is None:
                raise ValueError(
                    'a prediction has no features for SwapAccuracy; it needs '
                    "default_hooks=dict(swap_validation=dict(type='"
                    "SwapValidationHook')), and to be once in an evaluator"
                )
            if sample['gt_label'].shape != (1,):
                raise ValueError(
                    f'SwapAccuracy needs one label a video, got '
                    f'{sample["gt_label"].tolist()}'
                )
            self.results.append(
                dict(
                    label=int(sample['gt_label']),
                    pred=int(sample['pred_score'].argmax()),
                    # copied: a view would be sent with all of its batch
                    features={
                        name: feature.to('cpu', self.dtype, copy=True)
                        for name, feature in features.items()
                    },
                )
            )

    def compute_metrics(self, results: List[Dict]) -> Dict[str, float]:
        """Draw the pairings, and predict them."""
        labels = np.array([result['label'] for result in results])
        pred = np.array([result['pred'] for result in results])
        place, partner = draw_pairings(labels, self.num_pairings, self.seed)
        parts = -(-len(place) // PAIRS_AT_A_TIME)
        swapped = np.concatenate(
            [
                self._predict(results, *part)
                for part in zip(
                    np.array_split(place, parts),
                    np.array_split(partner, parts),
                )
            ]
        )
        ordinary = float((pred == labels).mean())
        accuracy = float((swapped == labels[place]).mean())
        total = ordinary + accuracy
        metrics = dict(
            accuracy=accuracy,
            context_following=float((swapped == labels[partner]).mean()),
            ordinary_accuracy=ordinary,
            harmonic_mean=2 * ordinary * accuracy / total if total else 0.0,
        )
        if self.floor is not None:
            reached = ordinary >= self.floor
            metrics['accuracy_above_floor'] = (
                accuracy if reached else ordinary - self.floor
            )
        return metrics

    @torch.no_grad()
    def _predict(
        self, results: List[Dict], place: np.ndarray, partner: np.ndarray
    ) -> np.ndarray:
        """Classes of the videos ``place`` with the ``partner``'s frames."""
        device = next(self.model.parameters()).device
        chosen = dict.fromkeys(results[0]['features'], place)
        chosen['appearance'] = partner
        features = tuple(
            torch.cat([results[i]['features'][stream] for i in chosen[stream]])
            .float()
            .to(device)
            for stream in results[0]['features']
        )
        samples = self.model.predict_by_features(
            features if len(features) > 1 else features[0],
            [ActionDataSample() for _ in place],
        )
        score = torch.stack([sample.pred_score for sample in samples])
        return score.argmax(-1).cpu().numpy()
