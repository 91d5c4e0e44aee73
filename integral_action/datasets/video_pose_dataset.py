import os
import os.path as osp
from collections.abc import Sequence
from numbers import Integral
from typing import (
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Optional,
    Tuple,
    Union,
)

import numpy as np
from mmaction.datasets.base import BaseActionDataset
from mmaction.registry import DATASETS
from mmaction.utils import ConfigType
from mmengine.logging import MMLogger

from integral_action.datasets.label_map import LabelMap
from integral_action.fileio import SampleError, read_annotations
from integral_action.json_lines import JSONLines
from integral_action.pose.layouts import KeypointLayout


@DATASETS.register_module()
class VideoPoseDataset(BaseActionDataset):
    """Videos with the poses of the people in them.

    The annotation is a list of videos, as JSON lines, JSON or the pickle that
    MMAction2's ``PoseDataset`` reads. A video has

    - ``filename``, relative to ``data_prefix['video']`` (or ``frame_dir``, to
      which ``video_suffix`` is added);
    - ``label`` (int), ``total_frames``, ``img_shape`` (height, width);
    - its poses: ``keypoint`` [M, T, K, 2] in pixels and ``keypoint_score``
      [M, T, K], or a ``pose_file`` of these two arrays (``.npz``), relative to
      ``data_prefix['pose']``. A frame without anybody has score 0. Inside,
      ``keypoint`` may be [M, T, K, 3], (x, y, score); without any scores a
      keypoint at (0, 0), or not finite, is not found.

    Further keys travel with the sample. The file is checked as a whole before
    anything runs: labels, frames, and that the files are there which the
    pipeline's streams will read.

    Args:
        ann_file: the annotation file.
        pipeline: the transforms.
        layout: the poses' keypoints, as of :meth:`KeypointLayout.get`. It
            travels with every sample as ``keypoint_layout``.
        split: which split of a pickle to take; needed where it has any.
        data_prefix: folders of ``video`` and ``pose``, relative to
            ``data_root``.
        num_classes: labels must be below this; None for no such check.
        class_file: the names of the classes, one a line, relative to
            ``data_root``. They are ``metainfo['classes']``, which travels with
            the checkpoint of a training. None takes ``classes.txt``, which the
            converters write, if it is there, has ``num_classes`` names, and no
            ``metainfo`` names them. Other backends than the disk are asked
            for the file that is named alone.
        video_suffix: the ending of a video named by ``frame_dir``.
        check_files: whether to look for every file at the start, where the
            pipeline reads from the disk.
        max_bad_samples: how many unreadable videos a training may skip (each
            worker, each epoch, by :class:`EpochSeedHook`), each with a
            warning that counts them, before it stops; the next good video is
            taken. A validation or test stops at the first.
        filter_cfg: ``dict(min_frames=57)`` leaves out shorter videos, as the
            release does, whose clips of 8 frames, each eighth, span 57.
        backend_args: arguments of :func:`open_file`, for ``ann_file`` and
            ``class_file``; None for the disk. Those of videos and pose files
            are of the pipeline's ``DecodeTwoStream``.

    Raises:
        FileNotFoundError: the annotation file, videos or pose files are
            missing; the message counts them and names the first.
        ValueError: an annotation is broken; the message names file, place, key
            and value. Or there are ``num_classes``, but not as many names.
    """

    def __init__(
        self,
        ann_file: str,
        pipeline: List[Union[ConfigType, Callable]],
        layout: str = 'openpose18',
        split: Optional[str] = None,
        data_prefix: ConfigType = dict(video='', pose=''),
        num_classes: Optional[int] = None,
        class_file: Optional[str] = None,
        metainfo: Optional[Dict] = None,
        video_suffix: str = '.mp4',
        check_files: bool = True,
        max_bad_samples: int = 0,
        backend_args: Optional[Dict] = None,
        **kwargs,
    ) -> None:
        KeypointLayout.get(layout)  # an unknown one fails here
        unknown = set(data_prefix) - {'video', 'pose'}
        if unknown:
            raise ValueError(
                f'data_prefix names {sorted(unknown)}; it takes '
                f"'video' and 'pose'"
            )
        data_prefix = dict(video='', pose='') | dict(data_prefix)
        self.layout = layout
        self.split = split
        self.video_suffix = video_suffix
        self.check_files = check_files
        self.max_bad_samples = max_bad_samples
        self.num_bad_samples = 0
        self.backend_args = backend_args
        metainfo = dict(metainfo or {})
        if class_file is not None or 'classes' not in metainfo:
            names = read_class_names(
                class_file, kwargs.get('data_root'), num_classes, backend_args
            )
            metainfo |= {} if names is None else dict(classes=names)
        super().__init__(
            ann_file,
            metainfo=metainfo,
            pipeline=pipeline,
            data_prefix=data_prefix,
            num_classes=num_classes,
            modality='Pose',
            **kwargs,
        )
        classes = self.metainfo.get('classes')
        if None not in (classes, num_classes) and len(classes) != num_classes:
            raise ValueError(
                f'{ann_file}: num_classes is {num_classes}, but there are '
                f'{len(classes)} names of classes (class_file, metainfo)'
            )

    @property
    def modalities(self) -> List[str]:
        """The streams that the pipeline reads; both, where it does not say."""
        for transform in self.pipeline.transforms:
            if hasattr(transform, 'modalities'):
                return transform.modalities
        return ['RGB', 'Pose']

    @property
    def sample_backend(self) -> Optional[Dict]:
        """Arguments of the backend that the pipeline reads videos and poses
        by; None for the disk."""
        for transform in self.pipeline.transforms:
            if getattr(transform, 'backend_args', None) is not None:
                return transform.backend_args
        return None

    def load_data_list(self) -> Sequence:
        """Read and check the annotation file."""
        records = read_annotations(
            self.ann_file, self.split, self.backend_args
        )
        videos = _Videos(records, self._parse)
        missing = {}
        for info in videos:
            if self.check_files and self.sample_backend is None:
                self._look_for_files(info, missing)
        if not len(videos):
            raise ValueError(f'{self.ann_file}: no videos')
        for key, files in missing.items():
            raise FileNotFoundError(
                f'{self.ann_file}: {len(files)} of {len(videos)} files '
                f'named by "{key}" are missing, the first is {files[0]} '
                f'(data_root, data_prefix and the annotation make its path)'
            )
        if isinstance(records, JSONLines):
            self.serialize_data = False  # it stays on the disk
            return videos
        return list(videos)

    def filter_data(self) -> Sequence:
        """Leave out videos that are shorter than ``filter_cfg`` wants.

        Raises:
            ValueError: it has other keys, or no video is left.
        """
        unknown = set(self.filter_cfg or ()) - {'min_frames'}
        if unknown:
            raise ValueError(
                f'filter_cfg has {sorted(unknown)}, expected min_frames'
            )
        if not self.filter_cfg:
            return self.data_list
        least, total = self.filter_cfg['min_frames'], len(self.data_list)
        kept = [one for one in self.data_list if one['total_frames'] >= least]
        text = (
            f'{self.ann_file}: {total - len(kept)} of {total} videos have '
            f'fewer than {least} frames (filter_cfg.min_frames)'
        )
        if not kept:
            raise ValueError(text)
        MMLogger.get_current_instance().info(f'{text}: left out')
        return kept

    def _parse(self, record: Dict, number: int) -> Dict:
        if not isinstance(record, dict):
            raise ValueError(
                f'{self.ann_file}, video {number}: not a video but {record!r}'
            )
        info = dict(record)
        for key, expected in self.faults(info):
            raise ValueError(
                f'{self.ann_file}, video {number} '
                f'({info.get("filename")}): {key} is '
                f'{info.get(key)!r}, expected {expected}'
            )
        return self.complete(info)

    def faults(
        self, info: Dict, streams: Optional[Iterable[str]] = None
    ) -> Iterator[Tuple[str, str]]:
        """Find what is wrong with a video of the annotation file.

        Args:
            info: the video; ``filename`` is added where it has ``frame_dir``.
            streams: that will read it; None for :attr:`modalities`.

        Yields:
            The key, and what was expected there.
        """
        if 'filename' not in info:
            if isinstance(info.get('frame_dir'), str):
                info['filename'] = info['frame_dir'] + self.video_suffix
            else:
                yield 'frame_dir', 'a name'
        for key in ('filename', 'pose_file'):
            if not isinstance(info.get(key, ''), str):
                yield key, 'a path'
        label, bound = info.get('label'), self.num_classes
        if not (
            isinstance(label, Integral)
            and 0 <= label
            and (bound is None or label < bound)
        ):
            yield (
                'label',
                'a whole number from 0'
                + (f' to {bound - 1}' if bound else ''),
            )
        total = info.get('total_frames')
        if not (isinstance(total, Integral) and total > 0):
            yield 'total_frames', 'a whole number from 1'
        # frames tell their own size
        if 'img_shape' in info or 'RGB' not in (streams or self.modalities):
            shape = info.get('img_shape')
            if not (
                isinstance(shape, (list, tuple, np.ndarray))
                and len(shape) == 2
                and all(isinstance(n, Integral) and n > 0 for n in shape)
            ):
                yield 'img_shape', '(height, width)'

    def complete(self, info: Dict) -> Dict:
        """Turn a video without :meth:`faults` into what the pipeline takes."""
        info['label'] = int(info['label'])
        info['total_frames'] = int(info['total_frames'])
        if 'img_shape' in info:
            info['img_shape'] = tuple(int(n) for n in info['img_shape'])
        self.join_paths(info)
        info['keypoint_layout'] = self.layout
        return info

    def join_paths(self, info: Dict) -> None:
        """Put ``data_prefix`` before a video's files."""
        for key, prefix in (('filename', 'video'), ('pose_file', 'pose')):
            if key in info:
                info[key] = osp.join(self.data_prefix[prefix], info[key])

    def _look_for_files(self, info: Dict, missing: Dict) -> None:
        keys = {'RGB': 'filename', 'Pose': 'pose_file'}
        for key in (keys[modality] for modality in self.modalities):
            if key in info and not os.path.exists(info[key]):
                missing.setdefault(key, []).append(info[key])

    def __getitem__(self, idx: int) -> Dict:
        """Return a sample; in the place of a bad one of a training, the next
        good one.

        A bad one is reported and counted. The sample in its place carries
        ``bad_samples``: the files and errors of those that it stands for.
        """
        bad = []
        while True:
            try:
                sample = super().__getitem__(idx)
                break
            except SampleError as error:
                if self.test_mode or not self.max_bad_samples:
                    raise
                self.num_bad_samples += 1
                text = (
                    f'bad sample {self.num_bad_samples} (max_bad_samples='
                    f'{self.max_bad_samples}): {error}'
                )
                if self.num_bad_samples > self.max_bad_samples:
                    raise SampleError(text) from error
                MMLogger.get_current_instance().warning(
                    f'{text}; the next good one is taken'
                )
                bad.append((self.get_data_info(idx)['filename'], str(error)))
                # not any: so kept features of two streams are of one video
                idx = (idx + 1) % len(self)
        if bad and 'data_samples' in sample:
            sample['data_samples'].set_metainfo(dict(bad_samples=bad))
        return sample

    def get_cat_ids(self, idx: int) -> List[int]:
        """Return the label of a video, for ``ClassBalancedDataset``."""
        return [super(BaseActionDataset, self).get_data_info(idx)['label']]


def read_class_names(
    class_file: Optional[str],
    data_root: Optional[str],
    num_classes: Optional[int] = None,
    backend_args: Optional[Dict] = None,
) -> Optional[List[str]]:
    """Read the names of the classes.

    Args:
        class_file: relative to ``data_root``; None for ``classes.txt``.
        data_root: the folder of the data.
        num_classes: number of classes that ``classes.txt`` has to have; None
            for any.
        backend_args: arguments of :func:`open_file`.

    Returns:
        The names; None where there is no ``classes.txt``, or it has another
        number of them, which is a warning.

    Raises:
        FileNotFoundError, ValueError: ``class_file`` is given, and is missing
            or is no list of names.
    """
    path = osp.join(data_root or '', class_file or 'classes.txt')
    known = backend_args is None and osp.isfile(path)
    if class_file is None and not known:
        return None
    names = LabelMap.read(path, backend_args).names
    if class_file is None and num_classes not in (None, len(names)):
        # Mimetics is labelled with the 50 or the 400 classes of a model
        MMLogger.get_current_instance().warning(
            f'{path} has {len(names)} names of classes, but num_classes is '
            f'{num_classes}: the classes have no names here'
        )
        return None
    return names


class _Videos(Sequence):
    """Records as they are asked for, parsed."""

    def __init__(self, records: Sequence, parse: Callable) -> None:
        self.records, self.parse = records, parse

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: Union[int, slice]) -> Union[Dict, List]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return self.parse(self.records[index], index + 1)

    def __iter__(self) -> Iterator[Dict]:
        for number, record in enumerate(self.records, 1):
            yield self.parse(record, number)
