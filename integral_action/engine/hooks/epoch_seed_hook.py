import random
from functools import partial
from typing import List

import numpy as np
import torch
from mmaction.registry import HOOKS
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor
from torch.utils.data import Dataset, get_worker_info

from integral_action.datasets.wrappers import innermost


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Start every epoch of a training afresh, in every process.

    - It draws its own random numbers from the run's seed, the epoch, the rank
      and the worker, so that a resumed training goes on as if it had not been
      stopped. mmengine seeds the workers of every epoch alike, or, where they
      persist, lets their state run on, which a stop loses.
    - It counts its own bad samples (:class:`VideoPoseDataset`).

    The training loader's ``worker_init_fn`` is replaced.
    """

    def __init__(self) -> None:
        # shared with workers: those that persist see the next epoch here
        self.epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    def before_train_epoch(self, runner: Runner) -> None:
        """Start an epoch in this process, and have the workers do so."""
        self.epoch.fill_(runner.epoch)
        loader = runner.train_dataloader
        start_epoch(loader.dataset, (runner.seed, runner.epoch, get_rank()))
        loader.worker_init_fn = partial(
            start_worker, seed=runner.seed, epoch=self.epoch, rank=get_rank()
        )


def start_worker(worker: int, seed: int, epoch: Tensor, rank: int) -> None:
    """Have a worker of the data loader start every epoch afresh."""
    torch.set_num_threads(1)
    dataset = get_worker_info().dataset
    fetch = getattr(dataset, '__getitems__', None)
    started = None

    def get(indices: List[int]) -> List:
        nonlocal started
        if started != int(epoch):
            started = int(epoch)
            start_epoch(dataset, (seed, started, rank, worker + 1))
        return fetch(indices) if fetch else [dataset[i] for i in indices]

    dataset.__getitems__ = get  # what a worker calls for a batch


def start_epoch(dataset: Dataset, key: tuple) -> None:
    """Seed this process, and count its bad samples from 0."""
    seed_all(key)
    for one in innermost(dataset):
        if hasattr(one, 'num_bad_samples'):
            one.num_bad_samples = 0


def seed_all(key: tuple) -> None:
    """Seed Python's, numpy's and torch's generators from some numbers."""
    seeds = np.random.SeedSequence(key).generate_state(3)
    random.seed(int(seeds[0]))
    np.random.seed(int(seeds[1]))
    torch.manual_seed(int(seeds[2]))
