import json
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path
from typing import (
    Any,
    Dict,
    Iterable,
    Iterator,
    List,
    Optional,
    Sequence,
    Tuple,
    Union,
)

import numpy as np
import torch
from mmengine.dataset import Compose, pseudo_collate
from mmengine.device import get_device
from rich.console import Console
from rich.progress import Progress

from integral_action.datasets.coco_results import coco17_to_openpose18
from integral_action.datasets.label_map import LabelMap
from integral_action.datasets.transforms import (
    LoadPoses,
    SampleTwoStreamFrames,
)
from integral_action.datasets.video_reader import (
    FrameReader,
    Window,
)
from integral_action.datasets.wrappers import innermost
from integral_action.fileio import SampleError, write_text
from integral_action.models.recognizers import TwoStreamRecognizer
from integral_action.pose.layouts import KeypointLayout
from integral_action.pose_estimators import (
    PoseEstimator,
    Poses,
    default_estimator,
    estimate_poses,
    find_estimator,
    find_poses,
    stack_poses,
)
from integral_action.text import one_line

from .load_model import load_model
from .persons import PersonTracker, split_persons
from .stream import PosedFrame, at_rate, gather_windows
from .timeline import (
    best_labels,
    border_times,
    label_timeline,
    split_windows,
)
from .videos import VideoInput, list_inputs

Estimator = Union[PoseEstimator, Dict, str]


@dataclass
class _Job:
    """A video under way."""

    video: VideoInput
    reader: Optional[FrameReader] = None
    poses: Optional[Tuple[np.ndarray, np.ndarray]] = None
    windows: List[Tuple[int, int]] = field(default_factory=list)  # frames
    results: List = field(default_factory=list)  # a data sample a window
    prediction: Optional[Dict] = None
    overlay: Optional[str] = None
    error: Optional[Exception] = None

    @property
    def done(self) -> float:
        """The share of its windows."""
        if self.prediction is not None:
            return 1
        return len(self.results) / max(1, len(self.windows))

    def close(self) -> None:
        """Let go of what many videos have no memory for."""
        self.reader = self.poses = None
        self.results = []


@dataclass
class _Call:
    """Arguments of a call of the inferencer, and its progress."""

    show_progress: bool
    several: bool
    fps: float
    window: Optional[float] = None
    stride: Optional[float] = None
    top_k: int = 5
    out_dir: Optional[Path] = None
    draw: bool = True

    def __post_init__(self) -> None:
        self.console = Console(stderr=True, highlight=False, markup=False)
        self.progress = Progress(
            console=self.console, disable=not self.show_progress
        )

    def frames(
        self, job: _Job, doing: str, wanted: Optional[np.ndarray] = None
    ) -> Iterator[np.ndarray]:
        """Frames of a video, all or those wanted, in batches, with a bar."""
        name = f'{doing}: {Path(job.video.name).name}'
        total = len(job.reader if wanted is None else wanted)
        bar = self.progress.add_task(name, total=total)
        try:
            for frames in job.reader.batches(wanted=wanted):
                yield frames
                self.progress.advance(bar, len(frames))
        finally:
            self.progress.remove_task(bar)


class IntegralActionInferencer:
    """Predict videos with a checkpoint of this project, of any stage.

    The model, its test pipeline and its keypoint layout come from the
    checkpoint alone (:func:`load_model`), so that the predictions are those of
    ``mim test``.

    Args:
        checkpoint: file or URL.
        pose_estimator: what finds the poses of videos that come without: a
            :class:`PoseEstimator`; a name, as of :func:`find_estimator`, such
            as ``'rtmpose'``; a config with such a ``type``, such as
            ``dict(type='movenet', model='movenet-multipose.onnx')``; or
            ``'auto'`` for :func:`default_estimator`, made when it is first
            needed. Not made for a model without a pose stream.
        device: where the model runs; None takes a GPU where there is one.
        classes: the names of the classes, or a text file with one a line; None
            takes those that the checkpoint carries (``dataset_meta``), or else
            the labels.
        show_progress: whether to show bars, on stderr.
        fuse: make the model faster, its scores the same but for the last
            digits (:func:`fuse_model`).
        unknown_below: score of the best class below which a video is
            ``unknown``; None takes that of the checkpoint
            (``dataset_meta.unknown_below``), if it has one; 0 names the best
            class always.

    Raises:
        FileNotFoundError, ConnectionError, ValueError: as of
            :func:`load_model`; besides, where the checkpoint is of another
            kind of model, or tells no test pipeline, or the classes are of
            another number, or the estimator finds other keypoints.
        ImportError: the estimator lacks what it stands on.
    """

    def __init__(
        self,
        checkpoint: Union[str, Path],
        pose_estimator: Optional[Estimator] = None,
        device: Optional[str] = None,
        classes: Union[Sequence[str], str, Path, None] = None,
        show_progress: bool = True,
        fuse: bool = False,
        unknown_below: Optional[float] = None,
    ) -> None:
        self.checkpoint, self.show_progress = str(checkpoint), show_progress
        self.model = load_model(checkpoint, device or get_device(), fuse)
        if not isinstance(self.model, TwoStreamRecognizer):
            raise ValueError(
                f'{checkpoint}: its model is a {type(self.model).__name__}, '
                f"not a TwoStreamRecognizer; MMAction2's "
                f'ActionRecogInferencer may run it'
            )
        self.streams = self.model.backbone.streams
        self.pipeline, self.layout = self._read_config()
        self.classes = self._class_names(classes)
        if unknown_below is None:
            unknown_below = self.model.dataset_meta.get('unknown_below', 0)
        if not 0 <= unknown_below <= 1:
            raise ValueError(
                f'unknown_below is {unknown_below}, expected 0 to 1'
            )
        self.unknown_below = unknown_below
        self.auto = pose_estimator == 'auto'
        self.pose_estimator = self._make_estimator(
            None if self.auto else pose_estimator
        )

    @property
    def finds_poses(self) -> bool:
        """Whether the poses of videos that come without are found."""
        if self.pose_estimator is None and self.auto:
            try:
                default_estimator(self.layout.name)
            except (ImportError, ValueError):
                return False
        return self.auto or self.pose_estimator is not None

    def _read_config(self) -> Tuple[Compose, KeypointLayout]:
        """Return the test pipeline and the layout of the model's config."""
        cfg = self.model.cfg
        dataset = cfg.get('test_dataloader', {}).get('dataset', {})
        dataset = next(innermost(dataset))
        steps = deepcopy(dataset.get('pipeline') or cfg.get('test_pipeline'))
        if not steps:
            raise ValueError(
                f'{self.checkpoint}: its config has no '
                f'test_dataloader.dataset.pipeline and no test_pipeline'
            )
        for step in steps:
            if step['type'] == 'PackActionInputs':
                step['meta_keys'] = (
                    *step.get('meta_keys', ()),
                    'RGB_inds',
                    'num_clips',
                )
        layout = dataset.get('layout')
        if layout is None:
            layout = getattr(
                self.model.data_preprocessor, 'layout', 'openpose18'
            )
        return Compose(steps), KeypointLayout.get(layout)

    def _class_names(self, classes: Any) -> List[str]:
        number = self.model.cls_head.num_classes
        source = 'classes'
        if isinstance(classes, (str, Path)):
            source = str(classes)
            classes = LabelMap.read(Path(classes)).names
        elif classes is None:
            source = f'{self.checkpoint}: dataset_meta.classes'
            classes = self.model.dataset_meta.get('classes')
        if not classes:
            return list(map(str, range(number)))
        if len(classes) != number:
            raise ValueError(
                f'{source} are {len(classes)} names, but the model of '
                f'{self.checkpoint} has {number} classes'
            )
        return list(map(str, classes))

    def _make_estimator(
        self, estimator: Optional[Estimator]
    ) -> Optional[PoseEstimator]:
        if estimator is None or 'pose' not in self.streams:
            return None
        if isinstance(estimator, str):
            estimator = dict(type=estimator)
        if not isinstance(estimator, PoseEstimator):
            if 'type' not in estimator:
                raise ValueError(
                    f'pose_estimator is {estimator}, without a "type"'
                )
            options = dict(estimator)
            kind = options.pop('type')
            try:
                estimator = find_estimator(kind)(**options)
            except TypeError as error:
                raise ValueError(f'pose_estimator {kind}: {error}') from error
        kinds = estimator.layout, self.layout.name
        if kinds[0] != kinds[1] and kinds != ('coco17', 'openpose18'):
            raise ValueError(
                f'the estimator finds poses of the layout {kinds[0]!r}, but '
                f'{self.checkpoint} takes {kinds[1]!r}'
            )
        return estimator

    def __call__(
        self,
        inputs: Any,
        poses: Any = None,
        batch_size: int = 1,
        out_dir: Union[str, Path, None] = None,
        window: Optional[float] = None,
        stride: Optional[float] = None,
        fps: float = 30.0,
        top_k: int = 5,
        draw: bool = True,
    ) -> Dict:
        """Predict videos.

        Args:
            inputs: a video file, frames (uint8, RGB, [T, H, W, 3]), a folder
                of videos, or a list of these.
            poses: for a model with a pose stream, of one video a pose file
                (``.npz``), ``(keypoint [M, T, K, 2], keypoint_score
                [M, T, K])`` in its pixels, or one array [M, T, K, 3] of
                (x, y, score); of several a list of these, one a
                video, or a folder with a file a video, by its stem. None for
                what ``pose_estimator`` finds. Others ignore them.
            batch_size: videos, or windows of one, that go through the model
                together, with all of their clips. The config's
                ``model.test_cfg.max_testing_views`` bounds the clips.
            out_dir: folder to write each video's prediction as JSON and, with
                ``draw``, its overlay as mp4; None for none. A file appears
                only whole.
            window: seconds. A long video is predicted in windows of this
                length, and gets a timeline of labels.
            stride: seconds from one window to the next; None for ``window``.
            fps: frames a second of an array.
            top_k: labels to name.
            draw: whether to write overlays.

        Returns:
            ``predictions``, one a video, in order. Each is what its JSON
            holds: ``input``, ``rec_labels`` (the best label, in a list; -1
            where it is unknown), ``rec_scores`` (of all classes),
            ``rec_names`` (its name, or ``'unknown'``), ``top`` (``top_k``
            times label, name, score), ``duration`` in seconds; ``gate``,
            where the model has one: ``mean``, and of every clip's frames
            ``times`` [clips, T] in seconds and ``values`` [clips, T], G
            averaged over channels, the share of appearance let in; and with
            ``window`` the ``timeline``: start, end (seconds), label, name,
            score, gate. A video that cannot be used has only ``input``
            and ``error``.
            ``visualization``: the overlays' paths, or None.
            ``num_failed``: videos that cannot be used.

        Raises:
            ValueError: what is asked for contradicts itself, or the model
                wants poses and there are none; of a single video also what is
                wrong with it or its poses.
            OSError: nothing can be written in ``out_dir``.
        """
        for name, value in (('batch_size', batch_size), ('top_k', top_k)):
            if value < 1:
                raise ValueError(f'{name} is {value}, expected 1 or more')
        if not fps > 0:
            raise ValueError(f'fps is {fps}, expected more than 0')
        stride = window if stride is None else stride
        if window is None and stride is not None:
            raise ValueError(f'stride is {stride}, but there is no window')
        if window is not None and not 0 < stride <= window:
            raise ValueError(
                f'window is {window} and stride {stride}, expected '
                f'0 < stride <= window'
            )
        jobs, call = self._plan(
            inputs,
            poses,
            window=window,
            stride=stride,
            fps=fps,
            top_k=top_k,
            out_dir=None if out_dir is None else Path(out_dir),
            draw=draw,
        )
        with call.progress as progress:
            bar = progress.add_task('videos', total=len(jobs))
            windows = self._windows(jobs, call)
            while batch := list(islice(windows, batch_size)):
                for job, result in self._predict(batch):
                    job.results.append(result)
                    if len(job.results) == len(job.windows):
                        self._finish(job, call)
                progress.update(bar, completed=sum(job.done for job in jobs))
        if len(jobs) == 1 and jobs[0].error is not None:
            raise jobs[0].error
        return dict(
            predictions=[job.prediction for job in jobs],
            visualization=[job.overlay for job in jobs],
            num_failed=sum(job.error is not None for job in jobs),
        )

    def stream(
        self,
        frames: Iterable,
        window: float = 2.0,
        stride: float = 0.5,
        fps: float = 30.0,
        pose_every: int = 1,
        top_k: int = 5,
        per_person: bool = False,
    ) -> Iterator[Dict]:
        """Predict a film that has no end, such as a camera's.

        A frame's poses are found once, however many windows it is in. Only
        the frames of a window are kept.

        Args:
            frames: uint8 RGB [H, W, 3] each, or (seconds, frame) where some
                are dropped; all of one size.
            window, stride: seconds of a window, and from one to the next.
            fps: frames a second.
            pose_every: find poses in each n-th frame; those between have the
                last ones.
            top_k: labels to name.
            per_person: whether each person is predicted alone: followed from
                frame to frame, with what is round all poses of a window.

        Yields:
            What a call predicts of a window: ``rec_labels``, ``rec_scores``,
            ``rec_names``, ``top``, ``gate``; its ``start`` and ``end`` in
            seconds. With ``per_person`` in place of these ``persons``, a list
            of them, each with a ``person``, whose number stays from window to
            window, and the ``box`` (x0, y0, x1, y1) round the last pose.

        Raises:
            ValueError: arguments are out of range, frames are of another kind
                or size, or the model wants poses and there is no estimator, or
                takes none, ``per_person``.
            ImportError: ``per_person`` lacks what it stands on.
            SampleError: the estimator fails, or scores are nan.

        Example::

            for one in inferencer.stream(camera_frames):
                print(one['end'], one['rec_names'][0])
        """
        self.check_stream(window, stride, fps, pose_every, per_person)
        posed = self.add_poses(frames, fps, pose_every, per_person)
        for kept in gather_windows(posed, window, stride, 1 / fps):
            yield self.predict_window(kept, fps, top_k)

    def check_stream(
        self,
        window: float,
        stride: float,
        fps: float,
        pose_every: int,
        per_person: bool = False,
    ) -> None:
        """Check the arguments of :meth:`stream`.

        Raises:
            ValueError, ImportError: as there.
        """
        if not (0 < stride <= window and fps > 0 and pose_every >= 1):
            raise ValueError(
                f'window is {window}, stride {stride}, fps {fps}, pose_every '
                f'{pose_every}, expected 0 < stride <= window, 0 < fps and '
                f'1 <= pose_every'
            )
        self._need_estimator('stream')
        if per_person and 'pose' not in self.streams:
            raise ValueError(
                f'per_person: {self.checkpoint} takes no poses, by which '
                f'persons are told apart'
            )
        if per_person:
            PersonTracker()

    def add_poses(
        self,
        frames: Iterable,
        fps: float = 30.0,
        pose_every: int = 1,
        per_person: bool = False,
    ) -> Iterator[PosedFrame]:
        """Find the poses of a film's frames as they come.

        Args, Raises: as of :meth:`stream`.
        """
        shape = poses = persons = None
        tracker = PersonTracker(fps / pose_every) if per_person else None
        for number, frame in enumerate(frames):
            time = number / fps
            if isinstance(frame, tuple):
                time, frame = frame
            if shape not in (None, frame.shape):
                raise ValueError(
                    f'a frame of shape {list(frame.shape)} follows frames of '
                    f'{list(shape)}'
                )
            shape = frame.shape
            if 'pose' in self.streams and number % pose_every == 0:
                (poses,) = find_poses(
                    frame[None], self.pose_estimator, 'stream', not number
                )
                persons = tracker and tracker(poses)
            yield PosedFrame(time, frame, poses, persons)

    def predict_window(
        self, frames: Sequence[PosedFrame], fps: float = 30.0, top_k: int = 5
    ) -> Dict:
        """Predict a window of a film.

        Args:
            frames: of the window. Where some lack, those before stand in.
            fps, top_k: as of :meth:`stream`.

        Returns, Raises: as of :meth:`stream`.
        """
        span = dict(start=frames[0].time, end=frames[-1].time + 1 / fps)
        frames = at_rate(frames, fps)
        if frames[0].persons is None:
            return dict(span, **self._predict_frames(frames, fps, top_k))
        persons = [
            dict(
                person=person.number,
                box=person.box.tolist(),
                **self._predict_frames(person.frames, fps, top_k),
            )
            for person in split_persons(frames)
        ]
        return dict(span, persons=persons)

    def _predict_frames(
        self, frames: Sequence[PosedFrame], fps: float, top_k: int
    ) -> Dict:
        """Predict frames that follow each other evenly."""
        pictures = np.stack([frame.picture for frame in frames])
        video = VideoInput(pictures, None, 'stream', Path('stream'))
        job = _Job(video, video.open(fps), windows=[(0, len(frames))])
        if 'pose' in self.streams:
            poses = stack_poses([frame.poses for frame in frames])
            job.poses = self._in_layout(*poses)
        sample = self.pipeline(self._sample(job, 0, len(frames)))
        job.results = [one for _, one in self._predict([(job, sample)])]
        call = _Call(False, False, fps, top_k=top_k)
        prediction = self._summary(job, call)
        for key in ('input', 'duration'):
            del prediction[key]
        return prediction

    def pack(self, video: Any, poses: Any = None, fps: float = 30.0) -> Dict:
        """One video as the test pipeline packs it.

        Args:
            video, poses, fps: as of a call.

        Raises:
            ValueError: as of a call.
        """
        (job,), call = self._plan(video, poses, fps=fps)
        self._open(job, call)
        return self.pipeline(self._sample(job, 0, len(job.reader)))

    def _plan(
        self, inputs: Any, poses: Any, **settings
    ) -> Tuple[List[_Job], _Call]:
        """Check the arguments, as far as no file needs to be read."""
        videos = list_inputs(inputs, poses)
        without = [video.name for video in videos if video.poses is None]
        if without:
            self._need_estimator(without[0])
        call = _Call(self.show_progress, len(videos) > 1, **settings)
        if call.out_dir is not None:
            _check_out(videos, call.out_dir)
        return [_Job(video) for video in videos], call

    def _need_estimator(self, name: str) -> None:
        """Make the estimator of a video without poses."""
        if 'pose' not in self.streams or self.pose_estimator is not None:
            return
        if not self.auto:
            raise ValueError(
                f'{name}: {self.checkpoint} has a pose stream, but there are '
                f"neither poses nor a pose_estimator, such as 'rtmpose'"
            )
        config = default_estimator(self.layout.name)
        self.pose_estimator = self._make_estimator(config)

    # ------------------------------------------------------------ one video

    def _windows(
        self, jobs: List[_Job], call: _Call
    ) -> Iterator[Tuple[_Job, Dict]]:
        for job in jobs:
            try:
                self._open(job, call)
                for start, stop in job.windows:
                    yield job, self.pipeline(self._sample(job, start, stop))
            except Exception as error:  # what broken files raise has no limit
                _fail(job, error, call)

    def _open(self, job: _Job, call: _Call) -> None:
        job.reader = job.video.open(call.fps)
        frames = len(job.reader)
        job.windows = [(0, frames)]
        if call.window is not None:
            sizes = (call.window, call.stride)
            sizes = (max(1, round(n * job.reader.mean_fps)) for n in sizes)
            job.windows = split_windows(frames, *sizes)
        job.poses = self._poses(job, call)

    def _poses(
        self, job: _Job, call: _Call
    ) -> Optional[Tuple[np.ndarray, np.ndarray]]:
        """Return the poses of the whole video, checked."""
        if 'pose' not in self.streams:
            return None
        sample = dict(
            filename=job.video.name,
            keypoint_layout=self.layout,
            total_frames=len(job.reader),
            img_shape=job.reader.shape,
        )
        given = job.video.poses
        if isinstance(given, (str, Path)):
            if not Path(given).is_file():
                raise SampleError(f'{given}: there is no such pose file')
            sample['pose_file'] = str(given)
        else:
            if given is None:
                wanted = self._wanted_frames(job, call)
                given = estimate_poses(
                    call.frames(job, 'poses', wanted),
                    self.pose_estimator,
                    job.video.name,
                )
                if wanted is not None:
                    given = _spread(given, wanted, len(job.reader))
                given = self._in_layout(*given)
            if isinstance(given, np.ndarray):  # with scores inside, or none
                given = given, None
            sample['keypoint'], sample['keypoint_score'] = given
        sample = LoadPoses().transform(sample)
        return sample['keypoint'], sample['keypoint_score']

    def _wanted_frames(self, job: _Job, call: _Call) -> Optional[np.ndarray]:
        """Return the frames whose poses are looked at; None for all."""
        sample = self.pipeline.transforms[0]
        if (
            self.pose_estimator.follows
            or not isinstance(sample, SampleTwoStreamFrames)
            or not sample.test_mode
            or (call.out_dir is not None and call.draw)
        ):
            return None
        wanted = [
            start + sample(dict(total_frames=stop - start))['Pose_inds']
            for start, stop in job.windows
        ]
        return np.unique(np.concatenate(wanted))

    def _in_layout(
        self, keypoint: np.ndarray, score: np.ndarray
    ) -> Tuple[np.ndarray, np.ndarray]:
        """Return the estimator's poses in the model's layout."""
        if self.pose_estimator.layout != self.layout.name:
            return coco17_to_openpose18(keypoint, score)
        return keypoint, score

    def _sample(self, job: _Job, start: int, stop: int) -> Dict:
        """Frames ``start`` to ``stop``, as a dataset gives a video."""
        sample = dict(
            filename=job.video.name,
            video_reader=Window(job.reader, start, stop),
            total_frames=stop - start,
            img_shape=job.reader.shape,
            keypoint_layout=self.layout,
            start_index=0,
            modality='Pose',
        )
        if job.poses is not None:
            keypoint, score = job.poses
            sample['keypoint'] = keypoint[:, start:stop]
            sample['keypoint_score'] = score[:, start:stop]
        return sample

    @torch.no_grad()
    def _predict(
        self, batch: List[Tuple[_Job, Dict]]
    ) -> Iterator[Tuple[_Job, Any]]:
        """Windows whose inputs have one size go through the model together."""
        for _, group in groupby(batch, lambda one: _shapes(one[1])):
            jobs, samples = zip(*group)
            results = self.model.test_step(pseudo_collate(samples))
            yield from zip(jobs, results)

    def _finish(self, job: _Job, call: _Call) -> None:
        try:
            prediction = self._summary(job, call)
            if call.out_dir is not None:
                if call.draw:
                    job.overlay = self._overlay(job, prediction, call)
                text = json.dumps(prediction, allow_nan=False)
                path = call.out_dir / f'{job.video.out}.json'
                write_text(path, f'{text}\n')
            job.prediction = prediction
            job.close()
        except SampleError as error:  # of frames that no clip has seen
            _fail(job, error, call)

    def _summary(self, job: _Job, call: _Call) -> Dict:
        """A video's prediction, out of its windows'."""
        seconds = job.reader.times
        scores = np.stack([_array(one.pred_score) for one in job.results])
        score = scores.mean(0)
        if not np.isfinite(score).all():
            raise SampleError(
                f'{job.video.name}: its scores are nan or inf, by the model '
                f'of {self.checkpoint}'
            )
        top = self._top(score, call.top_k)
        best = int(best_labels(score, self.unknown_below))
        prediction = dict(
            input=job.video.name,
            rec_labels=[best],
            rec_scores=score.tolist(),
            rec_names=[self._name(best)],
            top=top,
            duration=float(seconds[-1]),
        )
        gates = [None] * len(job.results)
        if 'gate' in job.results[0]:
            values = [_array(one.gate) for one in job.results]
            times = [
                _gate_times(one, start, seconds)
                for one, (start, _) in zip(job.results, job.windows)
            ]
            gates = [float(one.mean()) for one in values]
            prediction['gate'] = dict(
                mean=float(np.mean(gates)),
                times=np.concatenate(times).tolist(),
                values=np.concatenate(values).tolist(),
            )
        if call.window is not None:
            spans = label_timeline(
                job.windows, scores, gates, seconds, self.unknown_below
            )
            for span in spans:
                span['name'] = self._name(span['label'])
            prediction['timeline'] = spans
        return prediction

    def _top(self, score: np.ndarray, number: int) -> List[Dict]:
        best = np.argsort(-score, kind='stable')[:number].tolist()
        return [
            dict(label=i, name=self.classes[i], score=float(score[i]))
            for i in best
        ]

    def _name(self, label: int) -> str:
        return 'unknown' if label < 0 else self.classes[label]

    def _overlay(self, job: _Job, prediction: Dict, call: _Call) -> str:
        # matplotlib, which it brings, takes a while to import
        from integral_action.visualization import overlay_film, write_video

        seconds = job.reader.times
        captions = []
        starts = border_times(job.windows, seconds)
        for start, one in zip(starts, job.results):
            score = _array(one.pred_score)
            top = self._top(score, call.top_k)
            text = [(label['name'], label['score']) for label in top]
            if best_labels(score, self.unknown_below) < 0:
                text.insert(0, (self._name(-1), float(score.max())))
            captions.append((start, text))
        gate = prediction.get('gate')
        film = overlay_film(
            (one for many in call.frames(job, 'overlay') for one in many),
            seconds,
            captions,
            poses=job.poses,
            layout=self.layout,
            gate=gate and (gate['times'], gate['values']),
            timeline=prediction.get('timeline'),
        )
        path = call.out_dir / f'{job.video.out}.mp4'
        write_video(path, film, job.reader.mean_fps)
        return str(path)


def _spread(poses: Poses, places: np.ndarray, frames: int) -> Poses:
    """Return poses of all frames; nobody is in those of no place."""
    spread = []
    for array in poses:
        every = np.zeros((len(array), frames, *array.shape[2:]), array.dtype)
        every[:, places] = array
        spread.append(every)
    return tuple(spread)


def _fail(job: _Job, error: Exception, call: _Call) -> None:
    """Note what is wrong with a video; of a single one it is raised."""
    job.error = error
    text = one_line(error)
    job.prediction = dict(input=job.video.name, error=text)
    job.close()
    if call.several:
        call.console.print(f'failed: {text}', soft_wrap=True)


def _array(tensor) -> np.ndarray:
    return tensor.detach().cpu().float().numpy()


def _shapes(packed: Dict) -> List[Tuple]:
    return [tuple(value.shape) for value in packed['inputs'].values()]


def _gate_times(result, start: int, seconds: np.ndarray) -> np.ndarray:
    """Seconds of each gate [clips, T]."""
    clips, frames = result.gate.shape
    inds = np.reshape(result.RGB_inds, (result.num_clips, -1)) + start
    # a backbone may leave fewer frames; crops repeat the clips
    nearest = np.linspace(0, inds.shape[1] - 1, frames).round().astype(int)
    return seconds[np.resize(inds[:, nearest], (clips, frames))]


def _check_out(videos: List[VideoInput], out_dir: Path) -> None:
    inputs = {
        video.source.resolve(): video.name
        for video in videos
        if isinstance(video.source, Path)
    }
    by_out = {}
    for video in videos:
        other = by_out.setdefault(video.out, video)
        if other is not video:
            raise ValueError(
                f'{other.name} and {video.name} would both be written as '
                f'{video.out}: rename one, or leave one out'
            )
        path = out_dir / f'{video.out}.mp4'
        if path.resolve() in inputs:
            raise ValueError(
                f'{inputs[path.resolve()]} would be overwritten by an '
                f'overlay: choose another out_dir'
            )
