"""A web page: drop a video, see its labels, the gate and the overlay.

    integral-action web
    integral-action web --checkpoint FILE --poses rtmpose
    mim run integral_action web_demo --checkpoint FILE

serves http://127.0.0.1:7860 until Ctrl-C. Poses may be dropped as a file, too,
and have to be where there is no estimator. Nothing leaves the machine, and the
page needs no network. See docs/inference.md.
"""

import argparse
import html
import os
import signal
import sys
import tempfile
import traceback
from functools import partial
from pathlib import Path
from typing import Any, Iterator, List, Optional, Tuple

from inference import (
    add_model_arguments,
    add_poses_argument,
    check_model_arguments,
    make_inferencer,
    model_command,
)
from web_camera import add_camera_tab

from integral_action_cli import make_parser

KEEP = 3600  # seconds for which what a browser was sent can be looked at
TOP_K = 5
CSS = """
.gradio-container { max-width: 1180px !important; margin: 0 auto !important; }
#title h1 { font-size: 1.75rem; margin: 0.6rem 0 0.1rem; }
#title p { color: var(--body-text-color); opacity: 0.75; margin: 0; }
#message { border-left: 4px solid #c2410c; border-radius: 6px;
    background: #fff7ed; color: #7c2d12; padding: 0.2rem 0.5rem; }
#message p { margin: 0; overflow-wrap: anywhere; color: inherit; }
"""


def parse_args(arguments: Optional[List[str]] = None) -> argparse.Namespace:
    """The command line."""
    parser = make_parser(__doc__)
    add_model_arguments(parser)
    add_poses_argument(parser)
    add = parser.add_argument
    add('--host', default='127.0.0.1', help='address to listen on')
    add('--port', type=int, default=7860, help='port to listen on')
    args = parser.parse_args(arguments)
    check_model_arguments(parser, args)
    if args.poses:
        parser.error('--poses: give an estimator; the page asks for files')
    return args


def predict(
    inferencer: Any,
    video: Optional[str],
    poses: Optional[str] = None,
    window: float = 0,
) -> Iterator[Tuple]:
    """Predict an uploaded video.

    Args:
        inferencer: an ``IntegralActionInferencer``.
        video, poses: files; None where nothing was dropped.
        window: seconds, as of the inferencer; 0 for none.

    Yields:
        Once: message, labels, gate and overlay, as the page's components take
        them. The page copies the overlay before its folder is removed.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            if video is None:
                raise ValueError('there is no video yet: drop one')
            result = inferencer(
                video,
                poses,
                out_dir=folder,
                window=window or None,
                top_k=TOP_K,
            )
            (prediction,) = result['predictions']
            (overlay,) = result['visualization']
            labels = {one['name']: one['score'] for one in prediction['top']}
            unknown = prediction['rec_labels'] == [-1]
            text = 'Unknown: none of the classes is likely.' if unknown else ''
            shown = _message(text), labels, _gate(prediction), overlay
        except Exception as error:  # the server goes on, whatever it is
            if not isinstance(error, (OSError, ValueError, ImportError)):
                traceback.print_exc()
            text = _sentence(error, video, poses)
            shown = _message(text), None, _gate(None), None
        yield shown


def _sentence(error: Exception, *uploaded: Optional[str]) -> str:
    """An error in one line, with files called as whoever dropped them does."""
    from integral_action.text import one_line

    text = one_line(error)
    for path in filter(None, uploaded):
        text = text.replace(f'{Path(path).parent}{os.sep}', '')
    return text


def _message(text: str = ''):
    import gradio as gr

    return gr.HTML(f'<p>{html.escape(text)}</p>', visible=bool(text))


def _message_of(error: Optional[Exception]):
    return _message('' if error is None else _sentence(error))


def _gate(prediction):
    """The gate's curve, averaged as the overlay's is."""
    import gradio as gr
    import pandas as pd

    from integral_action.visualization import GateCurve

    gate = prediction and prediction.get('gate')
    if not gate:  # a model of one stream has none
        return gr.LinePlot(None, visible=prediction is None)
    duration = prediction['duration']
    curve = GateCurve(gate['times'], gate['values'], duration)
    return gr.LinePlot(
        pd.DataFrame(dict(time=curve.times, gate=curve.values)),
        x_lim=[0, duration],
        y_lim=[0, curve.top],
        label=f'Gate: {gate["mean"]:.0%} of appearance let in',
        visible=True,
    )


def _add_video_tab(inferencer: Any, message: Any) -> None:
    import gradio as gr

    streams = inferencer.streams
    needed = 'found by the estimator if there is no file'
    if not inferencer.finds_poses:
        needed = 'needed'
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            # a File: a Video would refuse some, and in its own words
            video = gr.File(label='Video', height=150, elem_id='video')
            poses = gr.File(
                label=f'Poses (.npz): {needed}',
                height=150,
                visible='pose' in streams,
                elem_id='poses',
            )
            window = gr.Number(
                0,
                label='Window, seconds',
                info='predicts a long video in windows; 0: as one',
                minimum=0,
            )
            button = gr.Button('Predict', variant='primary')
            labels = gr.Label(label='Labels', num_top_classes=TOP_K)
        with gr.Column(scale=3, min_width=360):
            overlay = gr.Video(
                show_label=False,  # it would lie over the best label
                autoplay=True,
                loop=True,
                elem_id='shown',
            )
            gate = gr.LinePlot(
                x='time',
                y='gate',
                x_title='seconds',
                y_title='G',
                label='Gate: share of appearance let in',
                height=240,
                visible=len(streams) > 1,
                elem_id='gate',
            )
    button.click(
        partial(predict, inferencer),
        [video, poses, window],
        [message, labels, gate, overlay],
        api_name='predict',
        concurrency_limit=1,
    )


def make_page(inferencer: Any):
    """The page, as Gradio's ``Blocks``.

    Args:
        inferencer: an ``IntegralActionInferencer``.
    """
    import gradio as gr

    streams = inferencer.streams
    posed = 'pose' in streams
    with gr.Blocks(
        title='IntegralAction',
        analytics_enabled=False,
        delete_cache=(KEEP // 6, KEEP),
    ) as page:
        gr.HTML(
            f'<h1>What is done in this video?</h1><p>And is it the scene '
            f'that tells, or the pose? '
            f'{html.escape(Path(inferencer.checkpoint).name)}: '
            f'{" and ".join(streams)}, {len(inferencer.classes)} classes</p>',
            elem_id='title',
        )
        message = gr.HTML(visible=False, elem_id='message')
        with gr.Tabs():
            with gr.Tab('Video'):
                _add_video_tab(inferencer, message)
            with gr.Tab('Camera', visible=inferencer.finds_poses or not posed):
                add_camera_tab(inferencer, message, _message_of)
    return page


@model_command
def main(arguments: Optional[List[str]] = None) -> None:
    """Serve the page until it is interrupted."""
    args = parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix='web_demo_') as folder:
        os.environ.update(  # read by gradio as it is imported
            GRADIO_TEMP_DIR=folder,
            GRADIO_ANALYTICS_ENABLED='False',
            GRADIO_RUN_HISTORY='False',
            HF_HUB_OFFLINE='1',
        )
        try:
            import gradio as gr
        except ImportError as error:
            raise ImportError(
                'the page needs Gradio: pip install "integral_action[web]"'
            ) from error
        page = make_page(make_inferencer(args))
        fonts = ['system-ui', 'sans-serif']  # Gradio's own ask Google
        page.launch(
            share=False,
            server_name=args.host,
            server_port=args.port,
            quiet=True,
            ssr_mode=False,
            prevent_thread_lock=True,
            footer_links=[],
            theme=gr.themes.Default(
                primary_hue='blue', font=fonts, font_mono=fonts
            ),
            css=CSS,
        )
        # as Ctrl-C, so that the folder is removed
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        print(page.local_url, flush=True)
        page.block_thread()


if __name__ == '__main__':
    sys.exit(main())
