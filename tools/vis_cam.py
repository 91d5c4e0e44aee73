"""Show where in a video's frames and poses a trained model sees a class.

    integral-action vis-cam VIDEO --out PNG
    mim run integral_action vis_cam VIDEO --checkpoint FILE --alone FILE...

Class activation maps (Grad-CAM) of each stream and of both together, beside
frames and pose maps, of one clip. See docs/inference.md.
"""

import argparse
import sys
from pathlib import Path
from typing import List, Optional

from inference import (
    add_model_arguments,
    add_poses_argument,
    check_model_arguments,
    make_inferencer,
    model_command,
)

from integral_action_cli import make_parser


def parse_args(arguments: Optional[List[str]] = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = make_parser(__doc__)
    add = parser.add_argument
    add('video', metavar='VIDEO')
    add_model_arguments(parser)
    add_poses_argument(parser)
    add('--out', type=Path, required=True, help='picture to write (.png)')
    add(
        '--alone',
        nargs='+',
        default=[],
        metavar='CHECKPOINT',
        help='models of one stream, to compare with',
    )
    add('--label', help="name or number of the class (default: the model's)")
    add(
        '--clip',
        type=int,
        help='number of a clip of the test pipeline (default: the middle one)',
    )
    add('--panel-width', type=int, default=160, help='pixels')
    args = parser.parse_args(arguments)
    check_model_arguments(parser, args)
    if args.out.suffix.lower() != '.png':
        parser.error(f'--out {args.out}: expected a name that ends in .png')
    return args


def label_of(name: Optional[str], classes: List[str]) -> Optional[int]:
    """Return a class by its name or number."""
    from integral_action.datasets.label_map import LabelMap

    if name is None or name.isdecimal():
        return name and int(name)
    return LabelMap(classes, "the model's classes")[name]


@model_command
def main(arguments: Optional[List[str]] = None) -> None:
    """Write the picture."""
    args = parse_args(arguments)
    from integral_action.apis import vis_cam
    from integral_action.visualization import activation_sheet, write_picture

    views = []
    poses = args.poses[0] if args.poses else None
    for checkpoint in (None, *args.alone):
        inferencer = make_inferencer(args, checkpoint)
        label = label_of(args.label, inferencer.classes)
        views.append(vis_cam(inferencer, args.video, poses, label, args.clip))
    name = Path(args.video).name
    sheet = activation_sheet(views[0], views[1:], name, args.panel_width)
    write_picture(args.out, sheet)
    print(args.out)


if __name__ == '__main__':
    sys.exit(main())
