import hashlib
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import torch
from mmaction.registry import LOOPS
from mmaction.structures import ActionDataSample
from mmengine.dist import all_reduce
from mmengine.logging import MMLogger
from mmengine.model import is_model_wrapper
from mmengine.runner import EpochBasedTrainLoop, Runner

from integral_action.engine.feature_store import FeatureStore


@LOOPS.register_module()
class FeatureReuseTrainLoop(EpochBasedTrainLoop):
    """Train what stands on frozen streams, from features that are kept.

    Of each video ``num_views`` augmented views are made, in as many epochs:
    epoch e sees view e modulo ``num_views``. A view's features are kept when
    they are first computed; an epoch whose view is there decodes nothing and
    runs no stream. With as many views as epochs a training is the ordinary
    one, and the next on the same streams (another gate, another lambda) costs
    almost nothing.

    Features are keyed by the streams' weights, whether they carry visibility,
    the dataset's config, its annotation file, the maps' config and the seed.

    Args:
        num_views: of each video.
        folder: where features are kept; None for ``features`` in the work
            directory. Trainings on the same streams may share one.
        **kwargs: of mmengine's ``EpochBasedTrainLoop``.

    Disk: 4 bytes for each view, video, frame and channel: with ResNet-18, 8
    frames and both streams, 32 KB a view of a video.

    Raises:
        ValueError: a stream is not frozen, so that its features change; the
            folder's features were made from something else; a view has more
            than one label.
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
        self.store = None

    @property
    def model(self) -> torch.nn.Module:
        """The recognizer, without what wraps it."""
        model = self.runner.model
        return model.module if is_model_wrapper(model) else model

    def run(self) -> torch.nn.Module:
        """Launch training."""
        backbone = self.model.backbone
        moving = set(backbone.streams) - set(backbone.frozen)
        if moving:
            raise ValueError(
                f'FeatureReuseTrainLoop needs frozen streams, but '
                f'{sorted(moving)} is trained (model.backbone.frozen)'
            )
        # the weights are there only now
        self.store = FeatureStore(
            self.folder, self._key(), self.num_views, self._num_videos
        )
        MMLogger.get_current_instance().info(
            f'Features of the frozen streams are kept in {self.folder}'
        )
        return super().run()

    @property
    def _num_videos(self) -> int:
        return len(self.dataloader.dataset)

    def _key(self) -> Dict[str, str]:
        weights = hashlib.sha256()
        for name, value in sorted(self.model.backbone.state_dict().items()):
            weights.update(name.encode())
            value = value.detach().cpu().contiguous()
            weights.update(value.numpy().tobytes())
        cfg, dataset = self.runner.cfg, self.dataloader.dataset
        videos = hashlib.sha256(Path(dataset.ann_file).read_bytes())
        return {
            'weights of the streams': weights.hexdigest(),
            'model.backbone.visibility': str(self.model.backbone.visibility),
            'train_dataloader.dataset': _text(cfg.train_dataloader.dataset),
            'annotation file': videos.hexdigest(),
            'model.data_preprocessor': _text(cfg.model.data_preprocessor),
            'seed': str(self.runner.seed),
            'num_views': str(self.num_views),
        }

    def run_epoch(self) -> None:
        """Iterate one epoch."""
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        view = self._epoch % self.num_views
        # drawn again by the loader: a sampler's order is its epoch's
        batches = list(self.dataloader.batch_sampler)
        if self._everyone_has(view, batches):
            for idx, videos in enumerate(batches):
                self.run_iter(idx, self._kept(view, videos))
        else:
            for idx, batch in enumerate(self.dataloader):
                self._keep(view, batches[idx], batch)
                self.run_iter(idx, self._kept(view, batches[idx]))
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def _everyone_has(self, view: int, batches: Sequence) -> bool:
        videos = [video for batch in batches for video in batch]
        has = torch.tensor(int(self.store.has(view, videos)))
        all_reduce(has, 'min')
        return bool(has)

    def _keep(self, view: int, videos: List[int], batch: Dict) -> None:
        """Compute a batch's features, and keep them."""
        labels = torch.stack([s.gt_label for s in batch['data_samples']])
        if labels.shape[1:] != (1,):
            raise ValueError(
                f'FeatureReuseTrainLoop needs one class a video, not labels '
                f'of shape {list(labels.shape[1:])}'
            )
        model = self.model
        inputs = model.data_preprocessor(batch, True)['inputs']
        optimizer = self.runner.optim_wrapper
        with torch.no_grad(), optimizer.optim_context(self.runner.model):
            features, _ = model.extract_feat(inputs, 'backbone')
        if isinstance(features, torch.Tensor):  # of one stream
            features = (features,)
        kept = {}
        for stream, feature in zip(model.backbone.streams, features):
            feature = feature.unflatten(0, (len(videos), -1))
            kept[stream] = feature.float().cpu().numpy()
        self.store.write(view, videos, kept, labels[:, 0].cpu().numpy())

    def _kept(self, view: int, videos: List[int]) -> Dict:
        """A batch of kept features, as a data loader gives it."""
        features, labels = self.store.read(
            view, videos, self.model.backbone.streams
        )
        inputs = {
            f'{stream}_features': list(torch.from_numpy(feature))
            for stream, feature in features.items()
        }
        samples = [ActionDataSample().set_gt_label(int(y)) for y in labels]
        return dict(inputs=inputs, data_samples=samples)


def _text(config: Dict) -> str:
    """A config as a text that is the same for the same values."""
    if hasattr(config, 'to_dict'):
        config = config.to_dict()
    return repr(sorted(config.items(), key=str))
