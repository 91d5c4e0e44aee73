"""Class activation maps as one picture (Figure 1)."""

from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence

import cv2
import numpy as np

from .canvas import GAP, PAPER, below, beside, enlarge, heading, write_text
from .clips import Clip, lay_over


@dataclass
class ActivationView:
    """A clip, and where a model sees a class in it.

    Args:
        clip: what the model is given: frames, pose maps, or both.
        maps: of each stream (``'appearance'``, ``'pose'``) [T, h, w], as of
            :func:`integral_action.apis.activation_maps`.
        text: the class and its score.
        gate: mean G of the clip, where there is a gate.
    """

    clip: Clip
    maps: Dict[str, np.ndarray]
    text: str
    gate: Optional[float] = None


def lay_activation(
    ground: np.ndarray, activation: np.ndarray, top: float
) -> np.ndarray:
    """Lay a class activation map over a picture.

    Args:
        ground: RGB, uint8 [H, W, 3].
        activation: [h, w]; what is not positive stays dark.
        top: the activation that is shown brightest.

    Returns:
        RGB, uint8 [H, W, 3].
    """
    share = (activation / top).clip(0, 1) if top > 0 else activation * 0
    share = cv2.resize(
        share.astype(np.float32),
        ground.shape[1::-1],
        interpolation=cv2.INTER_LINEAR,
    )
    colours = cv2.applyColorMap(
        np.round(share * 255).astype(np.uint8), cv2.COLORMAP_INFERNO
    )
    return lay_over(ground, cv2.cvtColor(colours, cv2.COLOR_BGR2RGB))


def activation_sheet(
    view: ActivationView,
    alone: Sequence[ActivationView] = (),
    title: str = '',
    panel_width: int = 160,
) -> np.ndarray:
    """Show where a class is seen: frames, pose maps, and the activation maps
    of each stream and, of a model of both, of their sum.

    The maps of one model share a scale, from nothing (dark) to its strongest
    activation (bright), so that a stream that adds little stays dark; a bar
    below them shows it.

    Args:
        view: of the model.
        alone: of models of one stream, of the same clip, to compare with.
        title: stands above.
        panel_width: of one picture, pixels.

    Returns:
        RGB, uint8 [H, W, 3]; a column an instant.
    """
    instants = view.clip.instants()
    rows: List[np.ndarray] = []

    def add(text: str, panels: List[np.ndarray]) -> None:
        row = beside(panels)
        paper = np.full((22, row.shape[1], 3), PAPER, np.uint8)
        rows.append(write_text(paper, (6, 12), text, 13, row.shape[1] - 12))
        rows.append(row)

    height = round(panel_width * view.clip.shape[0] / view.clip.shape[1])
    frames, poses = [], []
    for frame, pose in instants:
        if view.clip.frames is not None:
            picture = view.clip.frames[frame]
            frames.append(enlarge(picture, (height, panel_width)))
        if view.clip.maps is not None:
            poses.append(view.clip.pose_panel(pose, panel_width))
    if frames:
        numbers = map(str, view.clip.frame_numbers or range(len(frames)))
        add('frames ' + ', '.join(numbers), frames)
    if poses:
        add('pose maps: keypoints white, bones in their direction', poses)
    for one in (*alone, view):
        of_model = len(one.maps) > 1
        activations = _at_instants(one, view.clip)
        if of_model:
            activations['both streams'] = _sum(list(activations.values()))
        top = max(np.max(maps) for maps in activations.values())
        for stream, maps in activations.items():
            text = f'{stream} alone: {one.text}'
            if of_model:
                adds = np.mean([m.mean() for m in maps])
                text = f'fused model, {stream}: {one.text}; adds {adds:+.2f}'
            ground = poses if stream == 'pose' or not frames else frames
            add(
                text,
                [lay_activation(g, m, top) for g, m in zip(ground, maps)],
            )
        rows.append(_scale(top, rows[-1].shape[1]))
    sheet = below(rows, GAP)
    gate = '' if view.gate is None else f', gate {view.gate:.3f}'
    head = heading(title, f'{view.text}{gate}', sheet.shape[1])
    return below([head, sheet])


def _scale(top: float, width: int) -> np.ndarray:
    """Draw the colours from nothing to ``top`` in a line, [22, width, 3]."""
    paper = np.full((22, width, 3), PAPER, np.uint8)
    left, right = 20, min(180, width - 60)
    grey = np.full((12, right - left, 3), 128, np.uint8)
    steps = np.linspace(0, top, right - left)[None]
    paper[5:17, left:right] = lay_activation(grey, steps, top)
    paper = write_text(paper, (6, 11), '0', 13, left)
    return write_text(paper, (right + 6, 11), f'{top:.2g}', 13, width - right)


def _at_instants(view: ActivationView, clip: Clip) -> Dict[str, List]:
    """[h, w] of each stream at the instants of a clip of the same time."""
    lengths = dict(pose=clip.num_poses)
    if clip.frames is not None:
        lengths['appearance'] = len(clip.frames)
    found = {}
    for stream, maps in view.maps.items():
        length = lengths.get(stream) or len(clip.instants())
        place = 1 if length == clip.num_poses and stream == 'pose' else 0
        found[stream] = [
            maps[instant[place] * len(maps) // length]
            for instant in clip.instants()
        ]
    return found


def _sum(streams: List[List[np.ndarray]]) -> List[np.ndarray]:
    """The sum of maps of several sizes, in that of the finest."""
    size = max((maps[0].shape for maps in streams), key=np.prod)
    return [
        sum(
            cv2.resize(m, size[::-1], interpolation=cv2.INTER_LINEAR)
            for m in one
        )
        for one in zip(*streams)
    ]
