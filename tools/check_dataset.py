"""Read every video and its poses once, and report what is wrong with them.

    integral-action check CONFIG [--json report.json]
    integral-action check ANN_FILE ... --video-prefix DIR --layout NAME

With a config, the annotations of its train, val and test dataloaders are
checked, each once, for the streams that their pipelines read. The exit status
is 0 where all is well, 1 where errors were found, 2 for bad arguments;
warnings count as errors with --strict. With --json, an interrupted check goes
on where it was.
"""

import argparse
import hashlib
import json
import os
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from os.path import isfile
from pathlib import Path
from typing import (
    Any,
    Dict,
    Iterator,
    List,
    Optional,
    Sequence,
    Set,
    Tuple,
)

from browse_dataset import read_config
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from video_checks import Limits, Problem, VideoTask, check, crashed

from integral_action_cli import command, make_parser, number


def parse_args(arguments=None) -> argparse.Namespace:
    """Parse the command line."""
    parser = make_parser(__doc__)
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
    group.add_argument('--ann-split', help='split of a pickle to check')
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
            help=f'{"score" if name == "score_thr" else "share"} {text}',
        )
    parser.add_argument(
        '--strict', action='store_true', help='warnings fail, too'
    )
    parser.add_argument(
        '--json', type=Path, metavar='FILE', help='write the whole report'
    )
    parser.add_argument(
        '--workers', type=number(1), default=min(8, os.cpu_count() or 1)
    )
    args = parser.parse_args(arguments)
    configs = [source for source in args.sources if source.endswith('.py')]
    if configs and len(args.sources) > 1:
        parser.error('one config, or annotation files')
    args.config = configs[0] if configs else None
    if not configs and (args.split or args.cfg_options):
        parser.error('--split and --cfg-options go with a config')
    return args


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

from integral_action.fileio import read_annotations, write_text
from integral_action.journal import Journal, Task, do_what_is_left
from integral_action.text import one_line

ERRORS = {
    'annotation_file': 'the annotation file cannot be read',
    'annotation': 'a value of the annotation is wrong',
    'label': 'the label is out of range',
    'missing_video': 'there is no such video',
    'unreadable_video': 'the video cannot be read',
    'missing_poses': 'there are no poses',
    'unreadable_poses': 'the poses cannot be read',
    'frame_count': 'numbers of frames disagree',
    'img_shape': 'img_shape is (width, height), not (height, width)',
    'layout': 'poses of another layout',
    'not_finite': 'found keypoints that are no numbers',
    'not_pixels': 'coordinates that are fractions or metres, not pixels',
    'outside': 'poses outside the picture',
    'duplicate_between': 'in the training and in another list',
}
WARNINGS = {
    'other_size': 'img_shape is another size than the video',
    'video_longer': 'the video is longer than its annotation',
    'at_origin': 'keypoints at (0, 0), which count as not found',
    'few_persons': 'nobody in many frames',
    'duplicate_within': 'more than once in a list',
}


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
    infos: Dict[int, Dict] = field(default_factory=dict)  # by their number
    problems: List[Problem] = field(default_factory=list)  # of the whole

    @property
    def name(self) -> str:
        return ', '.join(self.splits)

    @property
    def path(self) -> str:
        return str(self.dataset.ann_file)

    @property
    def stamp(self) -> Optional[int]:
        """When the annotation file was written."""
        return os.stat(self.path).st_mtime_ns if isfile(self.path) else None

    def read(self) -> None:
        """Read the annotation file, whatever its videos are like."""
        dataset = self.dataset
        try:
            records = read_annotations(
                dataset.ann_file, dataset.split, dataset.backend_args
            )
            if not len(records):
                raise ValueError('no videos')
            for number in range(1, len(records) + 1):
                self._add(number, records)
        except FileNotFoundError:
            self._broken('there is no such file')
        except (OSError, ValueError) as error:
            self._broken(one_line(error).removeprefix(f'{self.path}: '))

    def _add(self, number: int, records: Sequence) -> None:
        try:
            record = records[number - 1]  # a long list reads it now
            if not isinstance(record, dict):
                raise ValueError(f'video {number}: not a video but {record!r}')
            self.infos[number] = dict(record)
        except ValueError as error:
            self._broken(one_line(error).removeprefix(f'{self.path}: '))

    def _broken(self, message: str) -> None:
        self.problems.append(Problem('annotation_file', message))


def make_tasks(lists: List[VideoList], contents: bool) -> List[VideoTask]:
    """A task a video. Values that are wrong are reported and left out."""
    tasks = []
    for list_number, part in enumerate(lists):
        for place, info in part.infos.items():
            faults, streams = [], set(part.streams)
            for key, expected in list(part.dataset.faults(info, part.streams)):
                value = repr(info.pop(key, None))
                value = value if len(value) <= 80 else f'{value[:77]}...'
                kind = 'label' if key == 'label' else 'annotation'
                faults.append(
                    Problem(kind, f'{key} is {value}, expected {expected}')
                )
                if key == 'pose_file':
                    streams.discard('Pose')
            part.dataset.join_paths(info)
            tasks.append(
                VideoTask(
                    list_number,
                    place,
                    info,
                    faults,
                    streams,
                    part.dataset.layout,
                    part.dataset.sample_backend,
                )
            )
    if not contents:
        return tasks
    # only files of one size can be the same
    paths = {task.info.get('filename', '') for task in tasks}
    size = {path: os.path.getsize(path) for path in paths if isfile(path)}
    count = Counter(size.values())
    return [
        task._replace(digest=count[size.get(task.info.get('filename'))] > 1)
        for task in tasks
    ]


def find_duplicates(
    lists: List[VideoList],
    tasks: List[VideoTask],
    apart: Set[Tuple[int, int]],
    digests: Dict[str, str],
) -> Iterator[Tuple[str, Problem]]:
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


def find_lists(args: argparse.Namespace) -> List[VideoList]:
    """The lists to check; an annotation file that several splits read alike is
    one list."""
    from mmaction.registry import DATASETS
    from mmengine.registry import init_default_scope

    from integral_action.datasets.wrappers import innermost
    from integral_action.engine import set_num_classes

    datasets = []  # (split, config of a dataset)
    if args.config:
        config = read_config(args.config, args.cfg_options)
        set_num_classes(config)
        init_default_scope(config.get('default_scope', 'mmaction'))
        head = config.get('model', {}).get('cls_head', {})
        num_classes = dict(num_classes=head.get('num_classes'))
        for split in args.split or ('train', 'val', 'test'):
            loader = config.get(f'{split}_dataloader')
            if loader:
                for dataset in innermost(loader.dataset):
                    # the labels that the model can have, where no other
                    # number is given
                    datasets.append((split, {**num_classes, **dataset}))
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
            json.dumps(dataset.layout),
            dataset.num_classes,
            dataset.video_suffix,
            *dataset.data_prefix.values(),
            json.dumps([dataset.backend_args, dataset.sample_backend]),
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
    lists: List[VideoList], tasks: List[VideoTask], problems: Dict
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
            videos[part.path].append(entry(part, None, problem))
    for task in tasks:
        part = lists[task.list_number]
        nameless = f'{part.path}, video {task.number}'
        for problem in problems.get(task.key, ()):
            name = task.info.get('filename', nameless)
            videos[name].append(entry(part, task.number, problem))
    found = [each for entries in videos.values() for each in entries]
    return dict(
        lists=[
            dict(
                splits=part.splits,
                ann_file=part.path,
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


def check_lists(args: argparse.Namespace, lists: List[VideoList]) -> Dict:
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
    parts = [
        [*part.settings, part.name, sorted(part.streams), part.stamp]
        for part in lists
    ]
    checked = json.dumps([vars(limits), args.contents, parts])
    stamp = hashlib.sha256(checked.encode()).hexdigest()
    journal = Journal(
        args.json and args.json.with_name(f'{args.json.name}.journal'), {}
    )
    results = do_what_is_left(
        partial(check, limits=limits),
        [Task(task.key, task, stamp) for task in tasks],
        journal,
        args.workers,
        'videos',
        crashed,
    )
    found = {key: list(each['problem']) for key, each in results.items()}
    digests = {
        key: each['digest']
        for key, each in results.items()
        if each.get('digest')
    }
    apart = pairs_apart(lists, bool(args.config))
    for key, problem in find_duplicates(lists, tasks, apart, digests):
        found[key].append(problem)
    report = make_report(lists, tasks, found)
    if args.json:
        write_text(args.json, json.dumps(report, indent=1) + '\n')
        journal.path.unlink()
    return report


@command(
    KeyError,
    TypeError,
    status=2,
    stopped='stopped; with --json, the same command goes on from here',
)
def main(arguments: Optional[List[str]] = None) -> bool:
    """Check; the exit status is as the usage says, 130 when interrupted."""
    args = parse_args(arguments)
    report = check_lists(args, find_lists(args))
    console = Console(width=None if sys.stdout.isatty() else 120)
    print_report(report, console)
    return bool(report['errors'] or (args.strict and report['warnings']))


if __name__ == '__main__':
    sys.exit(main())
