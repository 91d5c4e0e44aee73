"""Convert any videos with COCO keypoint results, one JSON file a video.

Usage:
    integral-action convert coco-results VIDEOS POSES OUT

`VIDEOS/<class>/a.mp4` has its poses in `POSES/<class>/a.json`: a list of
{image_id, keypoints, ...}, image_id the frame from 0; or in the JSON of
OpenPose, MMPose and others, a file or a folder with one a frame
(docs/datasets.md). All videos go into
`OUT/all.jsonl`; with `--lists train.txt val.txt`, text files of a path and a
label a line, into `OUT/train.jsonl` and `OUT/val.jsonl`.
"""

import argparse
import sys
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Dict

from converter_arguments import add_arguments, folder, run

from integral_action_cli import make_parser


def parse_args(arguments=None) -> argparse.Namespace:
    """Parse the command line."""
    parser = make_parser(__doc__)
    parser.add_argument('videos', type=folder, help='folder of the videos')
    parser.add_argument('poses', type=folder, help='folder of the results')
    parser.add_argument('out', type=Path, help='folder to write')
    parser.add_argument(
        '--lists',
        type=Path,
        nargs='+',
        help='text files of a path (in VIDEOS) and a label a line; a label is '
        'a number or a class name without blanks',
    )
    parser.add_argument(
        '--labels', type=Path, help='class names, one a line, in label order'
    )
    parser.add_argument(
        '--layout', default='coco17', help="the poses' keypoints"
    )
    parser.add_argument(
        '--to-openpose18',
        action='store_true',
        help='make the 18 keypoints of OpenPose from the 17 of COCO',
    )
    parser.add_argument(
        '--score-thr',
        type=float,
        default=0.1,
        help="leave out persons whose detector's score is below",
    )
    add_arguments(parser)
    args = parser.parse_args(arguments)
    if args.to_openpose18 and args.layout != 'coco17':
        parser.error('--to-openpose18 takes the 17 keypoints of coco17')
    return args


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

from integral_action.datasets.coco_results import read_coco_results
from integral_action.datasets.conversion import (
    Video,
    VideoInfo,
    video_files,
)
from integral_action.datasets.label_map import LabelMap
from integral_action.datasets.video_list import (
    Line,
    label_of,
    number_labels,
    read_video_list,
)
from integral_action.pose.layouts import KeypointLayout


def read_poses(path: Path, info: VideoInfo, **options):
    """The poses of one video."""
    return read_coco_results(path, info.total_frames, **options)


def poses_of(folder: Path, filename: str) -> Path:
    """Return the file of a video's poses, or the folder of one a frame."""
    poses = folder / PurePosixPath(filename).with_suffix('')
    return poses if poses.is_dir() else Path(f'{poses}.json')


def prepare(args) -> Dict:
    """List what to convert."""
    KeypointLayout.get(args.layout)  # before the work that a wrong one spoils
    names = args.labels and LabelMap.read(args.labels)
    if args.lists:
        lists = {path.stem: read_video_list(path) for path in args.lists}
        if len(lists) < len(args.lists):
            raise ValueError(f'--lists {args.lists}: two have the same name')
        names = number_labels(lists, names)
    else:
        lists = {
            'all': [
                Line(name, name, PurePosixPath(name).parts[0])
                for name in video_files(args.videos)
                if '/' in name
            ]
        }
        if not lists['all']:
            raise ValueError(
                f'{args.videos}: no videos in folders that name their class; '
                f'give --lists'
            )
        if names is None:  # a folder called 3 is a name, not the number
            folders = {line.label for line in lists['all']}
            names = LabelMap(sorted(folders), str(args.videos))
    videos = {}
    for list_name, lines in lists.items():
        for line in lines:
            filename, number = line.filename, label_of(line, names)
            video = videos.setdefault(
                filename,
                Video(filename, {}, poses_of(args.poses, filename)),
            )
            if list_name in video.labels:
                raise ValueError(
                    f'{line.place}: {filename} stands there twice'
                )
            video.labels[list_name] = number
    options = dict(
        layout=args.layout,
        to_openpose18=args.to_openpose18,
        score_thr=args.score_thr,
    )
    return dict(
        videos=videos.values(),
        read=partial(read_poses, **options),
        settings=dict(score_thr=args.score_thr),
        video_folder=args.videos,
        out=args.out,
        layout='openpose18' if args.to_openpose18 else args.layout,
        class_names={'classes.txt': names.names},
    )


def main(arguments=None) -> int:
    return run(prepare, parse_args(arguments))


if __name__ == '__main__':
    sys.exit(main())
