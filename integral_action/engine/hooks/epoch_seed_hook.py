import random
from functools import partial
from typing import Tuple

import numpy as np
import torch
from mmaction.registry import HOOKS
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from integral_action.datasets.wrappers import innermost


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Start every epoch of a training afresh, in every process.

    - It draws its own random numbers from the run's seed, the epoch, the rank
      and the worker, so that a resumed training goes on as if it had not been
      stopped. mmengine seeds the workers of every epoch alike.
    - It counts its own bad samples (:class:`VideoPoseDataset`).

    The training loader's ``worker_init_fn`` is replaced.

    Raises:
        ValueError: the loader's workers persist: their random numbers run on
            from epoch to epoch, which a stop loses.
    """

    def before_train_epoch(self, runner: Runner) -> None:
        """Start an epoch in this process, and have its workers do so."""
        loader = runner.train_dataloader
        if loader.persistent_workers:
            raise ValueError(
                'train_dataloader.persistent_workers is True, with which a '
                'resumed training would draw other random numbers: set it to '
                'False, or leave out EpochSeedHook'
            )
        for dataset in innermost(loader.dataset):
            if hasattr(dataset, 'num_bad_samples'):
                dataset.num_bad_samples = 0
        key = (runner.seed, runner.epoch, get_rank())
        seed_all(key)
        loader.worker_init_fn = partial(seed_worker, key=key)


def seed_worker(worker: int, key: Tuple[int, ...]) -> None:
    """Seed a worker of the data loader, which starts with an epoch."""
    seed_all((*key, worker + 1))


def seed_all(key: Tuple[int, ...]) -> None:
    """Seed Python's, numpy's and torch's generators from some numbers."""
    seeds = np.random.SeedSequence(key).generate_state(3)
    random.seed(int(seeds[0]))
    np.random.seed(int(seeds[1]))
    torch.manual_seed(int(seeds[2]))
