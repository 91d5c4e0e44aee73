"""A clip as one picture, or as a film: what a model is given of it."""

from dataclasses import dataclass
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

import cv2
import numpy as np

from integral_action.pose.layouts import KeypointLayout
from integral_action.pose.maps import to_map_pixels

from .canvas import (
    FAINT,
    GAP,
    PAPER,
    below,
    beside,
    enlarge,
    heading,
    pad,
    write_text,
)
from .poses import LEFT, MIDDLE, RIGHT, draw_poses, pose_maps_image

EMPTY = 70
MARGIN = 104  # pixels left of the panels


@dataclass
class Clip:
    """Input of a model: T frames, T' poses and pose maps, or some of them.

    Args:
        frames: RGB, uint8 [T, H, W, 3].
        pose: [T', M, K, 3], (x, y) as fractions of the picture's width and
            height, from its edges, and the score, as of :class:`FormatPoses`.
        maps: [T', C, h, w], as of :func:`render_pose_maps`; K heatmaps, 2B
            part affinity maps, or both.
        layout: of the poses; needed for ``pose``.
        shape: (H, W) of the picture; taken where there are no frames.
        frame_interval: video frames from one to the next, of (frames, poses);
            None where both spread over the same time.
        frame_numbers: [T], in the video, from 0.
        pose_numbers: [T'], the same.
        score_thr: keypoints above it are drawn.

    Raises:
        ValueError: nothing is given, poses without a layout, or poses and maps
            of another number of frames.
    """

    frames: Optional[np.ndarray] = None
    pose: Optional[np.ndarray] = None
    maps: Optional[np.ndarray] = None
    layout: Optional[KeypointLayout] = None
    shape: Tuple[int, int] = (224, 224)
    frame_interval: Optional[Tuple[float, float]] = None
    frame_numbers: Optional[Sequence[int]] = None
    pose_numbers: Optional[Sequence[int]] = None
    score_thr: float = 0.1

    def __post_init__(self) -> None:
        if self.frames is None and self.pose is None and self.maps is None:
            raise ValueError('a clip of neither frames, poses nor pose maps')
        if self.pose is not None and self.layout is None:
            raise ValueError('poses need their keypoint layout')
        lengths = {len(x) for x in (self.pose, self.maps) if x is not None}
        if len(lengths) > 1:
            raise ValueError(
                f'{len(self.pose)} poses, but {len(self.maps)} pose maps'
            )
        self.num_poses = max(lengths, default=0)
        if self.frames is not None:
            self.shape = self.frames.shape[1:3]

    def instants(self, every: bool = False) -> List[Tuple[int, int]]:
        """The clip's instants as (frame, pose), the pose nearest in time.

        Args:
            every: those of the stream with more frames, instead of those of
                the frames.
        """
        poses = self.num_poses or 1
        frames = poses if self.frames is None else len(self.frames)
        steps = self.frame_interval or (1 / frames, 1 / poses)
        time = np.arange(frames) * steps[0], np.arange(poses) * steps[1]
        apart = np.abs(time[0][:, None] - time[1])
        if every and poses > frames:
            return list(zip(apart.argmin(0).tolist(), range(poses)))
        return list(zip(range(frames), apart.argmin(1).tolist()))

    def name(self, frame: int, pose: int) -> str:
        """Return the text over an instant: its number in the video."""
        numbers = {}
        if self.frames is not None and self.frame_numbers is not None:
            numbers['RGB'] = self.frame_numbers[frame]
        if self.num_poses and self.pose_numbers is not None:
            numbers['pose'] = self.pose_numbers[pose]
        if len(set(numbers.values())) == 1:
            return f'frame {numbers.popitem()[1]}'
        return ', '.join(f'{key} {value}' for key, value in numbers.items())

    def panels(self, frame: int, pose: int, width: int) -> Dict:
        """One instant's pictures by name, RGB uint8 [h, ``width``, 3]."""
        ground = self._ground(width)
        if self.frames is not None:
            ground = enlarge(self.frames[frame], ground.shape[:2])
        panels = {}
        if self.pose is not None:
            panels['poses'] = self._draw(pose, ground)
        elif self.frames is not None:
            panels['frames'] = ground
        if self.maps is not None:
            heatmaps, pafs = self._split(self.maps[pose])
            if len(heatmaps):
                colours = heatmaps_image(heatmaps, self.layout)
                panels['heatmaps'] = lay_over(ground, colours)
            if len(pafs):
                panels['PAFs'] = lay_over(ground, pose_maps_image(pafs, 0))
        return panels

    def pose_panel(self, pose: int, width: int) -> np.ndarray:
        """A pose, or its maps, without a frame: [h, ``width``, 3]."""
        if self.pose is not None:
            return self._draw(pose, self._ground(width))
        maps = np.concatenate(self._split(self.maps[pose]))
        number = 0 if self.layout is None else self.layout.num_heatmaps
        colours = pose_maps_image(maps, min(number, len(maps)) or len(maps))
        return enlarge(colours, self._ground(width).shape[:2])

    def _ground(self, width: int) -> np.ndarray:
        height = max(1, round(width * self.shape[0] / self.shape[1]))
        return np.full((height, width, 3), EMPTY, np.uint8)

    def _draw(self, pose: int, ground: np.ndarray) -> np.ndarray:
        place, score = self.pose[pose][..., :2], self.pose[pose][..., 2]
        return draw_poses(
            ground,
            to_map_pixels(place, ground.shape[:2]),
            score,
            self.layout,
            self.score_thr,
            max(1, round(ground.shape[1] / 112)),
        )

    def _split(self, maps: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Heatmaps and part affinity maps."""
        layout = self.layout
        if layout is None or len(maps) == layout.num_heatmaps:
            return maps, maps[:0]
        if len(maps) == 2 * layout.num_pafs:
            return maps[:0], maps
        return np.split(maps, [layout.num_heatmaps])


def heatmaps_image(
    heatmaps: np.ndarray, layout: Optional[KeypointLayout] = None
) -> np.ndarray:
    """Show keypoint heatmaps as one picture, in the colours of the skeletons.

    Args:
        heatmaps: [K, h, w], 0 to 1, or fewer for a grouped layout.
        layout: says which are left and right; without it all are white.

    Returns:
        RGB, uint8 [h, w, 3].
    """
    if layout is None or layout.num_heatmaps != len(heatmaps):
        return pose_maps_image(heatmaps, len(heatmaps))
    side = dict.fromkeys(layout.left, LEFT)
    side |= dict.fromkeys(layout.right, RIGHT)
    colours = []
    for group in layout.keypoint_groups:
        sides = {side.get(i, MIDDLE) for i in group}
        colours.append(sides.pop() if len(sides) == 1 else MIDDLE)
    colours = np.array(colours, np.float32)
    strongest = heatmaps.argmax(0)
    strength = np.take_along_axis(heatmaps, strongest[None], 0)[0].clip(0, 1)
    return np.round(colours[strongest] * strength[..., None]).astype(np.uint8)


def lay_over(frame: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Lay bright colours on black over a darkened, grey frame.

    Args:
        frame: RGB, uint8 [H, W, 3].
        picture: RGB, uint8 [h, w, 3]; enlarged to the frame.

    Returns:
        RGB, uint8 [H, W, 3].
    """
    picture = enlarge(picture, frame.shape[:2]).astype(np.float32)
    ground = 0.45 * cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)[..., None]
    strength = picture.max(-1, keepdims=True) / 255
    return (
        np.round(ground * (1 - strength) + picture)
        .clip(0, 255)
        .astype(np.uint8)
    )


def clip_sheet(
    clip: Clip,
    title: str = '',
    subtitle: str = '',
    panel_width: int = 224,
    columns: int = 8,
) -> np.ndarray:
    """Show a clip as one picture: a column an instant, a row a kind of
    picture; poses between two frames follow in small, under the first.

    Args:
        clip: the clip.
        title, subtitle: stand above it.
        panel_width: of one picture, pixels.
        columns: instants side by side; the others follow below.

    Returns:
        RGB, uint8 [H, W, 3].
    """
    instants = clip.instants()
    blocks = []
    for first in range(0, len(instants), columns):
        part = instants[first : first + columns]
        cells = [clip.panels(*instant, panel_width) for instant in part]
        names = [clip.name(*instant) for instant in part]
        rows = [_names(names, panel_width)] if any(names) else []
        for kind in cells[0]:
            label = _label(cells[0][kind].shape[0], kind)
            rows.append(beside([label, *(cell[kind] for cell in cells)]))
        between = _poses_between(clip, instants, first, len(part), panel_width)
        if between is not None:
            rows.append(between)
        blocks.append(below(rows))
    sheet = below(blocks, 3 * GAP)
    return below([heading(title, subtitle, sheet.shape[1]), sheet])


def clip_film(
    clip: Clip, title: str = '', subtitle: str = '', panel_width: int = 336
) -> Iterator[np.ndarray]:
    """Show a clip as a film, its kinds of pictures side by side.

    Args:
        clip: the clip.
        title, subtitle: stand above it.
        panel_width: of one picture, pixels.

    Yields:
        RGB, uint8 [H, W, 3] with H and W even, one for each frame or pose,
        whatever there are more of.
    """
    for frame, pose in clip.instants(every=True):
        panels = clip.panels(frame, pose, panel_width)
        row = beside(list(panels.values()))
        head = heading(title, subtitle, row.shape[1])
        names = [*panels][1:]
        first = ' '.join(('poses', clip.name(frame, pose)))
        if 'poses' not in panels:
            first = ' '.join(([*panels][0], clip.name(frame, pose)))
        names = _names([first.strip(), *names], panel_width, 0)
        picture = below([head, names, row])
        height, width = (n + n % 2 for n in picture.shape[:2])
        yield pad(picture, height, width)


def _poses_between(
    clip: Clip, instants: List, first: int, number: int, width: int
) -> Optional[np.ndarray]:
    """The poses from each instant's own to the next one's, in small."""
    own = [pose for _, pose in instants] + [clip.num_poses]
    shares = [range(own[i], own[i + 1]) for i in range(len(instants))]
    most = max(map(len, shares))
    if most < 2:
        return None
    grid = int(np.ceil(np.sqrt(most)))
    small = (width - (grid - 1) * 2) // grid
    cells = []
    for i in range(first, first + number):
        rows = []
        for start in range(0, len(shares[i]), grid):
            share = shares[i][start : start + grid]
            tiles = [clip.pose_panel(pose, small) for pose in share]
            rows.append(beside(tiles, 2))
        cells.append(below(rows, 2))
    height = max(cell.shape[0] for cell in cells)
    cells = [pad(cell, height, width) for cell in cells]
    return beside([_label(height, 'every pose'), *cells])


def _names(
    names: List[str], width: int, margin: int = MARGIN + GAP
) -> np.ndarray:
    """The names over a row of panels."""
    total = margin + len(names) * (width + GAP) - GAP
    paper = np.full((20, total, 3), PAPER, np.uint8)
    for i, name in enumerate(names):
        middle = margin + i * (width + GAP) + width // 2
        paper = write_text(paper, (middle, 10), name, 13, width, anchor='mm')
    return paper


def _label(height: int, kind: str) -> np.ndarray:
    """Draw the label left of a row: its name, and what its colours say."""
    paper = np.full((height, MARGIN, 3), PAPER, np.uint8)
    paper = write_text(paper, (6, 14), kind, 14, MARGIN - 8, bold=True)
    if kind in ('poses', 'heatmaps', 'every pose'):
        sides = (('left', LEFT), ('middle', MIDDLE), ('right', RIGHT))
        for i, (side, colour) in enumerate(sides):
            y = 36 + 18 * i
            cv2.circle(paper, (13, y), 5, colour, -1, cv2.LINE_AA)
            paper = write_text(
                paper, (24, y), side, 12, MARGIN - 26, colour=FAINT
            )
    if kind == 'PAFs' and height >= 108:
        paper[30:86, 6:62] = _colour_wheel(56)
        paper = write_text(
            paper, (6, 98), 'direction', 12, MARGIN, colour=FAINT
        )
    return paper


def _colour_wheel(size: int) -> np.ndarray:
    """The colours of the directions in which bones point."""
    middle = (size - 1) / 2
    y, x = np.mgrid[:size, :size] - middle
    length = np.hypot(x, y)
    disc = (length < middle) & (length > 0)
    field = np.where(disc, np.stack([x, y]) / length.clip(1e-6), 0)
    wheel = pose_maps_image(field.astype(np.float32), 0)
    wheel[~disc] = PAPER
    return wheel
