"""Poses in JSON, of one video: COCO keypoint results and their relatives."""

import re
from numbers import Integral, Real
from pathlib import Path, PurePosixPath
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np

from integral_action.fileio import read_json
from integral_action.json_lines import JSONLines
from integral_action.pose.layouts import KeypointLayout
from integral_action.pose.poses import only_found

# The names of one thing in COCO, MMPose, OpenPose, AlphaPose, OpenPifPaf and
# ultralytics.
LISTS = ('instance_info', 'annotations')
FRAME = ('image_id', 'frame_id', 'frame', 'frame_index')
PERSONS = ('instances', 'predictions', 'people', 'bodies')
POINTS = ('keypoints', 'pose_keypoints_2d', 'joints')
SCORE = ('score', 'bbox_score', 'confidence')


class _Found(NamedTuple):
    """A person, or None for a frame that may have none."""

    where: str
    frame: Any
    person: Optional[Dict]


def read_coco_results(
    path: Path,
    total_frames: int,
    layout: str = 'coco17',
    to_openpose18: bool = False,
    score_thr: float = 0.1,
) -> Tuple[np.ndarray, np.ndarray]:
    """Read detected persons.

    Args:
        path: JSON, JSON lines, or a folder with a JSON a frame. It has
            persons with ``image_id``, as COCO's keypoint results; or frames
            with persons, as of MMPose's inferencer, OpenPose, AlphaPose,
            OpenPifPaf and ultralytics. A frame is a number or text (``'12'``,
            ``'000012.jpg'``), or the last number in a file's name; it counts
            from 0, or from 1 where frames hold persons and none is 0. A
            person's ``keypoints`` are x, y and score of K in a row, pixels; or
            points, with ``keypoint_scores``.
        total_frames: of the video. A frame that nobody is detected in may have
            no entry, so the file itself does not tell.
        layout: as of :meth:`KeypointLayout.get`.
        to_openpose18: whether to give :func:`coco17_to_openpose18` of them.
        score_thr: persons whose own ``score`` (``bbox_score``,
            ``confidence``) is below are left out.

    Returns:
        ``keypoint`` [M, T, K, 2] and ``keypoint_score`` [M, T, K]. T is
        ``total_frames``, or more, where a person is detected behind the end.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is broken; the message names file, entry and value.
    """
    path = Path(path)
    kind = KeypointLayout.get(layout)
    num_keypoints = kind.num_keypoints
    persons: Dict[int, List] = {}
    of_frames = False
    for found in _read(path):
        frame = _frame(found.frame, found.where)
        of_frames |= found.person is None
        in_frame = persons.setdefault(frame, [])
        if found.person is not None:
            values = _values(found, kind)
            if _score(found) >= score_thr:
                in_frame.append(values)
    if of_frames and min(persons, default=0) == 1:
        persons = {frame - 1: found for frame, found in persons.items()}
    if persons and min(persons) > 0 and max(persons) == total_frames:
        raise ValueError(
            f'{path}: image_id goes from {min(persons)} to {total_frames}, '
            f'the number of frames: it counts from 1, but is to count from 0'
        )
    frames = max(total_frames, max(persons, default=0) + 1)
    if frames > 100 * (total_frames + 100):  # no such video; spare the memory
        raise ValueError(
            f'{path}: image_id is {max(persons)}, but the video has '
            f'{total_frames} frames; image_id counts its frames from 0'
        )
    most = max(map(len, persons.values()), default=0)
    poses = np.zeros((most, frames, num_keypoints, 3), np.float32)
    for frame, found in persons.items():
        poses[: len(found), frame] = np.reshape(found, (-1, num_keypoints, 3))
    if to_openpose18:
        return coco17_to_openpose18(poses[..., :2], poses[..., 2])
    return poses[..., :2], poses[..., 2]


def _read(path: Path) -> Iterator[_Found]:
    """Yield the persons of a file or a folder, as they stand there."""
    if path.is_dir():
        files = [f for f in path.glob('*.json') if not f.name.startswith('.')]
        if not files:
            raise ValueError(f'{path}: no JSON in this folder')
        for file in sorted(files):
            number = re.search(r'(\d+)\D*$', file.stem)
            if number is None:
                raise ValueError(f'{file}: its name has no number of a frame')
            yield _Found(str(file), int(number[1]), None)
            yield from _found(read_json(file), str(file), int(number[1]))
        return
    try:
        content = read_json(path)
    except ValueError:
        content = _read_lines(path)
        if content is None:
            raise
    if isinstance(content, dict):
        content = _get(content, (*LISTS, *PERSONS), content)
    if not isinstance(content, list):
        raise ValueError(
            f'{path}: expected a list of results, got {type(content).__name__}'
        )
    yield from _found(content, str(path))


def _read_lines(path: Path) -> Optional[List]:
    """Return the values of JSON lines; None for another kind of file."""
    try:
        values = list(JSONLines(path))
    except ValueError:
        return None
    return values if len(values) > 1 else None


def _found(content: Any, where: str, frame: Any = None) -> Iterator[_Found]:
    if isinstance(content, list):
        for i, one in enumerate(content):
            # what holds the persons of a frame may stand at its place
            holds = isinstance(one, list) or (
                isinstance(one, dict) and _get(one, PERSONS) is not None
            )
            at = i if frame is None and holds else frame
            if isinstance(one, list):
                yield _Found(where, at, None)
            yield from _found(one, f'{where}, result {i}', at)
        return
    if not isinstance(content, dict):
        raise ValueError(f'{where}: expected a dict, got {content!r:.80}')
    frame = _get(content, FRAME, frame)
    inside = _get(content, PERSONS)
    if inside is None:
        yield _Found(where, frame, content)
    else:
        yield _Found(where, frame, None)
        yield from _found(inside, where, frame)


def _get(content: Dict, keys: Tuple[str, ...], default: Any = None) -> Any:
    return next((content[key] for key in keys if key in content), default)


def _values(found: _Found, layout: KeypointLayout) -> List[float]:
    """Return x, y and score of all keypoints in a row."""
    values, scores = _get(found.person, POINTS), None
    got = repr(values)[:80]
    try:
        scores = found.person.get('keypoint_scores')
        if isinstance(values, dict):  # of ultralytics
            scores = values.get('visible', [1] * len(values['x']))
            values = list(zip(values['x'], values['y'], strict=True))
        if scores is not None:
            values = [
                (*point[:2], score)
                for point, score in zip(values, scores, strict=True)
            ]
        if values and isinstance(values[0], (list, tuple)):
            values = [value for point in values for value in point]
        got = len(values) if isinstance(values, list) else got
    except (KeyError, TypeError, ValueError):
        values = None
    number = layout.num_keypoints
    if got != 3 * number:
        raise ValueError(
            f'{found.where}: keypoints are {got}, expected a list of '
            f'{3 * number} numbers: x, y and score of the {number} of '
            f'{layout.name!r}'
        )
    if not all(isinstance(value, Real) for value in values):
        raise ValueError(f'{found.where}: keypoints are not all numbers')
    return values


def _score(found: _Found) -> float:
    score = _get(found.person, SCORE, 1)
    if not isinstance(score, Real):
        raise ValueError(f'{found.where}: its score is {score!r:.80}')
    return score


def _frame(frame: Any, where: str) -> int:
    if isinstance(frame, str) and PurePosixPath(frame).stem.isdecimal():
        frame = int(PurePosixPath(frame).stem)
    if not isinstance(frame, Integral) or isinstance(frame, bool) or frame < 0:
        raise ValueError(
            f'{where}: image_id is {frame!r}, expected a frame, from 0'
        )
    return int(frame)


def coco17_to_openpose18(
    keypoint: np.ndarray, score: np.ndarray
) -> Tuple[np.ndarray, np.ndarray]:
    """COCO's 17 keypoints as OpenPose's 18.

    COCO has no neck: ``thorax`` lies midway between the shoulders, with the
    lower of their scores.

    Args:
        keypoint: [..., 17, 2].
        score: [..., 17].

    Returns:
        [..., 18, 2] and [..., 18].
    """
    keypoint, score = only_found(keypoint, score)
    names = KeypointLayout.get('coco17').names
    shoulders = [names.index(f'{side}_shoulder') for side in ('left', 'right')]
    thorax = keypoint[..., shoulders, :].mean(-2, keepdims=True)
    thorax_score = score[..., shoulders].min(-1, keepdims=True)
    keypoint = np.concatenate([keypoint, thorax], -2)
    score = np.concatenate([score, thorax_score], -1)
    names = [*names, 'thorax']
    order = [
        names.index(name) for name in KeypointLayout.get('openpose18').names
    ]
    return keypoint[..., order, :], score[..., order]
