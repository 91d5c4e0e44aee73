"""Convert any videos with COCO keypoint results, one JSON file a video.

Usage:
    integral-action convert coco-results VIDEOS POSES OUT

`VIDEOS/<class>/a.mp4` has its poses in `POSES/<class>/a.json`: a list of
{image_id, keypoints, ...}, image_id the frame from 0. All videos go into
`OUT/all.jsonl`; with `--lists train.txt val.txt`, text files of a path and a
label a line, into `OUT/train.jsonl` and `OUT/val.jsonl`.
"""

import argparse
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Dict, List, Tuple

from converter_arguments import add_arguments, folder, run


def parse_args(arguments=None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n')[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
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
    add_arguments(parser)
    args = parser.parse_args(arguments)
    if args.to_openpose18 and args.layout != 'coco17':
        parser.error('--to-openpose18 takes the 17 keypoints of coco17')
    return args


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

from integral_action.datasets.coco_results import read_coco_results
from integral_action.datasets.label_map import LabelMap
from integral_action.datasets.writer import (
    Video,
    VideoInfo,
    video_files,
)
from integral_action.keypoints import KeypointLayout


def read_poses(path: Path, info: VideoInfo, **options):
    """The poses of one video."""
    return read_coco_results(path, info.total_frames, **options)


def read_list(path: Path) -> List[Tuple[str, str]]:
    """(path, label) of each line."""
    pairs = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip():
            continue
        parts = line.rsplit(maxsplit=1)
        if len(parts) < 2:
            raise ValueError(
                f'{path}, line {number}: {line!r}, expected a path and a label'
            )
        pairs.append((parts[0].strip(), parts[1]))
    if not pairs:
        raise ValueError(f'{path}: no videos')
    return pairs


def labels_of(
    lists: Dict[str, List], names: LabelMap = None, folders: bool = False
) -> LabelMap:
    """The class names: given, or those of the lists; numbers stand for
    themselves, unless they name folders."""
    found = {label for pairs in lists.values() for _, label in pairs}
    if names is not None:
        return names
    if not folders and all(label.isdecimal() for label in found):
        count = max(map(int, found)) + 1
        return LabelMap(map(str, range(count)), 'the lists')
    return LabelMap(sorted(found), 'the lists')


def prepare(args) -> Dict:
    """What to convert."""
    KeypointLayout.get(args.layout)  # before the work that a wrong one spoils
    if args.lists:
        lists = {path.stem: read_list(path) for path in args.lists}
        if len(lists) < len(args.lists):
            raise ValueError(f'--lists {args.lists}: two have the same name')
    else:
        lists = {
            'all': [
                (name, PurePosixPath(name).parts[0])
                for name in video_files(args.videos)
                if '/' in name
            ]
        }
        if not lists['all']:
            raise ValueError(
                f'{args.videos}: no videos in folders that name their class; '
                f'give --lists'
            )
    names = labels_of(
        lists, args.labels and LabelMap.read(args.labels), not args.lists
    )
    videos = {}
    for list_name, pairs in lists.items():
        for filename, label in pairs:
            if label.isdecimal() and label not in names:
                number = int(label)
            else:
                number = names[label]
            video = videos.setdefault(
                filename,
                Video(
                    filename,
                    {},
                    args.poses / PurePosixPath(filename).with_suffix('.json'),
                ),
            )
            if list_name in video.labels:
                raise ValueError(f'{list_name}: {filename} stands there twice')
            video.labels[list_name] = number
    return dict(
        videos=videos.values(),
        read=partial(
            read_poses, layout=args.layout, to_openpose18=args.to_openpose18
        ),
        video_folder=args.videos,
        out=args.out,
        layout='openpose18' if args.to_openpose18 else args.layout,
        class_names={'classes.txt': names.names},
    )


def main(arguments=None) -> None:
    run(prepare, parse_args(arguments))


if __name__ == '__main__':
    main()
