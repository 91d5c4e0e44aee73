"""Filling, and pasting, persons."""

from typing import Sequence, Tuple

import cv2
import numpy as np

INPAINT_SIDE = 160  # pixels; what fills a hole has no detail to lose
MARGIN = 0.02  # of the picture's height, round a person that is removed
EDGES = ('hard', 'feather', 'poisson')
RIM = 4  # pixels: seamlessClone takes 3 off a mask, and is to see the edge
BORDER = 8  # pixels round a picture, of ground that goes on
FEATHER = 0.004  # of its height, the soft rim of one that is pasted


def fill_with_colour(
    frame: np.ndarray, mask: np.ndarray, colour: Sequence[int]
) -> np.ndarray:
    """Keep a person, and nothing else.

    Args:
        frame: uint8 RGB [H, W, 3].
        mask: bool [H, W], of the person.
        colour: RGB of the rest.
    """
    ground = np.empty_like(frame)
    ground[:] = colour
    return paste(frame, mask, ground)


def remove_persons(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Fill persons with what is round them (OpenCV's inpainting, Telea).

    Args:
        frame: uint8 RGB [H, W, 3].
        mask: bool [H, W], of all persons; some pixels round it go as well.
    """
    if not mask.any():
        return frame.copy()
    height, width = mask.shape
    margin = max(1, round(MARGIN * height))
    kernel = cv2.getStructuringElement(
        cv2.MORPH_ELLIPSE, (2 * margin + 1, 2 * margin + 1)
    )
    hole = cv2.dilate(mask.astype(np.uint8), kernel)
    scale = min(1, INPAINT_SIDE / max(height, width))
    size = (max(1, round(scale * width)), max(1, round(scale * height)))
    # a small pixel that a person has any part of is hole
    small_hole = cv2.resize(
        hole.astype(np.float32), size, interpolation=cv2.INTER_AREA
    )
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    small = cv2.inpaint(
        small, (small_hole > 0).astype(np.uint8), 3, cv2.INPAINT_TELEA
    )
    filled = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return paste(filled, hole > 0, frame)


def paste(
    frame: np.ndarray,
    mask: np.ndarray,
    ground: np.ndarray,
    edge: str = 'feather',
) -> np.ndarray:
    """Lay the masked part of a frame over another of its size.

    No pixel outside the mask is taken.

    Args:
        frame: uint8 RGB [H, W, 3].
        mask: bool [H, W].
        ground: uint8 RGB [H, W, 3].
        edge: one of :data:`EDGES`: ``'hard'``; ``'feather'``, a rim that is
            soft towards the inside; ``'poisson'``, colours that go over into
            the ground's (OpenCV's ``seamlessClone``).
    """
    if edge == 'poisson':
        return _clone(frame, mask, ground)
    if edge == 'hard':
        return np.where(mask[..., None], frame, ground)
    if edge != 'feather':
        raise ValueError(f'edge is {edge!r}, expected one of {EDGES}')
    sigma = FEATHER * mask.shape[0]
    share = mask.astype(np.float32)
    if sigma > 0.3:
        share = (2 * cv2.GaussianBlur(share, (0, 0), sigma) - 1).clip(0, 1)
        share *= mask
    share = share[..., None]
    mixed = share * frame + (1 - share) * ground
    return np.round(mixed).astype(np.uint8)


def _clone(
    frame: np.ndarray, mask: np.ndarray, ground: np.ndarray
) -> np.ndarray:
    if not mask.any():
        return ground.copy()
    # a mask at the picture's border has no ground there to go over into
    frame, ground = (
        cv2.copyMakeBorder(x, *[BORDER] * 4, cv2.BORDER_REPLICATE)
        for x in (frame, ground)
    )
    mask = np.pad(mask.astype(np.uint8) * 255, BORDER)
    mask = cv2.dilate(mask, None, iterations=RIM)
    left, top, width, height = cv2.boundingRect(mask)
    centre = (left + width // 2, top + height // 2)
    mixed = cv2.seamlessClone(frame, ground, mask, centre, cv2.NORMAL_CLONE)
    inside = slice(BORDER, -BORDER)
    return mixed[inside, inside]


def cover(frame: np.ndarray, shape: Tuple[int, int]) -> np.ndarray:
    """Scale a picture until it covers (height, width), and cut its middle."""
    height, width = frame.shape[:2]
    scale = max(shape[0] / height, shape[1] / width)
    size = (
        max(shape[1], round(scale * width)),
        max(shape[0], round(scale * height)),
    )
    if size != (width, height):
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        frame = cv2.resize(frame, size, interpolation=method)
    top, left = (size[1] - shape[0]) // 2, (size[0] - shape[1]) // 2
    return frame[top : top + shape[0], left : left + shape[1]]


def same_times(length: int, other: int) -> np.ndarray:
    """[length], the frames of a video of ``other`` frames at the same
    relative times: the first at the first, the last at the last."""
    return np.round(np.linspace(0, other - 1, length)).astype(int)


def to_even(frame: np.ndarray) -> np.ndarray:
    """Repeat the last row and column of odd ones: codecs halve pictures."""
    height, width = frame.shape[:2]
    if not (height % 2 or width % 2):
        return frame
    return np.pad(
        frame, ((0, height % 2), (0, width % 2), (0, 0)), mode='edge'
    )
