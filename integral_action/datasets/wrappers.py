from typing import Dict, Iterator


def innermost(dataset: Dict) -> Iterator[Dict]:
    """Yield the configs of the datasets that read, inside what repeats or
    joins them.

    Args:
        dataset: config of a dataset, such as of a ``RepeatDataset``.

    Example:
        >>> inner = dict(type='VideoPoseDataset', pipeline=[])
        >>> list(innermost(dict(type='RepeatDataset', dataset=inner)))
        [{'type': 'VideoPoseDataset', 'pipeline': []}]
    """
    if 'pipeline' in dataset or not {'dataset', 'datasets'} & set(dataset):
        yield dataset
    else:
        for inner in dataset.get('datasets', [dataset.get('dataset')]):
            yield from innermost(inner)
