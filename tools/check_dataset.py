"""Read every video and its poses once, and report what is wrong with them.

    python tools/check_dataset.py CONFIG [--json report.json]
    python tools/check_dataset.py ANN_FILE ... --video-prefix DIR --layout NAME

With a config, the annotations of its train, val and test dataloaders are
checked, each once, for the streams that their pipelines read. The exit status
is 0 where all is well, 1 where errors were found, 2 for bad arguments;
warnings count as errors with --strict. With --json, an interrupted check goes
on where it was.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import signal
import sys
from collections import Counter, defaultdict, deque
from concurrent.futures import (
    FIRST_COMPLETED,
    ProcessPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from os.path import isfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

import numpy as np
from browse_dataset import innermost, one_line, read_config
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from integral_action.fileio import read_annotations, records_of, whole_file

ERRORS = {
    'annotation_file': 'the annotation file cannot be read',
    'annotation': 'a value of the annotation is wrong',
    'label': 'the label is out of range',
    'missing_video': 'there is no such video',
    'unreadable_video': 'the video cannot be read',
    'missing_poses': 'there are no poses',
    'unreadable_poses': 'the poses cannot be read',
    'frame_count': 'numbers of frames disagree',
    'img_shape': 'img_shape has other proportions than the video',
    'layout': 'poses of another layout',
    'not_finite': 'found keypoints that are no numbers',
    'not_pixels': 'coordinates that are fractions, not pixels',
    'outside': 'poses outside the picture',
    'duplicate_between': 'in the training and in another list',
}
WARNINGS = {
    'other_size': 'img_shape is another size than the video',
    'video_longer': 'the video is longer than its annotation',
    'few_persons': 'nobody in many frames',
    'duplicate_within': 'more than once in a list',
}
CHUNK = 8  # videos that a process gets at a time


class Problem(NamedTuple):
    kind: str
    message: str


@dataclass(frozen=True)
class Limits:
    """What counts as a problem: the options of that name."""

    margin: float = 0.1
    max_outside: float = 0.1
    max_empty: float = 0.5
    score_thr: float = 0.1
    decode: bool = False


@dataclass
class VideoList:
    """An annotation file as one or more splits read it.

    Args:
        splits: their names.
        dataset: a VideoPoseDataset that has not read the file.
        settings: what tells it from other lists.
        streams: what is checked.
    """

    splits: List[str]
    dataset: Any
    settings: Tuple
    streams: Set[str] = field(default_factory=set)
    infos: List[Dict] = field(default_factory=list)
    problems: List[Problem] = field(default_factory=list)  # of the whole

    @property
    def name(self) -> str:
        return ', '.join(self.splits)

    @property
    def stamp(self) -> Optional[int]:
        """When the annotation file was written."""
        path = self.dataset.ann_file
        return os.stat(path).st_mtime_ns if isfile(path) else None

    def read(self) -> None:
        """Read the annotation file, whatever its videos are like."""
        dataset = self.dataset
        try:
            annotations = read_annotations(dataset.ann_file)
            records = records_of(annotations, dataset.split, dataset.ann_file)
            self.infos = [dict(record) for record in records]
            if not self.infos:
                raise ValueError('no videos')
        except FileNotFoundError:
            self._broken('there is no such file')
        except (OSError, ValueError) as error:
            self._broken(one_line(error).removeprefix(f'{dataset.ann_file}: '))

    def _broken(self, message: str) -> None:
        self.problems.append(Problem('annotation_file', message))


class Task(NamedTuple):
    """One video: its list's and its own number, and what is to be done."""

    list_number: int
    number: int
    info: Dict  # with whole paths, without what is wrong in it
    faults: List[Problem]
    streams: Set[str]
    layout: str
    digest: bool = False

    @property
    def key(self) -> Tuple[int, int]:
        return self.list_number, self.number


class Result(NamedTuple):
    key: Tuple[int, int]
    problems: List[Problem]
    digest: Optional[str] = None


# ------------------------------------------------------------- one video


def check_video(info: Dict, limits: Limits) -> Iterator[Problem]:
    """Open a video and decode its first and last frame, or all."""
    import decord

    path = info['filename']
    if not isfile(path):
        yield Problem('missing_video', 'there is no such file')
        return
    try:
        reader = decord.VideoReader(path, num_threads=1)
        length = len(reader)
        shape = reader.get_batch([0, length - 1]).shape[1:3]
        for start in range(0, length if limits.decode else 0, 16):
            reader.get_batch(range(start, min(start + 16, length)))
    except Exception as error:  # what broken bytes raise has no limit
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
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
        stretch = annotated[0] * shape[1] / (annotated[1] * shape[0])
        yield Problem(
            'other_size' if 0.95 < stretch < 1.05 else 'img_shape',
            f'the video is {list(shape)} (height, width), but img_shape is '
            f'{list(annotated)}',
        )
    info['img_shape'] = annotated


def check_poses(info: Dict, layout: str, limits: Limits) -> Iterator[Problem]:
    """Read a video's poses and look at every keypoint."""
    from integral_action.datasets.transforms import LoadPoses
    from integral_action.keypoints import KeypointLayout

    path = info.get('pose_file')
    if 'keypoint' not in info and (path is None or not isfile(path)):
        yield Problem(
            'missing_poses',
            f'there is no file {path}'
            if path is not None
            else 'the annotation has neither "keypoint" nor "pose_file"',
        )
        return
    try:
        keypoint, score = LoadPoses.read(info)
    except Exception as error:  # what broken bytes raise has no limit
        yield Problem('unreadable_poses', f'{path}: {one_line(error)}')
        return
    keypoint = keypoint[..., :2]
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
    finite = np.isfinite(keypoint).all(-1)
    lost = (~finite & (score > 0)) | ~np.isfinite(score)
    if lost.any():
        first = int(np.flatnonzero(lost.any((0, 2)))[0])
        yield Problem(
            'not_finite',
            f'{lost.sum()} of {lost.size} keypoints are no numbers, the first '
            f'in frame {first}',
        )
    found = (score > limits.score_thr) & ~lost
    if 'img_shape' in info and found.any():
        yield from check_places(keypoint[found], info['img_shape'], limits)
    empty = int((~found.any((0, 2))).sum())
    if empty > limits.max_empty * frames:
        yield Problem('few_persons', f'nobody in {empty} of {frames} frames')


def check_places(
    points: np.ndarray, shape: Tuple[int, int], limits: Limits
) -> Iterator[Problem]:
    """Whether the found keypoints [N, 2] lie in the picture."""
    height, width = shape
    if min(shape) > 8 and np.abs(points).max() <= 1.5:
        yield Problem(
            'not_pixels',
            f'all coordinates are at most {np.abs(points).max():.2f} in a '
            f'picture of {width} x {height}: fractions?',
        )
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


def check(task: Task, limits: Limits) -> Result:
    """All that is wrong with one video."""
    info, problems, digest = dict(task.info), list(task.faults), None
    if 'RGB' in task.streams and 'filename' in info:
        problems += check_video(info, limits)
    if 'Pose' in task.streams and info.get('pose_file', '') is not None:
        problems += check_poses(info, task.layout, limits)
    if task.digest:
        try:
            digest = digest_of(info['filename'])
        except OSError as error:
            problems.append(Problem('unreadable_video', one_line(error)))
    return Result(task.key, problems, digest)


def digest_of(path: str) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with open(path, 'rb') as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


# ------------------------------------------------------------ all videos


def make_tasks(lists: List[VideoList], contents: bool) -> List[Task]:
    """A task a video. Values that are wrong are reported and left out."""
    tasks = []
    for list_number, part in enumerate(lists):
        for number, info in enumerate(part.infos, 1):
            faults, streams = [], set(part.streams)
            for key, expected in list(part.dataset.faults(info)):
                value = repr(info.pop(key, None))
                value = value if len(value) <= 80 else f'{value[:77]}...'
                kind = 'label' if key == 'label' else 'annotation'
                faults.append(
                    Problem(kind, f'{key} is {value}, expected {expected}')
                )
                if key == 'pose_file':
                    streams.discard('Pose')
            part.dataset.join_paths(info)
            layout = part.dataset.layout
            tasks.append(
                Task(list_number, number, info, faults, streams, layout)
            )
    if not contents:
        return tasks
    # only files of one size can be the same
    paths = {task.info.get('filename', '') for task in tasks}
    size = {path: os.path.getsize(path) for path in paths if isfile(path)}
    number = Counter(size.values())
    return [
        task._replace(digest=number[size.get(task.info.get('filename'))] > 1)
        for task in tasks
    ]


def check_chunk(limits: Limits, tasks: List[Task]) -> List[Result]:
    return [check(task, limits) for task in tasks]


def ignore_interrupts() -> None:
    """Of a worker: the parent decides."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def run(
    tasks: List[Task], limits: Limits, workers: int
) -> Iterator[List[Result]]:
    """Check all videos, in processes, as they come. A video on which its
    process dies (decoders do, on broken files) is unreadable."""
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context(
        'fork' if 'fork' in methods else None
    )
    work = partial(check_chunk, limits)

    def pool(number: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(number, context, ignore_interrupts)

    waiting, running, executor = deque(tasks), {}, pool(workers)
    try:
        while waiting or running:
            suspects = []
            while waiting and len(running) < 2 * workers and not suspects:
                number = min(CHUNK, len(waiting))
                chunk = [waiting.popleft() for _ in range(number)]
                try:
                    running[executor.submit(work, chunk)] = chunk
                except BrokenProcessPool:
                    suspects += chunk
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                chunk = running.pop(future)
                try:
                    yield future.result()
                except BrokenProcessPool:
                    suspects += chunk
            if not suspects:
                continue
            for future, chunk in running.items():  # they fail, or are done
                if future.exception() is None:
                    yield future.result()
                else:
                    suspects += chunk
            running.clear()
            executor.shutdown()
            executor = pool(1)
            for task in suspects:
                try:
                    yield executor.submit(work, [task]).result()
                except BrokenProcessPool:
                    crash = Problem(
                        'unreadable_video', 'the process that read it crashed'
                    )
                    yield [Result(task.key, [*task.faults, crash])]
                    executor = pool(1)
            executor.shutdown()
            executor = pool(workers)
    finally:
        executor.shutdown(cancel_futures=True)


class Journal:
    """The videos that were found to be well, for a check that goes on.

    Args:
        path: of the report; the journal lies beside it. None for no journal.
        check: what is checked, and how; another check's journal is ignored.
    """

    def __init__(self, path: Optional[Path], check: Dict) -> None:
        self.path = path and path.with_name(f'{path.name}.partial')
        self.done, self.file = {}, None
        if path is None:
            return
        head = json.dumps(check, sort_keys=True)
        lines = []
        if self.path.is_file():
            lines = self.path.read_text().split('\n')[:-1]  # whole ones
        if lines[:1] == [head]:
            for line in lines[1:]:
                *key, digest = json.loads(line)
                self.done[tuple(key)] = Result(tuple(key), [], digest)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(self.path) as temporary:
            kept = [head] + lines[1:] if self.done else [head]
            temporary.write_text(''.join(f'{line}\n' for line in kept))
        self.file = open(self.path, 'a')

    def note(self, results: List[Result]) -> None:
        """Remember those without problems."""
        if self.file is not None:
            for result in results:
                if not result.problems:
                    row = [*result.key, result.digest]
                    self.file.write(json.dumps(row) + '\n')
            self.file.flush()

    def close(self) -> None:
        if self.file is not None:
            self.file.close()

    def remove(self) -> None:
        """Of a finished check."""
        self.path.unlink()


def find_duplicates(
    lists: List[VideoList],
    tasks: List[Task],
    apart: Set[Tuple[int, int]],
    digests: Dict[Tuple[int, int], str],
) -> Iterator[Tuple[Tuple[int, int], Problem]]:
    """The videos that are in a list twice, or in two lists that should have
    none in common, by name or by the digest of their contents."""
    by_name, by_contents = defaultdict(list), defaultdict(dict)
    for task in tasks:
        if 'filename' in task.info:
            path = os.path.normpath(task.info['filename'])
            by_name[path].append(task)
            if task.key in digests:  # one a name: the others are found by it
                by_contents[digests[task.key]].setdefault(path, task)
    groups = [('the same', group) for group in by_name.values()]
    groups += [
        ('the same contents', list(group.values()))
        for group in by_contents.values()
    ]
    for same, group in groups:
        first = {}  # of each list
        for task in group:
            for part, other in first.items():
                within = part == task.list_number
                if within or (part, task.list_number) in apart:
                    yield (
                        task.key,
                        Problem(
                            'duplicate_within'
                            if within
                            else 'duplicate_between',
                            f'{same} as video {other.number} of '
                            f'{lists[part].name}, {other.info["filename"]}',
                        ),
                    )
            first.setdefault(task.list_number, task)


# -------------------------------------------------------------- arguments


def parse_args(arguments=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'sources',
        metavar='CONFIG | ANN_FILE ...',
        nargs='+',
        help='a config (.py), or annotation files that should have no video '
        'in common',
    )
    group = parser.add_argument_group('with a config')
    group.add_argument(
        '--split',
        nargs='+',
        choices=('train', 'val', 'test'),
        help='check these alone',
    )
    group.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE')
    group = parser.add_argument_group('with annotation files')
    group.add_argument('--data-root', default='')
    group.add_argument('--video-prefix', default='')
    group.add_argument('--pose-prefix', default='')
    group.add_argument('--video-suffix', default='.mp4')
    group.add_argument('--layout', default='openpose18')
    group.add_argument('--num-classes', type=int)
    group.add_argument('--ann-split', help='which split of a pickle to check')
    parser.add_argument(
        '--streams',
        nargs='+',
        choices=('RGB', 'Pose'),
        help='check videos, poses or both (default: what the config reads, or '
        'both)',
    )
    parser.add_argument(
        '--decode',
        action='store_true',
        help='decode every frame, not only the first and the last',
    )
    parser.add_argument(
        '--contents',
        action='store_true',
        help='find duplicates by the contents of the files, too',
    )
    for name, text in (
        ('margin', "of the picture's size that a keypoint may be outside it"),
        ('max_outside', "of a video's found keypoints that may be outside"),
        ('max_empty', "of a video's frames that may be without anybody"),
        ('score_thr', 'above which a keypoint counts as found'),
    ):
        parser.add_argument(
            f'--{name.replace("_", "-")}',
            type=float,
            default=getattr(Limits, name),
            help=f'{"score" if name == "score_thr" else "share"} {text} '
            f'(default: %(default)s)',
        )
    parser.add_argument(
        '--strict', action='store_true', help='warnings fail, too'
    )
    parser.add_argument(
        '--json', type=Path, metavar='FILE', help='write the whole report'
    )
    parser.add_argument(
        '--workers', type=int, default=min(8, os.cpu_count() or 1)
    )
    args = parser.parse_args(arguments)
    if args.workers < 1:
        parser.error(f'--workers {args.workers}: expected 1 or more')
    configs = [source for source in args.sources if source.endswith('.py')]
    if configs and len(args.sources) > 1:
        parser.error('one config, or annotation files')
    args.config = configs[0] if configs else None
    if not configs and (args.split or args.cfg_options):
        parser.error('--split and --cfg-options go with a config')
    return args


def find_lists(args: argparse.Namespace) -> List[VideoList]:
    """The lists to check; an annotation file that several splits read alike is
    one list."""
    from mmaction.registry import DATASETS
    from mmengine.registry import init_default_scope

    import integral_action  # noqa: F401  registers everything

    datasets = []  # (split, config of a dataset)
    if args.config:
        config = read_config(args.config, args.cfg_options)
        init_default_scope(config.get('default_scope', 'mmaction'))
        for split in args.split or ('train', 'val', 'test'):
            loader = config.get(f'{split}_dataloader')
            if loader:
                for dataset in innermost(loader.dataset):
                    datasets.append((split, dict(dataset)))
        if not datasets:
            raise ValueError(f'{args.config}: no dataloaders to check')
    else:
        init_default_scope('mmaction')
        for path in args.sources:
            if not isfile(path):
                raise FileNotFoundError(f'{path}: there is no such file')
            dataset = dict(
                type='VideoPoseDataset',
                ann_file=path,
                pipeline=[],
                layout=args.layout,
                split=args.ann_split,
                data_root=args.data_root,
                data_prefix=dict(
                    video=args.video_prefix, pose=args.pose_prefix
                ),
                num_classes=args.num_classes,
                video_suffix=args.video_suffix,
            )
            datasets.append((Path(path).name, dataset))
    lists = {}
    for split, dataset in datasets:
        if dataset['type'] != 'VideoPoseDataset':
            raise ValueError(
                f'{args.config}: {split} has a {dataset["type"]}, not a '
                f'VideoPoseDataset; give the annotation files instead'
            )
        dataset = DATASETS.build({**dataset, 'lazy_init': True})
        alike = (
            dataset.ann_file,
            dataset.split,
            dataset.layout,
            dataset.num_classes,
            dataset.video_suffix,
            *dataset.data_prefix.values(),
        )
        part = lists.setdefault(alike, VideoList([], dataset, alike))
        part.splits.append(split)
        part.streams |= set(args.streams or dataset.modalities)
    return list(lists.values())


def pairs_apart(lists: List[VideoList], by_config: bool) -> Set:
    """The pairs of lists that should have no video in common: training and
    others of a config, all that are named else."""
    pairs = set(combinations(range(len(lists)), 2))
    if by_config:
        pairs = {
            (i, j)
            for i, j in pairs
            if ('train' in lists[i].splits) != ('train' in lists[j].splits)
        }
    return pairs


# ----------------------------------------------------------------- report


def make_report(
    lists: List[VideoList], tasks: List[Task], problems: Dict
) -> Dict:
    """Everything that was found, for JSON."""

    def entry(part: VideoList, number: Optional[int], problem: Problem):
        return dict(
            problem=problem.kind,
            error=problem.kind in ERRORS,
            split=part.name,
            number=number,
            message=problem.message,
        )

    videos = defaultdict(list)
    for part in lists:
        for problem in part.problems:
            name = str(part.dataset.ann_file)
            videos[name].append(entry(part, None, problem))
    for task in tasks:
        part = lists[task.list_number]
        nameless = f'{part.dataset.ann_file}, video {task.number}'
        for problem in problems.get(task.key, ()):
            name = task.info.get('filename', nameless)
            videos[name].append(entry(part, task.number, problem))
    found = [each for entries in videos.values() for each in entries]
    return dict(
        lists=[
            dict(
                splits=part.splits,
                ann_file=str(part.dataset.ann_file),
                streams=sorted(part.streams),
                videos=len(part.infos),
            )
            for part in lists
        ],
        errors=sum(each['error'] for each in found),
        warnings=sum(not each['error'] for each in found),
        counts=dict(Counter(each['problem'] for each in found)),
        videos=dict(videos),
    )


def print_report(report: Dict, console: Console) -> None:
    """The table: a line a kind of problem, with the first examples."""
    table = Table(show_lines=True)
    for name in ('', 'problem', 'number', 'first examples'):
        table.add_column(
            name,
            justify='right' if name == 'number' else 'left',
            overflow='fold',
        )
    for kind, text in (ERRORS | WARNINGS).items():
        examples = [
            f'[bold]{escape(name)}[/] ({each["split"]}): '
            f'{escape(each["message"])}'
            for name, entries in report['videos'].items()
            for each in entries
            if each['problem'] == kind
        ]
        if examples:
            colour = 'red' if kind in ERRORS else 'yellow'
            table.add_row(
                f'[{colour}]{"error" if kind in ERRORS else "warning"}[/]',
                f'{kind}\n[dim]{text}[/]',
                str(len(examples)),
                '\n'.join(examples[:3]),
            )
    if table.row_count:
        console.print(table)
    number = sum(part['videos'] for part in report['lists'])
    names = '; '.join(
        f'{", ".join(part["splits"])} ({part["videos"]})'
        for part in report['lists']
    )
    console.print(
        f'{number} videos checked: {names}. {report["errors"]} errors, '
        f'{report["warnings"]} warnings.',
        highlight=False,
    )


def check_lists(
    args: argparse.Namespace, lists: List[VideoList], progress: Progress
) -> Dict:
    """Read and check everything; gives the report."""
    for part in lists:
        part.read()
        if 'train' in part.splits and set(part.splits) > {'train'}:
            text = f'{part.name} read the same list'
            part.problems.append(Problem('duplicate_between', text))
    tasks = make_tasks(lists, args.contents)
    limits = Limits(
        args.margin,
        args.max_outside,
        args.max_empty,
        args.score_thr,
        args.decode,
    )
    journal = Journal(
        args.json,
        dict(
            limits=vars(limits),
            contents=args.contents,
            lists=[
                [*part.settings, part.name, sorted(part.streams), part.stamp]
                for part in lists
            ],
        ),
    )
    results = dict(journal.done)
    bar = progress.add_task('videos', total=len(tasks), completed=len(results))
    try:
        left = [task for task in tasks if task.key not in results]
        for done in run(left, limits, args.workers):
            journal.note(done)
            results |= {result.key: result for result in done}
            progress.advance(bar, len(done))
        found = {key: list(each.problems) for key, each in results.items()}
        digests = {
            key: each.digest for key, each in results.items() if each.digest
        }
        apart = pairs_apart(lists, bool(args.config))
        for key, problem in find_duplicates(lists, tasks, apart, digests):
            found[key].append(problem)
        report = make_report(lists, tasks, found)
        if args.json:
            with whole_file(args.json) as temporary:
                temporary.write_text(json.dumps(report, indent=1) + '\n')
            journal.remove()
    finally:
        journal.close()
    return report


def main(arguments: Optional[List[str]] = None) -> int:
    """Check; the exit status is as the usage says, 130 when interrupted."""
    args = parse_args(arguments)
    try:
        lists = find_lists(args)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f'error: {one_line(error)}', file=sys.stderr)
        return 2
    errors = Console(stderr=True)
    progress = Progress(
        TextColumn('{task.description}'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )
    try:
        with progress:
            report = check_lists(args, lists, progress)
    except KeyboardInterrupt:
        go_on = '; the same command goes on from here' if args.json else ''
        print(f'stopped{go_on}', file=sys.stderr)
        return 130
    except OSError as error:  # of the report; those of videos are in it
        print(f'error: {one_line(error)}', file=sys.stderr)
        return 2
    console = Console(width=None if sys.stdout.isatty() else 120)
    print_report(report, console)
    failed = report['errors'] or (args.strict and report['warnings'])
    return int(bool(failed))


if __name__ == '__main__':
    sys.exit(main())
