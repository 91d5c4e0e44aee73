"""Estimate the poses in videos, and write one pose file per video.

    integral-action extract-poses VIDEOS OUT --poses rtmpose
    integral-action extract-poses VIDEOS OUT --poses movenet --model FILE

VIDEOS is a folder, a list (text: a path and, after it, a label if you like, a
number or a class name; .jsonl: annotations), or a video; or several of them.
OUT gets a/b.npz for a/b.mp4, and for each list the same list as annotations
that VideoPoseDataset reads (OUT/videos.jsonl for a folder), without the videos
that failed: OUT/failed.json names those, each with the reason.

It can be stopped at any point; the same command goes on. Under torchrun or
srun, workers share the videos. See docs/extract_poses.md.
"""

import argparse
import hashlib
import inspect
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Tuple, Type

import numpy as np
from mmengine.config import DictAction
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from integral_action_cli import command, make_parser, number


def _shard(text: str) -> Tuple[int, int]:
    part, parts = map(int, text.split('/'))
    if not 0 <= part < parts:
        raise ValueError
    return part, parts


_shard.__name__ = 'I/N (I from 0)'


def parse_args(arguments=None) -> argparse.Namespace:
    """The command line."""
    parser = make_parser(__doc__)
    add = parser.add_argument
    add('videos', nargs='+', type=Path, help='folders, lists or videos')
    add('out', type=Path, help='folder to write')
    add(
        '--poses',
        dest='estimator',
        metavar='NAME',
        help='estimator that finds them: rtmpose, mediapipe, movenet, mmpose, '
        'or a class of yours as module:Class (default: rtmpose or else '
        'mediapipe, the first that is installed)',
    )
    add('--estimator', help=argparse.SUPPRESS)  # the name of --poses, once
    add(
        '--model',
        help='rtmpose: body, halpe26, wholebody, rtmo or a .onnx file; '
        'movenet: the .onnx file; mmpose: alias, name or config file',
    )
    add(
        '--score-thr',
        type=float,
        help='leave out persons below this score (movenet 0.1, rtmpose and '
        'mmpose 0.3, mediapipe 0.5)',
    )
    add(
        '--options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help="further arguments of the estimator's class, such as det_model "
        'of rtmpose and mmpose',
    )
    add(
        '--device',
        default='cpu',
        help='cpu (default), or cuda: a GPU for each worker of a machine',
    )
    add(
        '--batch-size',
        type=number(1),
        default=16,
        help='frames that are decoded, and on a GPU estimated, together '
        '(default 16)',
    )
    add(
        '--max-persons',
        type=number(1),
        help='keep at most this many persons of a frame, the best',
    )
    add(
        '--video-prefix',
        type=Path,
        help="folder that a list's paths are relative to (default: its own)",
    )
    add(
        '--shard',
        type=_shard,
        metavar='I/N',
        help='do only part I of N (I from 0), for jobs that start one by one',
    )
    return parser.parse_args(arguments)


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

import torch.distributed
from mmengine.dist import all_gather_object, get_dist_info

from integral_action.datasets.conversion import is_video, video_files
from integral_action.datasets.label_map import LabelMap
from integral_action.datasets.video_list import (
    Line,
    label_of,
    number_labels,
    read_video_list,
)
from integral_action.datasets.video_reader import VideoReader
from integral_action.fileio import (
    SampleError,
    read_annotations,
    write_annotations,
    write_lines,
    write_text,
)
from integral_action.journal import note_settings
from integral_action.pose.files import read_poses, write_poses
from integral_action.pose_estimators import (
    PoseEstimator,
    default_estimator,
    estimate_poses,
    find_estimator,
)
from integral_action.text import one_line

# ------------------------------------------------------------ what to do


@dataclass(frozen=True)
class Video:
    """A video to be done.

    Args:
        name: as lists name it: relative to ``--video-prefix``.
        path: where it is.
        poses: where its pose file goes.
    """

    name: str
    path: Path
    poses: Path


def read_sources(
    sources: List[Path], prefix: Optional[Path], out: Path, suffix: str = ''
) -> Tuple[Dict[str, List[Dict]], List[Video], LabelMap]:
    """Collect the videos.

    Args:
        sources: folders, lists and videos.
        prefix: what a list's paths are relative to; None for its own folder.
        out: where pose files go.
        suffix: of the names of the lists to be written.

    Returns:
        The records of each list to be written, by its name; the videos,
        sorted, each once; and the class names of the text lists' labels.

    Raises:
        FileNotFoundError: a source is not there.
        ValueError: a list is broken or would be overwritten, no videos, or
            two that would write one pose file.
    """
    lists, videos, roots = {}, {}, {}
    texts = {one: read_video_list(one) for one in sources if _is_text(one)}
    names = number_labels({str(path): text for path, text in texts.items()})
    for source in sources:
        name, root, records = _read_source(source, prefix, texts, names)
        if not records:
            raise ValueError(f'{source}: no videos')
        if roots.setdefault(name, root) != root or (
            name in lists and name != 'videos'
        ):
            raise ValueError(
                f'{source}: another list is called {name}; take one folder '
                f'or list at a time, each with an OUT of its own'
            )
        if source.resolve() == (out / f'{name}{suffix}.jsonl').resolve():
            raise ValueError(f'{source}: would be overwritten: move it')
        lists.setdefault(name, []).extend(records)
        for record in records:
            video = _video_of(record['filename'], root, out, source)
            other = videos.setdefault(video.poses, video)
            if other.path != video.path:
                raise ValueError(
                    f'{other.path} and {video.path} would both write '
                    f'{video.poses}: rename one, or use two folders'
                )
            record['pose_file'] = video.poses.relative_to(out).as_posix()
    videos = sorted(videos.values(), key=lambda video: video.name)
    return lists, videos, names


def _is_text(source: Path) -> bool:
    return (
        source.is_file()
        and source.suffix.lower() != '.jsonl'
        and not is_video(source)
    )


def _read_source(
    source: Path,
    prefix: Optional[Path],
    lists: Dict[Path, List[Line]],
    names: LabelMap,
) -> Tuple[str, Path, List[Dict]]:
    """Return the name of the list to write, what its paths are relative to,
    and its records."""
    if source.is_dir():
        records = [dict(filename=name) for name in video_files(source)]
        return 'videos', source, records
    if not source.exists():
        raise FileNotFoundError(f'{source}: there is no such file or folder')
    root = prefix or source.parent
    if is_video(source):
        return 'videos', source.parent, [dict(filename=source.name)]
    if source.suffix == '.jsonl':
        records = list(read_annotations(source))
        for number, record in enumerate(records, 1):
            if not isinstance(record, dict) or not isinstance(
                record.get('filename'), str
            ):
                raise ValueError(
                    f'{source}, video {number}: no "filename" in {record}'
                )
        return source.stem, root, records
    records = []
    for line in lists[source]:
        if not re.fullmatch(r'\.\w+', Path(line.filename).suffix):
            raise ValueError(
                f'{line.place}: {line.filename!r}, expected the path of a '
                f'video and, if you like, its label'
            )
        records.append(dict(filename=line.filename))
        if line.label is not None:
            records[-1]['label'] = label_of(line, names)
    return source.stem, root, records


def _video_of(name: str, root: Path, out: Path, source: Path) -> Video:
    path = Path(os.path.abspath(root / name))  # relative ones may say a:b.mp4
    inside = Path(os.path.normpath(name))
    if inside.is_absolute():
        inside = inside.relative_to(inside.anchor)
    if inside.parts[:1] == ('..',):
        raise ValueError(
            f'{source}: {name} lies outside of {root}: give --video-prefix '
            f'and paths relative to that'
        )
    return Video(name, path, out / inside.with_suffix('.npz'))


def settings_of(
    args: argparse.Namespace, estimator: PoseEstimator, options: Dict
) -> Dict:
    """Return what makes the poses; a file by its name and its content."""
    settings = dict(
        estimator=args.estimator,
        layout=estimator.layout,
        max_persons=args.max_persons,
    )
    for name, value in options.items():
        if isinstance(value, str) and os.path.isfile(value):
            digest = hashlib.sha256(Path(value).read_bytes()).hexdigest()
            value = f'{Path(value).name} {digest[:16]}'
        if name != 'device':
            settings[name] = value
    return json.loads(json.dumps(settings, default=str))  # as it is read back


def remove_stale(videos: List[Video]) -> None:
    """Remove what a killed run has left of the pose files of ``videos``."""
    mine = {video.poses for video in videos}
    for folder in sorted({poses.parent for poses in mine}):
        for temporary in folder.glob('.*.npz'):  # .name.process.npz
            name = temporary.name[1:].rsplit('.', 2)[0]
            if folder / f'{name}.npz' in mine:
                temporary.unlink()


# --------------------------------------------------------------- workers


def join_workers() -> Tuple[int, int]:
    """Rank and world size; (0, 1) where neither torchrun nor srun started us.

    The workers only meet at the end, to sum up and to exit alike: torchrun
    stops all when one exits with an error. mmengine's own ``init_dist`` is of
    no use here: it gives each worker the GPU of its number, and so fails
    without GPUs (``torch.cuda.set_device``) or with fewer than workers.
    """
    environ = os.environ
    # Set by srun alone; SLURM_NTASKS is in the batch script's own shell too.
    tasks = environ.get('SLURM_STEP_NUM_TASKS', '1')
    if 'RANK' not in environ and int(tasks) > 1:
        environ['RANK'] = environ['SLURM_PROCID']
        environ['WORLD_SIZE'] = tasks
        environ['LOCAL_RANK'] = environ['SLURM_LOCALID']
        if 'MASTER_ADDR' not in environ:
            command = ['scontrol', 'show', 'hostnames']
            nodes = subprocess.run(
                [*command, environ['SLURM_STEP_NODELIST']],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            )
            environ['MASTER_ADDR'] = nodes.stdout.split()[0]
        environ.setdefault(
            'MASTER_PORT', str(20000 + int(environ['SLURM_JOB_ID']) % 20000)
        )
    if int(environ.get('WORLD_SIZE', 1)) > 1:
        # The quick ones wait for the slow ones.
        torch.distributed.init_process_group(
            'gloo', timeout=timedelta(days=30)
        )
    return get_dist_info()


def device_of(device: str) -> str:
    """``'cuda'`` is, for the workers of one machine, a GPU each."""
    if device == 'cuda' and 'LOCAL_RANK' in os.environ:
        count = max(torch.cuda.device_count(), 1)
        return f'cuda:{int(os.environ["LOCAL_RANK"]) % count}'
    return device


# ---------------------------------------------------------------- a video


def estimate(
    video: Video,
    estimator: PoseEstimator,
    batch_size: int,
    max_persons: Optional[int],
    progress: Callable[[float], None],
) -> Dict:
    """Write a video's pose file.

    Returns:
        ``total_frames`` and ``img_shape`` of the video.

    Raises:
        SampleError: the video cannot be read, or the estimator fails on it.
        OSError: the pose file cannot be written.
    """
    reader = VideoReader(video.path)

    def batches() -> Iterator[np.ndarray]:
        done = 0
        for frames in reader.batches(batch_size):
            yield frames
            done += len(frames)
            progress(done / len(reader))

    poses = estimate_poses(batches(), estimator, str(video.path), max_persons)
    write_poses(video.poses, *poses)
    return dict(total_frames=len(reader), img_shape=list(reader.shape))


def is_done(video: Video) -> bool:
    """Whether there are poses of a video, and it is not newer than they."""
    return video.poses.exists() and not (
        video.path.exists()
        and video.path.stat().st_mtime > video.poses.stat().st_mtime
    )


def look_up(video: Video) -> Dict:
    """``total_frames`` and ``img_shape`` of a video that was done before.

    Raises:
        SampleError: it or its pose file cannot be read.
    """
    try:
        keypoint, _ = read_poses(video.poses)
    except ValueError as error:
        raise SampleError(f'{error}: remove it') from error
    shape = VideoReader(video.path).shape
    return dict(total_frames=keypoint.shape[1], img_shape=list(shape))


# -------------------------------------------------------------------- all


def do_videos(
    videos: List[Video],
    estimator: PoseEstimator,
    args: argparse.Namespace,
    title: str,
    show: bool,
) -> Dict[Path, Dict]:
    """Do what is not done yet.

    Returns:
        By pose file what came out: ``total_frames``, ``img_shape`` and
        ``new``; or ``filename`` and ``reason`` of a failure.
    """
    remove_stale(videos)
    results = {}
    columns = (
        TextColumn('{task.description}'),
        BarColumn(),
        TextColumn('{task.fields[done]} of {task.total} videos'),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True, highlight=False, markup=False)
    with Progress(*columns, console=console, disable=not show) as progress:
        bar = progress.add_task(title, total=len(videos), done=0)
        for i, video in enumerate(videos):
            new = not is_done(video)
            try:
                if new:
                    result = estimate(
                        video,
                        estimator,
                        args.batch_size,
                        args.max_persons,
                        lambda part, i=i: progress.update(
                            bar, completed=i + part
                        ),
                    )
                else:
                    result = look_up(video)
                results[video.poses] = dict(result, new=new)
            except SampleError as error:
                results[video.poses] = dict(
                    filename=video.name, reason=str(error)
                )
                console.print(f'failed: {error}', soft_wrap=True)
            progress.update(bar, completed=i + 1, done=i + 1)
    return results


def write_results(
    out: Path,
    lists: Dict[str, List[Dict]],
    results: Dict[Path, Dict],
    failed: List[Dict],
    suffix: str,
) -> None:
    """Write the lists, of what is done, and ``failed.json``."""
    for name, records in lists.items():
        done = []
        for record in records:
            result = results.get(out / record['pose_file'], {})
            if 'total_frames' in result:
                shape = {
                    key: result[key] for key in ('total_frames', 'img_shape')
                }
                done.append(record | shape)
        write_annotations(out / f'{name}{suffix}.jsonl', done)
    failed = sorted(failed, key=lambda failure: failure['filename'])
    text = json.dumps(failed, indent=2) + '\n'
    write_text(out / f'failed{suffix}.json', text)


def extract(args: argparse.Namespace) -> int:
    """Do this worker's share; rank 0 sums up.

    Returns:
        How many videos failed, of all workers.
    """
    rank, world_size = join_workers()
    part, parts = args.shard or (0, 1)
    suffix = f'-{part}-of-{parts}' if args.shard else ''
    lists, videos, names = read_sources(
        args.videos, args.video_prefix, args.out, suffix
    )
    if args.estimator is None:
        args.estimator = default_estimator()['type']
    kind = find_estimator(args.estimator)
    options = estimator_options(kind, args)
    estimator = kind(**options)
    settings = settings_of(args, estimator, options)
    note_settings(args.out / 'extract_poses.json', settings)

    # Every parts-th video, and of these every world_size-th.
    mine = videos[part::parts][rank::world_size]
    title = f'worker 0 of {world_size}' if world_size > 1 else 'poses'
    start = time.monotonic()
    results = do_videos(mine, estimator, args, title, show=rank == 0)
    seconds = time.monotonic() - start
    try:
        shares = all_gather_object((results, seconds))
    except RuntimeError as error:
        raise OSError(
            f'another worker is gone ({one_line(error)}): the videos of '
            f'this one are done, the same command goes on'
        ) from error
    results = {poses: r for share, _ in shares for poses, r in share.items()}
    failed = [r for r in results.values() if 'reason' in r]
    if rank == 0:
        write_results(args.out, lists, results, failed, suffix)
        if not all(map(str.isdecimal, names.names)):
            write_lines(args.out / 'classes.txt', names.names)
        new = [r['total_frames'] for r in results.values() if r.get('new')]
        rate = sum(new) / max(seconds for _, seconds in shares)
        print(
            f'{args.out}: {len(new)} videos done ({sum(new)} frames, '
            f'{rate:.1f} a second), {len(results) - len(new) - len(failed)} '
            f'already there, {len(failed)} failed'
            + (f' (see {args.out}/failed{suffix}.json)' if failed else '')
        )
    return len(failed)


def estimator_options(
    kind: Type[PoseEstimator], args: argparse.Namespace
) -> Dict:
    """The arguments of the estimator's class, its defaults among them.

    Raises:
        ValueError: it does not take one, or needs one more.
    """
    options = dict(args.options or {}, device=device_of(args.device))
    for name in ('model', 'score_thr'):
        if getattr(args, name) is not None:
            options[name] = getattr(args, name)
    signature = inspect.signature(kind)
    try:
        bound = signature.bind(**options)
    except TypeError as error:
        raise ValueError(
            f'estimator {args.estimator}: {error}; it takes '
            f'{", ".join(signature.parameters)}'
        ) from error
    bound.apply_defaults()
    return bound.arguments


@command()
def main(arguments=None) -> int:
    """Run the command.

    Returns:
        0 if all is done, 1 if a video failed or nothing could be done, 130 if
        it was interrupted.
    """
    args = parse_args(arguments)
    try:
        return extract(args) > 0
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


if __name__ == '__main__':
    sys.exit(main())
