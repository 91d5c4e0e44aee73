"""Pictures beside and below each other on white paper, and writing on it."""

from functools import lru_cache
from pathlib import Path
from typing import List, Tuple

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

PAPER, INK, FAINT = 255, (20, 20, 20), (105, 105, 105)
GAP = 4  # pixels between pictures


def enlarge(picture: np.ndarray, size: Tuple[int, int]) -> np.ndarray:
    """To (height, width); pixels stay visible where they become bigger."""
    height, width = picture.shape[:2]
    if size == (height, width):
        return picture
    if size[1] < width:
        method = cv2.INTER_AREA
    elif size[0] % height == size[1] % width == 0:
        method = cv2.INTER_NEAREST
    else:
        method = cv2.INTER_LINEAR
    return cv2.resize(picture, size[::-1], interpolation=method)


def pad(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Blank paper to the right and below."""
    room = (height - picture.shape[0], width - picture.shape[1])
    return np.pad(
        picture,
        ((0, room[0]), (0, room[1]), (0, 0)),
        constant_values=PAPER,
    )


def beside(pictures: List[np.ndarray], gap: int = GAP) -> np.ndarray:
    height = max(picture.shape[0] for picture in pictures)
    parts = [
        pad(picture, height, picture.shape[1] + gap) for picture in pictures
    ]
    return np.concatenate(parts, 1)[:, :-gap]


def below(pictures: List[np.ndarray], gap: int = GAP) -> np.ndarray:
    width = max(picture.shape[1] for picture in pictures)
    parts = [
        pad(picture, picture.shape[0] + gap, width) for picture in pictures
    ]
    return np.concatenate(parts)[:-gap]


@lru_cache
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    """The font that matplotlib brings."""
    name = 'DejaVuSans-Bold.ttf' if bold else 'DejaVuSans.ttf'
    path = Path(matplotlib.get_data_path()) / 'fonts' / 'ttf' / name
    return ImageFont.truetype(str(path), size)


def write_text(
    picture: np.ndarray,
    place: Tuple[int, int],
    text: str,
    size: int,
    room: int,
    bold: bool = False,
    colour: Tuple[int, int, int] = INK,
    anchor: str = 'lm',
) -> np.ndarray:
    """Write one line; where it is wider than ``room``, its start goes."""
    font, shown = _font(size, bold), text
    while text and font.getlength(shown) > room:
        text = text[1:]
        shown = f'…{text}'
    image = Image.fromarray(picture)
    ImageDraw.Draw(image).text(place, shown, colour, font, anchor)
    return np.array(image)  # a copy that can be drawn on


def heading(title: str, subtitle: str, width: int) -> np.ndarray:
    """A title over a picture, and perhaps a line below it."""
    paper = np.full((58 if subtitle else 34, width, 3), PAPER, np.uint8)
    paper = write_text(paper, (6, 19), title, 18, width - 12, bold=True)
    if subtitle:
        paper = write_text(
            paper, (6, 43), subtitle, 14, width - 12, colour=FAINT
        )
    return paper
