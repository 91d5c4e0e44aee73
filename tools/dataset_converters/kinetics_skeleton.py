"""Convert Kinetics with the poses of Kinetics-skeleton (OpenPose's 18).

Usage:
    integral-action convert kinetics-skeleton SKELETONS VIDEOS OUT
    integral-action convert kinetics-skeleton SKELETONS VIDEOS OUT \
        --classes kinetics50

SKELETONS is the folder of `kinetics_train/<id>.json` and
`kinetics_train_label.json`, and the same of `val`. A video is found by its
YouTube id anywhere in VIDEOS, as `<id>.mp4` or `<id>_000012_000022.mp4`.
Labels go by the names of the classes, never by `label_index`.
"""

import argparse
import json
import re
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np
from converter_arguments import add_arguments, folder, run

DATA = Path(__file__).resolve().parents[1] / 'data'
LABEL_MAPS = dict(
    kinetics400=DATA / 'kinetics400' / 'label_map_k400.txt',
    kinetics50=DATA / 'kinetics50' / 'label_map_k50.txt',
)


def parse_args(arguments=None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n')[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        'skeletons', type=folder, help='folder of Kinetics-skeleton'
    )
    parser.add_argument('videos', type=folder, help='folder of the videos')
    parser.add_argument('out', type=Path, help='folder to write')
    parser.add_argument(
        '--classes', choices=LABEL_MAPS, default='kinetics400', help='which'
    )
    parser.add_argument(
        '--labels',
        type=Path,
        help='other class names, in label order: text, one a line, or an '
        "annotation file of the authors' release (.json)",
    )
    parser.add_argument(
        '--split',
        nargs=3,
        action='append',
        metavar=('NAME', 'LABELS', 'FOLDER'),
        help='where file of labels and folder have other names, in SKELETONS; '
        'may be given several times',
    )
    add_arguments(parser)
    return parser.parse_args(arguments)


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

from integral_action.datasets.label_map import LabelMap
from integral_action.datasets.writer import (
    Finding,
    Video,
    VideoInfo,
    video_files,
)

LABEL_FILE = re.compile(r'kinetics_(\w+)_label\.json')
YOUTUBE_ID = re.compile(r'([\w-]{11})(_\d+_\d+)?')
POSE_FPS = 30  # the videos were resampled before OpenPose saw them
NUM_KEYPOINTS = 18


def load_json(path: Path):
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f'{path}: not JSON: {error}') from error


def read_skeletons(path: Path) -> Tuple[np.ndarray, np.ndarray]:
    """Read the frames of a file.

    Returns:
        ``keypoint`` [M, P, 18, 2], fractions of width and height, and
        ``score`` [M, P, 18], of the pose frames 1 to P.
    """
    data = load_json(path)
    if not isinstance(data, dict) or not isinstance(data.get('data'), list):
        raise ValueError(f"{path}: expected a list of frames as 'data'")
    frames = {}
    for number, frame in enumerate(data['data']):
        index = frame['frame_index']
        if not isinstance(index, int) or index < 1 or index in frames:
            raise ValueError(
                f'{path}: frame_index is {index!r} in entry {number} of data, '
                f'expected numbers from 1, each once'
            )
        frames[index] = frame['skeleton']
    count = max(frames, default=0)
    if count > len(frames) + 1000:
        raise ValueError(
            f'{path}: frame_index is {count}, but there are {len(frames)} '
            f'frames'
        )
    most = max(map(len, frames.values()), default=0)
    keypoint = np.zeros((most, count, NUM_KEYPOINTS, 2), np.float32)
    score = np.zeros((most, count, NUM_KEYPOINTS), np.float32)
    for index, persons in frames.items():
        for i, person in enumerate(persons):
            pose, scores = person['pose'], person['score']
            if (len(pose), len(scores)) != (2 * NUM_KEYPOINTS, NUM_KEYPOINTS):
                raise ValueError(
                    f'{path}, frame_index {index}: pose of {len(pose)} and '
                    f'score of {len(scores)} numbers, expected '
                    f'{2 * NUM_KEYPOINTS} and {NUM_KEYPOINTS}'
                )
            keypoint[i, index - 1] = np.reshape(pose, (NUM_KEYPOINTS, 2))
            score[i, index - 1] = scores
    return keypoint, score


def pose_frames(pose_count: int, info: VideoInfo) -> np.ndarray:
    """Which pose frame, from 0, belongs to each frame of the video, for as
    long as there are poses."""
    # beyond twice the video the poses are another video's, however long
    most = min(
        int(pose_count * info.fps / POSE_FPS) + 2, 2 * info.total_frames + 1000
    )
    index = np.rint(np.arange(most) / info.fps * POSE_FPS).astype(int)
    return index[index < pose_count]


def read_poses(path: Path, info: VideoInfo):
    """The poses of one video, at its own rate and in its own pixels."""
    keypoint, score = read_skeletons(path)
    index = pose_frames(score.shape[1], info)
    height, width = info.img_shape
    # OpenPose divides by the size less one: 0 and 1 are the centres of the
    # first and the last pixel
    size = np.array((width - 1, height - 1), np.float32)
    return keypoint[:, index] * size, score[:, index]


def index_videos(videos: Path) -> Dict[str, str]:
    """The file of every YouTube id; of several, the first."""
    index = {}
    for filename in video_files(videos):
        if match := YOUTUBE_ID.fullmatch(Path(filename).stem):
            index.setdefault(match[1], filename)
    if not index:
        raise ValueError(
            f'{videos}: no videos named <YouTube id>.mp4 or '
            f'<YouTube id>_000012_000022.mp4'
        )
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
    """What to convert."""
    every = LabelMap.read(LABEL_MAPS['kinetics400'])
    names = LabelMap.read(args.labels or LABEL_MAPS[args.classes])
    files = index_videos(args.videos)
    videos, excluded, unknown, others = [], [], [], 0
    for split, label_file, skeletons in find_splits(args):
        entries = load_json(label_file)
        if not isinstance(entries, dict):
            raise ValueError(f'{label_file}: expected a video by its name')
        for name, about in entries.items():
            try:
                label, found = about['label'].strip(), about['has_skeleton']
            except (AttributeError, KeyError, TypeError) as error:
                raise ValueError(
                    f'{label_file}: {name!r} is {about!r}, expected '
                    f'has_skeleton and label'
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
            f'Kinetics400, the first is {name!r}: {label!r}'
        )
    if others:
        print(f'{others} videos of other classes than those of {args.classes}')
    return dict(
        videos=videos,
        read=read_poses,
        video_folder=args.videos,
        out=args.out,
        layout='openpose18',
        class_names={'classes.txt': names.names},
        excluded=excluded,
    )


def main(arguments=None) -> None:
    run(prepare, parse_args(arguments))


if __name__ == '__main__':
    main()
