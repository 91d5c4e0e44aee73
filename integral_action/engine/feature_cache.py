"""Features of a model's streams, kept for the videos of a dataset."""

import hashlib
import json
from pathlib import Path
from typing import (
    Callable,
    ContextManager,
    Dict,
    Iterator,
    List,
    Sequence,
    Tuple,
    Union,
)

import torch
from mmaction.structures import ActionDataSample
from mmengine.config import ConfigDict
from mmengine.dist import all_reduce, barrier, is_main_process
from mmengine.logging import MMLogger
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from integral_action.engine.feature_store import FeatureStore
from integral_action.fileio import PathLike, atomic_write
from integral_action.storage import open_file


class StreamFeatures:
    """Features of a model's streams, kept for the videos of a dataset.

    Each stream's are in a folder of their own, whose name is of what they are
    made from (its ``key.json``): the stream's config and weights, the
    dataset's config, its annotation file, the maps' config and ``made_from``.
    So models that share a stream share its features, whether they see the
    poses' visibility or not, and others stand beside them. The videos
    themselves are not looked at: where they have changed, remove the folder.

    Args:
        folder: where they are, or are to be.
        runner: whose model is a :class:`TwoStreamRecognizer` that has its
            weights.
        part: ``'train'`` or ``'test'``, whose videos.
        made_from: what else they depend on, a text a part.
        num_views: how many of each video, augmented each in its way.
    """

    def __init__(
        self,
        folder: PathLike,
        runner: Runner,
        part: str,
        made_from: Dict[str, str],
        num_views: int = 1,
    ) -> None:
        model, cfg = runner.model, runner.cfg
        self.model = model.module if is_model_wrapper(model) else model
        self.loader = getattr(runner, f'{part}_dataloader')
        dataset = self.loader.dataset
        with open_file(dataset.ann_file, dataset.backend_args) as file:
            ann_file = file.read()
        key = made_from | {
            'dataset': _text(cfg[f'{part}_dataloader'].dataset),
            'annotation file': hashlib.sha256(ann_file).hexdigest(),
            'model.data_preprocessor': _text(cfg.model.data_preprocessor),
            'num_views': str(num_views),
        }
        self.stores = {}
        for name in self.model.backbone.streams:
            # what the weights do not tell, such as TSM's shift
            stream = dict(cfg.model.backbone[name])
            for source in ('init_cfg', 'pretrained'):
                stream.pop(source, None)
            made = key | {'stream': _text(stream)}
            self.stores[name] = self._store(
                Path(folder), name, made, num_views
            )

    def _store(
        self, folder: Path, name: str, key: Dict[str, str], num_views: int
    ) -> FeatureStore:
        stream = getattr(self.model.backbone, name)
        key = dict(key, weights=_digest(stream))
        if name == 'pose':  # not so of features that an earlier version kept
            key['visibility'] = 'True'
        text = json.dumps(key, indent=1, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        folder = folder / f'{name}-{digest}'
        if is_main_process():
            folder.mkdir(parents=True, exist_ok=True)
            with atomic_write(folder / 'key.json') as temporary:
                temporary.write_text(text)
        barrier()
        MMLogger.get_current_instance().info(
            f'Features of the {name} stream are kept in {folder}'
        )
        return FeatureStore(folder, num_views, len(self.loader.dataset))

    def batches(
        self, view: int, context: Callable[[], ContextManager]
    ) -> Iterator[Tuple[List[int], Dict]]:
        """A view's videos and their features, as the loader would give them.

        Where some are not there in any process, the loader is read, and what
        lacks is computed within ``context()`` and kept.
        """
        # drawn again by the loader: a sampler's order is its epoch's
        batches = list(self.loader.batch_sampler)
        if self._everyone_has(view, batches):
            bad = self._bad_samples(view)
            for videos in batches:
                yield videos, self._batch(view, videos, bad)
            return
        for videos, batch in zip(batches, self.loader):
            with context():
                self._keep(view, videos, batch)
            yield videos, self._batch(view, videos, self._bad_samples(view))

    def _everyone_has(self, view: int, batches: Sequence[List[int]]) -> bool:
        """Whether all streams' features are there, in all processes."""
        videos = [video for batch in batches for video in batch]
        has = all(store.has(view, videos) for store in self.stores.values())
        has = torch.tensor(int(has))
        all_reduce(has, 'min')
        return bool(has)

    def _keep(self, view: int, videos: List[int], batch: Dict) -> None:
        """Run the streams whose features of a batch are not there."""
        lacking = [
            name
            for name, store in self.stores.items()
            if not store.has(view, videos)
        ]
        if not lacking:
            return
        data = self.model.data_preprocessor(batch, self.model.training)
        inputs = data['inputs']
        device = next(iter(inputs.values())).device
        for name in set(self.stores) - set(lacking):
            feature, _ = self.stores[name].read(view, videos)
            feature = torch.from_numpy(feature).to(device)
            inputs[f'{name}_features'] = feature
        with torch.no_grad():
            # kept features carry it for the models that see it
            features, _ = self.model.extract_feat(
                inputs,
                'backbone',
                test_mode=not self.model.training,
                visibility=True,
            )
        if isinstance(features, torch.Tensor):  # of one stream
            features = (features,)
        # a sample's own: in place of one that is broken there is another
        samples = batch['data_samples']
        labels = torch.stack([sample.gt_label for sample in samples])
        bad = [sample.get('bad_samples') for sample in samples]
        for (name, store), feature in zip(self.stores.items(), features):
            if name in lacking:
                feature = feature.unflatten(0, (len(videos), -1))
                feature = feature.float().cpu().numpy()
                store.write(view, videos, feature, labels.cpu().numpy(), bad)

    def _bad_samples(self, view: int) -> Dict[int, List]:
        """Return the videos that others' features stand for."""
        bad = {}
        for store in self.stores.values():
            bad.update(store.bad_samples(view))
        return bad

    def _batch(
        self, view: int, videos: List[int], bad: Dict[int, List]
    ) -> Dict:
        """A batch of kept features, as a data loader gives one."""
        inputs = {}
        for name, store in self.stores.items():
            features, labels = store.read(view, videos)
            if name == 'pose' and not self.model.backbone.visibility:
                features = features[..., :-1]
            inputs[f'{name}_features'] = list(torch.from_numpy(features))
        samples = [
            ActionDataSample().set_gt_label(torch.from_numpy(label))
            for label in labels
        ]
        for video, sample in zip(videos, samples):
            if video in bad:
                sample.set_metainfo(dict(bad_samples=bad[video]))
        return dict(inputs=inputs, data_samples=samples)


def _digest(stream: torch.nn.Module) -> str:
    weights = hashlib.sha256()
    for name, value in sorted(stream.state_dict().items()):
        weights.update(name.encode())
        value = value.detach().cpu().contiguous()
        weights.update(value.numpy().tobytes())
    return weights.hexdigest()


def _text(config: Union[ConfigDict, Dict]) -> str:
    """A config as a text that is the same for the same values."""
    if hasattr(config, 'to_dict'):
        config = config.to_dict()
    return repr(sorted(config.items(), key=str))
