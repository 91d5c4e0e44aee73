"""Whole-body poses: body, feet, face and hands, as MMPose numbers them."""

from typing import List, NamedTuple, Tuple

Bones = List[Tuple[int, int]]

FINGERS = ('thumb', 'forefinger', 'middle_finger', 'ring_finger')
FINGERS += ('pinky_finger',)
# the face's 68 points: left and right of the jaw, brows, nose, eyes and mouth
FACE_PAIRS = [(i, 16 - i) for i in range(8)]
FACE_PAIRS += [(i, 43 - i) for i in range(17, 22)]
FACE_PAIRS += [(31, 35), (32, 34)]
FACE_PAIRS += [(36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)]
FACE_PAIRS += [(48, 54), (49, 53), (50, 52), (55, 59), (56, 58)]
FACE_PAIRS += [(60, 64), (61, 63), (65, 67)]
NUM_FACE = 68


class Hands(NamedTuple):
    """Face and hands behind a body's keypoints."""

    names: Tuple[str, ...]
    bones: Tuple[Tuple[int, int], ...]
    mirror_pairs: Tuple[Tuple[int, int], ...]


def hand_names(side: str = '', root: str = 'hand_root') -> List[str]:
    """The 21 keypoints of a hand: its root, and four a finger."""
    joints = [f'{side}{name}{i}' for name in FINGERS for i in (1, 2, 3, 4)]
    return [side + root, *joints]


def hand_bones(first: int, root: int) -> Bones:
    """The 20 bones of a hand whose fingers start at ``first``."""
    bones = []
    for finger in range(first, first + 20, 4):
        chain = [root, *range(finger, finger + 4)]
        bones += zip(chain, chain[1:])
    return bones


def face_and_hands(first: int, roots: Tuple[int, int] = None) -> Hands:
    """Face, left and right hand, whose keypoints start at ``first``.

    Args:
        first: the face's first keypoint.
        roots: what the bones of the left and right hand start from; their own
            roots where it is None.
    """
    left = first + NUM_FACE
    right = left + 21
    roots = roots or (left, right)
    return Hands(
        (
            *(f'face-{i}' for i in range(NUM_FACE)),
            *hand_names('left_'),
            *hand_names('right_'),
        ),
        (
            *hand_bones(left + 1, roots[0]),
            *hand_bones(right + 1, roots[1]),
        ),
        (
            *((first + a, first + b) for a, b in FACE_PAIRS),
            *((left + i, right + i) for i in range(21)),
        ),
    )
