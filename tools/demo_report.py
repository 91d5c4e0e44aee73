"""The demo's table and pictures, from what ``mim test --dump`` wrote.

python tools/demo_report.py [DATA] [WORK_DIR]
"""

import sys
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

import numpy as np
from reproduce.tables import MODELS, STREAMS
from rich.console import Console
from rich.table import Table

from integral_action.evaluation.results import Results


class Row(NamedTuple):
    """A line of the table, in percent; G is None without a gate."""

    name: str
    inside: float
    outside: float
    gate_inside: Optional[float] = None
    gate_outside: Optional[float] = None


def row_of(results: Results, name: str) -> Row:
    """The table's line of a model."""
    inside = results.meta('context') == 'in'
    parts = (inside, ~inside)
    values = [results.accuracy(part) for part in parts]
    if results.gates is not None:
        values += [results.gates[part].mean() for part in parts]
    return Row(name, *values)


def collect(work: Path) -> Dict[str, Results]:
    """The results of the models that have been tested."""
    return {
        key: Results.load(work / key / 'test.pkl')
        for key in MODELS
        if (work / key / 'test.pkl').is_file()
    }


def rows_of(results: Dict[str, Results]) -> List[Row]:
    """The table's lines, score average behind the two streams."""
    rows = [
        row_of(results[key], name)
        for key, name in MODELS.items()
        if key in results
    ]
    appearance, pose = (results[name] for name in STREAMS)
    rows.insert(2, row_of(appearance.average(pose), 'score average'))
    return rows


def _cells(row: Row) -> List[str]:
    gates = [row.gate_inside, row.gate_outside]
    return [
        row.name,
        f'{row.inside:.1f}',
        f'{row.outside:.1f}',
        *('' if gate is None else f'{gate:.2f}' for gate in gates),
    ]


HEAD = ('model', 'in context', 'out of context', 'mean G in', 'mean G out')


def markdown(rows: List[Row]) -> str:
    """The table as Markdown."""
    lines = [HEAD, ('---',) + ('---:',) * 4, *map(_cells, rows)]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)


def examples_figure(data: Path):
    """Frames with skeletons and their pose maps, in and out of context."""
    import cv2
    from matplotlib.figure import Figure

    from integral_action.datasets.video_reader import VideoReader
    from integral_action.fileio import read_annotations
    from integral_action.pose.files import read_poses
    from integral_action.pose.layouts import KeypointLayout
    from integral_action.pose.maps import render_pose_maps, to_map_pixels
    from integral_action.visualization import draw_poses, pose_maps_image

    layout = KeypointLayout.get('openpose18')
    classes = (data / 'classes.txt').read_text().split('\n')
    shown = [0, 3, 4, 6, 7, 10]
    figure = Figure(figsize=(2.2 * len(shown), 6.6), layout='constrained')
    axes = figure.subplots(4, len(shown))
    for row, split in ((0, 'in_context'), (2, 'out_of_context')):
        records = read_annotations(data / f'{split}.jsonl')
        scene = 'own' if split == 'in_context' else 'other'
        for column, label in enumerate(shown):
            # the first that shows it; a tiny set may have none
            record = min(
                (record for record in records if record['label'] == label),
                key=lambda r: (r['scene'] != scene) + 2 * r['pose_missing'],
            )
            video = data / 'videos' / record['filename']
            keypoint, score = read_poses(data / 'poses' / record['pose_file'])
            moment = int(score[0].sum(1).argmax())  # the best seen
            keypoint, score = keypoint[:, moment], score[:, moment]
            picture = VideoReader(video).get_batch([moment])[0]
            size = picture.shape[:2]
            zoom = 4
            large = cv2.resize(
                picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC
            )
            drawn = draw_poses(
                large, (keypoint + 0.5) * zoom - 0.5, score, layout
            )
            fraction = (keypoint + 0.5) / np.array(size[::-1], np.float32)
            maps = render_pose_maps(
                to_map_pixels(fraction, (56, 56)), score, layout.bones
            )
            axes[row, column].imshow(drawn)
            axes[row, column].set_title(classes[label])
            axes[row + 1, column].imshow(
                pose_maps_image(maps, layout.num_keypoints)
            )
        axes[row, 0].set_ylabel(split.replace('_', ' '))
        axes[row + 1, 0].set_ylabel('pose maps')
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
    return figure


def write_report(data: Path, work: Path, console: Console) -> None:
    """Print the table; write ``report.md`` and its pictures."""
    from integral_action.visualization import accuracy_figure, gate_figure

    results = collect(work)
    rows = rows_of(results)
    integral = results['integral']
    missing = integral.meta('pose_missing')
    pictures = {
        'examples.png': examples_figure(data),
        'accuracy.png': accuracy_figure(
            {row.name: (row.inside, row.outside) for row in rows}
        ),
        'gate.png': gate_figure(
            {
                'pose visible': integral.gates[~missing],
                'pose missing': integral.gates[missing],
            }
        ),
    }
    for name, figure in pictures.items():
        figure.savefig(work / name, dpi=110)
    (work / 'report.md').write_text(f"""# IntegralAction on Puppets

Results on generated data: {len(integral.files) // 2} videos of 12 actions in
context and as many out of context, where scene and object lie. Top-1 accuracy
in percent; G is the share of appearance let in.

{markdown(rows)}

![accuracy](accuracy.png)

Frames with the poses that the models see (noisy, some missing), and the pose
maps drawn from them:

![examples](examples.png)

The gate opens where the pose is missing:

![gate](gate.png)
""")

    table = Table(title='Puppets (generated): top-1, %')
    for name, justify in zip(HEAD, ('left',) + ('right',) * 4):
        table.add_column(name, justify=justify)
    for row in rows:
        style = 'bold' if row.name == 'IntegralAction' else None
        table.add_row(*_cells(row), style=style)
    console.print(table)
    console.print(f'{work / "report.md"} has the pictures.')


if __name__ == '__main__':
    folders = [Path(argument) for argument in sys.argv[1:]]
    defaults = [Path('data/puppets'), Path('work_dirs/demo')]
    write_report(*(folders + defaults[len(folders) :]), Console())
