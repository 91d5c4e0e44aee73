from mmaction.registry import HOOKS
from mmengine.evaluator import Evaluator
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from integral_action.robust.swap_accuracy import SwapAccuracy


@HOOKS.register_module()
class SwapValidationHook(Hook):
    """Hand the model to :class:`SwapAccuracy`, and have it keep features.

    Where no evaluator has that metric, it does nothing.

    Raises:
        ValueError: the model is no :class:`TwoStreamRecognizer`.

    Example:
        >>> swap_validation = dict(type='SwapValidationHook')
        >>> default_hooks = dict(swap_validation=swap_validation)
        >>> val_evaluator = [dict(type='SwapAccuracy')]
    """

    def before_val(self, runner: Runner) -> None:
        """Before a validation."""
        self._start(runner, runner.val_evaluator)

    def after_val(self, runner: Runner) -> None:
        """After a validation."""
        self._end(runner.val_evaluator)

    def before_test(self, runner: Runner) -> None:
        """Before a test."""
        self._start(runner, runner.test_evaluator)

    def after_test(self, runner: Runner) -> None:
        """After a test."""
        self._end(runner.test_evaluator)

    def _start(self, runner: Runner, evaluator: Evaluator) -> None:
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        for metric in _swap_metrics(evaluator):
            metric.start(model)

    def _end(self, evaluator: Evaluator) -> None:
        for metric in _swap_metrics(evaluator):
            metric.end()


def _swap_metrics(evaluator: Evaluator) -> list:
    return [m for m in evaluator.metrics if isinstance(m, SwapAccuracy)]
