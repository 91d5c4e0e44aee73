import math
from typing import Dict, Optional, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from mmaction.models.heads import BaseHead
from mmaction.models.recognizers.base import BaseRecognizer
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from mmengine.model.weight_init import constant_init, normal_init
from torch import Tensor, nn

from integral_action.models.gate import ConvGatingBlock
from integral_action.models.heads.label_check import check_labels

GATE_SOURCES = ('constant', 'pose', 'cgb')


def robust_product(
    log_pose: Tensor,
    log_appearance: Tensor,
    log_prior: Tensor,
    log_gate: Tensor,
    log_rest: Tensor,
) -> Tensor:
    """log p_P(y) + log[(1 - G) + G p_A(y) / prior(y)], in logarithms.

    Args:
        log_pose: log p_P [N, num_classes].
        log_appearance: log p_A [N, num_classes].
        log_prior: log of the classes' shares of the training [num_classes].
        log_gate: log G [N, 1]; -inf where G = 0.
        log_rest: log (1 - G) [N, 1]; -inf where G = 1.

    Returns:
        [N, num_classes], not normalised.
    """
    true = log_gate + log_appearance - log_prior
    false = log_rest.expand_as(true)
    return log_pose + torch.stack((true, false)).logsumexp(0)


@MODELS.register_module()
class RobustProductHead(BaseHead):
    r"""Multiply the streams' probabilities, as far as the context is trusted.

    .. math::
        s(y) = \log p_P(y) + \log[(1 - G) + G \, p_A(y) / prior(y)]

    Not of the paper. :math:`p_A` and :math:`p_P` are the softmax of a linear
    classifier on each stream's features, whose logits are averaged over
    frames. If the two streams were independent given the class, their product
    over the prior would be the posterior; :math:`1 - G` is the probability
    that the context lies, and tells nothing. So however sure appearance is, it
    lowers no class by more than the factor :math:`1 - G`, which pose can make
    up for. G = 0 is pose alone, G = 1 the product.

    Each further stream i, such as one on differences of frames, adds a term
    of its own, with a constant gate:

    .. math::
        \log[(1 - G_i) + G_i \, p_i(y) / prior(y)]

    It takes the features of the streams, without a neck. Losses: ``loss_cls``
    (cross entropy of s), ``loss_appearance``, ``loss_pose`` and the like (of
    each stream's p), and ``loss_gate`` of a learned gate.

    Args:
        num_classes: of the data set.
        appearance_channels: C_A.
        pose_channels: C_P.
        gate_source: what gives G, one number a clip: ``'constant'``;
            ``'pose'``, the sigmoid of a linear layer on F_P averaged over
            frames; ``'cgb'``, the paper's CGB on F_P, averaged over channels
            and frames.
        gate_value: G of the constant gate, and where the gate ``'pose'``
            starts.
        gate_loss_weight: of -log(1 - G), of a learned gate.
        visibility: whether F_P has one channel more, the visibility that
            :class:`TwoStreamBackbone` adds with ``visibility=True``. The gate
            sees it, the classifier does not.
        prior: of the classes: None, all alike; a number for each, such as its
            videos; or ``'train'``, from the labels of the training set
            (:class:`ClassPriorHook`). A checkpoint carries it.
        dropout_ratio: of the features that are classified, their mean over
            frames.
        further: of each further stream of the backbone, in its order, by
            name, ``dict(channels=C_i, gate_value=G_i)``.
        average_clips: as of MMAction2's heads.
        **kwargs: of MMAction2's ``BaseHead``.

    Raises:
        ValueError: an option out of range, or two that contradict each other.

    Example:
        >>> head = RobustProductHead(4, 64, 32, gate_value=0.25)
        >>> features = torch.rand(2, 8, 64), torch.rand(2, 32, 32)
        >>> head(features).shape, head.gate(features).shape
        (torch.Size([2, 4]), torch.Size([2, 1]))
    """

    has_gate = True

    def __init__(
        self,
        num_classes: int,
        appearance_channels: int = 512,
        pose_channels: int = 512,
        gate_source: str = 'constant',
        gate_value: float = 0.25,
        gate_loss_weight: float = 1.0,
        visibility: bool = False,
        prior: Union[None, str, Sequence[float]] = None,
        dropout_ratio: float = 0.3,
        average_clips: Optional[str] = 'prob',
        further: Optional[Dict[str, Dict]] = None,
        **kwargs,
    ) -> None:
        further = further or {}
        widths = {name: one['channels'] for name, one in further.items()}
        gates = {name: one['gate_value'] for name, one in further.items()}
        super().__init__(
            num_classes,
            appearance_channels + pose_channels + sum(widths.values()),
            average_clips=average_clips,
            **kwargs,
        )
        if gate_source not in GATE_SOURCES:
            raise ValueError(
                f'gate_source must be one of {GATE_SOURCES}, got '
                f'{gate_source!r}'
            )
        for value in (gate_value, *gates.values()):
            if not 0 <= value <= 1:
                raise ValueError(
                    f'gate_value must be from 0 to 1, got {value}'
                )
        if gate_source == 'pose' and gate_value in (0, 1):
            raise ValueError(
                f'a gate that starts at gate_value={gate_value} cannot learn'
            )
        if visibility and gate_source == 'constant':
            raise ValueError('a constant gate sees no visibility')
        if gate_loss_weight < 0:
            raise ValueError(
                f'gate_loss_weight must not be negative, got '
                f'{gate_loss_weight}'
            )
        self.appearance_channels = appearance_channels
        # what the pose stream offers, visibility and all
        self.pose_channels = pose_channels + visibility
        self.channels = dict(
            appearance=appearance_channels, pose=self.pose_channels, **widths
        )
        self.further_gates = gates
        self.gate_source = gate_source
        self.gate_value = gate_value
        self.gate_loss_weight = gate_loss_weight
        self.visibility = visibility
        self.dropout = nn.Dropout(dropout_ratio)
        self.fc_appearance = nn.Linear(appearance_channels, num_classes)
        self.fc_pose = nn.Linear(pose_channels, num_classes)
        for name, width in widths.items():
            setattr(self, f'fc_{name}', nn.Linear(width, num_classes))
        if gate_source == 'pose':
            self.fc_gate = nn.Linear(self.pose_channels, 1)
        elif gate_source == 'cgb':
            self.cgb = ConvGatingBlock(self.pose_channels, pose_channels)
        self.register_buffer('log_prior', torch.zeros(num_classes))
        self.set_prior(
            [1] * num_classes if prior in (None, 'train') else prior
        )
        self.prior = prior

    def set_prior(self, weights: Sequence[float]) -> None:
        """Set the classes' prior.

        Args:
            weights: a positive number for each class, such as its videos.

        Raises:
            ValueError: they are not as many, or not positive.
        """
        if isinstance(weights, str) or len(weights) != self.num_classes:
            raise ValueError(
                f"prior must be None, 'train' or {self.num_classes} numbers, "
                f'one a class, got {weights!r}'
            )
        for label, weight in enumerate(weights):
            if not 0 < weight < math.inf:
                raise ValueError(
                    f'prior must be positive, got {weight} for class {label}'
                )
        shares = torch.as_tensor(weights, dtype=torch.float64)
        self.log_prior.copy_((shares / shares.sum()).log())
        self.prior = list(weights)

    def init_weights(self) -> None:
        """Draw the weights, unless ``init_cfg`` says else."""
        if self.init_cfg:
            super().init_weights()
            return
        for name, layer in self.named_children():
            if name == 'fc_gate':
                logit = math.log(self.gate_value / (1 - self.gate_value))
                constant_init(layer, 0, bias=logit)
            elif isinstance(layer, nn.Linear):
                normal_init(layer, std=0.01)
        if self.gate_source == 'cgb':
            normal_init(self.cgb.conv, std=0.01)

    def check_recognizer(
        self, recognizer: BaseRecognizer, sizes: Dict
    ) -> None:
        """Compare what a recognizer's streams offer with what the head takes.

        Args:
            recognizer: a :class:`TwoStreamRecognizer` that is being built.
            sizes: as of :meth:`TwoStreamBackbone.feature_sizes`.

        Raises:
            ValueError: a neck, other streams, or other channels.
        """
        streams = list(recognizer.streams)
        if recognizer.with_neck or streams != list(self.channels):
            neck = ' and a neck' if recognizer.with_neck else ''
            raise ValueError(
                f'{type(self).__name__} needs the features of '
                f'{list(self.channels)}, and no neck; the model has '
                f'{streams}{neck}'
            )
        for name, (_, channels) in sizes.items():
            expected = self.channels[name]
            if channels not in (None, expected):
                option = f'{name}_channels'
                if name in self.further_gates:
                    option = f'further.{name}.channels'
                raise ValueError(
                    f'the {name} stream offers features of {channels} '
                    f'channels, but cls_head.{option} is {expected}'
                )

    def gate(self, features: Sequence[Tensor]) -> Tensor:
        """G of every clip, [N, 1]."""
        gate = self._log_gate(features)[0].exp()
        if self.gate_source != 'constant':
            return gate
        # not len(), which an export would take for a constant
        return gate.expand(features[1].shape[0], 1)

    def _log_gate(self, features: Sequence[Tensor]) -> Tuple[Tensor, Tensor]:
        """log G and log(1 - G), each [N, 1]; [1, 1] of a constant."""
        self._check(features)
        pose = features[1]
        if self.gate_source == 'constant':
            gate = pose.new_tensor([[self.gate_value]], dtype=torch.float32)
            return gate.log(), (-gate).log1p()
        if self.gate_source == 'pose':
            logit = self.fc_gate(pose.mean(1))
        else:
            logit = self.cgb(pose).flatten(1)
        # log of the mean sigmoid; 1 - sigmoid(z) = sigmoid(-z)
        return tuple(
            F.logsigmoid(z.float()).logsumexp(1, keepdim=True)
            - math.log(z.shape[1])
            for z in (logit, -logit)
        )

    def _log_appearance(self, appearance: Tensor) -> Tensor:
        """log p_A [N, num_classes] of F_A [N, T, C_A]."""
        # the mean of the frames' logits is the logit of their mean
        score = self.fc_appearance(self.dropout(appearance.mean(1)))
        return score.float().log_softmax(-1)

    def _log_pose(self, pose: Tensor) -> Tensor:
        """log p_P [N, num_classes] of F_P [N, T', C_P]."""
        if self.visibility:
            pose = pose[..., :-1]
        score = self.fc_pose(self.dropout(pose.mean(1)))
        return score.float().log_softmax(-1)

    def _log_streams(self, features: Sequence[Tensor]) -> Dict[str, Tensor]:
        """log p [N, num_classes] of each stream, by its name."""
        appearance, pose, *further = features
        logs = dict(
            appearance=self._log_appearance(appearance),
            pose=self._log_pose(pose),
        )
        for name, feature in zip(self.further_gates, further):
            score = getattr(self, f'fc_{name}')(self.dropout(feature.mean(1)))
            logs[name] = score.float().log_softmax(-1)
        return logs

    def _product(
        self, logs: Dict[str, Tensor], gate: Tuple[Tensor, Tensor]
    ) -> Tensor:
        """s [N, num_classes] of the streams' log p."""
        score = robust_product(
            logs['pose'], logs['appearance'], self.log_prior, *gate
        )
        for name, value in self.further_gates.items():
            value = score.new_tensor(value)
            score = robust_product(
                score,
                logs[name],
                self.log_prior,
                value.log(),
                (-value).log1p(),
            )
        return score

    def _check(self, features: Sequence[Tensor]) -> None:
        expected = list(self.channels.values())
        if not isinstance(features, (tuple, list)) or (
            len(features) != len(expected)
        ):
            raise ValueError(
                f'{type(self).__name__} needs the features of '
                f'{list(self.channels)}, and no neck'
            )
        channels = [feature.shape[-1] for feature in features]
        if channels != expected:
            raise ValueError(
                f'the features of {list(self.channels)} have {channels} '
                f'channels, but the head was built for {expected}: '
                f'cls_head.appearance_channels, pose_channels, further, and '
                f'visibility, which backbone and cls_head must have alike'
            )

    def forward(self, features: Sequence[Tensor], **kwargs) -> Tensor:
        """Score the classes of every clip.

        Args:
            features: F_A [N, T, C_A], F_P [N, T', C_P], and those of further
                streams; their numbers of frames may differ.

        Returns:
            [N, num_classes], s less its normaliser: log probabilities.

        Raises:
            ValueError: features of other streams than the head was built for.
        """
        gate = self._log_gate(features)
        logs = self._log_streams(features)
        return self._product(logs, gate).log_softmax(-1)

    def frame_logits(self, features: Sequence[Tensor]) -> Tensor:
        """Give each frame of appearance its clip's score, [N, T, classes]."""
        return self(features)[:, None].expand(-1, features[0].shape[1], -1)

    def loss(
        self,
        features: Sequence[Tensor],
        data_samples: SampleList,
        **kwargs,
    ) -> Dict[str, Tensor]:
        """Return the losses of the class's docstring, and accuracies of s.

        Raises:
            ValueError: a label that the model has no class for.
            RuntimeError: ``prior='train'``, and nobody has set it.
        """
        if self.prior == 'train':
            raise RuntimeError(
                "prior='train' is set at the start of a training by "
                'ClassPriorHook: default_hooks=dict(class_prior=dict(type='
                "'ClassPriorHook'))"
            )
        check_labels(data_samples, self.num_classes)
        self._check(features)
        return self._losses(features, data_samples)

    def _losses(
        self, features: Sequence[Tensor], data_samples: SampleList
    ) -> Dict[str, Tensor]:
        logs = self._log_streams(features)
        gate = self._log_gate(features)
        losses = self.loss_by_feat(self._product(logs, gate), data_samples)
        for name, log in logs.items():
            stream_losses = self.loss_by_feat(log, data_samples)
            losses[f'loss_{name}'] = stream_losses['loss_cls']
        if self.gate_source != 'constant':
            losses['loss_gate'] = -self.gate_loss_weight * gate[1].mean()
        return losses
