"""Facts about its model that a file of the authors' release tells."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Set, Tuple

from torch import Tensor

from integral_action.checkpoints import check_weights, read_checkpoint, some

# blocks of each stage, and whether they are bottlenecks -> depth
DEPTHS = {
    (False, (2, 2, 2, 2)): 18,
    (False, (3, 4, 6, 3)): 34,
    (True, (3, 4, 6, 3)): 50,
}
FEATURES = {18: 512, 34: 512, 50: 2048}
STREAMS = dict(appearance='img_backbone', pose='pose_backbone')


@dataclass
class Release:
    """Facts about its model that a file of the release tells.

    Attributes:
        streams: the streams of the stage that the file is of.
        depths: of the ResNet of each of them.
        pose_channels: K + 2B; None where there is no pose stream.
        num_classes: of the classifier.
        pose_frames: T_P; None where there is no pose stream.
        frames_counted: whether a counter tells T_P, or it is a guess.
    """

    streams: List[str]
    depths: Dict[str, int]
    pose_channels: Optional[int]
    num_classes: int
    pose_frames: Optional[int]
    frames_counted: bool

    def __str__(self) -> str:
        lines = [
            f'{stream} ResNet-{depth}' for stream, depth in self.depths.items()
        ]
        if self.pose_channels:
            lines.append(f'{self.pose_channels} pose channels')
            lines.append(f'{self.pose_frames} pose frames')
        return ', '.join([*lines, f'{self.num_classes} classes'])


def read_release(path: Path) -> Tuple[Dict[str, Tensor], List[str]]:
    """The release's state dict in a file, and what else the file holds.

    Raises:
        FileNotFoundError, ValueError: as of :func:`read_checkpoint`; or the
            file holds no state dict of the release.
    """
    content = read_checkpoint(path)
    other = []
    if 'network' in content:
        other = sorted(str(key) for key in content if key != 'network')
        content = content['network']
    elif 'state_dict' in content:
        raise ValueError(
            f"{path}: a checkpoint of mmengine's, not of the release"
        )
    try:
        state = check_weights(content)
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error
    while all(name.startswith('module.') for name in state):
        state = {name[len('module.') :]: state[name] for name in state}
    return state, other


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
        raise ValueError(
            f"it has none of the release's streams, but {some(list(state))}"
        )
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
    elif steps and steps['aggregator']:
        raise ValueError(
            'aggregator took part in its training (num_batches_tracked is '
            'not 0): it is of the fused stage'
        )
    untrained = [part for part in needed if steps and not steps[part]]
    if untrained:
        raise ValueError(
            f'{some(untrained)} never took part in a training '
            f'(num_batches_tracked is 0): is it the file of another stage?'
        )

    counted = bool(steps) and len(streams) == 2
    channels = frames = None
    if 'pose' in streams:
        channels = _entry(state, 'pose2feat.conv.0.weight', 4).shape[1]
        frames = 29 if depths.get('appearance') == 50 else 8
        if counted:
            frames = 29 if steps['aggregator.pose_temporal_conv'] else 8
    return Release(
        streams=streams,
        depths={stream: depths[stream] for stream in streams},
        pose_channels=channels,
        num_classes=classifier.shape[0],
        pose_frames=frames,
        frames_counted=counted,
    )


def _has(state: Dict[str, Tensor], part: str) -> bool:
    return any(name.startswith(f'{part}.') for name in state)


def _entry(state: Dict[str, Tensor], name: str, dims: int) -> Tensor:
    if name not in state:
        raise ValueError(f'missing keys: {name}')
    if state[name].ndim != dims:
        raise ValueError(f'size mismatch: {name} ({list(state[name].shape)})')
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


def _training_steps(state: Dict[str, Tensor]) -> Dict[str, float]:
    """Return the training steps of each part, which its batch norms count.

    All norms of a part count the same steps, and the stem of the pose stream,
    which the release does not use, counts none. Where that does not hold, or
    nothing was counted, the counters tell nothing: an empty dict.

    Raises:
        ValueError: it is appearance's stem that counts none.
    """

    def counts(pattern: str) -> Set[float]:
        return {
            value.item()
            for name, value in state.items()
            if re.fullmatch(pattern + r'.*\.num_batches_tracked', name)
            and value.numel() == 1
        }

    stems = counts(r'img_backbone\.bn1'), counts(r'pose_backbone\.bn1')
    parts = {
        'img_backbone': counts(r'img_backbone\.layer'),
        'pose_backbone': counts(r'pose_backbone\.layer'),
        'aggregator': counts(r'aggregator\.(img|pose)_conv\.'),
        'aggregator.pose_temporal_conv': counts(
            r'aggregator\.pose_temporal_conv\.'
        ),
    }
    if any(len(found) != 1 for found in parts.values()):
        return {}
    steps = {part: found.pop() for part, found in parts.items()}
    if stems == ({0}, {steps['pose_backbone']}) and steps['img_backbone'] > 0:
        raise ValueError(
            'the stem of its img_backbone never took part in a training: have '
            'the streams changed places?'
        )
    if stems != ({steps['img_backbone']}, {0}) or max(steps.values()) <= 0:
        return {}
    return steps


def _is_appearance_only(
    depths: Dict[str, int], classifier: Tensor, steps: Dict[str, float]
) -> bool:
    """The fused feature has 512 channels, that of a ResNet-50 has not."""
    if 'appearance' not in depths:
        return False
    wide = FEATURES[depths['appearance']] != 512
    if wide and classifier.shape[1] == FEATURES[depths['appearance']]:
        return True
    return bool(steps) and not steps['pose_backbone']
