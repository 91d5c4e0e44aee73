from pathlib import Path
from typing import Dict, Optional

from mmaction.registry import LOOPS
from mmengine.runner import Runner, TestLoop
from mmengine.runner.amp import autocast

from integral_action.engine.stream_features import StreamFeatures


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
        loader, runner = self.dataloader, self.runner
        runner.model.eval()
        features = StreamFeatures(
            self.folder,
            runner.model,
            loader,
            runner.cfg.test_dataloader,
            runner.cfg.model,
            dict(fp16=str(self.fp16)),
        )
        batches = list(loader.batch_sampler)
        # what the ordinary test iterates over
        self.dataloader = _Batches(loader, batches, features, self.fp16)
        try:
            return super().run()
        finally:
            self.dataloader = loader


class _Batches:
    """Batches of kept features; what is not there is made first."""

    def __init__(self, loader, batches, features, fp16: bool) -> None:
        self.loader, self.batches = loader, batches
        self.features, self.fp16 = features, fp16
        self.dataset = loader.dataset

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self):
        if self.features.everyone_has(0, self.batches):
            for videos in self.batches:
                yield self.features.batch(0, videos)
            return
        for videos, batch in zip(self.batches, self.loader):
            with autocast(enabled=self.fp16):
                self.features.keep(0, videos, batch)
            yield self.features.batch(0, videos)
