import json
from pathlib import Path
from typing import Dict, Optional

from mmaction.registry import HOOKS
from mmengine.dist import all_gather_object, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner


@HOOKS.register_module()
class BadSamplesHook(Hook):
    """Say at the end of every epoch and test how many samples were bad.

    One line in the log, with the first five files; all of them and their
    errors are appended to ``bad_samples.jsonl`` beside the log. A sample that
    stands for bad ones carries them as ``bad_samples``, also where it comes
    from kept features.
    """

    def before_train_epoch(self, runner: Runner) -> None:
        """Start to count."""
        self.samples, self.bad = 0, []

    before_test_epoch = before_train_epoch

    def before_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Optional[Dict] = None,
    ) -> None:
        """Count a batch's bad samples."""
        for sample in data_batch.get('data_samples') or ():
            self.samples += 1
            if 'bad_samples' in sample:
                self.bad.append(sample.bad_samples)

    before_test_iter = before_train_iter

    def after_train_epoch(self, runner: Runner) -> None:
        """Say how many of an epoch's samples were bad."""
        self._report(runner, f'Epoch {runner.epoch + 1}')

    def after_test_epoch(
        self, runner: Runner, metrics: Optional[Dict] = None
    ) -> None:
        """Say how many of a test's samples were bad."""
        self._report(runner, 'Test')

    def _report(self, runner: Runner, part: str) -> None:
        # of all processes, each of which has its share of the samples
        counts, parts = zip(*all_gather_object((self.samples, self.bad)))
        bad = [one for part in parts for one in part]
        text = f'{part}: {len(bad)} of {sum(counts)} samples were bad'
        if bad:
            files = list(dict.fromkeys(file for one in bad for file, _ in one))
            names = ', '.join(files[:5]) + (', ...' if files[5:] else '')
            path = Path(runner.log_dir) / 'bad_samples.jsonl'
            text += f', and others took their places: {names}; see {path}'
            if is_main_process():
                with path.open('a') as file:
                    for filename, error in (
                        pair for one in bad for pair in one
                    ):
                        line = dict(part=part, filename=filename, error=error)
                        file.write(json.dumps(line) + '\n')
        runner.logger.info(text)
