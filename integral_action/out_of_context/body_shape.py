"""The outline of a body, grown round the bones of its pose."""

from typing import Iterator, List, Optional, Tuple

import cv2
import numpy as np
from scipy.ndimage import median_filter

from integral_action.pose.layouts import KeypointLayout

# Shares of a person's height. Radii of the body at its keypoints, by a part of
# their name, clothes included.
RADII = dict(
    shoulder=0.07,
    elbow=0.05,
    wrist=0.045,
    hand=0.045,
    hip=0.085,
    knee=0.06,
    ankle=0.05,
    foot=0.05,
    pelvis=0.085,
    thorax=0.07,
    chest=0.09,
    neck=0.055,
)
OTHER_RADIUS, HEAD_RADIUS = 0.05, 0.095
HEAD = ('nose', 'eye', 'ear', 'head')
TORSO, SHOULDERS = 0.29, 0.24  # shoulder to hip, shoulder to shoulder
EXTENT = 0.92  # of the keypoints of a person who stands
# What goes on behind a keypoint: by how much, and how thick.
BEYOND = dict(wrist=('elbow', 0.085, 0.05), ankle=('knee', 0.035, 0.065))
FRACTION = 4  # bits behind the point, of cv2's coordinates
ROUND = np.linspace(0, 2 * np.pi, 24, endpoint=False)
CIRCLE = np.stack([np.cos(ROUND), np.sin(ROUND)], 1)

Disc = Tuple[np.ndarray, float]


class BodyShape:
    """Draws bodies of one keypoint layout.

    Limbs are capsules that get thinner, the torso is filled, the head is a
    disc behind the face, and there are hands and feet. A torso that is cut off
    by the picture goes on below the shoulders.

    Args:
        layout: as of :meth:`KeypointLayout.get`. Keypoints are known by the
            names that COCO, OpenPose and the Kinect have in common
            (``left_shoulder``); a layout without them gets limbs alone.
        growth: further radius, a share of the person's height; negative for
            thinner bodies.
    """

    def __init__(self, layout: str, growth: float = 0.0) -> None:
        self.layout = KeypointLayout.get(layout)
        self.growth = growth
        names = self.layout.names
        self.head = [
            i for i, name in enumerate(names) if any(h in name for h in HEAD)
        ]
        self.radii = [
            next((r for part, r in RADII.items() if part in name), None)
            or OTHER_RADIUS
            for name in names
        ]

    def _find(self, name: str) -> Optional[int]:
        names = self.layout.names
        return names.index(name) if name in names else None

    def _point(
        self, name: str, points: np.ndarray, seen: np.ndarray
    ) -> Optional[np.ndarray]:
        i = self._find(name)
        return points[i] if i is not None and seen[i] else None

    def heights(self, keypoint: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """How tall a person would stand in each frame.

        A limb or a torso looks shorter than it is, and never longer, so the
        largest guess holds; then the median of nine frames.

        Args:
            keypoint: of one person, [T, K, 2], pixels.
            seen: bool [T, K].

        Returns:
            [T], pixels; 0 where nobody is seen.
        """
        heights = np.zeros(len(seen))
        for t in np.flatnonzero(seen.any(1)):
            points = keypoint[t][seen[t]]
            guesses = [np.ptp(points, 0).max() / EXTENT]
            sides = [
                [self._point(f'{side}_{part}', keypoint[t], seen[t])
                 for side in ('left', 'right')]
                for part in ('shoulder', 'hip')
            ]  # fmt: skip
            shoulders, hips = sides
            if all(point is not None for point in shoulders):
                across = np.linalg.norm(shoulders[0] - shoulders[1])
                guesses.append(across / SHOULDERS)
            lengths = [
                np.linalg.norm(shoulder - hip)
                for shoulder, hip in zip(shoulders, hips)
                if shoulder is not None and hip is not None
            ]
            if lengths:
                guesses.append(np.mean(lengths) / TORSO)
            heights[t] = max(guesses)
        there = heights > 0
        heights[there] = median_filter(heights[there], 9, mode='nearest')
        return heights

    def draw(
        self,
        mask: np.ndarray,
        points: np.ndarray,
        seen: np.ndarray,
        height: float,
    ) -> None:
        """Draw one body into a mask.

        Args:
            mask: uint8 [H, W]; gets 1 where the body is.
            points: [K, 2], pixels, (0, 0) the centre of the top left one.
            seen: bool [K].
            height: of the person, pixels.
        """
        grown = self.growth * height
        for discs in self._parts(points, seen, height):
            rim = np.concatenate(
                [
                    centre + max(radius + grown, 0) * CIRCLE
                    for centre, radius in discs
                ]
            )
            hull = cv2.convexHull(rim.astype(np.float32))
            place = np.round(hull.clip(-1e4, 1e4) * 2**FRACTION).astype(int)
            cv2.fillConvexPoly(mask, place, 1, cv2.LINE_8, FRACTION)

    def _parts(
        self, points: np.ndarray, seen: np.ndarray, height: float
    ) -> Iterator[List[Disc]]:
        """Groups of discs, each to be wrapped."""
        for a, b in self.layout.bones:
            if seen[a] and seen[b]:
                yield [(points[i], self.radii[i] * height) for i in (a, b)]
        for i in np.flatnonzero(seen):
            yield [(points[i], self.radii[i] * height)]
        for part, (before, length, radius) in BEYOND.items():
            for side in ('left', 'right'):
                end = self._point(f'{side}_{part}', points, seen)
                start = self._point(f'{side}_{before}', points, seen)
                if end is not None and start is not None:
                    tip = end + length * height * _unit(end - start)
                    yield [(end, radius * height), (tip, radius * height)]
        yield from self._trunk(points, seen, height)

    def _trunk(
        self, points: np.ndarray, seen: np.ndarray, height: float
    ) -> Iterator[List[Disc]]:
        """Torso, neck and head."""
        shoulders, hips = (
            [self._point(f'{side}_{part}', points, seen)
             for side in ('left', 'right')]
            for part in ('shoulder', 'hip')
        )  # fmt: skip
        there = [point for point in shoulders if point is not None]
        neck = np.mean(there, 0) if there else None
        face = [points[i] for i in self.head if seen[i]]
        head = np.mean(face, 0) if face else None
        up = np.array([0.0, -1.0])
        if neck is not None and head is not None:
            up = _unit(head - neck)
        if there:
            torso = []
            for shoulder, hip in zip(shoulders, hips):
                if shoulder is None:
                    shoulder = neck
                if hip is None:
                    hip = shoulder - TORSO * height * up
                torso += [
                    (shoulder, RADII['shoulder'] * height),
                    (hip, RADII['hip'] * height),
                ]
            yield torso
        if head is not None:
            crown = head + 0.25 * HEAD_RADIUS * height * up
            yield [(head, 0.8 * HEAD_RADIUS * height),
                   (crown, HEAD_RADIUS * height)]  # fmt: skip
            if neck is not None:
                radius = RADII['neck'] * height
                yield [(neck, radius), (head, radius)]


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-6)
