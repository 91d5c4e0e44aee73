from typing import Dict, Sequence

import torch
from mmaction.models.recognizers.base import BaseRecognizer
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from torch import Tensor

from integral_action.robust.linear_discriminant import LinearDiscriminant
from integral_action.robust.robust_product_head import RobustProductHead


@MODELS.register_module()
class RobustProductLDAHead(RobustProductHead):
    """Robust product whose p_A is by linear discriminant analysis.

    :class:`LinearDiscriminant` stands in the place of a linear layer. It is
    for a frozen appearance stream that was not trained on these videos: where
    they are few, it is the better classifier, and the product needs just what
    it models, p(F_A|y). The two classifiers are trained each for itself; the
    one loss is ``loss_pose``, and accuracies are those of p_P.

    Args:
        shrinkage: share of the covariance within classes that is spread over
            all channels alike.
        **kwargs: of :class:`RobustProductHead`; the gate is constant, and
            there are no further streams.

    Raises:
        ValueError: as of :class:`RobustProductHead`, a learned gate, or
            further streams.

    Example:
        >>> head = RobustProductLDAHead(4, 64, 32, shrinkage=0.5)
        >>> head((torch.rand(2, 8, 64), torch.rand(2, 32, 32))).shape
        torch.Size([2, 4])
    """

    def __init__(self, *args, shrinkage: float = 0.3, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if self.further_gates:
            raise ValueError(
                f'{type(self).__name__} takes no further streams, got '
                f'{list(self.further_gates)}'
            )
        if self.gate_source != 'constant':
            raise ValueError(
                f'a gate of gate_source={self.gate_source!r} learns by the '
                f'product, but {type(self).__name__} is not trained by it'
            )
        del self.fc_appearance
        self.lda = LinearDiscriminant(
            self.appearance_channels, self.num_classes, shrinkage
        )

    def check_recognizer(
        self, recognizer: BaseRecognizer, sizes: Dict
    ) -> None:
        """Look also whether features stay as they are, and of their class.

        Raises:
            ValueError: an appearance stream that is trained, or a
                ``feature_transform``; or as of :class:`RobustProductHead`.
        """
        super().check_recognizer(recognizer, sizes)
        if 'appearance' not in getattr(recognizer.backbone, 'frozen', ()):
            raise ValueError(
                f'{type(self).__name__} needs an appearance stream that stays '
                f'as it is (backbone.frozen)'
            )
        if recognizer.feature_transform is not None:
            raise ValueError(
                f"{type(self).__name__} takes each class's statistics, which "
                f'feature_transform would mix'
            )

    def _log_appearance(self, appearance: Tensor) -> Tensor:
        score = self.lda(appearance.mean(1)) + self.log_prior
        return score.log_softmax(-1)

    def _losses(
        self, features: Sequence[Tensor], data_samples: SampleList
    ) -> Dict[str, Tensor]:
        appearance, pose = features
        labels = torch.cat([sample.gt_label for sample in data_samples])
        self.lda.update(appearance.mean(1), labels.to(appearance.device))
        losses = self.loss_by_feat(self._log_pose(pose), data_samples)
        losses['loss_pose'] = losses.pop('loss_cls')
        return losses
