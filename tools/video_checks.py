"""The checks of check_dataset.py."""

import hashlib
from dataclasses import dataclass
from os.path import isfile
from typing import Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

import numpy as np


class Problem(NamedTuple):
    kind: str
    message: str


@dataclass(frozen=True)
class Limits:
    """Bounds of a problem: the options of that name."""

    margin: float = 0.1
    max_outside: float = 0.1
    max_empty: float = 0.5
    score_thr: float = 0.1
    decode: bool = False


class VideoTask(NamedTuple):
    """One video: its list's and its own number, and what is to be done."""

    list_number: int
    number: int
    info: Dict  # with whole paths, without what is wrong in it
    faults: List[Problem]
    streams: Set[str]
    layout: str
    backend_args: Optional[Dict]
    digest: bool = False

    @property
    def key(self) -> str:
        return f'{self.list_number}:{self.number}'


def check_video(
    info: Dict, limits: Limits, backend_args: Optional[Dict]
) -> Iterator[Problem]:
    """Open a video and decode its first and last frame, or all."""
    from integral_action.datasets.video_reader import VideoReader
    from integral_action.pose.poses import has_swapped_shape
    from integral_action.text import one_line

    path = info['filename']
    if backend_args is None and not isfile(path):
        yield Problem('missing_video', 'there is no such file')
        return
    try:
        reader = VideoReader(path, backend_args=backend_args)
        length = len(reader)
        shape = reader.get_batch([0, length - 1]).shape[1:3]
        for _ in reader.batches() if limits.decode else ():
            pass
    except Exception as error:  # what broken bytes raise has no limit
        reason = one_line(error).replace(f'{path}: ', '', 1)
        yield Problem('unreadable_video', reason)
        return
    total = info.get('total_frames', length)
    if length != total:
        yield Problem(
            'frame_count' if length < total else 'video_longer',
            f'the video has {length} frames, but total_frames is {total}',
        )
    annotated = tuple(info.get('img_shape', shape))
    if annotated != shape:
        swapped = has_swapped_shape(annotated, shape)
        yield Problem(
            'img_shape' if swapped else 'other_size',
            f'the video is {list(shape)} (height, width), but img_shape is '
            f'{list(annotated)}',
        )
        annotated = annotated[::-1] if swapped else annotated
    info['img_shape'] = annotated


def check_poses(
    info: Dict, layout: str, limits: Limits, backend_args: Optional[Dict]
) -> Iterator[Problem]:
    """Read a video's poses and look at every keypoint."""
    from integral_action.datasets.transforms import LoadPoses
    from integral_action.pose.layouts import KeypointLayout
    from integral_action.pose.poses import is_found, not_pixels, person_score
    from integral_action.text import one_line

    path = info.get('pose_file')
    lacks = path is None or (backend_args is None and not isfile(path))
    if 'keypoint' not in info and lacks:
        yield Problem(
            'missing_poses',
            f'there is no file {path}'
            if path is not None
            else 'the annotation has neither "keypoint" nor "pose_file"',
        )
        return
    try:
        keypoint, score = LoadPoses.read(info, backend_args)
    except Exception as error:  # what broken bytes raise has no limit
        yield Problem('unreadable_poses', one_line(error))
        return
    _, frames, num_keypoints = score.shape
    total = info.get('total_frames', frames)
    if frames != total:
        yield Problem(
            'frame_count',
            f'poses of {frames} frames, but total_frames is {total}',
        )
    layout = KeypointLayout.get(layout)
    if num_keypoints != layout.num_keypoints:
        yield Problem(
            'layout',
            f'poses of {num_keypoints} keypoints, but the layout '
            f'{layout.name!r} has {layout.num_keypoints}',
        )
    finite = np.isfinite(keypoint).all(-1) & np.isfinite(score)
    found = is_found(keypoint, score)
    if (
        'keypoint' not in info
        or info.get('keypoint_score') is not None
        or np.shape(info['keypoint'])[-1] == 3
    ):  # something told that they are found
        lost = ~finite & ((score > 0) | ~np.isfinite(score))
        if lost.any():
            first = int(np.flatnonzero(lost.any((0, 2)))[0])
            yield Problem(
                'not_finite',
                f'{lost.sum()} of {lost.size} keypoints are no numbers, the '
                f'first in frame {first}',
            )
        lost = finite & (score > 0) & ~found
        if lost.any():
            yield Problem(
                'at_origin',
                f'{lost.sum()} of {lost.size} keypoints are at (0, 0), with '
                f'scores of up to {score[lost].max():.2f}',
            )
    if reason := not_pixels(keypoint[found], info.get('img_shape')):
        yield Problem('not_pixels', reason)
    drawn = found & (score > limits.score_thr)
    if 'img_shape' in info and drawn.any():
        yield from check_places(keypoint[drawn], info['img_shape'], limits)
    kept = person_score(np.where(found, score, 0)) >= limits.score_thr
    seen = kept & drawn.any(-1)
    empty = int((~seen.any(0)).sum())
    if empty > limits.max_empty * frames:
        yield Problem('few_persons', f'nobody in {empty} of {frames} frames')


def check_places(
    points: np.ndarray, shape: Tuple[int, int], limits: Limits
) -> Iterator[Problem]:
    """Find whether keypoints [N, 2] lie outside the picture."""
    from integral_action.pose.poses import looks_swapped

    height, width = shape
    if looks_swapped(points, shape):
        yield Problem(
            'img_shape',
            f'poses leave img_shape {[height, width]}, but not '
            f'{[width, height]}: it is (height, width)',
        )
        return
    size = np.array([width, height])
    # how far beyond the picture's edges, in pixels
    beyond = np.maximum(-0.5 - points, points - (size - 0.5))
    outside = (beyond > limits.margin * size).any(-1)
    if outside.mean() > limits.max_outside:
        x, y = points[(beyond / size).max(-1).argmax()]
        yield Problem(
            'outside',
            f'{outside.sum()} of {len(points)} found keypoints lie more than '
            f'{limits.margin:.0%} outside the picture of {width} x {height}, '
            f'the farthest at ({x:.0f}, {y:.0f})',
        )


def check(task: VideoTask, limits: Limits) -> Dict:
    """Return all that is wrong with one video, ``problem``, and the
    ``digest`` of its file."""
    from integral_action.text import one_line

    info, problems, digest = dict(task.info), list(task.faults), None
    if 'RGB' in task.streams and 'filename' in info:
        problems += check_video(info, limits, task.backend_args)
    if 'Pose' in task.streams:
        problems += check_poses(info, task.layout, limits, task.backend_args)
    if task.digest:
        try:
            digest = digest_of(info['filename'])
        except OSError as error:
            problems.append(Problem('unreadable_video', one_line(error)))
    return dict(problem=problems, digest=digest)


def digest_of(path: str) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with open(path, 'rb') as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def crashed(task: VideoTask) -> Dict:
    """Return the result for a video on which its process dies, as decoders
    do on broken files."""
    crash = Problem('unreadable_video', 'the process that read it crashed')
    return dict(problem=[*task.faults, crash])
