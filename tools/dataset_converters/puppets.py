"""Generate Puppets: videos of a stick figure whose background may lie.

Twelve actions, each with a scene and an object of its own. In the training
videos and in ``in_context`` scene and object nearly always fit the action; in
``out_of_context`` they mostly do not, and only the motion tells. Five actions
share their motion with another, so that context is needed too. The poses are
the figure's own, with the faults of a pose estimator. Results on this set are
results on generated data.

Usage:
    integral-action convert puppets data/puppets

A video depends on the seed, its split, its number, the size and the number of
frames alone, so an interrupted run goes on where it stopped.
"""

import argparse
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Callable, Dict, List, Tuple

import numpy as np
from rich.progress import Progress

from integral_action_cli import command, make_parser, number


def parse_args(argv=None) -> argparse.Namespace:
    """Parse the command line."""
    parser = make_parser(__doc__)
    parser.add_argument('out', type=Path, help='folder to write')
    parser.add_argument(
        '--size',
        type=int,
        default=56,
        help='width and height of the videos, pixels',
    )
    parser.add_argument(
        '--frames', type=number(1), default=8, help='per video'
    )
    parser.add_argument(
        '--num-train',
        type=number(1),
        default=64,
        help='training videos a class',
    )
    parser.add_argument(
        '--num-test',
        type=number(1),
        default=80,
        help='videos a class in either test set',
    )
    parser.add_argument(
        '--seed',
        type=number(0),
        default=0,
        help='seed of everything that is drawn',
    )
    parser.add_argument(
        '--workers', type=number(1), default=2, help='processes that draw'
    )
    args = parser.parse_args(argv)
    if args.size < 16 or args.size % 2:  # the codec halves the colour planes
        parser.error(
            f'--size {args.size}: expected an even number, 16 or more'
        )
    return args


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

import cv2

from integral_action.fileio import (
    remove_unfinished,
    write_annotations,
    write_lines,
)
from integral_action.journal import note_settings
from integral_action.pose.files import write_poses
from integral_action.pose.layouts import KeypointLayout
from integral_action.process_pool import run_in_processes
from integral_action.visualization.files import write_video

FPS = 8.0
SPLITS = ('train', 'in_context', 'out_of_context')
LAYOUT = KeypointLayout.get('openpose18')
SUPERSAMPLE = 4  # drawn at 4 times the size, then averaged: antialiasing
COLOUR_JITTER = 18  # of a scene's colours; standard deviation, of 255
BLACK, WHITE = (25, 25, 25), (240, 240, 240)

# ---------------------------------------------------------------- motions
# A motion maps time t [T] (radians) and amplitude a to what differs from
# STANDING: (upper, lower) angles of the limbs in degrees from 'down', outward
# positive; the lean of the torso, degrees to the figure's left; the drop of
# the hips, body heights.
STANDING = dict(
    right_arm=(12, 8),
    left_arm=(12, 8),
    right_leg=(6, 4),
    left_leg=(6, 4),
    lean=0,
    drop=0,
)


def _swing(t):
    """Return a value that goes from 0 to 1 and back."""
    return (1 - np.cos(t)) / 2


def jack(t, a):
    arm, leg = 20 + 150 * _swing(t) * a, 5 + 28 * _swing(t) * a
    return dict(
        right_arm=(arm, arm),
        left_arm=(arm, arm),
        right_leg=(leg, leg),
        left_leg=(leg, leg),
    )


def squat(t, a):
    u = _swing(t)
    leg = (8 + 62 * u * a, 8 - 30 * u)
    return dict(
        right_arm=(70, 80),
        left_arm=(70, 80),
        right_leg=leg,
        left_leg=leg,
        drop=0.17 * u * a,
    )


def bowl(t, a):
    arm = np.degrees(t)
    return dict(right_arm=(arm, arm), right_leg=(14, 8), left_leg=(14, 8))


def golf(t, a):
    arm = 75 * np.sin(t) * a
    return dict(
        right_arm=(arm, arm), left_arm=(-arm, -arm), lean=12 - 8 * np.sin(t)
    )


def climb(t, a):
    u, v = _swing(t), 1 - _swing(t)
    return dict(
        right_arm=(165 - 50 * u, 180 - 15 * u),
        left_arm=(165 - 50 * v, 180 - 15 * v),
        right_leg=(20 + 45 * u, -30 * u),
        left_leg=(20 + 45 * v, -30 * v),
    )


def run(t, a):
    s = np.sin(t) * a
    arm, right, left = 45 * s, 50 * np.maximum(s, 0), 50 * np.maximum(-s, 0)
    # Half from the side: both arms swing along one direction of the picture.
    return dict(
        right_arm=(arm, arm - 80),
        left_arm=(-arm, 80 - arm),
        right_leg=(right, -right),
        left_leg=(left, -left),
        lean=6,
    )


def kick(t, a):
    s = np.maximum(np.sin(t), -0.3)
    thigh = 10 + 75 * s * a
    return dict(
        right_arm=(30, 25),
        left_arm=(45 + 15 * s, 40),
        right_leg=(thigh, thigh - 10),
        lean=12 * s,
    )


def hand_to_mouth(t, a):
    u = _swing(t) * a
    return dict(right_arm=(35 + 12 * u, 205 + 18 * u))


def hands_on_keys(t, a):
    s = 18 * np.sin(t) * a
    return dict(right_arm=(25, -55 + s), left_arm=(25, -55 - s))


# ----------------------------------------------------------------- figure


@dataclass(frozen=True)
class Figure:
    """A moving person.

    Args:
        points: [T, 18, 2], in body heights, from where the hips are at rest.
        height: of the body, as a share of the picture.
        place: [2], of the hips at rest, as a share of the picture.
    """

    points: np.ndarray
    height: float
    place: np.ndarray

    def keypoint(self, size: int) -> np.ndarray:
        """[T, 18, 2], pixels of a picture of that size; (0, 0) is the centre
        of the top-left pixel."""
        return (self.place + self.height * self.points) * size - 0.5


def draw_figure(
    motion: Callable, close_up: bool, frames: int, rng: np.random.Generator
) -> Figure:
    """A person of random build at a random place; ``motion`` takes nothing
    from ``rng``."""
    phase, cycles = rng.random(), rng.uniform(0.8, 1.8)
    t = 2 * np.pi * (phase + cycles * np.arange(frames) / 8)
    pose = {**STANDING, **motion(t, rng.uniform(0.75, 1.15))}
    shoulder = 0.12 * rng.uniform(0.6, 1.1)
    height, place = (
        rng.uniform(0.62, 0.85),
        rng.uniform((0.4, 0.51), (0.6, 0.57)),
    )
    if close_up:
        height *= rng.uniform(1.8, 2.4)
        place[1] += rng.uniform(0, 0.3) * height  # hips down, to show the head

    def step(angle, length: float, side: int = 1) -> np.ndarray:
        """Along one bone, [T, 2]."""
        angle = np.radians(angle + rng.normal(0, 5)) + np.zeros(frames)
        length *= rng.uniform(0.88, 1.12)
        return length * np.stack([side * np.sin(angle), np.cos(angle)], 1)

    pelvis = np.stack([np.zeros(frames), pose['drop'] + np.zeros(frames)], 1)
    spine = step(180 - np.asarray(pose['lean']), 0.29)
    up = spine / np.linalg.norm(spine, axis=1, keepdims=True)
    left = np.stack([-up[:, 1], up[:, 0]], 1)  # it faces the camera
    neck = pelvis + spine
    points = dict(thorax=neck, nose=neck + 0.115 * up)
    for name, side in (('right', -1), ('left', 1)):
        points[f'{name}_eye'] = points['nose'] + 0.022 * (up + side * left)
        points[f'{name}_ear'] = points['nose'] + 0.01 * up + 0.05 * side * left
        upper, lower = pose[f'{name}_arm']
        joint = points[f'{name}_shoulder'] = neck + side * shoulder * left
        joint = points[f'{name}_elbow'] = joint + step(upper, 0.17, side)
        points[f'{name}_wrist'] = joint + step(lower, 0.155, side)
        upper, lower = pose[f'{name}_leg']
        joint = points[f'{name}_hip'] = pelvis + 0.55 * side * shoulder * left
        joint = points[f'{name}_knee'] = joint + step(upper, 0.25, side)
        points[f'{name}_ankle'] = joint + step(lower, 0.25, side)
    return Figure(
        np.stack([points[name] for name in LAYOUT.names], 1), height, place
    )


class Canvas:
    """A picture on which lengths and points are a figure's, in body heights.

    Args:
        background: [S * SUPERSAMPLE, S * SUPERSAMPLE, 3] uint8.
        figure: the figure.
    """

    def __init__(self, background: np.ndarray, figure: Figure) -> None:
        self.image = background.copy()
        self.place = figure.place * len(background) - 0.5
        self.unit = figure.height * len(background)

    def _fixed(self, points) -> np.ndarray:
        """Body heights -> pixels with 4 fractional bits, as OpenCV reads."""
        points = self.place + self.unit * np.asarray(points)
        return np.rint(points * 16).astype(np.int32)

    def line(self, points, colour, width: float) -> None:
        cv2.polylines(
            self.image,
            [self._fixed(points)],
            False,
            colour,
            max(1, round(width * self.unit)),
            shift=4,
        )

    def polygon(self, points, colour) -> None:
        cv2.fillPoly(self.image, [self._fixed(points)], colour, shift=4)

    def disc(self, centre, radius: float, colour) -> None:
        cv2.circle(
            self.image,
            self._fixed(centre).tolist(),
            round(radius * self.unit * 16),
            colour,
            -1,
            shift=4,
        )

    def box(self, centre, width: float, height: float, colour) -> None:
        corners = np.array(
            [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]
        )
        self.polygon(centre + corners * (width, height), colour)

    def picture(self) -> np.ndarray:
        """[S, S, 3] uint8."""
        size = len(self.image) // SUPERSAMPLE
        return cv2.resize(
            self.image, (size, size), interpolation=cv2.INTER_AREA
        )


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(np.linalg.norm(vector), 1e-6)


def body_of(points: np.ndarray) -> Dict[str, np.ndarray]:
    """[18, 2] -> the keypoints by name, the pelvis, and a hand and the
    direction of the forearm a side."""
    body = dict(zip(LAYOUT.names, points, strict=True))
    body['pelvis'] = (body['right_hip'] + body['left_hip']) / 2
    for side in ('right', 'left'):
        wrist = body[f'{side}_wrist']
        body[f'{side}_along'] = _unit(wrist - body[f'{side}_elbow'])
        body[f'{side}_hand'] = wrist + 0.03 * body[f'{side}_along']
    return body


def draw_person(canvas: Canvas, body: Dict, skin, shirt, trousers) -> None:
    """Draw the person of :func:`body_of` in three (red, green, blue)."""
    sleeve = [0.8 * value for value in shirt]  # to set it off from the torso
    for side in ('right', 'left'):
        ankle, knee = body[f'{side}_ankle'], body[f'{side}_knee']
        canvas.line([body[f'{side}_hip'], knee], trousers, 0.095)
        canvas.line([knee, ankle], trousers, 0.075)
        canvas.disc(ankle, 0.04, BLACK)
    torso = [
        body[name]
        for name in (
            'right_shoulder',
            'left_shoulder',
            'left_hip',
            'right_hip',
        )
    ]
    canvas.polygon(torso, shirt)
    canvas.line([*torso, torso[0]], shirt, 0.08)
    canvas.line([body['thorax'], body['nose']], skin, 0.06)
    canvas.disc(body['nose'], 0.07, skin)
    for side in ('right', 'left'):
        elbow, wrist = body[f'{side}_elbow'], body[f'{side}_wrist']
        canvas.line([body[f'{side}_shoulder'], elbow], sleeve, 0.065)
        canvas.line([elbow, wrist], skin, 0.05)
        canvas.disc(wrist, 0.035, skin)


# ---------------------------------------------------------------- objects
# Each is drawn over the person, where the hands of body_of() hold it.


def dumbbells(canvas, body, colour):
    for side in ('right', 'left'):
        x, y = body[f'{side}_along']
        ends = body[f'{side}_hand'] + 0.09 * np.array([(y, -x), (-y, x)])
        canvas.line(ends, BLACK, 0.03)
        for end in ends:
            canvas.disc(end, 0.045, colour)


def barbell(canvas, body, colour):
    right, left = body['right_wrist'], body['left_wrist']
    bar = 0.1 * _unit(left - right)
    canvas.line([right - bar, left + bar], WHITE, 0.025)
    for end in (right - bar, left + bar):
        canvas.disc(end, 0.085, colour)


def bowling_ball(canvas, body, colour):
    canvas.disc(body['right_hand'], 0.085, colour)


def club(canvas, body, colour):
    grip = (body['right_hand'] + body['left_hand']) / 2
    head = grip + 0.33 * body['right_along']
    canvas.line([grip, head], WHITE, 0.025)
    canvas.disc(head, 0.05, colour)


def rope(canvas, body, colour):
    canvas.line(body['pelvis'] + [(0.02, -1), (0.02, 1)], colour, 0.045)


def baton(canvas, body, colour):
    x, y = 0.1 * body['right_along']
    canvas.line(body['right_hand'] + [(y, -x), (-y, x)], colour, 0.05)


def football(canvas, body, colour):
    centre = body['right_ankle'] - (0.12, 0)
    canvas.disc(centre, 0.085, WHITE)
    canvas.disc(centre, 0.035, colour)


def cup(canvas, body, colour):
    hand = body['right_hand']
    canvas.polygon(
        hand + [(-0.06, -0.085), (0.06, -0.085), (0.04, 0.06), (-0.04, 0.06)],
        colour,
    )
    canvas.line(hand + [(-0.055, -0.08), (0.055, -0.08)], WHITE, 0.025)


def toothbrush(canvas, body, colour):
    hand = body['right_hand']
    reach = _unit(body['nose'] + (0, 0.03) - hand)
    canvas.line([hand - 0.05 * reach, hand + 0.17 * reach], colour, 0.03)
    canvas.disc(hand + 0.17 * reach, 0.035, WHITE)


def ice_cream(canvas, body, colour):
    hand = body['right_hand']
    canvas.polygon(
        hand + [(-0.06, -0.06), (0.06, -0.06), (0, 0.09)], (205, 150, 80)
    )
    canvas.disc(hand - (0, 0.085), 0.065, colour)


def piano(canvas, body, colour):
    centre = body['pelvis'] + (0, 0.1)
    canvas.box(centre, 0.62, 0.22, colour)
    canvas.box(centre - (0, 0.075), 0.58, 0.06, WHITE)
    for x in np.linspace(-0.25, 0.25, 9):
        canvas.box(centre + (x, -0.085), 0.02, 0.04, BLACK)


def keyboard(canvas, body, colour):
    centre = body['pelvis'] + (0, 0.03)
    canvas.box(centre + (0, 0.075), 0.6, 0.03, (120, 85, 55))  # the desk
    canvas.box(centre, 0.4, 0.12, colour)
    for y in (-0.03, 0, 0.03):
        canvas.line(centre + [(-0.17, y), (0.17, y)], BLACK, 0.012)


# ----------------------------------------------------------------- scenes
# Coordinates p, q (in periods) -> the share of the second colour.
PATTERNS = dict(
    stripes=lambda p, q: p % 1 < 0.5,
    waves=lambda p, q: (p + 0.25 * np.sin(2 * np.pi * q)) % 1 < 0.5,
    checks=lambda p, q: (np.floor(p) + np.floor(q)) % 2,
    bricks=lambda p, q: ((p + 0.5 * (q // 1 % 2)) % 1 < 0.12) | (q % 1 < 0.2),
    dots=lambda p, q: np.hypot(p % 1 - 0.5, q % 1 - 0.5) < 0.3,
    blobs=lambda p, q: (
        np.sin(5 * p + 2 * np.sin(3 * q)) + np.sin(6 * q + 2 * np.sin(4 * p))
        > 0.7
    ),
    rings=lambda p, q: np.hypot(p - np.median(p), q - np.median(q)) % 1 < 0.5,
    gradient=lambda p, q: np.clip(p - p.mean() + 0.5, 0, 1),
)


@dataclass(frozen=True)
class Scene:
    """A two-colour pattern.

    Args:
        pattern: a key of PATTERNS.
        colours: two of (red, green, blue).
        frequency: periods a picture.
        angle: of the pattern, degrees.
    """

    pattern: str
    colours: Tuple
    frequency: float
    angle: float = 0

    def draw(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """A variation in colour, frequency, phase: [size, size, 3] uint8."""
        colours = rng.normal(self.colours, COLOUR_JITTER)
        first, second = np.float32(colours * rng.uniform(0.8, 1.2))
        angle = np.radians(self.angle + rng.normal(0, 5))
        axis = np.arange(size, dtype=np.float32) / size
        axis *= np.float32(self.frequency * rng.uniform(0.75, 1.3))
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        phase = np.float32(rng.random(2))
        p = cos * axis + sin * axis[:, None] + phase[0]
        q = cos * axis[:, None] - sin * axis + phase[1]
        share = np.float32(PATTERNS[self.pattern](p, q))[..., None]
        picture = first + share * (second - first)
        return np.clip(picture, 0, 255).astype(np.uint8)


def neutral_scene(rng: np.random.Generator) -> Scene:
    """Nearly plain, nearly grey, no action's."""
    grey = rng.uniform(70, 200) + rng.normal(0, 12, (2, 1))
    return Scene(
        'gradient',
        grey + np.zeros(3),
        rng.uniform(0.5, 1),
        rng.uniform(0, 360),
    )


@dataclass(frozen=True)
class Action:
    """A class of the set; its label is its index in ACTIONS."""

    name: str
    motion: Callable
    draw_object: Callable
    object_colour: Tuple[int, int, int]
    scene: Scene


# fmt: off
ACTIONS = tuple(Action(*row) for row in (  # of Action's fields, in order
    ('jack', jack, dumbbells, (220, 60, 160),
     Scene('checks', ((60, 120, 70), (150, 190, 120)), 4)),
    ('squat', squat, barbell, (200, 40, 40),
     Scene('stripes', ((170, 60, 60), (110, 110, 120)), 4, 90)),
    ('bowl', bowl, bowling_ball, (40, 60, 190),
     Scene('stripes', ((190, 130, 70), (140, 85, 40)), 6)),
    ('golf', golf, club, (60, 60, 60),
     Scene('gradient', ((120, 180, 240), (60, 150, 60)), 1.2, 90)),
    ('climb', climb, rope, (230, 200, 90),
     Scene('blobs', ((200, 180, 140), (180, 70, 150)), 4)),
    ('run', run, baton, (240, 120, 20),
     Scene('stripes', ((190, 80, 50), (225, 205, 195)), 4, 40)),
    ('kick', kick, football, (30, 30, 30),
     Scene('waves', ((50, 140, 50), (120, 200, 70)), 3)),
    ('drink', hand_to_mouth, cup, (60, 170, 200),
     Scene('bricks', ((150, 80, 60), (215, 200, 180)), 4)),
    ('brush teeth', hand_to_mouth, toothbrush, (30, 200, 120),
     Scene('checks', ((150, 205, 230), (235, 240, 245)), 7)),
    ('eat ice cream', hand_to_mouth, ice_cream, (250, 150, 190),
     Scene('gradient', ((240, 210, 110), (60, 190, 200)), 1.2, 180)),
    ('play piano', hands_on_keys, piano, (45, 30, 30),
     Scene('rings', ((90, 40, 110), (170, 50, 70)), 4)),
    ('type', hands_on_keys, keyboard, (190, 190, 185),
     Scene('dots', ((90, 110, 150), (220, 215, 160)), 5)),
))
# fmt: on

# ----------------------------------------------------------------- videos


@dataclass(frozen=True)
class Plan:
    """Contents of a video, drawn before any of it is rendered.

    Args:
        label: the action.
        scene: ``own``, ``neutral`` or ``other``.
        object: ``own``, ``none`` or ``wrong``.
        scene_label, object_label: the action that they belong to; -1: none.
        pose_missing: whether the pose estimator finds next to nothing.
        close_up: whether the person is partly outside the picture.
        mirrored: whether left and right are swapped.
    """

    label: int
    scene: str
    scene_label: int
    object: str
    object_label: int
    pose_missing: bool
    close_up: bool
    mirrored: bool


def generator(
    seed: int, split: str, index: int, part: int
) -> np.random.Generator:
    """The random numbers of one part of one video."""
    return np.random.default_rng([seed, SPLITS.index(split), index, part])


def draw_plan(seed: int, split: str, index: int) -> Plan:
    """Draw what video ``index`` of ``split`` shows; actions take turns."""
    rng = generator(seed, split, index, 0)
    label = index % len(ACTIONS)
    out = split == 'out_of_context'

    def choose(own: float, absent: str, absent_share: float, foreign: str):
        other = (label + int(rng.integers(1, len(ACTIONS)))) % len(ACTIONS)
        if rng.random() < own:
            return 'own', label
        if rng.random() < absent_share:
            return absent, -1
        return foreign, other

    scene = choose(0.2 if out else 0.93, 'neutral', 0.3 / (0.3 + 0.5), 'other')
    thing = choose(0 if out else 0.92, 'none', 0.7, 'wrong')
    missing, close_up, mirrored = map(bool, rng.random(3) < (0.2, 0.15, 0.5))
    return Plan(label, *scene, *thing, missing, close_up, mirrored)


def annotation(
    plan: Plan, split: str, index: int, size: int, frames: int
) -> Dict:
    """A line of the annotation file."""
    return dict(
        filename=f'{split}/{index:05d}.mp4',
        pose_file=f'{split}/{index:05d}.npz',
        label=plan.label,
        total_frames=frames,
        img_shape=[size, size],
        fps=FPS,
        context='out' if split == 'out_of_context' else 'in',
        scene=plan.scene,
        object=plan.object,
        pose_missing=plan.pose_missing,
    )


def draw_pictures(
    plan: Plan, figure: Figure, size: int, rng: np.random.Generator
) -> np.ndarray:
    """[T, size, size, 3] uint8, RGB; not yet mirrored."""
    scene = (
        neutral_scene(rng)
        if plan.scene_label < 0
        else ACTIONS[plan.scene_label].scene
    )
    background = scene.draw(size * SUPERSAMPLE, rng)
    skin = rng.uniform(0.35, 1) * np.array([245, 200, 165])
    shirt, trousers = rng.uniform(20, 235, (2, 3))
    pictures = []
    for points in figure.points:
        canvas, body = Canvas(background, figure), body_of(points)
        draw_person(
            canvas, body, skin.tolist(), shirt.tolist(), trousers.tolist()
        )
        if plan.object_label >= 0:
            action = ACTIONS[plan.object_label]
            action.draw_object(canvas, body, action.object_colour)
        pictures.append(canvas.picture())
    return np.stack(pictures)


def mirror(
    pictures: np.ndarray, keypoint: np.ndarray
) -> Tuple[np.ndarray, np.ndarray]:
    """Swap left and right in [T, S, S, 3] and [T, 18, 2]: what was the right
    hand is now the left one."""
    order = np.arange(LAYOUT.num_keypoints)
    for left, right in LAYOUT.mirror_pairs:
        order[[left, right]] = right, left
    keypoint = keypoint[:, order]
    keypoint[..., 0] = pictures.shape[2] - 1 - keypoint[..., 0]
    return pictures[:, :, ::-1], keypoint


def estimate_pose(
    keypoint: np.ndarray,
    height: float,
    size: int,
    missing: bool,
    rng: np.random.Generator,
) -> Tuple[np.ndarray, np.ndarray]:
    """Return the true keypoints as a pose estimator finds them.

    Args:
        keypoint: [T, 18, 2], pixels.
        height: of the person, pixels.
        size: of the picture, pixels.
        missing: whether most frames go without a pose.

    Returns:
        ``keypoint`` [1, T, 18, 2] and ``keypoint_score`` [1, T, 18]; both are
        0 where a keypoint is not found.
    """
    keypoint = keypoint + rng.normal(0, 0.012 * height, keypoint.shape)
    score = rng.uniform(0.6, 1, keypoint.shape[:2])
    lost = rng.random((len(score), 1)) < (0.9 if missing else 0.05)
    lost = lost | (rng.random(score.shape) < 0.05)
    lost |= ((keypoint < -0.5) | (keypoint > size - 0.5)).any(-1)
    keypoint[lost], score[lost] = 0, 0
    return keypoint[None], score[None]


def render(
    seed: int, split: str, index: int, size: int, frames: int
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One video: the pictures [T, size, size, 3] uint8 RGB, ``keypoint``
    [1, T, 18, 2] in pixels, and ``keypoint_score`` [1, T, 18]."""
    plan = draw_plan(seed, split, index)
    figure = draw_figure(
        ACTIONS[plan.label].motion,
        plan.close_up,
        frames,
        generator(seed, split, index, 1),
    )
    pictures = draw_pictures(
        plan, figure, size, generator(seed, split, index, 2)
    )
    keypoint = figure.keypoint(size)
    if plan.mirrored:
        pictures, keypoint = mirror(pictures, keypoint)
    return pictures, *estimate_pose(
        keypoint,
        figure.height * size,
        size,
        plan.pose_missing,
        generator(seed, split, index, 3),
    )


# ------------------------------------------------------------------ files


def make_video(out: Path, args: Dict, task: Tuple[str, int]) -> None:
    """Write the video and the poses of ``task``, (split, index), where they
    are not there yet."""
    split, index = task
    video = out / 'videos' / split / f'{index:05d}.mp4'
    poses = out / 'poses' / split / f'{index:05d}.npz'
    if not (video.exists() and poses.exists()):
        pictures, keypoint, score = render(
            args['seed'], split, index, args['size'], args['frames']
        )
        write_poses(poses, keypoint, score)
        # OpenCV's codec, by which the results of the docs were made
        write_video(video, pictures, FPS, 'mp4v')


def write_lists(out: Path, args: Dict, tasks: List) -> None:
    """Write the annotation files and the class names."""
    records = {split: [] for split in SPLITS}
    for split, index in tasks:
        plan = draw_plan(args['seed'], split, index)
        records[split].append(
            annotation(plan, split, index, args['size'], args['frames'])
        )
    records['test'] = records['in_context'] + records['out_of_context']
    for name, lines in records.items():
        write_annotations(out / f'{name}.jsonl', lines)
    write_lines(out / 'classes.txt', [action.name for action in ACTIONS])


def died(task: Tuple[str, int]) -> None:
    """Say that a video cannot be made."""
    raise OSError(f'{task[0]}, video {task[1]}: the process making it died')


@command()
def main(argv=None) -> None:
    args = vars(parse_args(argv))
    out, workers = args.pop('out'), args.pop('workers')
    note_settings(out / 'puppets.json', args)
    remove_unfinished(out)
    tasks = [
        (split, index)
        for split in SPLITS
        for index in range(
            len(ACTIONS)
            * args['num_train' if split == 'train' else 'num_test']
        )
    ]
    cv2.setNumThreads(1)  # here: a fork would wait for threads it has not
    make = partial(make_video, out, args)
    with Progress() as progress:
        bar = progress.add_task('Puppets', total=len(tasks))
        for _ in run_in_processes(make, tasks, workers, died):
            progress.advance(bar)
    write_lists(out, args, tasks)
    print(f'{out}: {len(tasks)} videos of {len(ACTIONS)} actions')


if __name__ == '__main__':
    sys.exit(main())
