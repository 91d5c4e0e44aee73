import random
from functools import partial

import numpy as np
import torch
from mmaction.registry import HOOKS
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seed every epoch by itself, so that a resumed training goes on as if it
    had not been stopped.

    Every epoch draws its own random numbers from the run's seed, the epoch,
    the rank and the worker. mmengine seeds the workers of every epoch alike,
    or, where they persist, lets their state run on, which a stop loses.
    The training loader's ``worker_init_fn`` is replaced.

    Raises:
        ValueError: the training loader has ``persistent_workers``, whose
            state cannot be set from outside.
    """

    def before_train(self, runner: Runner) -> None:
        """Check the loader."""
        if runner.train_dataloader.persistent_workers:
            raise ValueError(
                'EpochSeedHook needs train_dataloader.persistent_workers=False'
            )

    def before_train_epoch(self, runner: Runner) -> None:
        """Seed this process and, when they start, the workers."""
        key = (runner.seed, runner.epoch, get_rank())
        seed_all(key)
        runner.train_dataloader.worker_init_fn = partial(seed_worker, key=key)


def seed_worker(worker: int, key: tuple) -> None:
    """Seed a worker of the data loader."""
    torch.set_num_threads(1)
    seed_all((*key, worker + 1))


def seed_all(key: tuple) -> None:
    """Seed Python's, numpy's and torch's generators from some numbers."""
    seeds = np.random.SeedSequence(key).generate_state(3)
    random.seed(int(seeds[0]))
    np.random.seed(int(seeds[1]))
    torch.manual_seed(int(seeds[2]))
