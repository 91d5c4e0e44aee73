from typing import Any, Dict, List, Sequence, Tuple

from mmaction.evaluation import AccMetric
from mmaction.registry import METRICS


@METRICS.register_module()
class GroupedAccMetric(AccMetric):
    """MMAction2's ``AccMetric`` of all videos and of each group of them, with
    the mean gate of each.

    Gives, with ``group_key='context'`` and videos marked "in" and "out",
    ``acc/top1``, ``acc/in/top1``, ``acc/out/top1``, ``acc/out/gate``, ...

    Args:
        group_key: the key of the annotation that names a video's group; it
            must be among ``meta_keys`` of ``PackActionInputs``.
        **kwargs: of ``AccMetric``.

    Raises:
        KeyError: a video without a group.
    """

    def __init__(self, group_key: str, **kwargs) -> None:
        super().__init__(**kwargs)
        self.group_key = group_key

    def process(
        self,
        data_batch: Sequence[Tuple[Any, Dict]],
        data_samples: Sequence[Dict],
    ) -> None:
        """Note a batch's predictions."""
        first = len(self.results)
        super().process(data_batch, data_samples)
        for result, sample in zip(self.results[first:], data_samples):
            if self.group_key not in sample:
                raise KeyError(
                    f'a video has no {self.group_key!r}; is it '
                    f'among meta_keys of PackActionInputs?'
                )
            result['group'] = str(sample[self.group_key])
            if 'gate' in sample:
                result['gate'] = float(sample['gate'].mean())

    def compute_metrics(self, results: List) -> Dict:
        """The metrics of all videos, then of each group."""
        metrics = super().compute_metrics(results)
        for group in sorted({result['group'] for result in results}):
            part = [result for result in results if result['group'] == group]
            values = super().compute_metrics(part)
            gates = [result['gate'] for result in part if 'gate' in result]
            if gates:
                values['gate'] = sum(gates) / len(gates)
            metrics.update(
                {f'{group}/{name}': value for name, value in values.items()}
            )
        return metrics
