"""How models compare: the arithmetic of the paper's tables."""

import numpy as np
from scipy.stats import rankdata

from .results import Results


def average_ranks(accuracies: np.ndarray) -> np.ndarray:
    """The average rank of each model over datasets (Table 1).

    Args:
        accuracies: [models, columns]; a column is a dataset, or one of its
            metrics.

    Returns:
        [models], from 1, the best; equal accuracies share their mean rank.
    """
    return rankdata(-np.asarray(accuracies, float), axis=0).mean(1)


def relative_difference(ours: np.ndarray, others: np.ndarray) -> np.ndarray:
    """By how much ours is above (below 0: below) the best of the others, in
    percent of the latter (Tables 4 and 6).

    Args:
        ours: [columns], accuracies.
        others: [models, columns].

    Returns:
        [columns].
    """
    best = np.max(others, axis=0)
    return 100 * (np.asarray(ours) - best) / best


def oracle(one: Results, two: Results) -> np.ndarray:
    """Whether the oracle selection is right (Tables 10 to 12): for each video
    it takes the right one of two predictions, where there is one.

    Args:
        one: n videos.
        two: the same videos.

    Returns:
        bool [n], in the order of ``one``.

    Raises:
        ValueError: they are of different videos.
    """
    return one.right | two.ordered_as(one).right
