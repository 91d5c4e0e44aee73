from typing import Any, Dict, Optional

import torch
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from integral_action.checkpoints import not_finite, some


@HOOKS.register_module()
class CheckInvalidLossHook(Hook):
    """Stop a training whose loss or weights are nan or inf.

    The loss is looked at every some iterations, the weights before a
    checkpoint of an epoch is written, or an old one is deleted for it.

    Args:
        interval: iterations from one look at the loss to the next; each waits
            for the GPU.

    Raises:
        FloatingPointError: they are not finite.
    """

    def __init__(self, interval: int = 20) -> None:
        self.interval = interval

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Optional[Dict] = None,
    ) -> None:
        """Check the loss."""
        loss = (outputs or {}).get('loss')
        if loss is None or not (
            self.every_n_train_iters(runner, self.interval)
            or self.end_of_epoch(runner.train_dataloader, batch_idx)
        ):
            return
        loss = torch.as_tensor(loss).detach()
        if not loss.isfinite().all():
            self._stop(runner, f'the loss is {float(loss)}')

    def after_train_epoch(self, runner: Runner) -> None:
        """Check the weights, before :class:`CheckpointHook` runs."""
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        self._check(runner, model.state_dict())

    def before_save_checkpoint(self, runner: Runner, checkpoint: Dict) -> None:
        """Check the weights of any other checkpoint."""
        self._check(runner, checkpoint['state_dict'])

    def _check(self, runner: Runner, weights: Dict) -> None:
        bad = not_finite(weights)
        if bad:
            self._stop(runner, f'weights are nan or inf: {some(bad)}')

    def _stop(self, runner: Runner, what: str) -> None:
        rates = {
            f'{rate:.3g}'
            for rates in runner.optim_wrapper.get_lr().values()
            for rate in rates
        }
        raise FloatingPointError(
            f'epoch {runner.epoch + 1}, iteration {runner.iter + 1}: {what} '
            f'(learning rate {", ".join(sorted(rates))}). The training stops, '
            f'and checkpoints stay as they are. Lower '
            f'optim_wrapper.optimizer.lr, or set optim_wrapper.clip_grad'
        )
