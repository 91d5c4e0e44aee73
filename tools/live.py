"""Label a camera, a network stream or a film as it runs.

    integral-action live 0 --show
    integral-action live rtsp://camera/stream --json
    integral-action live film.mp4 --out-video labelled.mp4

SOURCE is a camera's number or device, an address, or a film's file, which is
played at its own speed. A line is printed per window. What this machine is too
slow for is dropped and counted. A camera or stream that is gone is opened
again. Ctrl-C ends it. See docs/inference.md.
"""

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

from inference import (
    add_model_arguments,
    check_model_arguments,
    describe_labels,
    make_inferencer,
    model_command,
)

from integral_action_cli import make_parser, number

TITLE = 'integral-action live'  # of the window


def parse_args(arguments: Optional[List[str]] = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = make_parser(__doc__)
    add = parser.add_argument
    add('source', metavar='SOURCE', help='camera, address or file')
    add_model_arguments(parser)
    add(
        '--poses',
        nargs=1,
        metavar='NAME',
        help='estimator that finds the poses, as of predict',
    )
    seconds = number(0.1, kind=float)
    add('--window', type=seconds, default=2.0, help='seconds of a window')
    add(
        '--stride',
        type=seconds,
        help='seconds from one window to the next (default: 0.5, or --window '
        'if that is shorter)',
    )
    add(
        '--inference-fps',
        type=number(1, 240, float),
        default=30.0,
        help='frames per second that the model gets: those of its training',
    )
    add(
        '--pose-every',
        type=number(1),
        default=2,
        metavar='N',
        help='find poses in each N-th frame; those between have the last ones',
    )
    add('--top-k', type=number(1), default=5, help='labels to name')
    add(
        '--per-person',
        action='store_true',
        help='label each person alone: who is followed from frame to frame',
    )
    add('--json', action='store_true', help='print JSON, a line per window')
    add('--show', action='store_true', help='show it in a window; q ends it')
    add('--out-video', type=Path, metavar='FILE', help='film to write (.mp4)')
    add(
        '--drawing-fps',
        type=number(1, 60, float),
        default=15.0,
        help='pictures per second that are shown and written',
    )
    add(
        '--retry',
        type=number(0, kind=float),
        default=60.0,
        metavar='SECONDS',
        help='time for which a source that is gone is tried again',
    )
    args = parser.parse_args(arguments)
    check_model_arguments(parser, args)
    if args.poses:
        parser.error('--poses: give an estimator: there are no pose files')
    if args.stride is None:
        args.stride = min(0.5, args.window)
    if args.stride > args.window:
        parser.error('--stride is longer than --window')
    if args.out_video and args.out_video.suffix != '.mp4':
        parser.error(f'--out-video {args.out_video}: expected a .mp4')
    return args


@model_command
def main(arguments: Optional[List[str]] = None) -> None:
    """Label the source until it ends."""
    args = parse_args(arguments)
    if args.show:
        _check_display()
    from integral_action.live import LiveSource

    source = LiveSource(
        args.source, args.inference_fps, retry=args.retry, report=_report
    )
    # as Ctrl-C, so that the film is whole
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    pictures = _label(args, make_inferencer(args, fuse=True), source)
    if args.out_video:
        from integral_action.live import evenly
        from integral_action.visualization import write_video

        film = evenly(pictures, args.drawing_fps)
        try:
            write_video(args.out_video, film, args.drawing_fps)
        finally:
            film.close()
    else:
        for _ in pictures:
            pass


def _label(
    args: argparse.Namespace, inferencer: Any, source: Any
) -> Iterator[Tuple[float, Any]]:
    """Print the labels; yields what is shown, its seconds and picture."""
    from integral_action.live import LivePicture, LiveRecognizer

    estimator, draw = inferencer.pose_estimator, args.show or args.out_video
    recognizer = LiveRecognizer(
        inferencer,
        source,
        args.window,
        args.stride,
        args.inference_fps,
        args.pose_every,
        args.top_k,
        args.per_person,
        show=bool(draw),
    )
    drawn = LivePicture(
        estimator and estimator.layout, len(inferencer.streams) > 1
    )
    due = 0.0
    try:
        for frame, predictions in recognizer:
            for prediction in predictions:
                print(_line(prediction, args.json), flush=True)
                drawn.update(prediction)
            if frame is None or frame.time < due:
                continue
            due = max(due, frame.time - 1) + 1 / args.drawing_fps
            picture = drawn(frame)
            if args.show and not _shown(picture):
                return
            yield frame.time, picture
    except KeyboardInterrupt:
        return
    except BrokenPipeError:  # whoever read the lines has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _line(prediction: Dict, as_json: bool) -> str:
    if as_json:
        return json.dumps(prediction, allow_nan=False)
    from integral_action.text import printable

    if 'persons' in prediction:
        text = '; '.join(
            f'person {one["person"]}: {describe_labels(one)}'
            for one in prediction['persons']
        )
    else:
        text = describe_labels(prediction)
    return printable(
        f'{prediction["start"]:8.2f} to {prediction["end"]:8.2f} s: '
        f'{text or "nobody"}; {prediction["latency"]:.2f} s late; dropped: '
        f'{prediction["frames_dropped"]} frames, '
        f'{prediction["windows_dropped"]} windows'
    )


def _report(text: str) -> None:
    from integral_action.text import printable

    print(printable(text), file=sys.stderr, flush=True)


def _check_display() -> None:
    import cv2

    information = cv2.getBuildInformation()
    (gui,) = [
        line for line in information.splitlines() if line.startswith('  GUI:')
    ]
    if 'NONE' in gui:
        raise OSError(
            '--show: this OpenCV has no windows: pip uninstall '
            'opencv-python-headless; pip install opencv-python'
        )
    displays = os.environ.get('DISPLAY'), os.environ.get('WAYLAND_DISPLAY')
    if sys.platform.startswith('linux') and not any(displays):
        raise OSError('--show: there is no display; --out-video needs none')


def _shown(picture: Any) -> bool:
    """Show a picture; False where the window was closed."""
    import cv2

    cv2.imshow(TITLE, picture[..., ::-1])
    key = cv2.waitKey(1) & 0xFF
    closed = cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1
    return not closed and key not in (27, ord('q'))


if __name__ == '__main__':
    sys.exit(main())
