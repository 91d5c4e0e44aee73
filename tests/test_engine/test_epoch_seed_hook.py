from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmaction.registry import HOOKS


class Draws(torch.utils.data.Dataset):
    """A data set of random numbers."""

    def __len__(self):
        return 4

    def __getitem__(self, i):
        return np.random.rand()


def epoch(number, workers, seed=7):
    loader = torch.utils.data.DataLoader(Draws(), num_workers=workers)
    runner = SimpleNamespace(seed=seed, epoch=number, train_dataloader=loader)
    hook = HOOKS.build(dict(type='EpochSeedHook'))
    hook.before_train(runner)
    hook.before_train_epoch(runner)
    return [float(value) for value in loader]


@pytest.mark.parametrize('workers', [0, 2])
def test_an_epoch_draws_the_same_whatever_came_before(workers):
    first = epoch(3, workers)
    np.random.rand(5)
    assert epoch(3, workers) == first
    assert epoch(4, workers) != first
    assert epoch(3, workers, seed=8) != first
    assert len(set(first)) == 4  # no two workers alike


def test_persistent_workers_are_refused():
    loader = torch.utils.data.DataLoader(
        Draws(), num_workers=1, persistent_workers=True
    )
    runner = SimpleNamespace(train_dataloader=loader)
    with pytest.raises(ValueError, match='persistent_workers=False'):
        HOOKS.build(dict(type='EpochSeedHook')).before_train(runner)
