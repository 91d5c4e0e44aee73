"""Show what the model is given: frames, poses and pose maps of samples.

    integral-action browse CONFIG [--split val] [--num 8]

Samples go through the config's whole pipeline (sampling, cropping, flipping)
and its data preprocessor. Each becomes a picture (a column an instant), or
with --format mp4 a film.
"""

import argparse
import sys
from pathlib import Path
from typing import Dict, List, Optional

import numpy as np
from rich.console import Console
from rich.progress import track

from integral_action_cli import command

# What the samples carry besides, for the titles and for poses whose maps the
# pipeline drew.
META_KEYS = (
    'filename',
    'frame_dir',
    'flip',
    'frame_interval',
    'frame_inds',
    'img_shape',
    'keypoint',
    'keypoint_from_edge',
    'keypoint_layout',
    'keypoint_score',
    'num_clips',
    'Pose_inds',
    'RGB_inds',
    'total_frames',
)


def parse_args(arguments=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', metavar='CONFIG')
    parser.add_argument(
        '--split', choices=('train', 'val', 'test'), default='train'
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        '--num',
        type=int,
        default=8,
        help='samples to show, spread evenly over the split (default: 8)',
    )
    which.add_argument(
        '--index', type=int, nargs='+', help='show these samples, from 0'
    )
    parser.add_argument(
        '--clip',
        type=int,
        default=0,
        help='number of the clip of a sample, from 0',
    )
    parser.add_argument(
        '--out',
        type=Path,
        help='folder to write (default: work_dirs/browse/<config>)',
    )
    parser.add_argument('--format', choices=('png', 'mp4'), default='png')
    parser.add_argument(
        '--fps',
        type=float,
        default=4,
        help='frames a second of an mp4 (default: 4)',
    )
    parser.add_argument(
        '--panel-width',
        type=int,
        help='width of one picture, pixels (default: 224; 336 in an mp4)',
    )
    parser.add_argument(
        '--classes',
        type=Path,
        help='the names of the classes, one a line (default: classes.txt '
        "beside the annotations, or the dataset's metainfo)",
    )
    parser.add_argument(
        '--seed',
        type=int,
        default=0,
        help='seed of sampling, cropping, flipping',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        metavar='KEY=VALUE',
        help='settings of the config to override',
    )
    args = parser.parse_args(arguments)
    for name, least in (('num', 1), ('clip', 0), ('panel_width', 16)):
        value = getattr(args, name)
        if value is not None and value < least:
            parser.error(
                f'--{name.replace("_", "-")} {value}: expected {least} or more'
            )
    if not args.fps > 0:
        parser.error(f'--fps {args.fps}: expected more than 0')
    return args


def read_config(path: str, options: Optional[List[str]]):
    """The config, with ``KEY=VALUE`` options merged into it."""
    from mmengine.config import Config, DictAction

    parser = argparse.ArgumentParser()
    parser.add_argument('--options', nargs='+', action=DictAction, default={})
    config = Config.fromfile(path)
    config.merge_from_dict(
        parser.parse_args(['--options', *options]).options if options else {}
    )
    return config


def build_dataset(config, split: str):
    """The split's dataset; its samples carry :data:`META_KEYS`, and a bad one
    is an error instead of another one."""
    from mmaction.registry import DATASETS

    from integral_action.datasets.wrappers import innermost

    loader = config.get(f'{split}_dataloader')
    if not loader:
        raise ValueError(f'{config.filename}: no {split}_dataloader')
    for dataset in innermost(loader.dataset):
        if dataset.type == 'VideoPoseDataset':
            dataset.update(check_files=False, max_bad_samples=0)
        for step in dataset.get('pipeline', []):
            if step.get('type') == 'PackActionInputs':
                step.meta_keys = (*step.get('meta_keys', ()), *META_KEYS)
    return DATASETS.build(loader.dataset)


def reader(dataset):
    """The (first) dataset that reads, inside what repeats or joins."""
    while hasattr(dataset, 'dataset') or hasattr(dataset, 'datasets'):
        dataset = getattr(dataset, 'dataset', None) or dataset.datasets[0]
    return dataset


def class_names(dataset, path: Optional[Path]) -> List[str]:
    """The names of the classes, as far as they are known."""
    if path is None:
        source = reader(dataset)
        annotations = Path(source.ann_file)
        candidates = (
            annotations.with_name('classes.txt'),
            annotations.with_name(f'classes_{annotations.stem}.txt'),
            Path(source.data_root or '') / 'classes.txt',
        )
        path = next((p for p in candidates if p.is_file()), None)
    if path is not None:
        from integral_action.datasets.label_map import LabelMap

        return LabelMap.read(path).names
    return list(dataset.metainfo.get('classes', ()))


def frames_of(imgs, raw, preprocessor) -> np.ndarray:
    """[clips, 3, T, H, W] as the model gets them -> uint8 [clips, T, H, W,
    3], with the normalisation undone."""
    imgs = imgs.float()
    for name in ('std', 'mean'):
        value = getattr(preprocessor, name, None)
        if value is not None:
            value = value.view(-1, 1, 1, 1)
            imgs = imgs * value if name == 'std' else imgs + value
    if raw.is_floating_point() and imgs.min() < -1:  # by the pipeline: unknown
        imgs = (imgs - imgs.min()) / (imgs.max() - imgs.min()) * 255
    imgs = imgs.round().clamp(0, 255).byte().numpy()
    return imgs.transpose(0, 2, 3, 4, 1)


def poses_of(meta: Dict, clips: int) -> Optional[np.ndarray]:
    """[clips, T, M, K, 3] of a sample whose maps the pipeline drew."""
    from integral_action.datasets.transforms.format_poses import (
        poses_as_fractions,
    )

    if 'keypoint' not in meta or 'keypoint_score' not in meta:
        return None
    pose = np.concatenate(
        [poses_as_fractions(meta), meta['keypoint_score'][..., None]], -1
    ).swapaxes(0, 1)
    if len(pose) % clips:
        return None
    return pose.reshape(clips, -1, *pose.shape[1:])


def layout_of(meta: Dict, dataset, preprocessor):
    """The layout that the maps are drawn by: the model's, where it draws them
    (``preprocessor``), the pipeline's, or the sample's."""
    from integral_action.pose.layouts import KeypointLayout

    steps = reader(dataset).pipeline.transforms
    for layout in (
        getattr(preprocessor, 'layout', None),
        *(getattr(step, 'layout', None) for step in reversed(steps)),
        meta.get('keypoint_layout'),
    ):
        if layout is not None:
            return KeypointLayout.get(layout)
    return None


def make_clip(sample: Dict, dataset, preprocessor, number: int):
    """Clip ``number`` of what ``dataset`` gave, as the model gets it.

    Raises:
        ValueError: there is no such clip, or the model draws poses of another
            layout.
    """
    from mmengine.dataset import pseudo_collate

    from integral_action.pose.map_options import PoseMapOptions
    from integral_action.visualization import Clip

    def named(inputs) -> Dict:
        """MMAction2's models of one stream get no dict."""
        if isinstance(inputs, dict):
            return dict(inputs)
        frames = inputs.ndim - 4 < 1 or inputs.shape[-4] == 3
        return {'imgs' if frames else 'heatmap_imgs': inputs}

    meta = sample['data_samples'].metainfo
    raw = named(sample['inputs'])
    batch = pseudo_collate([sample])
    if preprocessor is not None:
        batch = preprocessor(batch)
    inputs = batch['inputs']
    if isinstance(inputs, dict):
        inputs = {key: value[0] for key, value in inputs.items()}
    else:
        inputs = named(inputs[0])

    parts, pose = {}, raw.get('pose')
    drawing = preprocessor if pose is not None else None
    layout = layout_of(meta, dataset, drawing)
    if 'imgs' in inputs:
        imgs = inputs['imgs']
        if imgs.ndim == 4:  # NCHW: the clips' frames in one row
            clips = meta.get('num_clips', 1)
            imgs = imgs.unflatten(0, (clips, -1)).transpose(1, 2)
        parts['frames'] = frames_of(imgs, raw['imgs'], preprocessor)
    if 'heatmap_imgs' in inputs:
        parts['maps'] = inputs['heatmap_imgs'].swapaxes(1, 2).numpy()
        if pose is None:
            pose = poses_of(meta, len(parts['maps']))
    if pose is not None and layout is not None:
        parts['pose'] = np.asarray(pose)
    if not parts:
        raise ValueError(
            f'neither imgs nor pose nor heatmap_imgs among the inputs: '
            f'{sorted(inputs)}'
        )
    clips = min(map(len, parts.values()))
    if number >= clips:
        raise ValueError(f'--clip {number}: the samples have {clips} clips')

    intervals = meta.get('frame_interval')
    if not isinstance(intervals, dict):  # of one stream
        intervals = {}
    numbers = {}
    for name, part, keys in (
        ('frame_numbers', 'frames', ('RGB_inds', 'frame_inds')),
        ('pose_numbers', 'maps', ('Pose_inds', 'frame_inds')),
    ):
        inds = next((meta[key] for key in keys if key in meta), None)
        if part in parts and inds is not None:
            length = parts[part].shape[1]
            first = number * length % len(inds)  # crops repeat the clips
            numbers[name] = inds[first : first + length].tolist()
    return Clip(
        **{key: value[number] for key, value in parts.items()},
        **numbers,
        layout=layout,
        shape=tuple(meta.get('img_shape', (224, 224))),
        frame_interval=(intervals['RGB'], intervals['Pose'])
        if len(intervals) == 2
        else None,
        score_thr=getattr(preprocessor, 'options', PoseMapOptions()).score_thr,
    )


def describe(
    sample: Dict, dataset, names: List[str], index: int, args
) -> List[str]:
    """The title and the line below it."""
    meta = sample['data_samples'].metainfo
    labels = sample['data_samples'].get('gt_label', ())
    text = [f'{args.split} sample {index}']
    for label in map(int, labels):
        name = f' ({names[label]})' if label < len(names) else ''
        text.append(f'label {label}{name}')
    clips = meta.get('num_clips', 1)
    if clips > 1:
        text.append(f'clip {args.clip + 1} of {clips}')
    if 'total_frames' in meta:
        text.append(f'{meta["total_frames"]} frames')
    if 'img_shape' in meta:
        height, width = meta['img_shape']
        text.append(f'{width} x {height} pixels')
    if meta.get('flip') is not None and np.any(meta['flip']):
        text.append('flipped')
    title = str(meta.get('filename') or meta.get('frame_dir', ''))
    folder = reader(dataset).data_prefix.get('video') or ''
    return [title.removeprefix(folder).lstrip('/'), ' · '.join(text)]


def browse(args: argparse.Namespace) -> int:
    """Write the pictures; gives the number of samples that failed."""
    from mmaction.registry import MODELS
    from mmengine.registry import init_default_scope
    from mmengine.runner import set_random_seed

    from integral_action.text import one_line
    from integral_action.visualization import (
        clip_film,
        clip_sheet,
        write_picture,
        write_video,
    )

    config = read_config(args.config, args.cfg_options)
    init_default_scope(config.get('default_scope', 'mmaction'))
    dataset = build_dataset(config, args.split)
    names = class_names(dataset, args.classes)
    preprocessor = config.get('model', {}).get('data_preprocessor')
    if preprocessor is not None:
        preprocessor = MODELS.build(preprocessor)
    total = len(dataset)
    indices = args.index
    if indices is None:
        number = min(args.num, total)
        indices = np.linspace(0, total - 1, number).round().astype(int)
    for index in indices:
        if not 0 <= index < total:
            raise ValueError(
                f'--index {index}: the split {args.split} has {total} '
                f'samples, from 0'
            )
    out = args.out or Path('work_dirs/browse') / Path(args.config).stem
    suffix = f'_clip{args.clip}' if args.clip else ''
    draw = clip_sheet if args.format == 'png' else clip_film
    options = dict(panel_width=args.panel_width) if args.panel_width else {}

    failed = 0
    errors = Console(stderr=True)
    for index in track(
        list(map(int, indices)),
        'samples',
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    ):
        set_random_seed(args.seed + index)  # whatever is shown beside it
        try:
            sample = dataset[index]
        except Exception as error:  # what broken files raise has no limit
            failed += 1
            print(f'sample {index}: {one_line(error)}', file=sys.stderr)
            continue
        clip = make_clip(sample, dataset, preprocessor, args.clip)
        drawn = draw(
            clip, *describe(sample, dataset, names, index, args), **options
        )
        path = out / f'{args.split}_{index:05d}{suffix}.{args.format}'
        if args.format == 'png':
            write_picture(path, drawn)
        else:
            write_video(path, drawn, args.fps)
        print(path, flush=True)
    if failed:
        print(
            f'{failed} of {len(indices)} samples cannot be read',
            file=sys.stderr,
        )
    return failed


@command(KeyError, TypeError)
def main(arguments: Optional[List[str]] = None) -> int:
    """Browse; the exit status is 1 where a sample, or all, cannot be read."""
    args = parse_args(arguments)
    return browse(args) > 0


if __name__ == '__main__':
    sys.exit(main())
