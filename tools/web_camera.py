"""The web page's camera: what a browser sends is labelled as it comes."""

import atexit
import time
from functools import partial
from typing import Any, Optional, Tuple

WINDOW, STRIDE = 2.0, 0.5  # seconds
EVERY = 0.1  # seconds from one picture of the browser to the next
KEEP = 60  # seconds for which a camera that sends nothing is kept
LONGEST = 3600  # seconds of one recording


class BrowserCamera:
    """Frames that a browser sends, as a source of ``LiveRecognizer``."""

    left_out = 0

    def __init__(self) -> None:
        from integral_action.live import Mailbox

        self._start, self._frames = time.monotonic(), Mailbox(4)

    def now(self) -> float:
        return time.monotonic() - self._start

    def put(self, picture: Any) -> None:
        self._frames.put((self.now(), picture))

    def close(self) -> None:
        self._frames.end()

    def __iter__(self):
        return self._frames


class Session:
    """A browser's camera and what was said of it so far.

    Args:
        inferencer: an ``IntegralActionInferencer``.
    """

    def __init__(self, inferencer: Any) -> None:
        from integral_action.live import (
            Background,
            LivePicture,
            LiveRecognizer,
        )

        estimator = inferencer.pose_estimator
        self.camera, self._labels, self._late = BrowserCamera(), None, ''
        self._size = None
        self._drawn = LivePicture(
            estimator and estimator.layout, len(inferencer.streams) > 1
        )
        recognizer = LiveRecognizer(
            inferencer, self.camera, WINDOW, STRIDE, pose_every=1, show=True
        )
        self._events = Background(recognizer, None)
        atexit.register(self.close)  # no thread outlives the server

    def close(self) -> None:
        """End the threads."""
        atexit.unregister(self.close)
        self.camera.close()
        self._events.close()

    def __call__(self, picture: Any) -> Tuple:
        """Take a frame; returns the newest picture (None for none), labels
        and how late they are."""
        if self._size not in (None, picture.shape):
            raise ValueError('the camera has changed: stop, and record again')
        self._size, shown = picture.shape, None
        self.camera.put(picture)
        for frame, predictions in self._events.ready():
            for one in predictions:
                self._drawn.update(one)
                top = one['top']
                self._labels = {each['name']: each['score'] for each in top}
                self._late = f'{one["latency"]:.1f} s late'
            shown = frame or shown
        return shown and self._drawn(shown), self._labels, self._late


def add_camera_tab(inferencer: Any, message: Any, say: Any) -> None:
    """Add the tab to the page that is being made.

    Args:
        inferencer: an ``IntegralActionInferencer``.
        message: the page's component for what is wrong.
        say: makes that component's new value of an error, None for none.
    """
    import gradio as gr

    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            camera = gr.Image(
                sources=['webcam'],
                streaming=True,
                webcam_options=gr.WebcamOptions(mirror=False),
                label='Camera: press Record',
                elem_id='camera',
            )
            labels = gr.Label(label='Labels', num_top_classes=5)
            late = gr.Textbox(
                show_label=False, container=False, elem_id='late'
            )
        with gr.Column(scale=3, min_width=360):
            shown = gr.Image(
                format='jpeg',
                show_label=False,
                interactive=False,
                elem_id='live',
            )
    state = gr.State(
        time_to_live=KEEP,
        delete_callback=lambda session: session and session.close(),
    )
    camera.stream(
        partial(_label, inferencer, say),
        [camera, state],
        [message, shown, labels, late, state],
        stream_every=EVERY,
        time_limit=LONGEST,
        concurrency_limit=1,
        show_progress='hidden',
        api_visibility='private',
    )


def _label(
    inferencer: Any, say: Any, picture: Any, session: Optional[Session]
) -> Tuple:
    import gradio as gr

    if picture is None:
        return say(None), gr.skip(), gr.skip(), gr.skip(), session
    try:
        session = session or Session(inferencer)
        shown, labels, late = session(picture)
    except Exception as error:  # the server goes on, whatever it is
        if session is not None:
            session.close()
        return say(error), gr.skip(), gr.skip(), gr.skip(), None
    shown = gr.skip() if shown is None else shown
    return say(None), shown, labels, late, session
