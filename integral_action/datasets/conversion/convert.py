from pathlib import Path, PurePosixPath
from typing import Callable, Dict, Iterable, List, Optional

from integral_action.datasets.conversion.converter import VideoConverter
from integral_action.datasets.conversion.journal import Journal, stamp_of
from integral_action.datasets.conversion.report import Finding, Report
from integral_action.datasets.conversion.resume import do_what_is_left
from integral_action.datasets.conversion.video import (
    NOBODY,
    Poses,
    Video,
    VideoInfo,
)
from integral_action.fileio import whole_file, write_annotations
from integral_action.pose.layouts import KeypointLayout


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
    workers: int = 1,
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
        workers: processes.
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
    outcomes = do_what_is_left(
        convert_one,
        videos,
        [
            stamp_of(video_folder / video.filename, Path(video.poses))
            for video in videos
        ],
        [out / 'poses' / video.pose_file for video in videos],
        journal,
        workers,
        out.name,
    )
    for name, names in class_names.items():
        with whole_file(out / name) as temporary:
            temporary.write_text(''.join(f'{line}\n' for line in names))
    report = _write_lists(out, videos, outcomes, excluded)
    report.write()
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


def _write_lists(
    out: Path,
    videos: List[Video],
    outcomes: Dict[str, Dict],
    excluded: Iterable[Finding],
) -> Report:
    lists = {name: [] for video in videos for name in video.labels}
    report = Report(out, {}, [], list(excluded), [])
    for video in videos:
        outcome = outcomes[video.filename]
        if 'problem' in outcome:
            finding = Finding(video.filename, *outcome['problem'])
            empty = finding.kind == NOBODY
            (report.excluded if empty else report.left_out).append(finding)
            continue
        for note in outcome['notes']:
            report.noted.append(Finding(video.filename, *note))
        info = outcome['info']
        for name, label in video.labels.items():
            lists[name].append(
                dict(
                    filename=video.filename,
                    label=label,
                    total_frames=info['total_frames'],
                    fps=info['fps'],
                    img_shape=list(info['img_shape']),
                    pose_file=video.pose_file,
                    **video.extra,
                )
            )
    for name, records in lists.items():
        report.lists[name] = len(records)
        if records:
            write_annotations(out / f'{name}.jsonl', records)
        else:  # of an earlier run
            (out / f'{name}.jsonl').unlink(missing_ok=True)
    return report
