"""Convert Mimetics with the poses of the authors' release. Evaluation only.

Usage:
    integral-action convert mimetics VIDEOS POSES OUT

`VIDEOS/<class>/<name>.mp4` has its poses in `POSES/<class>/<name>/data.json`,
as in the release, or in `POSES/<class>/<name>.json`; the folders of classes
may be written with '_' for blanks and brackets. Writes `OUT/kinetics50.jsonl`
and `OUT/kinetics400.jsonl`: the same videos, labelled for models of 50 and of
400 classes.
"""

import argparse
import sys
from pathlib import Path, PurePosixPath
from typing import Dict

import numpy as np
from converter_arguments import add_arguments, folder, run

from integral_action_cli import make_parser


def parse_args(arguments=None) -> argparse.Namespace:
    """Parse the command line."""
    parser = make_parser(__doc__)
    parser.add_argument('videos', type=folder, help='folder of the videos')
    parser.add_argument('poses', type=folder, help='folder of the poses')
    parser.add_argument('out', type=Path, help='folder to write')
    parser.add_argument(
        '--labels',
        type=Path,
        help='the 50 class names in the order of the model: text, one a line, '
        "or an annotation file of the authors' release (.json)",
    )
    add_arguments(parser)
    return parser.parse_args(arguments)


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

from integral_action.datasets.conversion import (
    Video,
    VideoInfo,
    video_files,
)
from integral_action.datasets.label_map import LabelMap
from integral_action.fileio import read_json

DATA = Path(__file__).resolve().parents[1] / 'data'
KINETICS50 = DATA / 'kinetics50' / 'label_map_k50.txt'
KINETICS400 = DATA / 'kinetics400' / 'label_map_k400.txt'
NUM_KEYPOINTS = 18


def read_poses(path: Path, info: VideoInfo):
    """The poses of one video. A keypoint's score is its own times its
    person's."""
    poses = read_json(path)
    if not isinstance(poses, dict) or not {'pose', 'score'} <= set(poses):
        raise ValueError(f"{path}: expected 'pose' and 'score' of each frame")
    frames, scores = poses['pose'], poses['score']
    if len(frames) != len(scores):
        raise ValueError(
            f'{path}: pose of {len(frames)} frames, score of {len(scores)}'
        )
    found = {}
    for i, (frame, score) in enumerate(zip(frames, scores, strict=True)):
        if not frame:  # null: nobody
            continue
        frame = np.asarray(frame, np.float32)
        score = np.asarray(score, np.float32).reshape(-1)
        if frame.size != len(score) * NUM_KEYPOINTS * 3:
            raise ValueError(
                f'{path}, frame {i}: pose of {frame.size} numbers and '
                f'{len(score)} scores, expected {NUM_KEYPOINTS} keypoints of '
                f'3 numbers for each score'
            )
        persons = frame.reshape(-1, NUM_KEYPOINTS, 3)
        found[i] = persons * np.stack(
            [np.ones_like(score), np.ones_like(score), score], -1
        ).reshape(-1, 1, 3)
    most = max(map(len, found.values()), default=0)
    out = np.zeros((most, len(frames), NUM_KEYPOINTS, 3), np.float32)
    for i, persons in found.items():
        out[: len(persons), i] = persons
    return out[..., :2], out[..., 2]


def prepare(args) -> Dict:
    """List what to convert."""
    names = LabelMap.read(args.labels or KINETICS50)
    every = LabelMap.read(KINETICS400)
    videos = []
    for filename in video_files(args.videos):
        path = PurePosixPath(filename)
        if len(path.parts) != 2:
            raise ValueError(
                f'{args.videos / filename}: expected <class>/<name>.mp4'
            )
        try:
            labels = dict(
                kinetics50=names[path.parts[0]],
                kinetics400=every[path.parts[0]],
            )
        except ValueError as error:
            raise ValueError(f'{args.videos / filename}: {error}') from error
        poses = args.poses / path.with_suffix('') / 'data.json'
        if not poses.exists():
            poses = args.poses / path.with_suffix('.json')
        videos.append(Video(filename, labels, poses))
    return dict(
        videos=videos,
        read=read_poses,
        video_folder=args.videos,
        out=args.out,
        layout='openpose18',
        class_names={
            'classes_kinetics50.txt': names.names,
            'classes_kinetics400.txt': every.names,
        },
    )


def main(arguments=None) -> int:
    return run(prepare, parse_args(arguments))


if __name__ == '__main__':
    sys.exit(main())
