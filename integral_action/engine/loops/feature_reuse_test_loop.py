from functools import partial
from pathlib import Path
from typing import Dict, Iterator, Optional

from mmaction.registry import LOOPS
from mmengine.runner import Runner, TestLoop
from mmengine.runner.amp import autocast

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
        self.runner.call_hook('before_test')
        self.runner.call_hook('before_test_epoch')
        self.runner.model.eval()
        for idx, batch in enumerate(self._batches()):
            self.run_iter(idx, batch)
        metrics = self.evaluator.evaluate(len(self.dataloader.dataset))
        self.runner.call_hook('after_test_epoch', metrics=metrics)
        self.runner.call_hook('after_test')
        return metrics

    def _batches(self) -> Iterator[Dict]:
        """Yield batches of kept features, whose samples carry what is
        annotated."""
        # the weights are there only now
        features = StreamFeatures(
            self.folder, self.runner, 'test', dict(fp16=str(self.fp16))
        )
        dataset = self.dataloader.dataset
        keys = dataset.pipeline.transforms[-1].meta_keys
        context = partial(autocast, enabled=self.fp16)
        for videos, batch in features.batches(0, context):
            for video, sample in zip(videos, batch['data_samples']):
                info = dataset.get_data_info(video)
                sample.set_metainfo({k: info[k] for k in keys if k in info})
            yield batch
