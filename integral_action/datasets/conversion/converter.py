from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Callable, Dict

from integral_action.datasets.conversion.video import (
    BROKEN_POSES,
    MISSING_POSES,
    NOBODY,
    NOT_PIXELS,
    Poses,
    UnusableError,
    Video,
    VideoInfo,
    fit_length,
    probe_video,
    tidy_poses,
)
from integral_action.fileio import write_poses
from integral_action.pose.poses import as_poses, found_points, not_pixels

# what is only counted
PADDED, CUT = 'poses padded at the end', 'poses cut at the end'


@dataclass(frozen=True)
class VideoConverter:
    """Converts one video; travels to the worker processes."""

    read: Callable[[Path, VideoInfo], Poses]
    videos: Path
    poses: Path
    num_keypoints: int
    max_persons: int
    tolerance: int
    keep_empty: bool

    def __call__(self, video: Video) -> Dict:
        """Write the pose file; what was measured, or why there is none."""
        try:
            return self._convert(video)
        except UnusableError as error:
            return dict(problem=[error.kind, str(error)])

    def _convert(self, video: Video) -> Dict:
        path = self.videos / video.filename
        if path.is_file() and not Path(video.poses).exists():
            raise UnusableError(  # before the slow part
                MISSING_POSES, f'{video.poses}: there is no such file'
            )
        info = probe_video(path)
        keypoint, score = self._read(video.poses, info)
        keypoint, score = tidy_poses(keypoint, score, self.max_persons)
        try:
            keypoint, score, surplus = fit_length(
                keypoint, score, info.total_frames, self.tolerance
            )
        except UnusableError as error:
            message = f'{video.poses}: {error}'
            raise UnusableError(error.kind, message) from error
        notes = []
        if surplus:
            kind = CUT if surplus > 0 else PADDED
            frames = f'{abs(surplus)} of {info.total_frames} frames'
            notes.append((kind, frames))
        if not score.any():
            if not self.keep_empty:
                raise UnusableError(NOBODY, str(video.poses))
            notes.append((NOBODY, str(video.poses)))
        write_poses(self.poses / video.pose_file, keypoint, score)
        return dict(info=asdict(info), notes=notes)

    def _read(self, path: Path, info: VideoInfo) -> Poses:
        try:
            keypoint, score = as_poses(*self.read(path, info))
            if keypoint.shape[2] != self.num_keypoints:
                raise ValueError(
                    f'poses of {keypoint.shape[2]} keypoints, expected '
                    f'{self.num_keypoints}'
                )
        except Exception as error:  # what broken files raise has no limit
            raise UnusableError(BROKEN_POSES, _named(path, error)) from error
        points = found_points(keypoint, score)
        if reason := not_pixels(points, info.img_shape):
            raise UnusableError(NOT_PIXELS, f'{path}: {reason}')
        return keypoint, score


def _named(path: Path, error: Exception) -> str:
    """The error in one line that names the file and says what happened."""
    text = ' '.join(str(error).split())
    if not isinstance(error, (ValueError, OSError)):
        text = f'{type(error).__name__}: {text}'
    return text if str(path) in text else f'{path}: {text}'
