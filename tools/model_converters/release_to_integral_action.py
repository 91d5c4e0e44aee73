"""Convert a checkpoint of the authors' release into one of ours.

    python tools/model_converters/release_to_integral_action.py IN OUT

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
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor

import integral_action  # noqa: F401  registers everything
from integral_action.checkpoints import read_checkpoint, some
from integral_action.fileio import whole_file

CONFIGS = (
    Path(__file__).resolve().parents[2]
    / 'configs'
    / 'integral_action'
    / 'release'
)
# blocks of each stage, and whether they are bottlenecks -> depth
DEPTHS = {
    (False, (2, 2, 2, 2)): 18,
    (False, (3, 4, 6, 3)): 34,
    (True, (3, 4, 6, 3)): 50,
}
FEATURES = {18: 512, 34: 512, 50: 2048}
# K + 2B of the release's data sets -> layout
LAYOUTS = {52: 'openpose18', 73: 'ntu25'}
STREAMS = dict(appearance='img_backbone', pose='pose_backbone')

# What stands before a name here, and in the release. The first that fits.
PREFIXES = (
    ('backbone.appearance.', 'img_backbone.'),
    ('backbone.pose.conv1.conv.', 'pose2feat.conv.0.'),
    ('backbone.pose.conv1.bn.', 'pose2feat.conv.1.'),
    ('backbone.pose.', 'pose_backbone.'),
    ('neck.align_time.conv.', 'aggregator.pose_temporal_conv.0.'),
    ('neck.align_time.bn.', 'aggregator.pose_temporal_conv.1.'),
    ('neck.cgb.conv.', 'aggregator.pose_gate_fc.0.'),
    ('neck.tcb_appearance.3.', 'aggregator.img_norm.'),
    ('neck.tcb_appearance.', 'aggregator.img_conv.'),
    ('neck.tcb_pose.3.', 'aggregator.pose_norm.'),
    ('neck.tcb_pose.', 'aggregator.pose_conv.'),
    ('cls_head.fc_cls.', 'classifier.fc.0.'),
)
# Inside a ResNet: mmcv's ConvModule, and the temporal shift around one.
RESNET = (
    (r'\.net\.', '.'),
    (r'conv(\d)\.conv\.', r'conv\1.'),
    (r'conv(\d)\.bn\.', r'bn\1.'),
    (r'downsample\.conv\.', 'downsample.0.'),
    (r'downsample\.bn\.', 'downsample.1.'),
)


def release_name(name: str) -> str:
    """What the release calls a weight of ours.

    ``backbone.pose.layer1.0.conv1.conv.net.weight`` is
    ``pose_backbone.layer1.0.conv1.weight``.

    Raises:
        ValueError: it has no such weight.
    """
    for ours, theirs in PREFIXES:
        if name.startswith(ours):
            name = name[len(ours) :]
            if theirs in ('img_backbone.', 'pose_backbone.'):
                for pattern, replacement in RESNET:
                    name = re.sub(pattern, replacement, name)
            return theirs + name
    raise ValueError(f'the release has no {name}')


def convert_weights(
    release: Dict[str, Tensor], own: Dict[str, Tensor]
) -> Tuple[Dict[str, Tensor], List[str]]:
    """Make our weights of the release's.

    Args:
        release: the release's state dict.
        own: the state dict of the model that is to take it.

    Returns:
        Weights for each name of ``own``, and the names that were not used.

    Raises:
        ValueError: an entry is missing, of another shape, or not one of the
            release's.
    """
    wanted = dict(own)
    # Batch norm takes the front end's bias off again: it needs no place here,
    # its running mean takes it up.
    mean, bias = 'backbone.pose.conv1.bn.running_mean', ''
    if mean in wanted:
        bias = mean.replace('bn.running_mean', 'conv.bias')
        wanted[bias] = wanted[mean]

    sources = {name: release_name(name) for name in wanted}
    missing = [name for name in sources.values() if name not in release]
    if missing:
        raise ValueError(f'it lacks {some(missing)}')
    unused = sorted(set(release) - set(sources.values()))
    unexpected = [name for name in unused if not _may_be_unused(name, own)]
    if unexpected:
        raise ValueError(f'it has what the model has not: {some(unexpected)}')
    wrong = [
        f'{sources[name]} ({list(release[sources[name]].shape)}, expected '
        f'{list(value.shape)})'
        for name, value in wanted.items()
        if _core_shape(release[sources[name]]) != _core_shape(value)
    ]
    if wrong:
        raise ValueError(f'it has in another shape {some(wrong)}')

    weights = {
        name: release[sources[name]].detach().to(value).reshape(value.shape)
        for name, value in wanted.items()
    }
    for name in weights:
        # The release's gate multiplies pose, g = sigmoid(z); ours multiplies
        # appearance, G = 1 - g = sigmoid(-z) (equation 1).
        if name.startswith('neck.cgb.conv.'):
            weights[name] = -weights[name]
    if bias:
        weights[mean] = weights[mean] - weights.pop(bias)
    return {name: value.clone() for name, value in weights.items()}, unused


def _core_shape(value: Tensor) -> Tuple[int, ...]:
    """Without sizes of 1 at the end: a 1x1 convolution is a linear layer."""
    shape = list(value.shape)
    while shape and shape[-1] == 1:
        shape.pop()
    return tuple(shape)


def _may_be_unused(name: str, own: Dict[str, Tensor]) -> bool:
    """Whether a model with the weights ``own`` rightly leaves an entry."""

    def lacks(prefix: str) -> bool:
        return not any(ours.startswith(prefix) for ours in own)

    unused = ['pose_backbone.conv1.', 'pose_backbone.bn1.']  # the front end's
    if lacks('backbone.appearance.'):
        unused += ['img_backbone.', 'aggregator.']
    if lacks('backbone.pose.'):
        unused += ['pose_backbone.', 'pose2feat.', 'aggregator.']
    if lacks('neck.align_time.'):
        unused += ['aggregator.pose_temporal_conv.']
    return name.startswith(tuple(unused))


@dataclass
class Release:
    """What a file of the release says of its model.

    Attributes:
        streams: the streams of the stage that the file is of.
        depths: of the ResNet of each of them.
        pose_channels: K + 2B; None where there is no pose stream.
        num_classes: of the classifier.
        pose_frames: T_P; None where there is no pose stream.
    """

    streams: List[str]
    depths: Dict[str, int]
    pose_channels: Optional[int]
    num_classes: int
    pose_frames: Optional[int]

    def __str__(self) -> str:
        lines = [
            f'{stream} ResNet-{depth}' for stream, depth in self.depths.items()
        ]
        if self.pose_channels:
            lines.append(f'{self.pose_channels} pose channels')
            lines.append(f'{self.pose_frames} pose frames')
        return ', '.join([*lines, f'{self.num_classes} classes'])


def read_release(path: Path) -> Dict[str, Tensor]:
    """The release's state dict in a file.

    Raises:
        FileNotFoundError, ValueError: as of :func:`read_checkpoint`; or the
            file holds no state dict of the release.
    """
    content = read_checkpoint(path)
    if 'state_dict' in content and 'meta' in content:
        raise ValueError(
            f"{path}: a checkpoint of mmengine's, not of the release"
        )
    state = content.get('network', content)
    if not isinstance(state, dict) or not state:
        raise ValueError(f'{path}: it holds no weights')
    other = [str(name) for name in state if not torch.is_tensor(state[name])]
    if other:
        raise ValueError(f'{path}: not weights: {some(other)}')
    if all(name.startswith('module.') for name in state):
        state = {name[len('module.') :]: state[name] for name in state}
    return state


def describe(
    state: Dict[str, Tensor], streams: Optional[List[str]] = None
) -> Release:
    """Work out the model from names, shapes and counters.

    Args:
        state: the release's state dict.
        streams: those of the model that is wanted; None to work them out.

    Raises:
        ValueError: a part is missing or contradicts another.
    """
    there = [name for name, part in STREAMS.items() if _has(state, part)]
    if not there:
        raise ValueError("it has none of the release's streams")
    depths = {name: _depth(state, STREAMS[name]) for name in there}
    classifier = _entry(state, 'classifier.fc.0.weight', 2)
    steps = _training_steps(state)

    if streams is None:
        if not _has(state, 'aggregator') and len(there) == 1:
            streams = there
        elif _is_appearance_only(depths, classifier, steps):
            streams = ['appearance']
        elif steps and not steps['img_backbone']:
            streams = ['pose']
        else:
            streams = list(STREAMS)
    for stream in streams:
        if stream not in there:
            raise ValueError(
                f'it lacks the {stream} stream ({STREAMS[stream]}.*)'
            )
    needed = [STREAMS[stream] for stream in streams]
    if len(streams) == 2:
        needed.append('aggregator')
    untrained = [part for part in needed if steps and not steps[part]]
    if untrained:
        raise ValueError(
            f'{some(untrained)} never took part in a training '
            f'(num_batches_tracked is 0): is it the file of another stage?'
        )

    channels = frames = None
    if 'pose' in streams:
        channels = _entry(state, 'pose2feat.conv.0.weight', 4).shape[1]
        frames = 29 if depths.get('appearance') == 50 else 8
        if steps and len(streams) == 2:
            frames = 29 if steps['aggregator.pose_temporal_conv'] else 8
    return Release(
        streams=streams,
        depths={stream: depths[stream] for stream in streams},
        pose_channels=channels,
        num_classes=classifier.shape[0],
        pose_frames=frames,
    )


def _has(state: Dict[str, Tensor], part: str) -> bool:
    return any(name.startswith(f'{part}.') for name in state)


def _entry(state: Dict[str, Tensor], name: str, dims: int) -> Tensor:
    if name not in state:
        raise ValueError(f'it lacks {name}')
    if state[name].ndim != dims:
        raise ValueError(
            f'it has in another shape {name} ({list(state[name].shape)})'
        )
    return state[name]


def _depth(state: Dict[str, Tensor], part: str) -> int:
    blocks = tuple(
        len(
            {
                name.split('.')[2]
                for name in state
                if name.startswith(f'{part}.layer{stage}.')
            }
        )
        for stage in (1, 2, 3, 4)
    )
    bottleneck = f'{part}.layer1.0.conv3.weight' in state
    if (bottleneck, blocks) not in DEPTHS:
        raise ValueError(
            f'{part} has {blocks} blocks in its stages, which is no ResNet '
            f'of {sorted(DEPTHS.values())}'
        )
    return DEPTHS[bottleneck, blocks]


def _training_steps(state: Dict[str, Tensor]) -> Dict[str, int]:
    """How many training steps each part has seen, by its batch norms.

    All norms of a part count the same steps. Where they do not, or nothing was
    counted, the counters tell nothing: an empty dict.
    """
    steps = {}
    for part, pattern in (
        ('img_backbone', r'img_backbone\.'),
        ('pose_backbone', r'pose_backbone\.layer'),
        ('aggregator', r'aggregator\.(img|pose)_conv\.'),
        ('aggregator.pose_temporal_conv', r'aggregator\.pose_temporal_conv\.'),
    ):
        counts = {
            float(value)
            for name, value in state.items()
            if re.match(pattern, name)
            and name.endswith('num_batches_tracked')
            and value.numel() == 1
        }
        if len(counts) != 1:
            return {}
        steps[part] = counts.pop()
    return steps if any(steps.values()) else {}


def _is_appearance_only(
    depths: Dict[str, int], classifier: Tensor, steps: Dict[str, int]
) -> bool:
    """The fused feature has 512 channels, that of a ResNet-50 has not."""
    if 'appearance' not in depths:
        return False
    wide = FEATURES[depths['appearance']] != 512
    if wide and classifier.shape[1] == FEATURES[depths['appearance']]:
        return True
    return bool(steps) and not steps['pose_backbone']


def choose_config(release: Release) -> Config:
    """The config of the release's variant that fits a file.

    Raises:
        ValueError: there is none.
    """
    if release.depths.get('pose', 18) != 18:
        raise ValueError(
            f'its pose stream is a ResNet-{release.depths["pose"]}; have the '
            f'streams changed places? If not, give --config'
        )
    depth = release.depths.get('appearance')
    known = {34: 18}.get(depth, depth)  # the others have a config of their own
    clip = '29x2' if release.pose_frames == 29 else '8x8'
    if release.streams == ['appearance']:
        name = (
            f'integralaction-release-appearance_imagenet-pretrained-r{known}_'
            f'4xb8-8x8x1-30e_kinetics50-rgb'
        )
    elif release.streams == ['pose']:
        name = (
            f'integralaction-release-pose_imagenet-pretrained-r18_'
            f'4xb8-{clip}x1-30e_kinetics50-keypoint'
        )
    else:
        name = (
            f'integralaction-release_r{known}-r18_'
            f'4xb8-8x8x1-{clip}x1-30e_kinetics50-rgb-keypoint'
        )
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    options = {'model.cls_head.num_classes': release.num_classes}
    if depth:
        options['model.backbone.appearance.depth'] = depth
    dataset = dict(num_classes=release.num_classes)
    if 'pose' in release.streams:
        if release.pose_channels not in LAYOUTS:
            raise ValueError(
                f'its pose stream takes {release.pose_channels} channels, the '
                f"release's layouts have {list(LAYOUTS)}; give --config"
            )
        dataset['layout'] = LAYOUTS[release.pose_channels]
        options['model.data_preprocessor.layout'] = dataset['layout']
        options['model.backbone.pose.in_channels'] = release.pose_channels
    for split in ('train', 'val', 'test'):
        for key, value in dataset.items():
            options[f'{split}_dataloader.dataset.{key}'] = value
    cfg.merge_from_dict(options)
    return cfg


def check_config(release: Release, model: dict) -> None:
    """Whether a config's model computes what the release does with a file.

    Raises:
        ValueError: it does not; the message tells the option.
    """
    expected = {'cls_head.average_frames': 'score'}
    if 'appearance' in release.streams:
        expected['data_preprocessor.mean'] = (0, 0, 0)
        expected['data_preprocessor.std'] = (255, 255, 255)
    for stream in release.streams:
        expected[f'backbone.{stream}.depth'] = release.depths[stream]
        expected[f'backbone.{stream}.shift_div'] = 4
        expected[f'backbone.{stream}.past_first'] = True
    if release.pose_channels:
        expected['backbone.pose.in_channels'] = release.pose_channels
    if len(release.streams) == 2:
        expected['neck.tcb_layers'] = 'conv-bn-relu-ln'
        expected['neck.cgb_layers'] = 'conv'
    expected['cls_head.num_classes'] = release.num_classes
    for option, value in expected.items():
        found = model
        for key in option.split('.'):
            found = found.get(key) if hasattr(found, 'get') else None
        if isinstance(found, (list, tuple)):
            found = tuple(found)
        if found != value:
            raise ValueError(
                f'with it, model.{option} should be {value}, but is {found}'
            )


def convert(source: Path, config: Optional[Path] = None) -> Tuple[dict, str]:
    """Convert a file of the release.

    Args:
        source: the file.
        config: of the release's variant; None takes the one that fits.

    Returns:
        The checkpoint, and what to say of it.

    Raises:
        FileNotFoundError: there is no such file or config.
        ValueError: the file is not the release's, or not of the config.
    """
    state = read_release(source)
    init_default_scope('mmaction')
    place = str(source)
    try:
        if config is None:
            release = describe(state)
            cfg = choose_config(release)
        else:
            cfg = Config.fromfile(config)
            streams = [
                name
                for name in STREAMS
                if cfg.get('model', {}).get('backbone', {}).get(name)
            ]
            if not streams:
                raise ValueError(f'{config} has no model of our streams')
            release = describe(state, streams)
            pose = cfg.model.backbone.get('pose')
            if pose:
                release.pose_frames = pose.get('num_segments')
            place = f'{source}, {config}'
            check_config(release, cfg.model)
        model = MODELS.build(cfg.model)
        weights, unused = convert_weights(state, model.state_dict())
        model.load_state_dict(weights)
    except ValueError as error:
        raise ValueError(f'{place}: {error}') from error
    checkpoint = dict(
        meta=dict(cfg=cfg.pretty_text, source='IntegralAction_RELEASE'),
        state_dict=weights,
    )
    report = [
        f'model: {release}',
        f'config: {cfg.filename}',
        f'{len(state) - len(unused)} entries used, {len(unused)} unused',
        *(f'  unused: {name}' for name in unused),
    ]
    return checkpoint, '\n'.join(report)


def main(arguments: Optional[List[str]] = None) -> int:
    """Convert; the exit status is 1 where that cannot be."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('source', metavar='IN', type=Path)
    parser.add_argument('target', metavar='OUT', type=Path)
    parser.add_argument(
        '--config',
        type=Path,
        help='a config of configs/integral_action/release or one based on it',
    )
    args = parser.parse_args(arguments)
    try:
        if args.target.exists() and args.target.samefile(args.source):
            raise ValueError(f'{args.target}: OUT is IN')
        checkpoint, report = convert(args.source, args.config)
        with whole_file(args.target) as temporary:
            torch.save(checkpoint, temporary)
    except (OSError, ValueError) as error:
        print(f'error: {" ".join(str(error).split())}', file=sys.stderr)
        return 1
    print(report)
    print(f'written: {args.target}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
