from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Callable, Dict, Iterable, List, Optional

from integral_action.datasets.conversion.report import Finding, Report
from integral_action.datasets.conversion.video import (
    BROKEN_POSES,
    MISSING_POSES,
    NOBODY,
    NOT_PIXELS,
    Poses,
    UnusableError,
    Video,
    VideoInfo,
    crashed,
    fit_length,
    probe_video,
    tidy_poses,
)
from integral_action.fileio import write_lines
from integral_action.journal import Journal, Task, do_what_is_left, stamp_of
from integral_action.pose.files import write_poses
from integral_action.pose.layouts import KeypointLayout
from integral_action.pose.poses import as_poses, found_points, not_pixels
from integral_action.text import one_line

# what is only counted
PADDED, CUT = 'poses padded at the end', 'poses cut at the end'


def convert(
    videos: Iterable[Video],
    read: Callable[[Path, VideoInfo], Poses],
    video_folder: Path,
    out: Path,
    layout: str,
    class_names: Dict[str, List[str]],
    settings: Optional[Dict] = None,
    max_persons: int = 10,
    tolerance: int = 5,
    keep_empty: bool = True,
    link: bool = True,
    workers: int = 0,
    excluded: Iterable[Finding] = (),
) -> Report:
    """Write a dataset: lists, pose files, class names and a report.

    ``out/NAME.jsonl`` are the lists, ``out/poses/`` the pose files,
    ``out/problems.json`` names every video that was left out. What is done is
    noted in ``out/.converted``: an interrupted run goes on, and a video
    or a file of poses that changed since is converted anew.

    Args:
        videos: the videos, in the order of the lists.
        read: gives ``keypoint`` [M, T, K, 2], pixels of the video, (0, 0) the
            centre of the top left one, and ``keypoint_score`` [M, T, K] from a
            file of poses and the video's measures. T is the number of the
            video's frames that the poses cover. It must be picklable; what it
            raises leaves the video out.
        video_folder: where the videos are; they are not copied.
        out: the folder to write.
        layout: of the poses, as of :meth:`KeypointLayout.get`.
        class_names: names of files in ``out``, and the names to write there
            in the order of the labels.
        settings: what else the pose files depend on.
        max_persons: as of :func:`tidy_poses`.
        tolerance: as of :func:`fit_length`.
        keep_empty: keep videos with nobody in any frame; they are counted.
        link: make ``out/videos`` a link to ``video_folder``.
        workers: number of processes; 0 for this one.
        excluded: what the data set itself leaves out, for the report.

    Returns:
        The report, which is written but not printed.

    Raises:
        NotADirectoryError: there is no ``video_folder``.
        ValueError: there are no videos, two share a name, a label has no class
            name, or ``out`` was made with other settings.
    """
    videos, out = list(videos), Path(out)
    video_folder = Path(video_folder)
    _check(videos, class_names)
    if not video_folder.is_dir():
        raise NotADirectoryError(f'{video_folder}: there is no such folder')
    settings = dict(
        layout=layout,
        max_persons=max_persons,
        tolerance=tolerance,
        keep_empty=keep_empty,
        **(settings or {}),
    )
    journal = Journal(out / '.converted', settings)
    if link:
        link_to(out / 'videos', video_folder)
    convert_one = VideoConverter(
        read,
        video_folder,
        out / 'poses',
        KeypointLayout.get(layout).num_keypoints,
        max_persons,
        tolerance,
        keep_empty,
    )
    tasks = [
        Task(
            video.filename,
            video,
            stamp_of(video_folder / video.filename, Path(video.poses)),
            out / 'poses' / video.pose_file,
        )
        for video in videos
    ]
    outcomes = do_what_is_left(
        convert_one, tasks, journal, workers, out.name, crashed
    )
    for name, names in class_names.items():
        write_lines(out / name, names)
    report = Report(out, excluded=list(excluded))
    report.write(_list_videos(videos, outcomes, report))
    return report


def _check(videos: List[Video], class_names: Dict[str, List[str]]) -> None:
    if not videos:
        raise ValueError('there are no videos to convert')
    most = max(len(names) for names in class_names.values())
    seen = {}
    for video in videos:
        path = PurePosixPath(video.filename)
        if path.is_absolute() or '..' in path.parts:
            raise ValueError(
                f'{video.filename}: expected a path inside the folder of '
                f'videos'
            )
        if video.pose_file in seen:
            raise ValueError(
                f'{video.filename} and {seen[video.pose_file]} would share '
                f'the pose file {video.pose_file}'
            )
        seen[video.pose_file] = video.filename
        for label in video.labels.values():
            if not 0 <= label < most:
                raise ValueError(
                    f'{video.filename}: label is {label!r}, expected a '
                    f'number from 0 to {most - 1}'
                )


def link_to(link: Path, target: Path) -> None:
    """Make a link to a folder; a link that is there is replaced.

    Raises:
        ValueError: what is there is no link, or the link would be inside of
            the folder that it leads to.
    """
    if link.exists() and link.samefile(target):
        return
    if target.resolve() in link.parent.resolve().parents or (
        target.resolve() == link.parent.resolve()
    ):
        raise ValueError(
            f'{link.parent} is inside the folder of videos, {target}: choose '
            f'another folder to write'
        )
    if link.exists() and not link.is_symlink():
        raise ValueError(
            f'{link} is there already, and is not {target}: choose another '
            f'folder to write, or give --no-link'
        )
    link.unlink(missing_ok=True)
    link.symlink_to(target.resolve(), target_is_directory=True)


def _list_videos(
    videos: List[Video], outcomes: Dict[str, Dict], report: Report
) -> Dict[str, List[Dict]]:
    """Return the records of each list; the report tells of the others."""
    lists = {name: [] for video in videos for name in video.labels}
    for video in videos:
        outcome = outcomes[video.filename]
        if 'problem' in outcome:
            report.leave_out(video.filename, *outcome['problem'])
            continue
        for note in outcome['notes']:
            report.noted.append(Finding(video.filename, *note))
        for name, label in video.labels.items():
            lists[name].append(
                dict(
                    filename=video.filename,
                    label=label,
                    **outcome['info'],
                    pose_file=video.pose_file,
                    **video.extra,
                )
            )
    return lists


@dataclass(frozen=True)
class VideoConverter:
    """Converter of one video; it travels to the worker processes."""

    read: Callable[[Path, VideoInfo], Poses]
    videos: Path
    poses: Path
    num_keypoints: int
    max_persons: int
    tolerance: int
    keep_empty: bool

    def __call__(self, video: Video) -> Dict:
        """Write the pose file; return the measures, or why there is none."""
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
    text = one_line(error)
    if not isinstance(error, (ValueError, OSError)):
        text = f'{type(error).__name__}: {text}'
    return text if str(path) in text else f'{path}: {text}'
