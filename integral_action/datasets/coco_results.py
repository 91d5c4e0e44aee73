"""Poses in the form of COCO keypoint results, one file a video."""

import json
from numbers import Integral, Real
from pathlib import Path, PurePosixPath
from typing import Dict, List, Tuple

import numpy as np

from integral_action.keypoints import KeypointLayout


def read_coco_results(
    path: Path,
    total_frames: int,
    layout: str = 'coco17',
    to_openpose18: bool = False,
) -> Tuple[np.ndarray, np.ndarray]:
    """Read a list of detected persons.

    Args:
        path: a JSON list of ``dict(image_id, keypoints)``, as COCO's keypoint
            results are; other keys are not needed. ``image_id`` is the frame,
            from 0, as a number or as text (``'12'``, ``'000012.jpg'``);
            ``keypoints`` are (x, y, score) of the K keypoints in a row,
            pixels.
        total_frames: of the video. A frame that nobody is detected in has no
            entry, so the list itself does not tell.
        layout: as of :meth:`KeypointLayout.get`.
        to_openpose18: whether to give :func:`coco17_to_openpose18` of them.

    Returns:
        ``keypoint`` [M, T, K, 2] and ``keypoint_score`` [M, T, K]. T is
        ``total_frames``, or more, where a person is detected behind the end.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is broken; the message names file, entry and value.
    """
    try:
        results = json.loads(Path(path).read_text())
    except ValueError as error:
        raise ValueError(f'{path}: not JSON: {error}') from error
    if not isinstance(results, list):
        raise ValueError(
            f'{path}: expected a list of results, got {type(results).__name__}'
        )
    num_keypoints = KeypointLayout.get(layout).num_keypoints
    persons: Dict[int, List] = {}
    for number, result in enumerate(results):
        where = f'{path}, result {number}'
        if not isinstance(result, dict):
            raise ValueError(f'{where}: expected a dict, got {result!r:.80}')
        frame = _frame(result.get('image_id'), where)
        values = result.get('keypoints')
        if not isinstance(values, list) or len(values) != 3 * num_keypoints:
            got = len(values) if isinstance(values, list) else repr(values)
            raise ValueError(
                f'{where}: keypoints are {got}, expected a list of '
                f'{3 * num_keypoints} numbers: x, y and score of the '
                f'{num_keypoints} of {layout!r}'
            )
        if not all(isinstance(value, Real) for value in values):
            raise ValueError(f'{where}: keypoints are not all numbers')
        persons.setdefault(frame, []).append(values)
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


def _frame(image_id, where: str) -> int:
    frame = image_id
    if isinstance(frame, str) and PurePosixPath(frame).stem.isdecimal():
        frame = int(PurePosixPath(frame).stem)
    if not isinstance(frame, Integral) or isinstance(frame, bool) or frame < 0:
        raise ValueError(
            f'{where}: image_id is {image_id!r}, expected a frame, from 0'
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
