"""Videos on which the three models differ (Figures 1 and 7 to 11).

    integral-action analyze disagreements --group-key context \\
        --appearance A.pkl --pose P.pkl --integral I.pkl \\
        --annotations data/puppets/test.jsonl \\
        --video-prefix data/puppets/videos --pose-prefix data/puppets/poses \\
        --layout openpose18 [--classes labels.txt] [--num 4]

A picture for each kind (only one of the three models is right, or only one is
wrong): frames, skeletons and the models' predictions. All the videos are in
disagreements_DATASET.csv.
"""

import argparse
import sys
from itertools import product
from os.path import basename, normpath
from typing import Dict, List, Tuple

import numpy as np
from analysis_arguments import (
    APPEARANCE,
    INTEGRAL,
    POSE,
    add_classes,
    add_streams,
    report_parser,
)
from rich.console import Console
from rich.progress import track

from integral_action_cli import number


def parse_args(arguments=None) -> argparse.Namespace:
    """Parse the command line."""
    parser = report_parser(__doc__, 'disagreements')
    add_streams(parser)
    add_classes(parser)
    parser.add_argument(
        '--annotations', required=True, help='the list of the videos'
    )
    parser.add_argument('--split', help='split of it')
    for stream in ('video', 'pose'):
        parser.add_argument(
            f'--{stream}-prefix',
            default='',
            metavar='DIR',
            help=f"of the list's {stream} files, as in the config's data_root "
            f'and data_prefix',
        )
    parser.add_argument(
        '--layout', default='openpose18', help='keypoints of the poses'
    )
    parser.add_argument(
        '--num',
        type=number(1),
        default=4,
        help='videos of each kind and dataset',
    )
    parser.add_argument(
        '--panel-width',
        type=number(16),
        default=160,
        help='width of a frame, pixels',
    )
    return parser.parse_args(arguments)


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

from analysis_common import (
    Models,
    class_names,
    file_name,
    read_models,
    write_report,
)

from integral_action.datasets import VideoPoseDataset
from integral_action.datasets.transforms import (
    DecodeTwoStream,
    FormatPoses,
    SelectTopPersons,
)
from integral_action.evaluation.results import Results
from integral_action.evaluation.tables import Table
from integral_action.fileio import SampleError
from integral_action.pose.layouts import KeypointLayout
from integral_action.visualization import Clip, clip_sheet
from integral_action.visualization.canvas import below
from integral_action_cli import command

MODELS = (APPEARANCE, POSE, INTEGRAL)
# whether each of MODELS is right, and whose certainty sorts the videos
KINDS = {
    'only appearance-only is right': ((True, False, False), APPEARANCE),
    'only pose-only is right': ((False, True, False), POSE),
    'only IntegralAction is right': ((False, False, True), INTEGRAL),
    # Figure 1's two: the gate lets the better stream through
    'only pose-only is wrong': ((True, False, True), INTEGRAL),
    'only appearance-only is wrong': ((False, True, True), INTEGRAL),
    'only IntegralAction is wrong': ((True, True, False), INTEGRAL),
}
NUM_FRAMES = 6


def videos_of(results: Dict[str, Results], kind: str) -> np.ndarray:
    """The numbers of a kind's videos, those first of which a model is surest.

    Args:
        results: of each of the three models, the same videos.
        kind: of :data:`KINDS`.
    """
    pattern, surest = KINDS[kind]
    found = np.flatnonzero(has_pattern(results, pattern))
    certainty = results[surest].scores.max(1)[found]
    return found[np.argsort(-certainty, kind='stable')]


def has_pattern(
    results: Dict[str, Results], pattern: Tuple[bool, ...]
) -> np.ndarray:
    """[n], of which videos just the models of ``pattern`` are right."""
    right = np.stack([results[name].right for name in MODELS], 1)
    return (right == pattern).all(1)


def count_table(models: Models) -> Table:
    """Count the videos of each dataset by the models that are right."""
    datasets = {
        dataset: {name: model[dataset] for name, model in models.items()}
        for dataset in models[APPEARANCE]
    }
    rows = {}
    for pattern in product((True, False), repeat=3):
        name = ', '.join(name for name, right in zip(MODELS, pattern) if right)
        rows[name or 'none'] = [
            int(has_pattern(results, pattern).sum())
            for results in datasets.values()
        ]
    return Table(
        'right', list(datasets), rows, 'Videos by the models that are right'
    )


def list_table(results: Dict[str, Results], names: List[str]) -> Table:
    """Every video of the kinds, with the predictions and their scores."""
    columns = ['kind', 'class']
    for name in results:
        columns += [name, f'score of {name}']
    rows, first = {}, results[APPEARANCE]
    for kind in KINDS:
        for i in videos_of(results, kind):
            cells = rows[first.files[i]] = [kind, names[first.labels[i]]]
            for part in results.values():
                prediction = part.predictions[i]
                cells += [names[prediction], part.scores[i, prediction]]
    return Table('video', columns, rows)


class Videos:
    """The videos of an annotation file, by the names that results have.

    Raises:
        ValueError: a file that cannot be used; as of VideoPoseDataset.
    """

    def __init__(self, args) -> None:
        self.path = args.annotations
        self.dataset = VideoPoseDataset(
            args.annotations,
            pipeline=[],
            layout=args.layout,
            split=args.split,
            data_prefix=dict(video=args.video_prefix, pose=args.pose_prefix),
            check_files=False,
            test_mode=True,
        )
        self.numbers = {
            normpath(self.dataset.get_data_info(i)['filename']): i
            for i in range(len(self.dataset))
        }
        self.num_bad = 0  # that could not be read
        self.steps = [DecodeTwoStream(), SelectTopPersons(), FormatPoses()]

    def __getitem__(self, file: str) -> Clip:
        """Frames spread over a video, with their poses.

        Raises:
            ValueError: the video is not in the annotation file.
            SampleError: it cannot be read.
        """
        number = self.numbers.get(normpath(file))
        if number is None:
            raise ValueError(
                f'{file} is not among the {len(self.numbers)} videos of '
                f'{self.path}, as {next(iter(self.numbers))}; see '
                f'--video-prefix'
            )
        sample = self.dataset.get_data_info(number)
        steps = np.linspace(0, sample['total_frames'] - 1, NUM_FRAMES)
        sample['RGB_inds'] = sample['Pose_inds'] = steps.round().astype(int)
        sample['num_clips'] = 1
        posed = 'keypoint' in sample or 'pose_file' in sample
        sample['modality'] = ['RGB', 'Pose'] if posed else ['RGB']
        for step in self.steps if posed else self.steps[:1]:
            sample = step(sample)
        return Clip(
            frames=np.stack(sample['imgs']),
            pose=sample['pose'][0] if posed else None,
            layout=KeypointLayout.get(self.dataset.layout),
            frame_numbers=sample['RGB_inds'].tolist(),
        )


def describe(results: Dict[str, Results], i: int, names: List[str]) -> str:
    """The predictions of the models, in a line."""
    texts = []
    for model, part in results.items():
        prediction = part.predictions[i]
        mark = '✓' if part.right[i] else '✗'
        text = f'{mark} {model}: {names[prediction]}'
        text += f' ({100 * part.scores[i, prediction]:.0f}%)'
        if part.gates is not None:
            text += f', G = {part.gates[i]:.2f}'
        texts.append(text)
    return '    '.join(texts)


def sheet(
    videos: Videos, results: Dict[str, Results], kind: str, names, args
) -> List[np.ndarray]:
    """Pictures of a kind's videos; one that cannot be read is reported, and
    the next one taken."""
    pictures = []
    first = results[APPEARANCE]
    for i in videos_of(results, kind):
        if len(pictures) == args.num:
            break
        try:
            clip = videos[first.files[i]]
        except SampleError as error:
            videos.num_bad += 1
            print(f'left out: {error}', file=sys.stderr)
            continue
        pictures.append(
            clip_sheet(
                clip,
                f'{names[first.labels[i]]}    {basename(first.files[i])}',
                describe(results, i, names),
                args.panel_width,
            )
        )
    return pictures


@command()
def main(arguments=None) -> None:
    """Write the tables and the sheets."""
    args = parse_args(arguments)
    models = read_models(args)
    names = class_names(args.classes, models)
    videos = Videos(args)
    pictures, lists = {}, {}
    errors = Console(stderr=True)
    for dataset, kind in track(
        list(product(models[APPEARANCE], KINDS)),
        'sheets',
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    ):
        results = {name: model[dataset] for name, model in models.items()}
        lists[file_name('disagreements', dataset)] = list_table(results, names)
        parts = sheet(videos, results, kind, names, args)
        if parts:
            pictures[file_name(dataset, kind)] = below(parts, 12)
    if videos.num_bad:
        print(f'{videos.num_bad} videos were left out', file=sys.stderr)
    write_report(
        args.out_dir,
        'disagreements',
        {'right': count_table(models)},
        pictures,
        lists,
    )


if __name__ == '__main__':
    sys.exit(main())
