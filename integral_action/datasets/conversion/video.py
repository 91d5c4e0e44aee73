"""A video of a dataset, its measures and its poses."""

import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Dict, List, Tuple

import numpy as np

from integral_action.datasets.transforms.select_top_persons import (
    top_persons,
)
from integral_action.datasets.video_reader import VideoReader
from integral_action.fileio import SampleError
from integral_action.pose.poses import only_found

Poses = Tuple[np.ndarray, np.ndarray]

# These are told by their endings; of others the reader is asked.
VIDEO_SUFFIXES = (
    '.3gp .avi .flv .m4v .mkv .mov .mp4 .mpeg .mpg .webm .wmv'.split()
)
OTHER_SUFFIXES = (
    '.csv .jpeg .jpg .json .jsonl .md .npy .npz .pkl .png .txt .zip'.split()
)

# what a video may be left out for
MISSING_VIDEO, BROKEN_VIDEO = 'video missing', 'video unreadable'
MISSING_POSES, BROKEN_POSES = 'poses missing', 'poses unreadable'
OTHER_LENGTH = 'poses of another length'
NOT_PIXELS = 'poses are not pixels'
NOBODY = 'no person in any frame'
CRASH = 'reading it crashes'


class UnusableError(SampleError):
    """A video that is left out.

    Args:
        kind: the reason; videos are counted by it.
        message: names the file.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Video:
    """A video to convert.

    Args:
        filename: its name, relative to the folder of videos.
        labels: the lists that it goes into, and its label in each:
            ``dict(train=3)`` is a line of ``train.jsonl``.
        poses: the file that its poses are read from.
        extra: further keys of its line, such as the performer.
    """

    filename: str
    labels: Dict[str, int]
    poses: Path
    extra: Dict = field(default_factory=dict)

    @property
    def pose_file(self) -> str:
        """Path of its poses, relative to the folder of poses."""
        return str(PurePosixPath(self.filename).with_suffix('.npz'))


def crashed(video: Video) -> Dict:
    """Return the outcome of a video on which its process dies."""
    message = (
        f'{video.filename}, or its poses {video.poses}: the process that '
        f'read it died'
    )
    return dict(problem=[CRASH, message])


@dataclass(frozen=True)
class VideoInfo:
    """Measures of a video.

    Args:
        total_frames: how many frames it shows.
        fps: frames a second.
        img_shape: (height, width), pixels.
    """

    total_frames: int
    fps: float
    img_shape: Tuple[int, int]


def probe_video(path: Path) -> VideoInfo:
    """Measure a video, as the dataset will read it.

    Raises:
        SampleError: it is missing, or no frame of it can be decoded.
    """
    if not Path(path).is_file():
        raise UnusableError(MISSING_VIDEO, f'{path}: there is no such video')
    try:
        reader = VideoReader(path)
        return VideoInfo(len(reader), reader.fps, reader.shape)
    except SampleError as error:
        raise UnusableError(BROKEN_VIDEO, str(error)) from error


def tidy_poses(
    keypoint: np.ndarray, score: np.ndarray, max_persons: int
) -> Poses:
    """Bring poses to the form of a pose file.

    Args:
        keypoint: [M, T, K, 2], pixels.
        score: [M, T, K].
        max_persons: how many persons a frame keeps, as of
            :func:`top_persons`.

    Returns:
        ``keypoint`` and ``score`` with 1 to ``max_persons`` persons; score 0
        where a keypoint is not found (:func:`is_found`), (0, 0) where a
        coordinate is not finite.
    """
    keypoint, score = only_found(
        np.asarray(keypoint, np.float32), np.asarray(score, np.float32)
    )
    keypoint, score = top_persons(keypoint, score, max_persons)
    used = (score > 0).any((1, 2))
    if not used.any():
        _, frames, num_keypoints = score.shape
        return (
            np.zeros((1, frames, num_keypoints, 2), np.float32),
            np.zeros((1, frames, num_keypoints), np.float32),
        )
    return keypoint[used], score[used]


def fit_length(
    keypoint: np.ndarray, score: np.ndarray, frames: int, tolerance: int
) -> Tuple[np.ndarray, np.ndarray, int]:
    """Cut poses to ``frames``, or add frames without anybody at the end.

    Args:
        keypoint: [M, T, K, 2].
        score: [M, T, K].
        frames: of the video.
        tolerance: how far T may be from it.

    Returns:
        ``keypoint`` and ``score`` of T = ``frames``, and how many frames the
        poses had too many; negative: too few.

    Raises:
        SampleError: T is further from ``frames``.
    """
    surplus = score.shape[1] - frames
    if abs(surplus) > tolerance:
        raise UnusableError(
            OTHER_LENGTH,
            f'poses of {score.shape[1]} frames, but the video has {frames}; '
            f'at most {tolerance} more or fewer are made to fit',
        )
    missing = max(-surplus, 0)
    keypoint = np.pad(
        keypoint[:, :frames], ((0, 0), (0, missing), (0, 0), (0, 0))
    )
    score = np.pad(score[:, :frames], ((0, 0), (0, missing), (0, 0)))
    return keypoint, score, surplus


def is_video(path: Path) -> bool:
    """Whether a file is a video, by its ending or its content."""
    suffix = Path(path).suffix.lower()
    if suffix in VIDEO_SUFFIXES + OTHER_SUFFIXES:
        return suffix in VIDEO_SUFFIXES
    try:
        VideoReader(path)
    except SampleError:
        return False
    return True


def video_files(folder: Path) -> List[str]:
    """The videos of :func:`split_files`."""
    return split_files(folder)[0]


def split_files(folder: Path) -> Tuple[List[str], List[str]]:
    """The videos in a folder and in those inside it, and all other files,
    sorted, as paths relative to it. Hidden files and folders are left out, and
    links to what is above them.

    Raises:
        NotADirectoryError: there is no such folder.
    """
    if not Path(folder).is_dir():
        raise NotADirectoryError(f'{folder}: there is no such folder')
    names = []
    for parent, folders, files in os.walk(folder, followlinks=True):
        above = Path(parent).resolve()
        folders[:] = [
            name
            for name in folders
            if not name.startswith('.')
            and (Path(parent) / name).resolve() not in (above, *above.parents)
        ]
        names += [
            (Path(parent) / name).relative_to(folder).as_posix()
            for name in files
            if not name.startswith('.')
        ]
    videos, others = [], []
    for name in sorted(names):
        (videos if is_video(Path(folder) / name) else others).append(name)
    return videos, others
