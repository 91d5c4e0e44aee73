"""Draw README's picture from the demo's results: ``docs/idea.png``.

make demo && .venv/bin/python docs/draw_idea.py
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from integral_action.datasets.video_reader import VideoReader
from integral_action.fileio import load_pickle, read_annotations
from integral_action.pose.files import read_poses
from integral_action.pose.layouts import KeypointLayout
from integral_action.pose.maps import render_pose_maps, to_map_pixels
from integral_action.visualization import draw_poses, pose_maps_image

DATA, WORK = Path('data/puppets'), Path('work_dirs/demo')
LAYOUT = KeypointLayout.get('openpose18')


def choose(results, records):
    """A clip whose scene lies, and one without a pose, that tell the most."""
    right = {
        key: [int(s['pred_label']) == int(s['gt_label']) for s in samples]
        for key, samples in results.items()
    }
    sure = [
        min(float(results[key][i]['pred_score'].max()) for key in results)
        for i in range(len(records))
    ]
    gate = [float(sample['gate'].mean()) for sample in results['integral']]

    def best(condition, key):
        return max(
            (i for i in range(len(records)) if condition(i)),
            key=key.__getitem__,
        )

    lying = best(
        lambda i: (
            records[i]['scene'] == 'other'
            and not records[i]['pose_missing']
            and not right['appearance'][i]
            and right['pose'][i]
            and right['integral'][i]
        ),
        sure,
    )
    missing = best(
        lambda i: (
            records[i]['scene'] == 'own'
            and records[i]['pose_missing']
            and right['appearance'][i]
            and not right['pose'][i]
            and right['integral'][i]
        ),
        gate,
    )
    return lying, missing


def box(axes, x, y, text, colour, width=0.2, height=0.3, weight='normal'):
    """A box with its text; gives its left and right middle."""
    axes.add_patch(
        FancyBboxPatch(
            (x, y - height / 2),
            width,
            height,
            boxstyle='round,pad=0.008',
            facecolor=colour,
            edgecolor='0.35',
        )
    )
    axes.text(
        x + width / 2,
        y,
        text,
        ha='center',
        va='center',
        fontsize=10,
        weight=weight,
    )
    return (x - 0.01, y), (x + width + 0.01, y)


def arrow(axes, start, end, width=1.5):
    """An arrow as thick as what it lets through."""
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle='-|>',
            mutation_scale=12,
            linewidth=width,
            color='0.3',
            shrinkA=0,
            shrinkB=0,
        )
    )


def draw_row(axes, record, samples, classes, note):
    """One clip: what goes in, what each stream says, what comes out."""
    reader = VideoReader(DATA / 'videos' / record['filename'])
    keypoint, score = read_poses(DATA / 'poses' / record['pose_file'])
    moment = int(score[0].sum(1).argmax()) if score.any() else 0
    picture, zoom = reader.get_batch([moment])[0], 5
    size = np.array(picture.shape[1::-1], np.float32)
    large = cv2.resize(picture, None, fx=zoom, fy=zoom)
    points, scores = keypoint[:, moment], score[:, moment]
    maps = render_pose_maps(
        to_map_pixels((points + 0.5) / size, (56, 56)), scores, LAYOUT.bones
    )
    axes[0].imshow(
        draw_poses(large, (points + 0.5) * zoom - 0.5, scores, LAYOUT)
    )
    axes[0].set_ylabel(note, fontsize=10)
    axes[0].set_title(f'really: {classes[record["label"]]}', fontsize=10)
    axes[1].imshow(pose_maps_image(maps, LAYOUT.num_keypoints))
    axes[1].set_title('what the pose stream sees', fontsize=10)
    for axis in axes[:2]:
        axis.set_xticks([])
        axis.set_yticks([])

    said = {
        key: f'"{classes[int(sample["pred_label"])]}"\n'
        f'({float(sample["pred_score"].max()):.0%} sure)'
        for key, sample in samples.items()
    }
    gate = float(samples['integral']['gate'].mean())
    flow = axes[2]
    flow.set_xlim(0, 1)
    flow.set_ylim(0, 1)
    flow.axis('off')
    green, red = '#d5efd0', '#f7d5d0'
    colour = {
        key: green if int(s['pred_label']) == record['label'] else red
        for key, s in samples.items()
    }
    _, top = box(
        flow,
        0.02,
        0.78,
        f'appearance alone\n{said["appearance"]}',
        colour['appearance'],
        0.25,
        0.36,
    )
    _, bottom = box(
        flow, 0.02, 0.22, f'pose alone\n{said["pose"]}', colour['pose'], 0.25,
        0.36,
    )  # fmt: skip
    left, right = box(
        flow,
        0.40,
        0.5,
        f'pose-driven gate\nlets in {gate:.0%} appearance',
        '#e8e4f5',
        0.24,
        0.3,
    )
    arrow(flow, top, (0.46, 0.66), 1 + 12 * gate)
    arrow(flow, bottom, (0.46, 0.34), 1 + 12 * (1 - gate) / 2)
    end, _ = box(
        flow,
        0.75,
        0.5,
        f'IntegralAction\n{said["integral"]}',
        colour['integral'],
        0.24,
        0.36,
        'bold',
    )
    arrow(flow, right, end, 3)


def main() -> None:
    """Draw the picture."""
    results = {
        key: load_pickle(WORK / key / 'test.pkl')
        for key in ('appearance', 'pose', 'integral')
    }
    records = read_annotations(DATA / 'test.jsonl')
    classes = (DATA / 'classes.txt').read_text().splitlines()
    figure = Figure(figsize=(12, 5.2), layout='constrained')
    rows = figure.subplots(2, 3, width_ratios=(1, 1, 3.2))
    notes = ('the scene lies', 'the pose is missing')
    for axes, index, note in zip(rows, choose(results, records), notes):
        samples = {key: samples[index] for key, samples in results.items()}
        draw_row(axes, records[index], samples, classes, note)
    out = Path(sys.argv[1] if len(sys.argv) > 1 else 'docs/idea.png')
    figure.savefig(out, dpi=100)


if __name__ == '__main__':
    main()
