"""Draw which rooms of the package import which: `imports.png`.

    python docs/draw_imports.py

A room imports rooms of lower floors, and none of its own. Arrows to the
ground floors, which all may import, are not drawn. Ends with status 1 where an
import runs up.
"""

import ast
import sys
from pathlib import Path
from typing import Dict, List, Set, Tuple

PACKAGE = Path(__file__).resolve().parents[1] / 'integral_action'
# from the ground up: what a floor is for, and its rooms
FLOORS = (
    ('words, stores', ('version', 'text', 'storage', 'quantization')),
    ('', ('json_lines', 'checkpoints', 'named_class', 'process_pool')),
    ('files', ('fileio',)),
    ('', ('journal',)),
    ('keypoints, poses, maps', ('pose',)),
    ('data and model', ('datasets', 'models', 'evaluation')),
    ('around them', ('engine', 'pose_estimators', 'visualization')),
    ('to use a model', ('apis', 'deployment')),
    ('beyond the paper', ('robust', 'out_of_context', 'live')),
)


COLOURS = 4 * ['#eeeeee'] + 4 * ['#dbe9f6'] + ['#fde8cf']


def room(module: str) -> str:
    """Return the room of a module, the first name behind the package's."""
    return module.split('.')[1] if '.' in module else ''


def imports_of(path: Path) -> Set[str]:
    """Return the modules of the package that a file imports."""
    here = ['integral_action', *path.relative_to(PACKAGE).parts[:-1]]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else []
            module = '.'.join([*base, *filter(None, [node.module])])
            found |= {f'{module}.{name.name}' for name in node.names}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return {name for name in found if name.startswith('integral_action.')}


def edges() -> Dict[Tuple[str, str], int]:
    """Return how many files of one room import another room."""
    counts = {}
    for path in sorted(PACKAGE.rglob('*.py')):
        parts = path.relative_to(PACKAGE).with_suffix('').parts
        if parts == ('__init__',):  # which imports all
            continue
        for other in {room(name) for name in imports_of(path)} - {parts[0]}:
            counts[parts[0], other] = counts.get((parts[0], other), 0) + 1
    return counts


def floor_of() -> Dict[str, int]:
    """Return each room's floor, 0 for the ground."""
    return {
        name: number
        for number, (_, rooms) in enumerate(FLOORS)
        for name in rooms
    }


def upward() -> List[str]:
    """Return the imports that do not run down."""
    floors = floor_of()
    return [
        f'{one} (floor {floors.get(one)}) imports {other} '
        f'(floor {floors.get(other)})'
        for one, other in edges()
        if not floors.get(one, -1) > floors.get(other, len(FLOORS))
    ]


def draw(path: Path) -> None:
    """Draw rooms as boxes, floor over floor, and imports as arrows."""
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

    figure = Figure((9, 8))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-1.1, 4.4), ylim=(-0.5, len(FLOORS) - 0.45))
    axes.axis('off')
    centre = {}
    for floor, (title, rooms) in enumerate(FLOORS):
        axes.text(-1.05, floor, title, va='center', color='0.4')
        axes.axhline(floor - 0.5, color='0.9', zorder=0)
        for number, name in enumerate(rooms):
            x = 2.2 + (number - (len(rooms) - 1) / 2) * 1.15
            centre[name] = x, floor
            box = FancyBboxPatch(
                (x - 0.42, floor - 0.14),
                0.84,
                0.28,
                boxstyle='round,pad=0.04',
                facecolor=COLOURS[floor],
                edgecolor='0.3',
                zorder=3,
            )
            axes.add_patch(box)
            axes.text(x, floor, name, ha='center', va='center', zorder=4)
    floors = floor_of()
    for (one, other), files in edges().items():
        if floors[other] < 4:
            continue
        (x, y), (to_x, to_y) = centre[one], centre[other]
        side = 0.08 * (to_x - x)  # so that arrows leave a room side by side
        axes.add_patch(
            FancyArrowPatch(
                (x + side, y - 0.18),
                (to_x - side, to_y + 0.18),
                arrowstyle='-|>',
                mutation_scale=9,
                linewidth=0.5 + 0.2 * min(files, 10),
                color='0.45',
                connectionstyle=f'arc3,rad={0.12 * (y - to_y > 1)}',
                zorder=2,
            )
        )
    figure.savefig(path, dpi=110)


if __name__ == '__main__':
    draw(Path(__file__).with_name('imports.png'))
    sys.exit('\n'.join(upward()))
