"""Keypoint layouts: which keypoints a pose has, and how they are joined.

Everything that depends on the kind of pose (the number of input channels of
the pose stream, the bones drawn as part affinity fields, what a horizontal
flip swaps) is derived from one :class:`KeypointLayout`.
"""

import dataclasses
import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from integral_action.pose.whole_body import (
    face_and_hands,
    hand_bones,
    hand_names,
)

Pairs = Tuple[Tuple[int, int], ...]
Groups = Tuple[Tuple[int, ...], ...]


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
        keypoint_groups: the keypoint indices that share a heatmap, a group a
            heatmap; None for one each. See :meth:`grouped`.
        bone_groups: the indices of the bones that share their two PAF maps;
            None for two each.

    Raises:
        ValueError: an index is not below K, or a keypoint is its own mirror
            image or stands in two pairs.
    """

    name: str
    names: Tuple[str, ...]
    bones: Pairs
    mirror_pairs: Pairs
    keypoint_groups: Optional[Groups] = None
    bone_groups: Optional[Groups] = None

    def __post_init__(self) -> None:
        for field, number in (
            ('keypoint_groups', self.num_keypoints),
            ('bone_groups', self.num_bones),
        ):
            groups = getattr(self, field)
            if groups is None:
                groups = _one_each(number)
                object.__setattr__(self, field, groups)
            if not all(0 <= i < number for group in groups for i in group):
                raise ValueError(
                    f'keypoint layout {self.name!r}: {field} has an index '
                    f'that is not below {number}: {groups}'
                )
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
    def num_heatmaps(self) -> int:
        """K, or fewer where keypoints share one or are not drawn."""
        return len(self.keypoint_groups)

    @property
    def num_pafs(self) -> int:
        """Part affinity fields, of two maps each: B, or fewer."""
        return len(self.bone_groups)

    @property
    def num_channels(self) -> int:
        """One heatmap a keypoint, an x and a y map a bone, K + 2B, or fewer
        where they are grouped."""
        return self.num_heatmaps + 2 * self.num_pafs

    @property
    def is_grouped(self) -> bool:
        """Whether it is drawn otherwise than in K + 2B maps."""
        return self.keypoint_groups != _one_each(
            self.num_keypoints
        ) or self.bone_groups != _one_each(self.num_bones)

    def grouped(
        self, merge: Sequence[str] = (), draw: Sequence[str] = ('*',)
    ) -> 'KeypointLayout':
        """Return the layout in fewer channels: 133 keypoints need not be 263.

        Args:
            merge: patterns of keypoint names, such as ``'face-*'`` or
                ``'left_thumb*'``. Keypoints that match the same one share a
                heatmap, as several persons do; a bone goes with the keypoint
                that it leads to.
            draw: patterns of the keypoints that are drawn at all; bones are
                where both ends are.

        Raises:
            ValueError: a pattern that no keypoint matches, or a keypoint that
                matches two of ``merge``.
        """
        drawn = {i for pattern in draw for i in self._matching(pattern)}
        pattern_of = {}
        for pattern in merge:
            for i in self._matching(pattern):
                if pattern_of.setdefault(i, pattern) != pattern:
                    raise ValueError(
                        f'keypoint {self.names[i]!r} matches both '
                        f'{pattern_of[i]!r} and {pattern!r} of merge'
                    )
        keypoints, bones = {}, {}
        for i in sorted(drawn):
            keypoints.setdefault(pattern_of.get(i, i), []).append(i)
        for i, (parent, child) in enumerate(self.bones):
            if parent in drawn and child in drawn:
                bones.setdefault(pattern_of.get(child, i), []).append(i)
        return dataclasses.replace(
            self,
            keypoint_groups=tuple(map(tuple, keypoints.values())),
            bone_groups=tuple(map(tuple, bones.values())),
        )

    def _matching(self, pattern: str) -> List[int]:
        found = [
            i
            for i, name in enumerate(self.names)
            if fnmatchcase(name, pattern)
        ]
        if not found:
            raise ValueError(
                f'{pattern!r} is the name of no keypoint of {self.name!r}: '
                f'{", ".join(self.names)}'
            )
        return found

    @property
    def left(self) -> Tuple[int, ...]:
        """The left keypoints of ``mirror_pairs`` (``left_kp`` of ``Flip``)."""
        return tuple(pair[0] for pair in self.mirror_pairs)

    @property
    def right(self) -> Tuple[int, ...]:
        """The right keypoints, in the order of :attr:`left`."""
        return tuple(pair[1] for pair in self.mirror_pairs)

    def values(self) -> Dict[str, Any]:
        """Return it as plain values, which :meth:`get` takes."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @staticmethod
    def get(layout: Union[str, Dict, 'KeypointLayout']) -> 'KeypointLayout':
        """Look a layout up.

        Args:
            layout: ``'openpose18'``, ``'coco17'``, ``'ntu25'``,
                ``'body25'``, ``'halpe26'``, ``'mediapipe33'``,
                ``'coco_wholebody133'``, ``'halpe136'``, ``'hand21'``; the path
                of an MMPose dataset metainfo file (ending in ``.py``);
                ``dict(layout=..., merge=[...], draw=[...])``, one of these
                :meth:`grouped`; a dict of the layout's own values; or a
                layout, which is returned as it is.

        Raises:
            ValueError: no such layout, or groups that it cannot have.

        Example:
            >>> KeypointLayout.get('coco17').num_channels
            55
            >>> values = dict(
            ...     name='hands',
            ...     names=('head', 'left_hand', 'right_hand'),
            ...     bones=((0, 1), (0, 2)),
            ...     mirror_pairs=((1, 2),),
            ... )
            >>> KeypointLayout.get(values).num_channels
            7
        """
        if isinstance(layout, KeypointLayout):
            return layout
        if isinstance(layout, dict):
            # a config's, which mmengine leaves where there was no base value
            layout = {k: v for k, v in layout.items() if k != '_delete_'}
        if isinstance(layout, dict) and 'layout' in layout:
            options = {k: v for k, v in layout.items() if k != 'layout'}
            if not set(options) <= {'merge', 'draw'}:
                raise ValueError(
                    f"a grouped layout has 'layout', 'merge' and 'draw', got "
                    f'{sorted(layout)}'
                )
            return KeypointLayout.get(layout['layout']).grouped(**options)
        if isinstance(layout, dict):
            return _from_values(layout)
        if str(layout).endswith('.py'):
            return _read_metainfo(str(layout))
        if layout not in LAYOUTS:
            raise ValueError(
                f'unknown keypoint layout {layout!r}; there are '
                f'{", ".join(map(repr, LAYOUTS))}, or give the path of an '
                f'MMPose dataset metainfo file (.py), or a dict of its values'
            )
        return LAYOUTS[layout]

    @classmethod
    def from_metainfo(cls, path: Union[str, Path]) -> 'KeypointLayout':
        """Read the layout from an MMPose dataset metainfo file.

        The names tell which keypoint of a pair is the left one: where the two
        first differ it has an "l" and the other an "r", as in ``left_eye``,
        ``L_Eye`` and ``eyeL``. Where they tell nothing (``kpt-0``,
        ``kpt-16``) it is the one with the lower index.

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
        # The swap stands at both keypoints.
        pairs = {
            tuple(sorted((index[point.name], find(point.swap))))
            for point in keypoints
            if point.get('swap')
        }
        return cls(
            info.get('dataset_name', Path(path).stem),
            names,
            bones,
            tuple(_left_first(pair, names) for pair in sorted(pairs)),
        )


def _left_first(
    pair: Tuple[int, int], names: Sequence[str]
) -> Tuple[int, int]:
    """Order a pair of keypoint indices by what their names tell."""
    first, second = (names[i].lower() for i in pair)
    sides = next((two for two in zip(first, second) if len(set(two)) > 1), ())
    return pair[::-1] if sides == ('r', 'l') else pair


@lru_cache
def _one_each(number: int) -> Groups:
    return tuple((i,) for i in range(number))


def _from_values(values: Dict) -> KeypointLayout:
    """Return a layout of plain values, whose tuples may have become lists."""
    fields = {field.name for field in dataclasses.fields(KeypointLayout)}
    groups = {'keypoint_groups', 'bone_groups'}  # older files have none
    if not fields - groups <= set(values) <= fields:
        raise ValueError(
            f'a keypoint layout has {sorted(fields - groups)} and may have '
            f'{sorted(groups)}, got {sorted(values)}'
        )
    pairs = {
        key: tuple(map(tuple, values[key]))
        for key in set(values) - {'name', 'names'}
    }
    return KeypointLayout(values['name'], tuple(values['names']), **pairs)


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

# COCO's 17 keypoints and its 19 bones: limbs point away from the torso, ears
# to the shoulders.
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

# COCO-WholeBody: COCO's 17, the feet, the face, the hands; bones as MMPose's
# metainfo has them.
_COCO_HANDS = face_and_hands(23)
_WHOLEBODY133 = KeypointLayout(
    name='coco_wholebody133',
    names=(*_COCO17.names, 'left_big_toe', 'left_small_toe', 'left_heel',
           'right_big_toe', 'right_small_toe', 'right_heel',
           *_COCO_HANDS.names),
    bones=((15, 13), (13, 11), (16, 14), (14, 12), *_COCO17.bones[4:],
           (15, 17), (15, 18), (15, 19), (16, 20), (16, 21), (16, 22),
           *_COCO_HANDS.bones),
    mirror_pairs=(*_COCO17.mirror_pairs, (17, 20), (18, 21), (19, 22),
                  *_COCO_HANDS.mirror_pairs))

# Halpe: COCO's 17, head, neck, hip and feet; bones as MMPose's metainfo has
# them. The full body adds the face and the hands, whose fingers start from the
# wrists.
_HALPE26 = KeypointLayout(
    name='halpe26',
    names=(*_COCO17.names, 'head', 'neck', 'hip', 'left_big_toe',
           'right_big_toe', 'left_small_toe', 'right_small_toe', 'left_heel',
           'right_heel'),
    bones=((15, 13), (13, 11), (11, 19), (16, 14), (14, 12), (12, 19),
           (17, 18), (18, 19), (18, 5), (5, 7), (7, 9), (18, 6), (6, 8),
           (8, 10), *_COCO17.bones[12:], (15, 20), (15, 22), (15, 24),
           (16, 21), (16, 23), (16, 25)),
    mirror_pairs=(*_COCO17.mirror_pairs, (20, 21), (22, 23), (24, 25)))

_HALPE_HANDS = face_and_hands(26, roots=(9, 10))
_HALPE136 = KeypointLayout(
    name='halpe136',
    names=(*_HALPE26.names, *_HALPE_HANDS.names),
    bones=(*_HALPE26.bones, *_HALPE_HANDS.bones),
    mirror_pairs=(*_HALPE26.mirror_pairs, *_HALPE_HANDS.mirror_pairs))

# OpenPose's BODY_25, the bones that it draws.
_BODY25 = KeypointLayout(
    name='body25',
    names=('nose', 'neck', 'right_shoulder', 'right_elbow', 'right_wrist',
           'left_shoulder', 'left_elbow', 'left_wrist', 'mid_hip', 'right_hip',
           'right_knee', 'right_ankle', 'left_hip', 'left_knee', 'left_ankle',
           'right_eye', 'left_eye', 'right_ear', 'left_ear', 'left_big_toe',
           'left_small_toe', 'left_heel', 'right_big_toe', 'right_small_toe',
           'right_heel'),
    bones=((1, 8), (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (8, 9),
           (9, 10), (10, 11), (8, 12), (12, 13), (13, 14), (1, 0), (0, 15),
           (15, 17), (0, 16), (16, 18), (14, 19), (19, 20), (14, 21), (11, 22),
           (22, 23), (11, 24)),
    mirror_pairs=((5, 2), (6, 3), (7, 4), (12, 9), (13, 10), (14, 11),
                  (16, 15), (18, 17), (19, 22), (20, 23), (21, 24)))

# MediaPipe Pose (BlazePose), its names and the bones that it draws.
_MEDIAPIPE33 = KeypointLayout(
    name='mediapipe33',
    names=('nose', 'left_eye_inner', 'left_eye', 'left_eye_outer',
           'right_eye_inner', 'right_eye', 'right_eye_outer', 'left_ear',
           'right_ear', 'mouth_left', 'mouth_right', 'left_shoulder',
           'right_shoulder', 'left_elbow', 'right_elbow', 'left_wrist',
           'right_wrist', 'left_pinky', 'right_pinky', 'left_index',
           'right_index', 'left_thumb', 'right_thumb', 'left_hip', 'right_hip',
           'left_knee', 'right_knee', 'left_ankle', 'right_ankle', 'left_heel',
           'right_heel', 'left_foot_index', 'right_foot_index'),
    bones=((0, 1), (1, 2), (2, 3), (3, 7), (0, 4), (4, 5), (5, 6), (6, 8),
           (9, 10), (11, 12), (11, 13), (13, 15), (15, 17), (15, 19), (15, 21),
           (17, 19), (12, 14), (14, 16), (16, 18), (16, 20), (16, 22),
           (18, 20), (11, 23), (12, 24), (23, 24), (23, 25), (24, 26),
           (25, 27), (26, 28), (27, 29), (28, 30), (29, 31), (30, 32),
           (27, 31), (28, 32)),
    mirror_pairs=((1, 4), (2, 5), (3, 6), *((i, i + 1) for i in
                  range(7, 33, 2))))

# One hand, of COCO-WholeBody.
_HAND21 = KeypointLayout(
    name='hand21', names=tuple(hand_names(root='wrist')),
    bones=tuple(hand_bones(1, root=0)), mirror_pairs=())
# fmt: on

LAYOUTS = {
    layout.name: layout
    for layout in (
        _OPENPOSE18,
        _COCO17,
        _NTU25,
        _BODY25,
        _HALPE26,
        _MEDIAPIPE33,
        _WHOLEBODY133,
        _HALPE136,
        _HAND21,
    )
}
