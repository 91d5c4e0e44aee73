from pathlib import Path
from typing import Dict, Optional, Sequence

import cv2
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from integral_action.fileio import SampleError, read_annotations
from integral_action.out_of_context.mask_files import load_masks
from integral_action.out_of_context.names import endings, file_of
from integral_action.out_of_context.pictures import EDGES, cover, paste
from integral_action.storage import open_file

KEEP = ('person', 'box', 'nothing')


@TRANSFORMS.register_module()
class SceneMix(BaseTransform):
    """Put a clip's person before the scene of another training video.

    The label stays the person's. So a scene says nothing about the class any
    more, and the appearance stream learns to look at the person.

    Masks and scenes are made once, from the training videos::

        integral-action convert out-of-context LIST OUT --sets scenes ...

    It stands behind ``DecodeTwoStream``, or another transform that decodes,
    and before what resizes or crops.

    - ``keep='person'``: the person's pixels stay.
    - ``keep='box'``: the box round the person stays, as in ActorCutMix (Zou
      et al., 2022).
    - ``keep='nothing'`` with a ``strength`` below 1: the other scene is
      blended into the whole picture, as in StillMix (Li et al., 2023).

    Required keys: ``imgs``, ``label``, ``filename``, ``RGB_inds`` (or
    MMAction2's ``frame_inds``). Modified key: ``imgs``.

    Args:
        scenes: ``scenes.jsonl`` of the command above.
        prob: the probability that a clip gets another scene. A video whose
            person could not be used for masks stays as it is.
        strength: weight of the other scene, from 0 to 1; 1 replaces the old.
        keep: what stays.
        other_class: whether the scene is of another class.
        edge: as of :func:`paste`.
        backend_args: arguments of :func:`open_file`, for masks and scenes;
            None for the disk.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: an argument is out of range, or there is no scene.
        SampleError: a video is not in ``scenes``, or its mask does not fit.

    Example:
        >>> pipeline = [
        ...     dict(type='SampleTwoStreamFrames', clip_len=dict(RGB=8),
        ...          frame_interval=dict(RGB=8)),
        ...     dict(type='DecodeTwoStream'),
        ...     dict(type='SceneMix', scenes='data/mine/scenes/scenes.jsonl'),
        ... ]
    """

    def __init__(
        self,
        scenes: str,
        prob: float = 0.5,
        strength: float = 1.0,
        keep: str = 'person',
        other_class: bool = True,
        edge: str = 'feather',
        backend_args: Optional[Dict] = None,
    ) -> None:
        for name, value in (('prob', prob), ('strength', strength)):
            if not 0 <= value <= 1:
                raise ValueError(f'{name} is {value}, expected 0 to 1')
        for name, value, known in (
            ('keep', keep, KEEP),
            ('edge', edge, EDGES),
        ):
            if value not in known:
                raise ValueError(
                    f'{name} is {value!r}, expected one of {known}'
                )
        self.scenes, self.prob, self.strength = scenes, prob, strength
        self.keep, self.other_class, self.edge = keep, other_class, edge
        self.backend_args = backend_args
        self.usable, labels = {}, []
        try:
            records = read_annotations(scenes, None, backend_args)
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f'SceneMix: {scenes}: there is no such file; it is made by '
                f'integral-action convert out-of-context --sets scenes'
            ) from error
        for record in records:
            name, usable = record['filename'], 'problem' not in record
            self.usable[name] = usable
            if usable:
                labels.append((name, record['label']))
        self.names = [name for name, _ in labels]
        self.labels = np.array([label for _, label in labels], int)
        if len(set(self.labels)) < 1 + other_class:
            raise ValueError(
                f'{scenes}: its {len(self.names)} scenes are of '
                f'{len(set(self.labels))} classes (other_class={other_class})'
            )

    def transform(self, results: Dict) -> Dict:
        """Mix, or leave the clip as it is."""
        if np.random.rand() >= self.prob:
            return results
        name = self._find(results['filename'])
        if not self.usable[name]:
            return results
        other = self.labels != results['label']
        allowed = np.flatnonzero(other) if self.other_class else len(other)
        scene = self._read_scene(self.names[np.random.choice(allowed)])
        imgs = results['imgs']
        scene = cover(scene, imgs[0].shape[:2])
        results['imgs'] = [
            self._mix(frame, mask, scene)
            for frame, mask in zip(imgs, self._masks(name, results))
        ]
        return results

    def _find(self, file: str) -> str:
        """Return a video's name in ``scenes``, in which its path ends."""
        for name in endings(file):
            if name in self.usable:
                return name
        raise SampleError(
            f'{file}: not in {self.scenes}, which is of other videos'
        )

    def _path(self, kind: str, name: str, suffix: str) -> Path:
        return file_of(Path(self.scenes).parent / kind, name, suffix)

    def _read_scene(self, name: str) -> np.ndarray:
        path = self._path('scenes', name, '.jpg')
        data = open_file(path, self.backend_args).read()
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if picture is None:
            raise SampleError(f'{path}: not a picture')
        return picture[..., ::-1]

    def _masks(self, name: str, results: Dict) -> Sequence[np.ndarray]:
        """Return what stays of each frame, bool [H, W]."""
        shape = results['imgs'][0].shape[:2]
        if self.keep == 'nothing':
            return [np.zeros(shape, bool)] * len(results['imgs'])
        inds = results['RGB_inds' if 'RGB_inds' in results else 'frame_inds']
        path = self._path('masks', name, '.npz')
        masks, _ = load_masks(path, inds, self.backend_args)
        if masks.shape[1:] != shape:
            raise SampleError(
                f'{path}: masks of {masks.shape[1]}x{masks.shape[2]} pixels, '
                f'but the frames are {shape[0]}x{shape[1]}: SceneMix stands '
                f'directly behind what decodes'
            )
        return [_box(m) for m in masks] if self.keep == 'box' else masks

    def _mix(
        self, frame: np.ndarray, mask: np.ndarray, scene: np.ndarray
    ) -> np.ndarray:
        if self.strength < 1:
            scene = cv2.addWeighted(
                scene, self.strength, frame, 1 - self.strength, 0
            )
        return paste(frame, mask, scene, self.edge)

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(scenes={self.scenes!r}, '
            f'prob={self.prob}, strength={self.strength}, '
            f'keep={self.keep!r}, other_class={self.other_class}, '
            f'edge={self.edge!r})'
        )


def _box(mask: np.ndarray) -> np.ndarray:
    """Return the box round a mask, bool [H, W]."""
    box = np.zeros_like(mask)
    if mask.any():
        rows, columns = (
            np.flatnonzero(mask.any(1)),
            np.flatnonzero(mask.any(0)),
        )
        box[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return box
