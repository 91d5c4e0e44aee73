import numpy as np
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner


@HOOKS.register_module()
class ClassPriorHook(Hook):
    """Count the training videos of each class, for a head with
    ``prior='train'`` (:class:`RobustProductHead`).

    At the start of a training; for other heads it does nothing. A class
    without a video counts as one of one video, with a warning.

    Raises:
        ValueError: a label that is not a class of the head.

    Example:
        >>> default_hooks = dict(class_prior=dict(type='ClassPriorHook'))
        >>> cls_head = dict(type='RobustProductHead', prior='train')
    """

    def before_train(self, runner: Runner) -> None:
        """Count, and set the head's prior."""
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        head = getattr(model, 'cls_head', None)
        if getattr(head, 'prior', None) != 'train':
            return
        counts = np.zeros(head.num_classes, np.int64)
        dataset = runner.train_dataloader.dataset
        for i in range(len(dataset)):
            label = dataset.get_data_info(i)['label']
            if not (np.ndim(label) == 0 and 0 <= label < len(counts)):
                raise ValueError(
                    f"prior='train': the label of training video {i} is "
                    f'{label!r}, expected one from 0 to {len(counts) - 1}'
                )
            counts[label] += 1
        if not counts.all():
            runner.logger.warning(
                f"prior='train': no training video of the classes "
                f'{np.flatnonzero(counts == 0).tolist()}'
            )
        head.set_prior(counts.clip(1))
