from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmaction.registry import HOOKS


class Draws(torch.utils.data.Dataset):
    """A data set of random numbers, of which each counts as bad."""

    num_bad_samples = 0

    def __len__(self):
        return 4

    def __getitem__(self, i):
        self.num_bad_samples += 1
        return np.random.rand(), self.num_bad_samples


def epochs(numbers, workers=0, seed=7, **options):
    """Each epoch's numbers, and how many samples a process has counted."""
    loader = torch.utils.data.DataLoader(
        Draws(), num_workers=workers, **options
    )
    runner = SimpleNamespace(seed=seed, train_dataloader=loader)
    hook = HOOKS.build(dict(type='EpochSeedHook'))
    for runner.epoch in numbers:
        hook.before_train_epoch(runner)
        draws, counts = zip(*loader)
        yield [float(value) for value in draws], [int(n) for n in counts]


@pytest.mark.parametrize('workers', [0, 2])
def test_an_epoch_draws_the_same_whatever_came_before(workers):
    ((first, _),) = epochs([3], workers)
    np.random.rand(5)
    (again, _), (later, _) = epochs([3, 4], workers)
    assert again == first != later
    ((other, _),) = epochs([3], workers, seed=8)
    assert other != first
    assert len(set(first)) == 4  # no two workers alike


def test_workers_that_persist_are_refused():
    with pytest.raises(ValueError, match='persistent_workers is True'):
        next(epochs([0], 2, persistent_workers=True))


def test_every_epoch_counts_its_own_bad_samples():
    assert [counts for _, counts in epochs([0, 1])] == [[1, 2, 3, 4]] * 2
    workers = epochs([0, 1], 2)
    assert [counts for _, counts in workers] == [[1, 1, 2, 2]] * 2
