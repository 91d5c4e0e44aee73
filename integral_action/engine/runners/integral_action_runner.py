from difflib import get_close_matches
from inspect import signature
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple, Union

from mmaction.registry import RUNNERS
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop, Runner
from mmengine.runner.checkpoint import _load_checkpoint_to_model

from integral_action.checkpoints import (
    CheckpointError,
    check_weights,
    read_checkpoint,
)
from integral_action.datasets.video_pose_dataset import read_class_names
from integral_action.datasets.wrappers import innermost
from integral_action.pose.layouts import KeypointLayout


@RUNNERS.register_module()
class IntegralActionRunner(Runner):
    """Run a config, with its number of classes from the data.

    It is mmengine's runner, but that

    - ``model.cls_head.num_classes=None`` becomes the number of names in the
      data's class file (:func:`set_num_classes`);
    - keypoint layouts in files become values (:func:`set_layouts`);
    - checkpoints are read by :func:`read_checkpoint`: whatever is wrong with
      one is an error that names it, and weights in eight bits are restored;
    - what a checkpoint says of configs and files is not followed;
    - a test wants all of a model's weights;
    - a training is resumed from the newest checkpoint that is whole;
    - a training of no epochs is an error, and it warns of what would be
      ignored: a misspelt key, classes that the data has not, a resumed
      training whose epochs have another length.

    A config asks for it with ``runner_type='IntegralActionRunner'``.
    """

    @classmethod
    def from_cfg(cls, cfg: Config) -> 'IntegralActionRunner':
        """Build the runner.

        Raises:
            ValueError: ``train_cfg.max_epochs`` is below 1.
        """
        set_num_classes(cfg)
        set_layouts(cfg)
        epochs = (cfg.get('train_cfg') or {}).get('max_epochs', 1)
        if epochs < 1:
            raise ValueError(
                f'train_cfg.max_epochs is {epochs}, expected 1 or more'
            )
        runner = super().from_cfg(cfg)
        for text in _doubts(cfg):
            runner.logger.warning(text)
        return runner

    def load_checkpoint(
        self,
        filename: str,
        map_location: Union[str, Callable] = 'cpu',
        strict: bool = False,
        revise_keys: List[Tuple[str, str]] = [(r'^module.', '')],
    ) -> Dict[str, Any]:
        """Load a checkpoint's weights into the model.

        Args:
            filename: file, or URL as mmengine takes it.
            map_location: not used: it is read on the CPU.
            strict: whether missing and unexpected keys are an error; in a
                test they always are.
            revise_keys: patterns of names, and what to put in their place.

        Raises:
            FileNotFoundError, ConnectionError, ValueError: as of
                :func:`read_checkpoint`.
            RuntimeError: missing or unexpected keys.
        """
        content = read_checkpoint(filename)
        try:
            check_weights(content.get('state_dict', content))
        except ValueError as error:
            raise CheckpointError(f'{filename}: {error}') from error
        self._forget_places(content, filename)
        self.call_hook('after_load_checkpoint', checkpoint=content)
        model = (
            self.model.module if is_model_wrapper(self.model) else self.model
        )
        strict = strict or not isinstance(self._train_loop, BaseLoop)
        _load_checkpoint_to_model(
            model, content, strict, revise_keys=revise_keys
        )
        self._has_loaded = True
        self.logger.info(f'Load checkpoint from {filename}')
        return content

    def _forget_places(self, content: Dict[str, Any], source: str) -> None:
        """Take out of a checkpoint what mmengine would run or delete.

        ``meta.config`` of old ones is run as Python; the best checkpoint so
        far, and the steps of those that are kept, are files to delete.
        """
        if isinstance(content.get('meta'), dict):
            content['meta'].pop('config', None)
        hub = content.get('message_hub')
        info = hub.get('runtime_info') if isinstance(hub, dict) else None
        own = {Path(source).resolve().parent, Path(self.work_dir).resolve()}
        for key, value in list(info.items() if isinstance(info, dict) else ()):
            if key.startswith('best_ckpt'):
                path = Path(str(value)).resolve()
                good = path.match('best_*.pth') and path.parent in own
            elif key == 'keep_ckpt_ids':
                good = all(isinstance(step, int) for step in value)
            else:
                continue
            if not good:
                del info[key]
                self.logger.warning(
                    f'{source}: its message_hub names {value!r} ({key}), '
                    f'which is no checkpoint of this training: not followed'
                )

    def resume(self, filename: str, *args, **kwargs) -> None:
        """Go on from a checkpoint of a training.

        Raises:
            ValueError: it is none, such as a published one; or as of
                :meth:`load_checkpoint`.
        """
        content = read_checkpoint(filename)
        meta = content.get('meta')
        missing = [
            key
            for key in ('epoch', 'iter')
            if not (isinstance(meta, dict) and isinstance(meta.get(key), int))
        ]
        missing += ['message_hub'] * ('message_hub' not in content)
        if missing:
            raise CheckpointError(
                f'{filename}: no training can go on from it: it has no '
                f'{", ".join(missing)}. To start from its weights alone, give '
                f'it as load_from, without --resume'
            )
        super().resume(filename, *args, **kwargs)
        length = len(self.train_dataloader)
        if self.iter != self.epoch * length:
            self.logger.warning(
                f'{filename} is of epoch {self.epoch} and iteration '
                f'{self.iter}, but {self.epoch} epochs have '
                f'{self.epoch * length} iterations now: with another batch '
                f'size or number of processes, what is scheduled by iteration '
                f'goes on from {self.iter}'
            )

    def load_or_resume(self) -> None:
        """Load or resume; ``--resume`` without a name takes the newest whole
        checkpoint of ``work_dir``.

        Raises:
            ValueError: there are checkpoints, but none is whole.
        """
        if self._resume and self._load_from is None and not self._has_loaded:
            self._load_from = self._newest_whole()
            self._resume = self._load_from is not None
        super().load_or_resume()

    def _newest_whole(self) -> Optional[str]:
        broken = []
        for path in _newest_first(Path(self.work_dir)):
            try:
                read_checkpoint(path)
            except (OSError, ValueError) as error:
                self.logger.warning(f'{error}; an older one is looked for')
                broken.append(str(path))
                continue
            self.logger.info(f'Resume from {path}')
            return str(path)
        if broken:
            raise CheckpointError(
                f'{self.work_dir}: none of its checkpoints is whole: '
                f'{", ".join(broken)}. To start anew, remove them'
            )
        self.logger.info(f'{self.work_dir}: no checkpoint to resume from')
        return None


def _newest_first(folder: Path) -> Iterator[Path]:
    """The checkpoint that ``last_checkpoint`` names, then all the others."""
    note = folder / 'last_checkpoint'
    last = None
    if note.is_file():
        text = note.read_text(errors='replace').strip()
        last = Path(text)
        if text and last.is_file():
            yield last
        else:
            MMLogger.get_current_instance().warning(
                f'{note}: it names no file (it is {text!r}): the newest whole '
                f'checkpoint beside it is taken'
            )
    others = [
        path
        for pattern in ('epoch_*.pth', 'iter_*.pth')
        for path in folder.glob(pattern)
        if path.stem.rpartition('_')[2].isdecimal() and path != last
    ]
    yield from sorted(
        others,
        key=lambda path: int(path.stem.rpartition('_')[2]),
        reverse=True,
    )


def set_layouts(cfg: Any) -> None:
    """Put the values of keypoint layouts in the place of their files.

    A checkpoint carries its config, which then is of use where the file is
    not, and where files are not read (:func:`load_model`).

    Args:
        cfg: changed in place: every ``layout`` that ends in ``.py``.
    """
    if isinstance(cfg, (dict, Config)):
        layout = cfg.get('layout')
        if isinstance(layout, str) and layout.endswith('.py'):
            cfg['layout'] = KeypointLayout.get(layout).values()
        cfg = list(cfg.values())
    if isinstance(cfg, (list, tuple)):
        for value in cfg:
            set_layouts(value)


def _datasets(cfg: Config, split: str) -> Iterator[Dict]:
    """Yield the configs of a split's datasets; one may be built already."""
    loader = cfg.get(f'{split}_dataloader')
    if isinstance(loader, dict) and isinstance(loader['dataset'], dict):
        yield from innermost(loader['dataset'])


def _doubts(cfg: Config) -> Iterator[str]:
    """Yield what a config says without any effect."""
    known = signature(Runner.__init__).parameters
    for key in cfg:
        near = get_close_matches(key, known, 1, 0.8)
        if key not in known and near:
            yield f'nothing reads the key {key!r}; is {near[0]!r} meant?'
    head = cfg.get('model', {}).get('cls_head') or {}
    classes = head.get('num_classes')
    for split in ('train', 'val', 'test'):
        for dataset in _datasets(cfg, split):
            number = dataset.get('num_classes')
            if number is None:
                names = read_class_names(
                    dataset.get('class_file'), dataset.get('data_root')
                )
                number = names and len(names)
            if None not in (number, classes) and number != classes:
                yield (
                    f'model.cls_head.num_classes is {classes}, but the '
                    f'dataset of {split}_dataloader has {number} classes'
                )


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
        for dataset in _datasets(cfg, split)
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
