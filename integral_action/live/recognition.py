from typing import Dict, Iterator, List, Optional, Tuple

from integral_action.apis import IntegralActionInferencer
from integral_action.apis.stream import PosedFrame, gather_windows

from .background import Background, Mailbox
from .source import LiveSource


class LiveRecognizer:
    """Label a source as it runs.

    Frames are read, poses are found and windows are predicted in a thread
    each. What a thread is too slow for is dropped, the oldest first, and
    counted: labels are never later than the work on one window takes.

    Args:
        inferencer: finds the poses and predicts the windows.
        source: the frames.
        window, stride, fps, pose_every, top_k, per_person: as of
            :meth:`IntegralActionInferencer.stream`.
        show: whether the frames are wanted, too, to be drawn.

    Yields:
        A frame with its poses (None without ``show``), and the predictions
        that are new: what ``stream`` yields, and ``latency``, the seconds from
        the window's last frame to its label, ``frames_dropped`` and
        ``windows_dropped``, both since the start.

    Raises:
        OSError, SampleError: of the source.
        ValueError: as of ``stream``.

    Example::

        recognizer = LiveRecognizer(inferencer, LiveSource('0'))
        for _, predictions in recognizer:
            for one in predictions:
                print(one['end'], one['rec_names'][0], one['latency'])
    """

    def __init__(
        self,
        inferencer: IntegralActionInferencer,
        source: LiveSource,
        window: float = 2.0,
        stride: float = 0.5,
        fps: float = 30.0,
        pose_every: int = 2,
        top_k: int = 5,
        per_person: bool = False,
        show: bool = False,
    ) -> None:
        inferencer.check_stream(window, stride, fps, pose_every, per_person)
        self.inferencer, self.source, self.show = inferencer, source, show
        self.window, self.stride, self.fps = window, stride, fps
        self.pose_every, self.top_k = pose_every, top_k
        self.per_person = per_person

    def __iter__(
        self,
    ) -> Iterator[Tuple[Optional[PosedFrame], List[Dict]]]:
        read, shown = Background(self.source, 4), Mailbox(4)

        def posed() -> Iterator[PosedFrame]:
            frames = self.inferencer.add_poses(
                read, self.fps, self.pose_every, self.per_person
            )
            try:
                for frame in frames:
                    shown.put(frame)
                    yield frame
            finally:
                shown.end()

        windows = Background(
            gather_windows(posed(), self.window, self.stride, 1 / self.fps), 1
        )

        def predict(frames: List[PosedFrame]) -> Dict:
            prediction = self.inferencer.predict_window(
                frames, self.fps, self.top_k
            )
            return dict(
                prediction,
                latency=self.source.now() - frames[-1].time,
                frames_dropped=read.dropped + self.source.left_out,
                windows_dropped=windows.dropped,
            )

        predictions = Background(map(predict, windows), None)
        try:
            if self.show:
                for frame in shown:
                    yield frame, predictions.ready()
            for prediction in predictions:
                yield None, [prediction]
        finally:
            for thread in (read, windows, predictions):
                thread.close()
