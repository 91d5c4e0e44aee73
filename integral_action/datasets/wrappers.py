from typing import Dict, Iterator, Union

from torch.utils.data import Dataset


def innermost(
    dataset: Union[Dict, Dataset],
) -> Iterator[Union[Dict, Dataset]]:
    """Yield the datasets that read, inside what repeats or joins them.

    Args:
        dataset: a dataset or its config, such as of a ``RepeatDataset``.

    Example:
        >>> inner = dict(type='VideoPoseDataset', pipeline=[])
        >>> list(innermost(dict(type='RepeatDataset', dataset=inner)))
        [{'type': 'VideoPoseDataset', 'pipeline': []}]
    """
    parts = dataset
    if not isinstance(dataset, dict):
        parts = getattr(dataset, '__dict__', {})  # a plain list has none
    if 'pipeline' in parts or not {'dataset', 'datasets'} & set(parts):
        yield dataset
    else:
        for inner in parts.get('datasets', [parts.get('dataset')]):
            yield from innermost(inner)
