"""Make sets out of context of the videos of a data set with poses.

Usage:
    integral-action convert out-of-context LIST OUT \\
        --video-prefix VIDEOS --pose-prefix POSES --layout coco17

OUT gets `person-only.jsonl`, `background-only.jsonl`,
`scene-swap-still.jsonl`, `scene-swap-moving.jsonl` and `still-person.jsonl`
(or those of `--sets`) with their videos and poses; `original.jsonl`, the
videos that they were made of; `all.jsonl`, all of these; `pairs.csv`, whose
scene went to whom. Videos whose person is too small or too big are left out
and counted. See docs/out_of_context.md.

`--sets scenes`, of training videos, makes `scenes.jsonl`, masks and scenes for
SceneMix alone. See docs/robust.md.
"""

import argparse
import csv
import json
import os
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import numpy as np
from converter_arguments import folder, number
from mmengine.config import DictAction

NAMES = (
    'person-only',
    'background-only',
    'scene-swap-still',
    'scene-swap-moving',
    'still-person',
)
SCENES = 'scenes'  # no set: what SceneMix takes, of training videos


def parse_args(arguments=None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n')[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add('list', type=Path, help='annotations: .jsonl, .json or .pkl')
    add('out', type=Path, help='folder to write')
    add('--split', help='split of a .pkl')
    add(
        '--video-prefix',
        type=folder,
        required=True,
        help='folder of the videos',
    )
    add(
        '--pose-prefix',
        type=folder,
        default='.',
        help='folder of the pose files',
    )
    add('--layout', default='openpose18', help="the poses' keypoints")
    add('--classes', type=Path, help='class names, one per line')
    add('--seed', type=number(0, 2**32), default=0, help='seed of the pairs')
    add(
        '--min-share',
        type=number(0, 1, float),
        default=0.05,
        help='share of the picture; videos whose person is smaller are left '
        'out',
    )
    add(
        '--max-share',
        type=number(0, 1, float),
        default=0.5,
        help='videos whose person is bigger are left out',
    )
    add(
        '--persons',
        type=number(1, 100),
        default=1,
        help='persons that act; all others are removed, as background',
    )
    add(
        '--score-thr',
        type=number(0, 1e9, float),
        default=0.1,
        help='keypoints above it are seen',
    )
    add(
        '--reach',
        type=number(0, 10**6),
        default=5,
        help='frames that a missing keypoint is taken from',
    )
    add(
        '--masks',
        default='grabcut',
        help="poses, grabcut, mediapipe, or a 'module:Class' of your own",
    )
    add(
        '--masks-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='arguments of the masks',
    )
    add(
        '--sets',
        nargs='+',
        choices=(*NAMES, SCENES),
        metavar='SET',
        help=f'those to make, of {", ".join(NAMES)}; all without it; or '
        f'{SCENES}, for the training transform SceneMix',
    )
    add(
        '--backgrounds',
        type=folder,
        help='folder of pictures (.jpg, .png) and videos without persons, to '
        'put the persons before; otherwise it is videos of another class',
    )
    add(
        '--edge',
        choices=('hard', 'feather', 'poisson'),
        default='feather',
        help='rim of the person before another scene',
    )
    add(
        '--colour',
        nargs=3,
        type=number(0, 255),
        default=[124, 116, 104],
        metavar=('R', 'G', 'B'),
        help='round the person of person-only; the mean of ImageNet, which '
        'the configs make 0',
    )
    add('--sheet', type=Path, help='picture (.png) of what came out')
    add('--sheet-rows', type=number(1, 1000), default=8, help='videos on it')
    add(
        '--workers',
        type=number(0, 1000),
        default=min(8, os.cpu_count() or 1),
        help='number of processes; 0 for this one',
    )
    args = parser.parse_args(arguments)
    if args.sheet and args.sheet.suffix != '.png':
        parser.error(f'--sheet {args.sheet}: expected a file ending in .png')
    return args


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

import cv2

from integral_action.datasets import VideoPoseDataset
from integral_action.datasets.conversion import (
    Finding,
    Report,
    Video,
    link_to,
    probe_video,
)
from integral_action.datasets.conversion.video import (
    UnusableError,
    crashed,
    split_files,
)
from integral_action.datasets.label_map import LabelMap
from integral_action.datasets.transforms import LoadPoses
from integral_action.datasets.video_reader import VideoReader
from integral_action.fileio import atomic_write, read_annotations, write_lines
from integral_action.journal import Journal, Task, do_what_is_left, stamp_of
from integral_action.out_of_context import (
    PICTURES,
    SCENE_SETS,
    SETS,
    Clip,
    PersonSettings,
    file_of,
    find_masks,
    make_set,
    read_clip,
    read_scene,
    remove_persons,
)
from integral_action.pose.files import write_poses
from integral_action.pose.layouts import KeypointLayout
from integral_action.robust.swap_accuracy import draw_pairings
from integral_action.visualization import (
    draw_poses,
    write_picture,
    write_video,
)
from integral_action.visualization.canvas import (
    PAPER,
    below,
    beside,
    enlarge,
)
from integral_action.visualization.canvas import (
    write_text as write_words,
)
from integral_action_cli import command

ORIGINAL = 'original'
SMALL, BIG = 'person too small', 'person too big'
# of a record, and not of a video that is made of it
OWN_KEYS = {
    'filename', 'frame_dir', 'label', 'total_frames', 'img_shape', 'fps',
    'pose_file', 'keypoint', 'keypoint_score', 'original_shape',
}  # fmt: skip
PANEL_WIDTH = 160  # of the sheet, pixels


# ------------------------------------------------------------------ reading


def read_videos(args: argparse.Namespace) -> List[Video]:
    """The videos of the list; ``extra`` is what :func:`read_clip` takes.

    Raises:
        OSError, ValueError: as of :class:`VideoPoseDataset`; a video outside
            of ``--video-prefix``; two that would be written to one file.
    """
    dataset = VideoPoseDataset(
        str(args.list),
        pipeline=[],
        layout=args.layout,
        split=args.split,
        data_prefix=dict(
            video=str(args.video_prefix), pose=str(args.pose_prefix)
        ),
        check_files=False,  # those that lack are reported with the others
        test_mode=True,
    )
    videos, seen = [], {}
    for i in range(len(dataset)):
        info = dataset.get_data_info(i)
        name = os.path.relpath(info['filename'], args.video_prefix)
        stem = PurePosixPath(Path(name).as_posix()).with_suffix('')
        if stem.is_absolute() or '..' in stem.parts:
            raise ValueError(
                f'{args.list}: {name} is outside of --video-prefix '
                f'{args.video_prefix}'
            )
        if stem in seen:
            raise ValueError(
                f'{args.list}: {seen[stem]} and {name} would both be written '
                f'to {stem}.mp4'
            )
        seen[stem] = name
        poses = Path(info.get('pose_file', args.list))
        videos.append(Video(name, dict(all=info['label']), poses, info))
    return videos


def extras_of(args: argparse.Namespace) -> List[Dict]:
    """The further keys of each record, such as ``context``."""
    records = read_annotations(args.list, args.split)
    plain = (str, int, float, bool, list, type(None))
    return [
        {
            key: value
            for key, value in record.items()
            if key not in OWN_KEYS and isinstance(value, plain)
        }
        for record in records
    ]


# ------------------------------------------------------------------ masks


@dataclass(frozen=True)
class FindPersons:
    """Writes a video's masks; travels to the worker processes.

    With ``scene`` also its middle frame without persons.
    """

    out: Path
    settings: PersonSettings
    scene: bool = False

    def __call__(self, video: Video) -> Dict:
        mask_file = file_of(self.out / 'masks', video.filename, '.npz')
        try:
            info = probe_video(Path(video.extra['filename']))
            mask_file.unlink(missing_ok=True)  # of other frames or poses
            clip = read_clip(video.extra, self.settings, mask_file)
        except UnusableError as error:
            return dict(problem=[error.kind, str(error)])
        if self.scene:
            t = len(clip.frames) // 2
            picture = remove_persons(clip.frames[t], clip.anybody[t])
            path = file_of(self.out / SCENES, video.filename, '.jpg')
            write_picture(path, picture)
        return dict(
            fps=info.fps,
            img_shape=list(clip.frames.shape[1:3]),
            **clip.measure(),
        )


# ------------------------------------------------------------------ sets


@dataclass(frozen=True)
class MakeSets:
    """Writes all sets of a video; travels to the worker processes.

    A video's ``extra`` is (name, info) of the person's video, the frame rate,
    and the background: another's (name, info), a file, or None.
    """

    out: Path
    settings: PersonSettings
    colour: Tuple[int, int, int]
    edge: str
    sets: Tuple[str, ...]

    def read(self, name: str, info: Dict) -> Clip:
        """Read a video with its persons."""
        mask_file = file_of(self.out / 'masks', name, '.npz')
        return read_clip(info, self.settings, mask_file)

    def __call__(self, video: Video) -> Dict:
        name, info = video.extra['person']
        scene = video.extra['background']
        try:
            clip = self.read(name, info)
            if isinstance(scene, Path):
                scene = read_scene(scene, len(clip.frames))
            elif scene is not None:
                scene = self.read(*scene)
        except UnusableError as error:
            return dict(problem=[error.kind, str(error)])
        for kind in self.sets:
            frames, *poses = make_set(
                kind, clip, scene, self.colour, self.edge
            )
            write_poses(
                file_of(self.out / 'poses' / kind, name, '.npz'), *poses
            )
            movie = file_of(self.out / 'videos' / kind, name, '.mp4')
            write_video(movie, frames, video.extra['fps'])
        keypoint, score = LoadPoses.read(info)
        path = file_of(self.out / 'poses' / ORIGINAL, name, '.npz')
        # the last: where it is, all is done
        write_poses(path, keypoint[..., :2], score)
        return {}


class Background(NamedTuple):
    """Scene that a person goes before.

    Args:
        name: of the file.
        label: its class; None where it is of none.
        item: its place, for :class:`MakeSets`.
        stamp: what changes when the file does.
    """

    name: str
    label: Optional[int]
    item: Any
    stamp: List


def draw_backgrounds(
    args: argparse.Namespace, videos: List[Video], stamps: List[List]
) -> List[Background]:
    """Draw a background for each video.

    Raises:
        ValueError: all videos are of one class, or the folder has nothing.
    """
    names = [video.filename for video in videos]
    if args.backgrounds is None:
        labels = [video.labels['all'] for video in videos]
        return [
            Background(
                names[i], labels[i], (names[i], videos[i].extra), stamps[i]
            )
            for i in draw_pairs(names, labels, args.seed)
        ]
    films, others = split_files(args.backgrounds)
    pictures = [x for x in others if Path(x).suffix.lower() in PICTURES]
    files = sorted([*films, *pictures])
    if not files:
        raise ValueError(
            f'--backgrounds {args.backgrounds}: no pictures or videos in it'
        )
    random = np.random.default_rng(args.seed)
    rounds = -(-len(names) // len(files))  # all are used alike
    drawn = np.concatenate(
        [random.permutation(len(files)) for _ in range(rounds)]
    )
    chosen = {name: files[i] for name, i in zip(sorted(names), drawn)}
    return [
        Background(
            chosen[name],
            None,
            args.backgrounds / chosen[name],
            stamp_of(args.backgrounds / chosen[name]),
        )
        for name in names
    ]


def draw_pairs(
    names: List[str], labels: List[int], seed: int
) -> List[Tuple[int, int]]:
    """Draw a background of another class for each video.

    Raises:
        ValueError: all are of one class.
    """
    if len(set(labels)) < 2:
        raise ValueError(
            f'all {len(labels)} videos that can be used are of class '
            f'{labels[0]}: there is no background of another class'
        )
    order = np.argsort(names)  # a list in another order has the same pairs
    _, partner = draw_pairings(np.array(labels)[order], 1, seed)
    return [int(order[partner[i]]) for i in np.argsort(order)]


def records_of_sets(
    videos: List[Video],
    extras: List[Dict],
    found: List[Dict],
    backgrounds: List[Optional[Background]],
    sets: Tuple[str, ...],
) -> Dict[str, List[Dict]]:
    """The lines of every list."""
    lists = {name: [] for name in (ORIGINAL, *sets)}
    for video, extra, info, background in zip(
        videos, extras, found, backgrounds
    ):
        name, label = video.filename, video.labels['all']
        shape = [n + n % 2 for n in info['img_shape']]  # as videos are written
        for kind in lists:
            movie = (
                Path(name) if kind == ORIGINAL else file_of('', name, '.mp4')
            )
            record = extra | dict(
                filename=f'{kind}/{movie.as_posix()}',
                label=label,
                total_frames=video.extra['total_frames'],
                fps=info['fps'],
                img_shape=shape,
                pose_file=f'{kind}/{file_of("", name, ".npz").as_posix()}',
                set=kind,
                source=name,
                person_share=round(info['person_share'], 4),
                box_share=round(info['box_share'], 4),
                pose_share=round(info['pose_share'], 4),
            )
            if kind == ORIGINAL:  # poses may be of another size
                given = video.extra.get('img_shape', info['img_shape'])
                record['img_shape'] = list(given)
            if kind == 'background-only':
                record['pose_share'] = 0.0
            if kind in SCENE_SETS:
                record['background'] = background.name
                if background.label is not None:
                    record['background_label'] = background.label
            lists[kind].append(record)
    return lists


def records_of_scenes(videos: List[Video], report: Report) -> List[Dict]:
    """The lines of ``scenes.jsonl``: all videos, and why some have none."""
    findings = [*report.left_out, *report.excluded]
    problems = {one.filename: dict(problem=one.kind) for one in findings}
    return [
        dict(filename=video.filename, label=video.labels['all'])
        | problems.get(video.filename, {})
        for video in videos
    ]


# ----------------------------------------------------------------- report


@dataclass
class SetsReport(Report):
    """A report that tells what the masks cover, too.

    Args:
        covered: by the videos' names, as of :meth:`Clip.measure`.
    """

    covered: Dict[str, Dict[str, float]] = field(default_factory=dict)

    def print(self) -> None:
        """Print it."""
        super().print()
        for key, what in (
            ('person_share', 'the person covers of the picture'),
            ('box_share', "the mask covers of the person's box"),
        ):
            values = {name: one[key] for name, one in self.covered.items()}
            if values:
                least = min(values, key=values.get)
                most = max(values, key=values.get)
                mean = np.mean(list(values.values()))
                print(
                    f'{what} {mean:.0%} in the mean, {values[least]:.0%} '
                    f'({least}) to {values[most]:.0%} ({most})'
                )


def draw_sheet(
    make_sets: MakeSets, videos: List[Video], rows: int
) -> np.ndarray:
    """Pictures of what was made: a row a video, a column a set."""
    chosen = np.linspace(0, len(videos) - 1, min(rows, len(videos)))
    columns = (ORIGINAL, 'mask', *make_sets.sets)
    layout, lines = make_sets.settings.layout, []
    for i in chosen.round().astype(int):
        name, info = videos[i].filename, videos[i].extra
        t = info['total_frames'] // 4  # still-person shows the middle
        clip = make_sets.read(name, info)
        original, mask = clip.frames[t], clip.acting[t]
        points, score = clip.keypoint[:, t], clip.score[:, t]
        panels = [
            draw_poses(original, points, score, layout),
            np.where(mask[..., None], original, original // 4),
        ]
        for kind in make_sets.sets:
            path = file_of(make_sets.out / 'videos' / kind, name, '.mp4')
            panels.append(VideoReader(path).get_batch([t])[0])
        height = round(PANEL_WIDTH * original.shape[0] / original.shape[1])
        lines.append(
            beside([enlarge(x, (height, PANEL_WIDTH)) for x in panels])
        )
        paper = np.full((20, lines[-1].shape[1], 3), PAPER, np.uint8)
        lines.append(write_words(paper, (4, 10), name, 13, paper.shape[1]))
    paper = np.full((20, PANEL_WIDTH, 3), PAPER, np.uint8)
    head = beside(
        [
            write_words(paper, (4, 10), name, 13, PANEL_WIDTH, bold=True)
            for name in columns
        ]
    )
    return below([head, *lines])


# -------------------------------------------------------------------- all


def make(args: argparse.Namespace) -> SetsReport:
    """Make the sets.

    Raises:
        OSError, ValueError: nothing can be made.
    """
    settings = PersonSettings(
        args.layout,
        args.masks,
        args.masks_options,
        args.persons,
        args.score_thr,
        args.reach,
    )
    find_masks(args.masks)
    KeypointLayout.get(args.layout)
    cv2.setNumThreads(1)  # a fork would wait for threads that it has not
    out, videos, extras = args.out, read_videos(args), extras_of(args)
    (out / 'videos').mkdir(parents=True, exist_ok=True)
    link_to(out / 'videos' / ORIGINAL, args.video_prefix)
    note = json.loads(json.dumps(asdict(settings)))
    journal = Journal(out / '.masks', note)
    names = [video.filename for video in videos]
    stamps = [
        stamp_of(Path(video.extra['filename']), video.poses)
        for video in videos
    ]
    scene = SCENES in (args.sets or ())
    made = (SCENES, '.jpg') if scene else ('masks', '.npz')  # the last
    tasks = [
        Task(name, video, stamp, file_of(out / made[0], name, made[1]))
        for name, video, stamp in zip(names, videos, stamps)
    ]
    find = FindPersons(out, settings, scene)
    outcomes = do_what_is_left(
        find, tasks, journal, args.workers, 'persons', crashed
    )
    report, every = SetsReport(out), videos
    kept = [
        i
        for i, video in enumerate(videos)
        if is_usable(video, outcomes[video.filename], args, report)
    ]
    found = [outcomes[videos[i].filename] for i in kept]
    stamps = [stamps[i] for i in kept]
    extras = [extras[i] for i in kept]
    videos = [videos[i] for i in kept]
    names = [names[i] for i in kept]
    report.covered = dict(zip(names, found))
    write_class_names(args)
    scenes = {SCENES: records_of_scenes(every, report)} if scene else {}
    sets = tuple(name for name in SETS if name in (args.sets or SETS))
    if not sets:
        report.write(scenes)
        return report
    backgrounds = [None] * len(videos)
    if videos and set(sets) & set(SCENE_SETS):
        backgrounds = draw_backgrounds(args, videos, stamps)
        write_pairs(out / 'pairs.csv', videos, backgrounds)
    tasks = [
        Task(
            video.filename,
            replace(
                video,
                extra=dict(
                    person=(video.filename, video.extra),
                    background=background and background.item,
                    fps=info['fps'],
                ),
            ),
            [
                *stamp,
                *([background.name, *background.stamp] if background else []),
                *(sets if args.sets else []),
            ],
            file_of(out / 'poses' / ORIGINAL, video.filename, '.npz'),
        )
        for video, stamp, info, background in zip(
            videos, stamps, found, backgrounds
        )
    ]
    make_sets = MakeSets(out, settings, tuple(args.colour), args.edge, sets)
    note = dict(note, colour=list(args.colour))
    if args.edge != 'feather':  # folders of before the option have no note
        note |= dict(edge=args.edge)
    outcomes = do_what_is_left(
        make_sets,
        tasks,
        Journal(out / '.made', note),
        args.workers,
        'sets',
        crashed,
    )
    lists = records_of_sets(videos, extras, found, backgrounds, sets)
    whole = []
    for i, name in enumerate(names):
        if problem := outcomes[name].get('problem'):
            report.leave_out(name, *problem)
        else:
            whole.append(i)
    lists = {
        kind: [records[i] for i in whole] for kind, records in lists.items()
    }
    lists['all'] = [record for part in lists.values() for record in part]
    report.write(scenes | lists)
    if args.sheet and whole:
        some = [videos[i] for i in whole]
        write_picture(args.sheet, draw_sheet(make_sets, some, args.sheet_rows))
    return report


def is_usable(
    video: Video, outcome: Dict, args: argparse.Namespace, report: Report
) -> bool:
    """Whether sets can be made of a video; if not, it is reported."""
    if 'problem' in outcome:
        report.leave_out(video.filename, *outcome['problem'])
        return False
    share = outcome['person_share']
    for kind, bad in (
        (SMALL, share < args.min_share),
        (BIG, share > args.max_share),
    ):
        if bad:
            text = f'the person covers {share:.1%} of the picture'
            report.excluded.append(Finding(video.filename, kind, text))
            return False
    return True


def write_pairs(
    path: Path, videos: List[Video], backgrounds: List[Background]
) -> None:
    """Write down whose background went behind whom."""
    with atomic_write(path) as temporary:
        with open(temporary, 'w', newline='', encoding='utf-8') as file:
            writer = csv.writer(file, lineterminator='\n')
            writer.writerow(
                ['source', 'label', 'background', 'background_label']
            )
            for video, (name, label, *_) in zip(videos, backgrounds):
                writer.writerow(
                    [video.filename, video.labels['all'], name, label]
                )


def write_class_names(args: argparse.Namespace) -> None:
    """Copy ``classes.txt``, where the list has one beside it."""
    path = args.classes or args.list.parent / 'classes.txt'
    if args.classes or path.is_file():
        write_lines(args.out / 'classes.txt', LabelMap.read(path).names)


@command()
def main(arguments=None) -> int:
    report = make(parse_args(arguments))
    report.print()
    return report.exit_status


if __name__ == '__main__':
    sys.exit(main())
