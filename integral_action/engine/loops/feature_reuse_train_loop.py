from functools import partial
from pathlib import Path
from typing import Optional

import torch
from mmaction.registry import LOOPS
from mmaction.utils import SampleList
from mmengine.model import is_model_wrapper
from mmengine.runner import EpochBasedTrainLoop, Runner

from integral_action.engine.feature_cache import StreamFeatures


@LOOPS.register_module()
class FeatureReuseTrainLoop(EpochBasedTrainLoop):
    """Train what stands on frozen streams, from features that are kept.

    Of each video ``num_views`` augmented views are made, in as many epochs:
    epoch e sees view e modulo ``num_views``. A view's features are kept when
    they are first computed; an epoch whose view is there decodes nothing and
    runs no stream. With as many views as epochs a training is the ordinary
    one, and the next on the same streams (another gate, another lambda) costs
    almost nothing.

    What has features of its own (other weights of a stream, another seed), and
    what it shares: :class:`StreamFeatures`.

    Args:
        num_views: of each video.
        folder: where features are kept; None for ``features`` in the work
            directory. Trainings may share one.
        **kwargs: of mmengine's ``EpochBasedTrainLoop``.

    Disk: 4 bytes for each view, video, frame and channel: with ResNet-18, 8
    frames and both streams, 32 KB a view of a video.

    Raises:
        ValueError: a stream is not frozen, so that its features change; a
            video has more than one label.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader,
        max_epochs: int,
        num_views: int = 1,
        folder: Optional[str] = None,
        **kwargs,
    ) -> None:
        super().__init__(runner, dataloader, max_epochs, **kwargs)
        if num_views < 1:
            raise ValueError(f'num_views must be 1 or more, got {num_views}')
        self.num_views = num_views
        self.folder = Path(folder or Path(runner.work_dir) / 'features')
        self.features = None

    def run(self) -> torch.nn.Module:
        """Launch training."""
        model = self.runner.model
        model = model.module if is_model_wrapper(model) else model
        moving = set(model.backbone.streams) - set(model.backbone.frozen)
        if moving:
            raise ValueError(
                f'FeatureReuseTrainLoop needs frozen streams, but '
                f'{sorted(moving)} is trained (model.backbone.frozen)'
            )
        # the weights are there only now
        made_from = dict(seed=str(self.runner.seed), in_place_of_bad='next')
        self.features = StreamFeatures(
            self.folder, self.runner, 'train', made_from, self.num_views
        )
        return super().run()

    def run_epoch(self) -> None:
        """Iterate one epoch."""
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        view = self._epoch % self.num_views
        optimizer = self.runner.optim_wrapper
        context = partial(optimizer.optim_context, self.runner.model)
        for idx, (_, batch) in enumerate(self.features.batches(view, context)):
            _check_labels(batch['data_samples'])
            self.run_iter(idx, batch)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1


def _check_labels(samples: SampleList) -> None:
    for sample in samples:
        if sample.gt_label.shape != (1,):
            raise ValueError(
                f'FeatureReuseTrainLoop needs one class a video, not labels '
                f'of shape {list(sample.gt_label.shape)}'
            )
