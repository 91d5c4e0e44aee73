"""The demo's table and pictures, from what ``mim test --dump`` wrote.

python tools/demo_report.py [DATA] [WORK_DIR]
"""

import sys
from pathlib import Path
from typing import Dict, List

import numpy as np
from reproduce.tables import MODELS, STREAMS
from rich.console import Console
from rich.markdown import Markdown

from integral_action.evaluation.results import Results
from integral_action.evaluation.tables import Cell, Table

COLUMNS = ['in context', 'out of context', 'mean G in', 'mean G out']


def collect(work: Path) -> Dict[str, Results]:
    """The results of the models that have been tested."""
    return {
        key: Results.load(work / key / 'test.pkl')
        for key in MODELS
        if (work / key / 'test.pkl').is_file()
    }


def row_of(results: Results) -> List[Cell]:
    """The cells of a model: accuracies in percent, and G as text."""
    inside = results.meta('context') == 'in'
    parts = (inside, ~inside)
    gates = [None, None]
    if results.gates is not None:
        gates = [f'{results.gates[part].mean():.2f}' for part in parts]
    return [*map(results.accuracy, parts), *gates]


def table_of(results: Dict[str, Results]) -> Table:
    """The demo's table, score average behind the two streams."""
    rows = {MODELS[key]: row_of(results[key]) for key in STREAMS}
    appearance, pose = (results[key] for key in STREAMS)
    rows['score average'] = row_of(appearance.average(pose))
    rows |= {MODELS[key]: row_of(part) for key, part in results.items()}
    return Table('model', COLUMNS, rows, 'Puppets (generated): top-1, %')


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
    table = table_of(results)
    integral = results['integral']
    missing = integral.meta('pose_missing')
    pictures = {
        'examples.png': examples_figure(data),
        'accuracy.png': accuracy_figure(
            {name: cells[:2] for name, cells in table.rows.items()}
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

{table.markdown()}

![accuracy](accuracy.png)

Frames with the poses that the models see (noisy, some missing), and the pose
maps drawn from them:

![examples](examples.png)

The gate opens where the pose is missing:

![gate](gate.png)
""")
    console.print(Markdown(f'{table.title}\n\n{table.markdown()}'))
    console.print(f'{work / "report.md"} has the pictures.')


if __name__ == '__main__':
    folders = [Path(argument) for argument in sys.argv[1:]]
    defaults = [Path('data/puppets'), Path('work_dirs/demo')]
    write_report(*(folders + defaults[len(folders) :]), Console())
