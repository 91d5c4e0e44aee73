"""Convert Kinetics with the poses of Kinetics-skeleton (OpenPose's 18).

Usage:
    integral-action convert kinetics-skeleton SKELETONS VIDEOS OUT
    integral-action convert kinetics-skeleton S V OUT --classes kinetics50

SKELETONS is the folder of `kinetics_train/<id>.json` and
`kinetics_train_label.json`, and the same of `val`. A video is found by its
YouTube id anywhere in VIDEOS, as `<id>.mp4` or `<id>_000012_000022.mp4`.
Labels go by the names of the classes, never by `label_index`. Your own videos
in the same form, as st-gcn writes it, take any names, and `--labels`.
"""

import argparse
import re
import sys
from functools import partial
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np
from converter_arguments import add_arguments, folder, run

from integral_action_cli import make_parser

DATA = Path(__file__).resolve().parents[1] / 'data'
LABEL_MAPS = dict(
    kinetics400=DATA / 'kinetics400' / 'label_map_k400.txt',
    kinetics50=DATA / 'kinetics50' / 'label_map_k50.txt',
)


def parse_args(arguments=None) -> argparse.Namespace:
    """Parse the command line."""
    parser = make_parser(__doc__)
    parser.add_argument(
        'skeletons', type=folder, help='folder of Kinetics-skeleton'
    )
    parser.add_argument('videos', type=folder, help='folder of the videos')
    parser.add_argument('out', type=Path, help='folder to write')
    parser.add_argument(
        '--classes', choices=LABEL_MAPS, default='kinetics400', help='data set'
    )
    parser.add_argument(
        '--labels',
        type=Path,
        help='other class names, in label order: text, one a line, or an '
        "annotation file of the authors' release (.json)",
    )
    parser.add_argument(
        '--layout', default='openpose18', help="the poses' keypoints"
    )
    parser.add_argument(
        '--split',
        nargs=3,
        action='append',
        metavar=('NAME', 'LABELS', 'FOLDER'),
        help='names in SKELETONS, where file of labels and folder have '
        'others; may be given several times',
    )
    add_arguments(parser)
    return parser.parse_args(arguments)


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

from integral_action.datasets.conversion import (
    Finding,
    Video,
    VideoInfo,
    video_files,
)
from integral_action.datasets.label_map import LabelMap
from integral_action.fileio import read_json
from integral_action.pose.layouts import KeypointLayout
from integral_action.pose.poses import found_points

LABEL_FILE = re.compile(r'kinetics_(\w+)_label\.json')
YOUTUBE_ID = re.compile(r'([\w-]{11})(_\d+_\d+)?')
POSE_FPS = 30  # the videos were resampled before OpenPose saw them


def read_skeletons(
    path: Path, layout: str = 'openpose18'
) -> Tuple[np.ndarray, np.ndarray, int]:
    """Read the frames of a file.

    Returns:
        ``keypoint`` [M, P, K, 2], fractions of width and height, and
        ``score`` [M, P, K], of P pose frames; and the number of the first:
        Kinetics-skeleton counts from 1, st-gcn's ``json_pack`` from 0.
    """
    num_keypoints = KeypointLayout.get(layout).num_keypoints
    data = read_json(path)
    if not isinstance(data, dict) or not isinstance(data.get('data'), list):
        raise ValueError(f"{path}: expected a list of frames as 'data'")
    frames = {}
    for number, frame in enumerate(data['data']):
        index = frame['frame_index']
        if not isinstance(index, int) or index < 0 or index in frames:
            raise ValueError(
                f'{path}: frame_index is {index!r} in entry {number} of data, '
                f'expected numbers from 0 or 1, each once'
            )
        frames[index] = frame['skeleton']
    first = min([1, *frames])
    count = max(frames, default=0) + 1 - first
    if count > len(frames) + 1000:
        raise ValueError(
            f'{path}: frame_index is {max(frames)}, but there are '
            f'{len(frames)} frames'
        )
    most = max(map(len, frames.values()), default=0)
    keypoint = np.zeros((most, count, num_keypoints, 2), np.float32)
    score = np.zeros((most, count, num_keypoints), np.float32)
    for index, persons in frames.items():
        for i, person in enumerate(persons):
            pose, scores = person['pose'], person['score']
            if (len(pose), len(scores)) != (2 * num_keypoints, num_keypoints):
                raise ValueError(
                    f'{path}, frame_index {index}: pose of {len(pose)} and '
                    f'score of {len(scores)} numbers, expected '
                    f'{2 * num_keypoints} and {num_keypoints} of {layout!r}'
                )
            keypoint[i, index - first] = np.reshape(pose, (num_keypoints, 2))
            score[i, index - first] = scores
    points = found_points(keypoint, score)
    if len(points) and (points > 3).mean() > 0.5:
        raise ValueError(
            f'{path}: pose goes up to {points.max():.0f}, expected fractions '
            f'of width and height'
        )
    return keypoint, score, first


def pose_frames(pose_count: int, info: VideoInfo) -> np.ndarray:
    """Number the pose frames, from 0, that belong to the frames of the video,
    for as long as there are poses."""
    # beyond twice the video the poses are another video's, however long
    most = min(
        int(pose_count * info.fps / POSE_FPS) + 2, 2 * info.total_frames + 1000
    )
    index = np.rint(np.arange(most) / info.fps * POSE_FPS).astype(int)
    return index[index < pose_count]


def read_poses(path: Path, info: VideoInfo, layout: str = 'openpose18'):
    """Read the poses of one video, at its own rate and in its own pixels."""
    keypoint, score, first = read_skeletons(path, layout)
    count = score.shape[1]
    index = pose_frames(count, info)
    own, at_30 = info.total_frames, info.total_frames / info.fps * POSE_FPS
    if first == 0 and abs(count - own) <= abs(count - at_30):
        index = np.arange(count)  # OpenPose saw the video's own frames
    height, width = info.img_shape
    # OpenPose divides by the size less one: 0 and 1 are the centres of the
    # first and the last pixel
    size = np.array((width - 1, height - 1), np.float32)
    return keypoint[:, index] * size, score[:, index]


def index_videos(videos: Path) -> Dict[str, str]:
    """Return the file of every name or YouTube id; of several, the first."""
    index = {}
    for filename in video_files(videos):
        stem = Path(filename).stem
        index.setdefault(stem, filename)
        if match := YOUTUBE_ID.fullmatch(stem):
            index.setdefault(match[1], filename)
    if not index:
        raise ValueError(f'{videos}: no videos in this folder')
    return index


def find_splits(args) -> List[Tuple[str, Path, Path]]:
    """(name, file of labels, folder of skeletons) of each split."""
    if args.split:
        return [
            (name, args.skeletons / labels, args.skeletons / poses)
            for name, labels, poses in args.split
        ]
    splits = []
    for path in sorted(args.skeletons.iterdir()):
        if match := LABEL_FILE.fullmatch(path.name):
            poses = args.skeletons / f'kinetics_{match[1]}'
            splits.append((match[1], path, poses))
    if not splits:
        raise ValueError(
            f'{args.skeletons}: no kinetics_train_label.json and no '
            f'kinetics_val_label.json; give --split'
        )
    return splits


def prepare(args) -> Dict:
    """List what to convert."""
    KeypointLayout.get(args.layout)  # before the work that a wrong one spoils
    every = LabelMap.read(LABEL_MAPS['kinetics400'])
    names = LabelMap.read(args.labels or LABEL_MAPS[args.classes])
    files = index_videos(args.videos)
    videos, excluded, unknown, others = [], [], [], 0
    for split, label_file, skeletons in find_splits(args):
        entries = read_json(label_file)
        if not isinstance(entries, dict):
            raise ValueError(f'{label_file}: expected a video by its name')
        for name, about in entries.items():
            try:
                label = about['label'].strip()
                found = about.get('has_skeleton', True)
            except (AttributeError, KeyError, TypeError) as error:
                raise ValueError(
                    f'{label_file}: {name!r} is {about!r}, expected '
                    f'its label, and has_skeleton'
                ) from error
            filename = files.get(name, f'{name}.mp4')
            if label not in names:
                if label not in every:
                    unknown.append((name, label))
                else:
                    others += 1
            elif not found:
                excluded.append(
                    Finding(
                        filename,
                        'has_skeleton is false',
                        f'{label_file}: no skeleton of {name}',
                    )
                )
            else:
                videos.append(
                    Video(
                        filename,
                        {split: names[label]},
                        skeletons / f'{name}.json',
                    )
                )
    if unknown:
        name, label = unknown[0]
        raise ValueError(
            f'{len(unknown)} videos have labels that are no class of '
            f'Kinetics400, the first is {name!r}: {label!r}; --labels names '
            f'other classes'
        )
    if others:
        print(f'{others} videos of other classes than those of {args.classes}')
    return dict(
        videos=videos,
        read=partial(read_poses, layout=args.layout),
        video_folder=args.videos,
        out=args.out,
        layout=args.layout,
        class_names={'classes.txt': names.names},
        excluded=excluded,
    )


def main(arguments=None) -> int:
    return run(prepare, parse_args(arguments))


if __name__ == '__main__':
    sys.exit(main())
