"""Convert NTU RGB+D with its own skeletons (25 joints, 60 or 120 classes).

Usage:
    integral-action convert ntu-rgbd SKELETONS VIDEOS OUT

`SKELETONS/S001C001P001R001A001.skeleton` belongs to
`S001C001P001R001A001_rgb.avi`, anywhere in VIDEOS. Writes `OUT/xsub_train`,
`xsub_val`, `xview_train` and `xview_val.jsonl`: cross-subject and cross-view.
With `--classes ntu120` (NTU RGB+D 120) it writes `xset_train` and `xset_val`,
cross-setup, in the place of cross-view.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import Dict, Tuple

import numpy as np
from converter_arguments import add_arguments, folder, run

from integral_action_cli import make_parser

DATA = Path(__file__).resolve().parents[1] / 'data' / 'nturgbd'
LABELS = {name: DATA / f'label_map_{name}.txt' for name in ('ntu60', 'ntu120')}


def parse_args(arguments=None) -> argparse.Namespace:
    """Parse the command line."""
    parser = make_parser(__doc__)
    parser.add_argument(
        'skeletons', type=folder, help='folder of the .skeleton files'
    )
    parser.add_argument('videos', type=folder, help='folder of the videos')
    parser.add_argument('out', type=Path, help='folder to write')
    parser.add_argument(
        '--classes', choices=LABELS, default='ntu60', help='data set'
    )
    add_arguments(parser, keep_empty=False)
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
from integral_action.pose.poses import is_found

NAME = re.compile(
    r'S(?P<setup>\d{3})C(?P<camera>\d{3})P(?P<performer>\d{3})R\d{3}'
    r'A(?P<action>\d{3})'
)
# fmt: off
TRAINING_PERFORMERS = {  # above 40: of NTU RGB+D 120
    1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38,
    45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78, 80, 81, 82,
    83, 84, 85, 86, 89, 91, 92, 93, 94, 95, 97, 98, 100, 103
}
# fmt: on
TRAINING_CAMERAS = {2, 3}
JOINTS, JOINT_FIELDS, BODY_FIELDS = 25, 12, 10
COLOUR = slice(5, 7)  # x and y in the colour video, of a joint's fields
COLOUR_SHAPE = (1080, 1920)


def read_skeleton(path: Path) -> Tuple[np.ndarray, np.ndarray]:
    """Read a ``.skeleton`` file.

    Returns:
        ``keypoint`` [M, T, 25, 2], pixels of the 1920x1080 video, and
        ``score`` [M, T, 25], 1 for a joint that is there. A person is a body
        with an id of its own; M may be 0.
    """
    words = path.read_text().split()
    position = 0

    def take(count: int):
        nonlocal position
        position += count
        if position > len(words):
            raise ValueError(f'{path}: ends within frame {frame}')
        return words[position - count : position]

    frame = 0
    frames = int(take(1)[0])
    bodies = {}
    for frame in range(frames):
        for _ in range(int(take(1)[0])):
            body = take(BODY_FIELDS)[0]
            joints = int(take(1)[0])
            if joints != JOINTS:
                raise ValueError(
                    f'{path}, frame {frame}: a body of {joints} joints, '
                    f'expected {JOINTS}'
                )
            values = np.array(take(JOINTS * JOINT_FIELDS), np.float64)
            values = values.reshape(JOINTS, JOINT_FIELDS)[:, COLOUR]
            if frame in bodies.setdefault(body, {}):
                raise ValueError(
                    f'{path}, frame {frame}: two bodies of the id {body}'
                )
            bodies[body][frame] = values
    if position < len(words):
        raise ValueError(
            f'{path}: goes on after the {frames} frames that it tells of'
        )
    keypoint = np.full((len(bodies), frames, JOINTS, 2), np.nan, np.float32)
    for i, found in enumerate(bodies.values()):
        for frame, values in found.items():
            keypoint[i, frame] = values
    score = is_found(keypoint, np.ones(keypoint.shape[:3], np.float32))
    return keypoint, score.astype(np.float32)


def read_poses(path: Path, info: VideoInfo):
    """The poses of one video, in its own pixels."""
    keypoint, score = read_skeleton(path)
    if info.img_shape != COLOUR_SHAPE:
        ratio = np.divide(info.img_shape, COLOUR_SHAPE)[::-1]
        keypoint = (keypoint + 0.5) * ratio - 0.5
    return keypoint, score


def splits_of(
    setup: int, camera: int, performer: int, classes: str = 'ntu60'
) -> Tuple[str, str]:
    """Return the lists that a video goes into."""
    subject = 'train' if performer in TRAINING_PERFORMERS else 'val'
    if classes == 'ntu120':
        return f'xsub_{subject}', f'xset_{"val" if setup % 2 else "train"}'
    view = 'train' if camera in TRAINING_CAMERAS else 'val'
    return f'xsub_{subject}', f'xview_{view}'


def prepare(args) -> Dict:
    """List what to convert: what there is a skeleton or a video of."""
    names = LabelMap.read(LABELS[args.classes])
    skeletons = {
        path.stem
        for path in args.skeletons.glob('*.skeleton')
        if not path.name.startswith('.')
    }
    files = {}
    for filename in video_files(args.videos):
        files.setdefault(Path(filename).stem.removesuffix('_rgb'), filename)
    videos, excluded = [], []
    for name in sorted({*skeletons, *files}):
        filename = files.get(name, f'{name}_rgb.avi')
        match = NAME.fullmatch(name)
        if not match:
            kind = 'a skeleton' if name in skeletons else 'an RGB video'
            excluded.append(Finding(filename, f'no name of {kind}', name))
            continue
        setup, camera, performer, action = map(int, match.groups())
        if not 1 <= action <= len(names.names):
            excluded.append(
                Finding(
                    filename,
                    f'none of the {len(names.names)} actions',
                    f'A{action:03d}',
                )
            )
            continue
        splits = splits_of(setup, camera, performer, args.classes)
        videos.append(
            Video(
                filename,
                dict.fromkeys(splits, action - 1),
                args.skeletons / f'{name}.skeleton',
            )
        )
    if not videos:
        raise ValueError(
            f'{args.skeletons}: no name like S001C001P001R001A001, of '
            f'{args.classes}'
        )
    return dict(
        videos=videos,
        read=read_poses,
        video_folder=args.videos,
        out=args.out,
        layout='ntu25',
        class_names={'classes.txt': names.names},
        excluded=excluded,
    )


def main(arguments=None) -> int:
    return run(prepare, parse_args(arguments))


if __name__ == '__main__':
    sys.exit(main())
