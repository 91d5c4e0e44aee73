"""Keypoint layouts: which keypoints a pose has, and how they are joined.

Everything that depends on the kind of pose (the number of input channels of
the pose stream, the bones drawn as part affinity fields, what a horizontal
flip swaps) is derived from one :class:`KeypointLayout`.
"""

import dataclasses
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Dict, Tuple, Union

Pairs = Tuple[Tuple[int, int], ...]


@dataclass(frozen=True)
class KeypointLayout:
    """The keypoints of one kind of pose.

    Args:
        name: what the layout is called, as in :meth:`get`.
        names: the K keypoint names, in the order of the pose arrays.
        bones: the B bones as (parent, child) keypoint indices, in the order of
            the PAF channels (section 3.2).
        mirror_pairs: (left, right) keypoint indices that a horizontal flip
            swaps. Keypoints in no pair stay themselves.

    Raises:
        ValueError: an index is not below K, or a keypoint is its own mirror
            image or stands in two pairs.
    """

    name: str
    names: Tuple[str, ...]
    bones: Pairs
    mirror_pairs: Pairs

    def __post_init__(self) -> None:
        for field in ('bones', 'mirror_pairs'):
            for pair in getattr(self, field):
                if len(pair) != 2 or not all(
                    0 <= i < self.num_keypoints for i in pair
                ):
                    raise ValueError(
                        f'keypoint layout {self.name!r}: {field} has {pair}, '
                        f'expected two indices below {self.num_keypoints}'
                    )
        mirrored = [i for pair in self.mirror_pairs for i in pair]
        if len(mirrored) != len(set(mirrored)):
            raise ValueError(
                f'keypoint layout {self.name!r}: a keypoint '
                f'stands twice in mirror_pairs '
                f'{self.mirror_pairs}'
            )

    @property
    def num_keypoints(self) -> int:
        """The number of keypoints, K."""
        return len(self.names)

    @property
    def num_bones(self) -> int:
        """The number of bones, B."""
        return len(self.bones)

    @property
    def num_channels(self) -> int:
        """One heatmap a keypoint, an x and a y map a bone, K + 2B."""
        return self.num_keypoints + 2 * self.num_bones

    @property
    def left(self) -> Tuple[int, ...]:
        """The left keypoints of ``mirror_pairs`` (``left_kp`` of ``Flip``)."""
        return tuple(pair[0] for pair in self.mirror_pairs)

    @property
    def right(self) -> Tuple[int, ...]:
        """The right keypoints, in the order of :attr:`left`."""
        return tuple(pair[1] for pair in self.mirror_pairs)

    @staticmethod
    def get(layout: Union[str, Dict, 'KeypointLayout']) -> 'KeypointLayout':
        """Look a layout up.

        Args:
            layout: ``'openpose18'``, ``'coco17'``, ``'ntu25'``, the path of an
                MMPose dataset metainfo file (ending in ``.py``); the layout's
                own values as a dict, as published checkpoints carry them; or
                a layout, which is returned as it is.

        Raises:
            ValueError: no such layout.
        """
        if isinstance(layout, KeypointLayout):
            return layout
        if isinstance(layout, dict):
            return _from_values(layout)
        if str(layout).endswith('.py'):
            return _read_metainfo(str(layout))
        if layout not in _LAYOUTS:
            raise ValueError(
                f'unknown keypoint layout {layout!r}; there are '
                f'{", ".join(map(repr, _LAYOUTS))}, or give the path of an '
                f'MMPose dataset metainfo file (.py)'
            )
        return _LAYOUTS[layout]

    @classmethod
    def from_metainfo(cls, path: Union[str, Path]) -> 'KeypointLayout':
        """Read the layout from an MMPose dataset metainfo file.

        Args:
            path: a config file with ``dataset_info``, such as MMPose's
                ``configs/_base_/datasets/coco.py``. It is Python, and is run.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it names no keypoints, or a bone or a mirror image that
                is no keypoint.
        """
        from mmengine.config import Config

        info = Config.fromfile(str(path)).get('dataset_info')
        if not info or not info.get('keypoint_info'):
            raise ValueError(
                f'{path}: no dataset_info.keypoint_info, is this '
                f'an MMPose dataset metainfo file?'
            )
        keypoints = [info.keypoint_info[i] for i in sorted(info.keypoint_info)]
        names = tuple(keypoint.name for keypoint in keypoints)
        index = {name: i for i, name in enumerate(names)}

        def find(name: str) -> int:
            if name not in index:
                raise ValueError(f'{path}: {name!r} is no keypoint')
            return index[name]

        skeleton = info.get('skeleton_info', {})
        bones = tuple(
            tuple(find(name) for name in skeleton[i].link)
            for i in sorted(skeleton)
        )
        # The swap stands at both keypoints; MMPose writes 'left' first.
        pairs = {
            tuple(sorted((index[point.name], find(point.swap))))
            for point in keypoints
            if point.get('swap')
        }
        return cls(
            info.get('dataset_name', Path(path).stem),
            names,
            bones,
            tuple(sorted(pairs)),
        )


def _from_values(values: Dict) -> KeypointLayout:
    """Of plain values, whose tuples may have become lists."""
    fields = {field.name for field in dataclasses.fields(KeypointLayout)}
    if set(values) != fields:
        raise ValueError(
            f'a keypoint layout has {sorted(fields)}, got {sorted(values)}'
        )
    return KeypointLayout(
        name=values['name'],
        names=tuple(values['names']),
        bones=tuple(map(tuple, values['bones'])),
        mirror_pairs=tuple(map(tuple, values['mirror_pairs'])),
    )


@lru_cache
def _read_metainfo(path: str) -> KeypointLayout:
    """Once a file, for what asks for it with every sample."""
    return KeypointLayout.from_metainfo(path)


# fmt: off
# OpenPose's 18 keypoints, the bones in the channel order of the authors'
# release of IntegralAction.
_OPENPOSE18 = KeypointLayout(
    name='openpose18',
    names=('nose', 'thorax', 'right_shoulder', 'right_elbow', 'right_wrist',
           'left_shoulder', 'left_elbow', 'left_wrist', 'right_hip',
           'right_knee', 'right_ankle', 'left_hip', 'left_knee', 'left_ankle',
           'right_eye', 'left_eye', 'right_ear', 'left_ear'),
    bones=((0, 1), (1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7), (1, 8),
           (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (0, 14), (0, 15),
           (14, 16), (15, 17)),
    mirror_pairs=((5, 2), (6, 3), (7, 4), (11, 8), (12, 9), (13, 10), (15, 14),
                  (17, 16)))

# COCO's 17 keypoints and its 19 bones, directed away from the torso.
_COCO17 = KeypointLayout(
    name='coco17',
    names=('nose', 'left_eye', 'right_eye', 'left_ear', 'right_ear',
           'left_shoulder', 'right_shoulder', 'left_elbow', 'right_elbow',
           'left_wrist', 'right_wrist', 'left_hip', 'right_hip', 'left_knee',
           'right_knee', 'left_ankle', 'right_ankle'),
    bones=((13, 15), (11, 13), (14, 16), (12, 14), (11, 12), (5, 11), (6, 12),
           (5, 6), (5, 7), (6, 8), (7, 9), (8, 10), (1, 2), (0, 1), (0, 2),
           (1, 3), (2, 4), (3, 5), (4, 6)),
    mirror_pairs=((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14),
                  (15, 16)))

# The 25 joints of the Kinect v2, the bones of the authors' release.
_NTU25 = KeypointLayout(
    name='ntu25',
    names=('pelvis', 'chest', 'neck', 'head', 'left_shoulder', 'left_elbow',
           'left_wrist', 'left_hand', 'right_shoulder', 'right_elbow',
           'right_wrist', 'right_hand', 'left_hip', 'left_knee', 'left_ankle',
           'left_foot', 'right_hip', 'right_knee', 'right_ankle', 'right_foot',
           'thorax', 'left_hand_tip', 'left_thumb', 'right_hand_tip',
           'right_thumb'),
    bones=((0, 1), (1, 2), (2, 3), (4, 20), (4, 5), (5, 6), (6, 7), (7, 21),
           (21, 22), (8, 20), (8, 9), (9, 10), (10, 11), (11, 23), (23, 24),
           (0, 12), (12, 13), (13, 14), (14, 15), (0, 16), (16, 17), (17, 18),
           (18, 19), (1, 20)),
    mirror_pairs=((4, 8), (5, 9), (6, 10), (7, 11), (12, 16), (13, 17),
                  (14, 18), (15, 19), (21, 23), (22, 24)))
# fmt: on

_LAYOUTS = {layout.name: layout for layout in (_OPENPOSE18, _COCO17, _NTU25)}
