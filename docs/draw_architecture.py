"""Draw the README's picture of the model: ``docs/architecture.png``.

python docs/draw_architecture.py

Shapes are those of Table 13 for one clip: ResNet-50 8x8 on RGB, ResNet-18
32x2 on the pose maps of OpenPose's 18 keypoints and 17 bones.
"""

import sys
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

BLUE, GREEN, PURPLE, GREY = '#d8e6f5', '#d5efd0', '#e8e0f5', '#f2f2f2'
EDGE = '0.35'


def box(axes, x, y, text, colour, width=1.7, height=0.8):
    """Draw a box with its middle at (x, y)."""
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle='round,pad=0.02',
            facecolor=colour,
            edgecolor=EDGE,
        )
    )
    axes.text(x, y, text, ha='center', va='center', fontsize=11)


def arrow(axes, start, end, label='', above=True, bend=None):
    """Draw an arrow with its tensor's name and shape."""
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle='-|>',
            mutation_scale=12,
            linewidth=1.4,
            color='0.25',
            shrinkA=0,
            shrinkB=0,
            connectionstyle=bend or 'arc3',
        )
    )
    if label:
        axes.text(
            (start[0] + end[0]) / 2,
            (start[1] + end[1]) / 2 + (0.1 if above else -0.1),
            label,
            ha='center',
            va='bottom' if above else 'top',
            fontsize=9,
            color='0.25',
        )


def sign(axes, x, y, text):
    """Draw an operation in a circle."""
    axes.text(
        x,
        y,
        text,
        ha='center',
        va='center',
        fontsize=13,
        bbox=dict(boxstyle='circle,pad=0.2', facecolor='w', edgecolor=EDGE),
    )


def draw(axes) -> None:
    """Draw the model, from left to right."""
    top, middle, bottom = 4.0, 2.15, 0.6
    box(axes, 0.9, top, 'RGB frames\n8 × 3 × 224²', GREY)
    box(axes, 0.9, bottom, 'heatmaps, PAFs\n32 × 52 × 56²', GREY)
    box(axes, 3.3, top, 'appearance stream\nResNet-50 TSM', BLUE, 2.0)
    box(axes, 3.3, bottom, 'pose stream\nResNet-18 TSM', GREEN, 2.0)
    arrow(axes, (1.78, top), (2.27, top))
    arrow(axes, (1.78, bottom), (2.27, bottom))

    box(axes, 6.1, bottom, 'mean of\n4 frames', GREY, 1.1)
    arrow(axes, (4.33, bottom), (5.53, bottom), '32 × 512')
    box(axes, 8.5, top, 'TCB$_A$', BLUE, 1.1)
    box(axes, 8.5, middle, 'CGB, sigmoid', PURPLE, 1.6)
    box(axes, 8.5, bottom, 'TCB$_P$', GREEN, 1.1)
    arrow(axes, (4.33, top), (7.93, top), '$F_A$: 8 × 2048')
    arrow(axes, (6.68, bottom), (7.93, bottom), '$F_P$: 8 × 512', False)
    axes.plot((7.0, 7.0), (bottom, middle), color='0.25', linewidth=1.4)
    arrow(axes, (7.0, middle), (7.68, middle))

    sign(axes, 11.0, top, '×')
    sign(axes, 11.0, bottom, '×')
    sign(axes, 12.4, middle, '+')
    arrow(axes, (9.08, top), (10.78, top), "$F'_A$: 8 × 512")
    arrow(axes, (9.08, bottom), (10.78, bottom), "$F'_P$: 8 × 512")
    axes.plot((9.32, 11.0), (middle, middle), color='0.25', linewidth=1.4)
    axes.text(
        10.05, middle + 0.1, 'gate $G$: 8 × 512', fontsize=9, ha='center',
        va='bottom', color='0.25',
    )  # fmt: skip
    arrow(axes, (11.0, middle), (11.0, top - 0.24))
    arrow(axes, (11.0, middle), (11.0, bottom + 0.24))
    axes.text(11.1, 3.1, '$G$', fontsize=11, va='center')
    axes.text(11.1, 1.35, '$1 - G$', fontsize=11, va='center')
    right = 'angle,angleA=0,angleB=90,rad=4'
    arrow(axes, (11.24, top), (12.4, middle + 0.24), bend=right)
    arrow(axes, (11.24, bottom), (12.4, middle - 0.24), bend=right)
    box(axes, 14.6, middle, 'linear layer,\nmean of frames', GREY, 1.7)
    arrow(axes, (12.64, middle), (13.73, middle), '$F$: 8 × 512')
    arrow(axes, (15.47, middle), (16.0, middle))
    axes.text(16.05, middle, 'classes', fontsize=11, va='center')
    axes.text(
        9.4, -0.35, 'loss: cross entropy + $\\lambda\\,L_{gate}$,  '
        '$L_{gate} = -\\log(1 - G)$', fontsize=11, ha='center',
    )  # fmt: skip
    axes.text(
        3.3, -0.35, 'streams: trained first, then kept as they are',
        fontsize=11, ha='center',
    )  # fmt: skip


def main() -> None:
    """Draw the picture."""
    figure = Figure(figsize=(13, 4.1), layout='constrained')
    axes = figure.subplots()
    draw(axes)
    axes.set_xlim(-0.1, 17.0)
    axes.set_ylim(-0.65, 4.6)
    axes.set_aspect('equal')
    axes.axis('off')
    out = Path(sys.argv[1] if len(sys.argv) > 1 else 'docs/architecture.png')
    figure.savefig(out, dpi=100)


if __name__ == '__main__':
    main()
