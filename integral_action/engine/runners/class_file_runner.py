from typing import Iterator

from mmaction.registry import RUNNERS
from mmengine.config import Config
from mmengine.runner import Runner

from integral_action.datasets.video_pose_dataset import read_class_names


@RUNNERS.register_module()
class ClassFileRunner(Runner):
    """Run a config whose number of classes is that of its class file.

    It is mmengine's runner otherwise; a config asks for it with
    ``runner_type='ClassFileRunner'``.
    """

    @classmethod
    def from_cfg(cls, cfg: Config) -> 'ClassFileRunner':
        """Build the runner; see :func:`set_num_classes`."""
        set_num_classes(cfg)
        return super().from_cfg(cfg)


def set_num_classes(cfg: Config) -> None:
    """Set the number of classes that a config leaves open.

    Where ``model.cls_head.num_classes`` is None, it becomes the number of
    names in the data's class file: ``class_file``, or ``classes.txt`` in
    ``data_root``. The datasets, which then check their labels against it, get
    it too.

    Args:
        cfg: changed in place. One that gives the number stays as it is.

    Raises:
        ValueError: there is no class file.

    Example::

        cfg = Config.fromfile(path)
        set_num_classes(cfg)
        model = MODELS.build(cfg.model)
    """
    head = cfg.get('model', {}).get('cls_head') or {}
    if head.get('num_classes', 0) is not None:
        return
    datasets = [
        dataset
        for split in ('train', 'val', 'test')
        for dataset in _innermost(
            (cfg.get(f'{split}_dataloader') or {}).get('dataset')
        )
    ]
    for dataset in datasets:
        root, file = dataset.get('data_root'), dataset.get('class_file')
        names = read_class_names(file, root)
        if names is not None:
            break
    else:
        roots = sorted({str(dataset.get('data_root')) for dataset in datasets})
        raise ValueError(
            'model.cls_head.num_classes is None, and there is no classes.txt '
            f'in data_root ({", ".join(roots)}): run the converter of the '
            'data, name a class_file, or give the number with --cfg-options '
            'model.cls_head.num_classes=N'
        )
    head['num_classes'] = len(names)
    for dataset in datasets:
        if dataset.get('num_classes') is None:
            dataset['num_classes'] = len(names)


def _innermost(dataset: dict) -> Iterator[dict]:
    """Yield the datasets that wrappers hold."""
    if not dataset:
        return
    inner = dataset.get('datasets') or [dataset.get('dataset')]
    if inner == [None]:
        yield dataset
    for one in inner:
        yield from _innermost(one)
