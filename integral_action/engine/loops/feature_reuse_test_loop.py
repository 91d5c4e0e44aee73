from functools import partial
from pathlib import Path
from typing import Dict, Iterator, Optional

from mmaction.registry import LOOPS
from mmengine.runner import Runner, TestLoop
from mmengine.runner.amp import autocast
from torch.utils.data import DataLoader

from integral_action.engine.feature_cache import StreamFeatures


@LOOPS.register_module()
class FeatureReuseTestLoop(TestLoop):
    """Test from features that are kept.

    The streams run over the videos once: the next test with the same streams
    (another gate, another lambda, another metric) decodes nothing and runs no
    stream. Predictions are the ordinary ones, and carry what is annotated of
    ``meta_keys``.

    Args:
        folder: where features are kept; None for ``features`` in the work
            directory. Tests, also of several datasets, may share one
            (:class:`StreamFeatures`).
        **kwargs: of mmengine's ``TestLoop``.

    Disk: 4 bytes for each video, clip, frame and channel.
    """

    def __init__(
        self, runner: Runner, *args, folder: Optional[str] = None, **kwargs
    ) -> None:
        super().__init__(runner, *args, **kwargs)
        self.folder = Path(folder or Path(runner.work_dir) / 'features')

    def run(self) -> Dict[str, float]:
        """Launch test."""
        self.runner.model.eval()
        made_from = dict(fp16=str(self.fp16))
        features = StreamFeatures(self.folder, self.runner, 'test', made_from)
        loader = self.dataloader
        # what the ordinary test iterates over
        self.dataloader = _Batches(loader, features, self.fp16)
        try:
            return super().run()
        finally:
            self.dataloader = loader


class _Batches:
    """Batches of kept features, whose samples carry what is annotated."""

    def __init__(
        self, loader: DataLoader, features: StreamFeatures, fp16: bool
    ) -> None:
        self.loader, self.dataset = loader, loader.dataset
        self.features, self.fp16 = features, fp16

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Dict]:
        context = partial(autocast, enabled=self.fp16)
        for videos, batch in self.features.batches(0, context):
            for video, sample in zip(videos, batch['data_samples']):
                sample.set_metainfo(self._meta(video))
            yield batch

    def _meta(self, video: int) -> Dict:
        info = self.dataset.get_data_info(video)
        packer = self.dataset.pipeline.transforms[-1]
        return {key: info[key] for key in packer.meta_keys if key in info}
