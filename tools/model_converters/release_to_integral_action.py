"""Convert a checkpoint of the authors' release into one of ours.

    integral-action import-release IN OUT

IN is what the release writes (snapshot_29.pth.tar): its weights under
'network', each name behind 'module.' or not, or the bare state dict. OUT is
for `mim test integral_action CONFIG --checkpoint OUT` and for
`integral_action.apis.load_model(OUT)`.

The file does not tell everything: the release builds both streams and the
fusion in each of its three stages, and a network for 29 frames of poses has
the shapes of one for 8. Without --config, a file with all parts is taken for
the fused model (unless its counters of training steps tell another stage), and
for 29 frames where appearance is a ResNet-50 (unless the counter of the
alignment in time tells). What was taken is printed.

Every entry of the file is used, or named as unused. See
docs/release_checkpoint.md.
"""

import argparse
import inspect
import sys
from pathlib import Path
from typing import Any, List, Optional, Tuple

from integral_action_cli import command, make_parser


def parse_args(arguments: Optional[List[str]] = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = make_parser(__doc__)
    parser.add_argument('source', metavar='IN', type=Path)
    parser.add_argument('target', metavar='OUT', type=Path)
    parser.add_argument(
        '--config',
        type=Path,
        help='a config of configs/integral_action/release or one based on it',
    )
    return parser.parse_args(arguments)


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from release_stage import STREAMS, Release, describe, read_release
from release_weights import convert_weights

import integral_action  # noqa: F401  registers everything
from integral_action.apis.load_model import read_config
from integral_action.fileio import atomic_write
from integral_action.models.data_preprocessors import PoseMapPreprocessor
from integral_action.pose.layouts import KeypointLayout
from integral_action.pose.map_options import PoseMapOptions

CONFIGS = (
    Path(__file__).resolve().parents[2]
    / 'configs'
    / 'integral_action'
    / 'release'
)
# options of a model that do not change what it computes in a test
TRAINING = {
    'dropout_ratio',
    'frozen',
    'gate_loss_weight',
    'init_cfg',
    'init_std',
    'loss_cls',
    'pretrained',
    'pretrained2d',
    'test_cfg',
    'train_cfg',
    'with_cp',
}
# K + 2B of the release's data sets -> layout
LAYOUTS = {52: 'openpose18', 73: 'ntu25'}


def choose_config(release: Release, layout: Optional[str] = None) -> Config:
    """The config of the release's variant that fits a file.

    Args:
        release: what the file says.
        layout: of the keypoints; None takes the release's with as many
            channels.

    Raises:
        ValueError: no layout has that many channels.
    """
    depth = release.depths.get('appearance')
    known = {34: 18}.get(depth, depth)  # the others have a config of their own
    clip = '29x2' if release.pose_frames == 29 else '8x8'
    if release.streams == ['appearance']:
        name = (
            f'integralaction-release-appearance_r{known}_'
            '4xb8-8x8x1-30e_kinetics50'
        )
    elif release.streams == ['pose']:
        name = f'integralaction-release-pose_r18_4xb8-{clip}x1-30e_kinetics50'
    else:
        name = (
            f'integralaction-release_r{known}-r18_'
            f'4xb8-8x8x1-{clip}x1-30e_kinetics50'
        )
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    options = {'model.cls_head.num_classes': release.num_classes}
    for stream, depth in release.depths.items():
        options[f'model.backbone.{stream}.depth'] = depth
    dataset = dict(num_classes=release.num_classes)
    if 'pose' in release.streams:
        layout = layout or LAYOUTS.get(release.pose_channels)
        if layout is None:
            raise ValueError(
                f'its pose stream takes {release.pose_channels} channels, the '
                f"release's layouts have {list(LAYOUTS)}; give --config"
            )
        channels = KeypointLayout.get(layout).num_channels
        if channels != release.pose_channels:
            raise ValueError(
                f'its pose stream takes {release.pose_channels} channels, but '
                f'layout {layout!r} has {channels}'
            )
        dataset['layout'] = layout
        options['model.data_preprocessor.layout'] = layout
        options['model.backbone.pose.in_channels'] = channels
    for split in ('train', 'val', 'test'):
        for key, value in dataset.items():
            options[f'{split}_dataloader.dataset.{key}'] = value
    cfg.merge_from_dict(options)
    return cfg


def check_config(found: dict, expected: dict, place: str = 'model') -> None:
    """Check that a config's model computes what the release's does.

    Options that say how a model is trained may differ, and defaults may be
    spelt out.

    Raises:
        ValueError: it does not; the message tells the option.
    """
    for key in sorted({*found, *expected} - TRAINING):
        sides = [
            side.get(key, _default(side.get('type'), key))
            for side in (found, expected)
        ]
        option = f'{place}.{key}'
        if all(isinstance(side, dict) for side in sides):
            check_config(*sides, place=option)
            continue
        sides = [
            tuple(side) if isinstance(side, list) else side for side in sides
        ]
        if sides[0] != sides[1]:
            raise ValueError(
                f'with it, {option} should be {sides[1]!r}, but is '
                f'{sides[0]!r}'
            )


def _default(component: Optional[str], option: str) -> Any:
    """Return a component's default for an option."""
    classes = getattr(MODELS.get(component or ''), '__mro__', ())
    if PoseMapPreprocessor in classes:  # its options are a class of their own
        classes += (PoseMapOptions,)
    for base in classes:
        parameters = inspect.signature(base.__init__).parameters
        if option in parameters:
            default = parameters[option].default
            return None if default is inspect.Parameter.empty else default
    return None


def read_user_config(path: Path) -> Config:
    """A config from outside, which may be broken in any way.

    Raises:
        ValueError: it cannot be read, or its model has none of our streams.
    """
    try:
        cfg = Config.fromfile(path)
        backbone = cfg.get('model', {}).get('backbone', {})
        if not any(isinstance(backbone.get(name), dict) for name in STREAMS):
            raise ValueError('its model has none of our streams')
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise ValueError(f'{path}: not a config: {reason}') from error
    return cfg


def convert(source: Path, config: Optional[Path] = None) -> Tuple[dict, str]:
    """Convert a file of the release.

    Args:
        source: the file.
        config: of the release's variant; None takes the one that fits.

    Returns:
        The checkpoint, and what to say of it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not the release's, or not of the config.
    """
    init_default_scope('mmaction')
    cfg = read_user_config(config) if config else None
    state, other = read_release(source)
    place = f'{source}, {config}' if config else str(source)
    try:
        if cfg is None:
            release = describe(state)
            if release.depths.get('pose', 18) != 18:
                raise ValueError(
                    f'its pose stream is a ResNet-{release.depths["pose"]}; '
                    f'have the streams changed places? If not, give --config'
                )
            cfg = choose_config(release)
        else:
            backbone = cfg.model.backbone
            release = describe(
                state, [name for name in STREAMS if backbone.get(name)]
            )
            check_frames(release, backbone)
            layout = cfg.model.get('data_preprocessor', {}).get('layout')
            check_config(cfg.model, choose_config(release, layout).model)
        model = MODELS.build(cfg.model)
        weights, unused = convert_weights(state, model.state_dict())
        model.load_state_dict(weights)
        read_config(cfg.pretty_text)  # as load_model will
    except Exception as error:  # what a wrong config raises has no limit
        reason = str(error) or type(error).__name__
        raise ValueError(f'{place}: {reason}') from error
    checkpoint = dict(
        meta=dict(cfg=cfg.pretty_text, source='IntegralAction_RELEASE'),
        state_dict=weights,
    )
    report = [
        f'model: {release}',
        f'config: {cfg.filename}',
        f'{len(state) - len(unused)} weights used, {len(unused)} unused',
        *(f'  unused: {name}' for name in [*other, *unused]),
    ]
    return checkpoint, '\n'.join(report)


def check_frames(release: Release, backbone: dict) -> None:
    """Take T_P from a config, where the file does not contradict.

    Raises:
        ValueError: it does, or T_P is neither 8 nor 29.
    """
    if 'pose' not in release.streams:
        return
    frames = backbone.pose.get('num_segments')
    allowed = [release.pose_frames] if release.frames_counted else [8, 29]
    if frames not in allowed:
        counted = (
            ', by the counter of aggregator.pose_temporal_conv'
            if release.frames_counted
            else ''
        )
        raise ValueError(
            f'with it, model.backbone.pose.num_segments should be '
            f'{" or ".join(map(str, allowed))}, but is {frames}{counted}'
        )
    release.pose_frames = frames


@command()
def main(arguments: Optional[List[str]] = None) -> None:
    """Convert; the exit status is 1 where that cannot be."""
    args = parse_args(arguments)
    if args.target.is_dir():
        raise ValueError(f'{args.target}: OUT is a folder')
    if args.target.exists() and args.target.samefile(args.source):
        raise ValueError(f'{args.target}: OUT is IN')
    checkpoint, report = convert(args.source, args.config)
    try:
        with atomic_write(args.target) as temporary:
            torch.save(checkpoint, temporary)
    except (OSError, RuntimeError) as error:  # the latter is torch's
        raise ValueError(
            f'{args.target}: cannot be written: {error}'
        ) from error
    print(report)
    print(f'written: {args.target}')


if __name__ == '__main__':
    sys.exit(main())
