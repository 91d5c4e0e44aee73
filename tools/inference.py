"""Predict videos with a trained model.

    integral-action demo VIDEO...       # as predict VIDEO... --out-dir out
    integral-action predict VIDEO...
    integral-action predict VIDEO... --checkpoint FILE --poses FILE
    mim run integral_action inference VIDEO... --checkpoint FILE

VIDEO is a file or a folder. One line per video is printed. OUT gets, for a
folder's a/b.mp4, the prediction a/b.json and the overlay a/b.mp4; without it
nothing is written. The exit status is 1 where a video cannot be used. See
docs/inference.md.
"""

import argparse
import sys
from pathlib import Path
from typing import Dict, List, Optional

from integral_action_cli import command, make_parser


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the model and of the pose estimator."""
    from mmengine.config import DictAction

    add = parser.add_argument
    model = parser.add_mutually_exclusive_group()
    model.add_argument(
        '--model',
        metavar='NAME',
        default='jhmdb21',
        help='model of the package',
    )
    model.add_argument(
        '--checkpoint',
        metavar='FILE',
        help='model of your own: file or URL, of any stage',
    )
    add('--pose-estimator', help=argparse.SUPPRESS)  # --poses NAME, once
    add('--pose-model', help="the estimator's model: a file, or a name")
    add(
        '--pose-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help="further arguments of the estimator's class",
    )
    add(
        '--classes',
        help="text file of class names, one per line (default: the model's)",
    )
    add(
        '--unknown-below',
        type=float,
        metavar='SCORE',
        help='score of the best class below which a video is "unknown" '
        "(default: the model's; 0: never)",
    )
    add('--device', help='cpu or cuda (default: a GPU if there is one)')


def add_poses_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option of the poses."""
    parser.add_argument(
        '--poses',
        nargs='+',
        help='estimator that finds the poses: rtmpose, mediapipe, movenet, '
        'mmpose, or a class as module:Class (default: rtmpose or else '
        'mediapipe, the first that is installed); or pose files (.npz), one '
        'per video, or a folder of them',
    )


def check_model_arguments(
    parser: argparse.ArgumentParser, args: argparse.Namespace
) -> None:
    """Tell files in ``poses`` from the name of an estimator, which becomes
    ``pose_estimator``; end with a usage error where options contradict each
    other."""
    if args.poses and args.pose_estimator:
        parser.error('--poses and --pose-estimator: give one of them')
    if args.poses and len(args.poses) == 1:
        from integral_action.pose_estimators import ESTIMATORS, is_estimator

        (poses,) = args.poses
        if is_estimator(poses):
            args.poses, args.pose_estimator = None, poses
        elif not Path(poses).exists() and not poses.endswith('.npz'):
            parser.error(
                f'--poses {poses}: there is no such file or folder, and no '
                f'such estimator: {", ".join(ESTIMATORS)}, or module:Class'
            )
    if not args.pose_estimator and (args.pose_model or args.pose_options):
        parser.error('--pose-model and --pose-options need --poses NAME')


def make_inferencer(
    args: argparse.Namespace,
    checkpoint: Optional[str] = None,
    fuse: bool = False,
):
    """Return the inferencer of a checkpoint; None takes that of ``args``."""
    from integral_action.apis import IntegralActionInferencer
    from integral_action.zoo import find_model

    checkpoint = checkpoint or args.checkpoint or find_model(args.model)
    estimator = 'auto'
    if args.pose_estimator:
        estimator = dict(args.pose_options, type=args.pose_estimator)
        if args.pose_model:
            estimator['model'] = args.pose_model
    return IntegralActionInferencer(
        checkpoint,
        estimator,
        args.device,
        args.classes,
        show_progress=sys.stderr.isatty(),
        fuse=fuse,
        unknown_below=args.unknown_below,
    )


model_command = command(
    RuntimeError, stopped='stopped; what was written is whole'
)


def parse_args(arguments: Optional[List[str]] = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = make_parser(__doc__)
    add = parser.add_argument
    add('videos', nargs='+', metavar='VIDEO', help='files or folders')
    add_model_arguments(parser)
    add_poses_argument(parser)
    add(
        '--out-dir',
        type=Path,
        metavar='OUT',
        help='folder to write JSON and overlays (default: none; demo: out)',
    )
    add('--no-video', action='store_true', help='write JSON alone')
    add(
        '--window',
        type=float,
        metavar='SECONDS',
        help='predict a long video in windows of this length; a shorter video '
        'is one window',
    )
    add(
        '--stride',
        type=float,
        metavar='SECONDS',
        help='time from one window to the next (default: --window)',
    )
    add('--batch-size', type=int, default=1, help='videos or windows at once')
    add('--top-k', type=int, default=5, help='labels to name')
    args = parser.parse_args(arguments)
    check_model_arguments(parser, args)
    return args


@model_command
def main(arguments: Optional[List[str]] = None) -> bool:
    """Predict; the exit status is 1 where a video failed."""
    args = parse_args(arguments)
    from integral_action.text import printable

    one_video, one_pose = len(args.videos) == 1, len(args.poses or ()) == 1
    poses = args.poses
    if one_pose and (one_video or Path(poses[0]).is_dir()):
        poses = poses[0]
    results = make_inferencer(args)(
        args.videos[0] if one_video else args.videos,
        poses,
        batch_size=args.batch_size,
        out_dir=args.out_dir,
        window=args.window,
        stride=args.stride,
        top_k=args.top_k,
        draw=not args.no_video,
    )
    for prediction in results['predictions']:
        if 'error' not in prediction:
            print('\n'.join(map(printable, describe(prediction))))
    failed, total = results['num_failed'], len(results['predictions'])
    if failed:
        print(f'{failed} of {total} videos failed', file=sys.stderr)
    return failed > 0


def describe_labels(prediction: Dict) -> str:
    """Return the labels with their scores, and the gate."""
    top = ', '.join(f'{p["name"]} {p["score"]:.3f}' for p in prediction['top'])
    if prediction['rec_labels'] == [-1]:
        top = f'unknown; nearest: {top}'
    gate = prediction.get('gate')
    return top + (f'; gate {gate["mean"]:.3f}' if gate else '')


def describe(prediction: Dict) -> List[str]:
    """Return a video's line, and one per span of its timeline."""
    lines = [f'{prediction["input"]}: {describe_labels(prediction)}']
    gate = prediction.get('gate')
    for span in prediction.get('timeline', []):
        text = f'; gate {span["gate"]:.3f}' if gate else ''
        lines.append(
            f'  {span["start"]:8.2f} to {span["end"]:8.2f} s: {span["name"]} '
            f'{span["score"]:.3f}{text}'
        )
    return lines


if __name__ == '__main__':
    sys.exit(main())
