"""A video with its persons found, as the sets are made of it."""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Dict, Tuple

import cv2
import numpy as np

from integral_action.datasets.conversion.video import (
    BROKEN_POSES,
    BROKEN_VIDEO,
    MISSING_POSES,
    NOBODY,
    UnusableError,
)
from integral_action.datasets.transforms import DecodeTwoStream, LoadPoses
from integral_action.datasets.video_reader import VideoReader
from integral_action.fileio import SampleError
from integral_action.out_of_context.mask_files import load_masks, write_masks
from integral_action.out_of_context.mask_kinds import find_masks
from integral_action.out_of_context.masks import PersonMasks
from integral_action.out_of_context.persons import fill_gaps, follow_persons
from integral_action.out_of_context.pictures import same_times

PICTURES = ('.jpg', '.jpeg', '.png')
BROKEN_SCENE = 'background unreadable'


@dataclass(frozen=True)
class PersonSettings:
    """Options that tell a video's person, and how the masks are found.

    Args:
        layout: of the poses.
        masks: as of :func:`find_masks`.
        masks_options: what the class of masks is made with.
        persons: how many persons a video has that act; all others are part
            of nothing.
        score_thr: keypoints above it are seen.
        reach: frames that a keypoint is carried on, where it is missing.
    """

    layout: str
    masks: str = 'grabcut'
    masks_options: Dict = field(default_factory=dict)
    persons: int = 1
    score_thr: float = 0.1
    reach: int = 5


@dataclass
class Clip:
    """A video of T frames.

    Args:
        frames: uint8 RGB [T, H, W, 3].
        keypoint: of those who act, as they were detected; [M, T, K, 2].
        score: [M, T, K].
        acting: bool [T, H, W], the pixels of those who act.
        anybody: bool [T, H, W], the pixels of all persons.
    """

    frames: np.ndarray
    keypoint: np.ndarray
    score: np.ndarray
    acting: np.ndarray
    anybody: np.ndarray

    @property
    def posed(self) -> np.ndarray:
        """bool [T], where there is a pose of those who act."""
        return self.score.any((0, 2))

    @property
    def still(self) -> int:
        """The frame with a pose that is nearest to the middle."""
        posed = np.flatnonzero(self.posed)
        return int(posed[np.abs(posed - len(self.frames) // 2).argmin()])

    def measure(self) -> Dict[str, float]:
        """Return the shares, from 0 to 1, that the person takes up.

        ``person_share`` of the picture, the mean of all frames; ``box_share``
        of the box round the keypoints, the mean of the frames with a pose;
        ``pose_share``, how many frames have one.
        """
        height, width = self.acting.shape[1:]
        shares = []
        for t in np.flatnonzero(self.posed):
            points = self.keypoint[:, t][self.score[:, t] > 0]
            low = np.floor(points.min(0)).clip(0).astype(int)
            high = np.ceil(points.max(0)).clip(0).astype(int) + 1
            high = np.minimum(high, (width, height))
            box = self.acting[t, low[1] : high[1], low[0] : high[0]]
            if box.size:
                shares.append(box.mean())
        return dict(
            person_share=float(self.acting.mean()),
            box_share=float(np.mean(shares)) if shares else 0.0,
            pose_share=float(self.posed.mean()),
        )


def read_clip(info: Dict, settings: PersonSettings, mask_file: Path) -> Clip:
    """Read a video and its poses, and find its persons.

    Args:
        info: of :class:`VideoPoseDataset`.
        settings: see there.
        mask_file: the masks are kept there, and taken from there.

    Raises:
        UnusableError: the video or its poses cannot be used, or it has no
            pose at all.
    """
    sample = dict(info)
    poses = info.get('pose_file')
    if poses is not None and not Path(poses).is_file():
        raise UnusableError(MISSING_POSES, f'{poses}: there is no such file')
    try:
        sample = LoadPoses()(sample)
    except SampleError as error:
        raise UnusableError(BROKEN_POSES, str(error)) from error
    if not (sample['keypoint_score'] > settings.score_thr).any():
        raise UnusableError(NOBODY, str(poses or info['filename']))
    every = np.arange(sample['total_frames'])
    sample |= dict(
        modality=['RGB', 'Pose'], RGB_inds=every, Pose_inds=every, num_clips=1
    )
    try:
        sample = DecodeTwoStream()(sample)
    except SampleError as error:
        raise UnusableError(BROKEN_VIDEO, str(error)) from error
    frames = np.stack(sample['imgs'])
    keypoint, score = follow_persons(
        sample['keypoint'] - np.float32(0.5),
        sample['keypoint_score'],
        settings.score_thr,
    )
    acting, anybody = _masks(frames, keypoint, score, settings, mask_file)
    acts = slice(settings.persons)
    return Clip(frames, keypoint[acts], score[acts], acting, anybody)


def read_scene(path: Path, length: int) -> Clip:
    """Read a picture, or a video, that has nobody in it.

    Args:
        path: a file; a picture is a clip of one frame.
        length: frames to read of a video, evenly spread.

    Raises:
        UnusableError: it cannot be read.
    """
    if path.suffix.lower() in PICTURES:
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if picture is None:
            raise UnusableError(BROKEN_SCENE, f'{path}: no picture')
        frames = picture[None, ..., ::-1]
    else:
        try:
            reader = VideoReader(path)
            frames = reader.get_batch(same_times(length, len(reader)))
        except SampleError as error:
            raise UnusableError(BROKEN_SCENE, str(error)) from error
    nobody = np.zeros(frames.shape[:3], bool)
    poses = np.zeros((1, len(frames), 1, 2)), np.zeros((1, len(frames), 1))
    return Clip(frames, *poses, nobody, nobody)


def _masks(
    frames: np.ndarray,
    keypoint: np.ndarray,
    score: np.ndarray,
    settings: PersonSettings,
    path: Path,
) -> Tuple[np.ndarray, np.ndarray]:
    if path.is_file():
        with suppress(SampleError):  # of another version: made anew
            masks = load_masks(path)
            if masks[0].shape == frames.shape[:3]:
                return masks
    filled = [
        fill_gaps(
            keypoint[m], score[m] > 0, settings.reach, m < settings.persons
        )
        for m in range(len(score))
    ]
    points = np.stack([points for points, _ in filled])
    known = np.stack([known for _, known in filled])
    # what is carried on is not surer than the least sure that is seen
    least = np.float32(max(settings.score_thr, 1e-3))
    sure = np.where(score > 0, score, least * known)
    find = _finder(
        settings.masks, settings.layout, json.dumps(settings.masks_options)
    )
    acts = slice(settings.persons)
    acting = _checked(find, frames, find(frames, (points[acts], sure[acts])))
    anybody = acting | _checked(
        find, frames, find.to_remove(frames, (points, sure))
    )
    write_masks(path, acting, anybody)
    return acting, anybody


@lru_cache(1)
def _finder(name: str, layout: str, options: str) -> PersonMasks:
    """Once a process: a model takes its time to load."""
    try:
        return find_masks(name)(layout=layout, **json.loads(options))
    except TypeError as error:  # of options that it does not take
        raise ValueError(f'masks {name!r}: {error}') from error


def _checked(
    find: PersonMasks, frames: np.ndarray, masks: np.ndarray
) -> np.ndarray:
    masks = np.asarray(masks)
    if masks.shape != frames.shape[:3] or masks.dtype != bool:
        raise ValueError(
            f'{type(find).__name__} gave masks of shape {list(masks.shape)}, '
            f'{masks.dtype}; expected {list(frames.shape[:3])}, bool'
        )
    return masks
