"""Convert JHMDB with COCO keypoint results: the three official splits.

Usage:
    integral-action convert jhmdb SPLITS VIDEOS POSES OUT

SPLITS holds `<class>_test_split<1, 2 or 3>.txt`, VIDEOS `<class>/<name>.avi`,
POSES `<class>/<name>.json`, a list of {image_id, keypoints, ...}, image_id the
frame from 0. Writes `OUT/split1_train.jsonl`, `OUT/split1_test.jsonl` and so
on. The classes are those that have split files, in alphabetical order.
"""

import argparse
import re
import sys
from functools import partial
from pathlib import Path
from typing import Dict

from converter_arguments import add_arguments, folder, run

from integral_action_cli import make_parser


def parse_args(arguments=None) -> argparse.Namespace:
    """Parse the command line."""
    parser = make_parser(__doc__)
    parser.add_argument(
        'splits', type=folder, help='folder of the split files'
    )
    parser.add_argument('videos', type=folder, help='folder of the videos')
    parser.add_argument('poses', type=folder, help='folder of the results')
    parser.add_argument('out', type=Path, help='folder to write')
    parser.add_argument(
        '--to-openpose18',
        action='store_true',
        help='make the 18 keypoints of OpenPose from the 17 of COCO',
    )
    add_arguments(parser)
    return parser.parse_args(arguments)


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

from integral_action.datasets.coco_results import read_coco_results
from integral_action.datasets.conversion import (
    Video,
    VideoInfo,
)
from integral_action.datasets.video_list import read_video_list

SPLIT_FILE = re.compile(r'(.+)_test_split([123])\.txt')
PARTS = {'1': 'train', '2': 'test'}  # 0: not used


def read_poses(path: Path, info: VideoInfo, **options):
    """The poses of one video."""
    return read_coco_results(path, info.total_frames, **options)


def read_splits(root: Path) -> Dict[str, Dict[str, Dict[str, str]]]:
    """The part of every video by class, split and file name.

    Raises:
        ValueError: a class lacks a split, or a line is not ``name part``.
    """
    files = {}
    for path in sorted(root.iterdir()):
        if match := SPLIT_FILE.fullmatch(path.name):
            files.setdefault(match[1], {})[match[2]] = path
    if not files:
        raise ValueError(f'{root}: no <class>_test_split<1, 2 or 3>.txt')
    splits = {}
    for name, paths in sorted(files.items()):
        if len(paths) < 3:
            raise ValueError(f'{root}: {name} has splits {sorted(paths)}')
        splits[name] = {n: read_split(path) for n, path in paths.items()}
    return splits


def read_split(path: Path) -> Dict[str, str]:
    """The part ('0', '1' or '2') of every file name."""
    parts = {}
    for line in read_video_list(path):
        if line.label not in ('0', *PARTS):
            raise ValueError(
                f'{line.place}: {" ".join(filter(None, line[1:]))!r}, '
                f'expected a file name and 0, 1 or 2'
            )
        parts[line.filename] = line.label
    return parts


def prepare(args) -> Dict:
    """List what to convert."""
    splits = read_splits(args.splits)
    videos = {}
    for label, (name, numbers) in enumerate(splits.items()):
        for number, parts in sorted(numbers.items()):
            for filename, part in sorted(parts.items()):
                if part not in PARTS:
                    continue
                poses = args.poses / name / f'{Path(filename).stem}.json'
                video = videos.setdefault(
                    (name, filename), Video(f'{name}/{filename}', {}, poses)
                )
                video.labels[f'split{number}_{PARTS[part]}'] = label
    return dict(
        videos=videos.values(),
        read=partial(read_poses, to_openpose18=args.to_openpose18),
        video_folder=args.videos,
        out=args.out,
        layout='openpose18' if args.to_openpose18 else 'coco17',
        class_names={'classes.txt': list(splits)},
    )


def main(arguments=None) -> int:
    return run(prepare, parse_args(arguments))


if __name__ == '__main__':
    sys.exit(main())
