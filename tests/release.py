"""The authors' release, for parity tests.

No weight file travels: weights and inputs are drawn from their names and seeds
by the rule of those who ran the release and recorded its outputs
(``release.json`` has some of these). ``forward`` computes what the release
does from its own state dict, and shares no code with the package but the pose
maps.
"""

import hashlib
import json
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from integral_action.pose.layouts import KeypointLayout
from integral_action.pose.maps import render_pose_maps

RECORDED = json.loads(Path(__file__).with_suffix('.json').read_text())
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
WIDTH = {18: 512, 34: 512, 50: 2048}


def parameter(name, shape):
    """A weight, float32, drawn from its name."""
    digest = hashlib.sha256(name.encode()).digest()
    draw = np.random.RandomState(int.from_bytes(digest[:4], 'little'))
    norm = len(shape) == 1 or tuple(shape[1:]) == (1, 1)
    if name.endswith('running_var'):
        value = draw.uniform(0.5, 1.5, shape)
    elif name.endswith('running_mean') or name.endswith('bias'):
        value = draw.normal(0, 0.1, shape)
    elif norm:
        value = draw.uniform(0.5, 1.5, shape)
    else:
        value = draw.normal(0, np.sqrt(1.5 / np.prod(shape[1:])), shape)
    return value.astype(np.float32)


def video(seed, clips, frames, size=224, cell=32):
    """RGB in 0..1, [clips, frames, 3, size, size]: coloured squares."""
    draw = np.random.RandomState(seed)
    cells = draw.uniform(0, 1, (clips, frames, 3, size // cell, size // cell))
    return np.kron(cells, np.ones((cell, cell))).astype(np.float32)


def poses(seed, clips, frames, persons=5, keypoints=18, size=56):
    """Keypoints in cells of the maps, and their scores."""
    draw = np.random.RandomState(seed + 1)
    shape = (clips, frames, persons)
    centre = draw.uniform(-3, size + 3, (*shape, 1, 2))
    keypoint = centre + draw.normal(0, size / 8, (*shape, keypoints, 2))
    score = draw.uniform(0, 1, (*shape, keypoints))
    score *= draw.uniform(0, 1, (*shape, 1)) > 0.3
    return keypoint.astype(np.float32), score.astype(np.float32)


def shapes(
    appearance=18, pose=18, channels=52, num_classes=50, classifier=512
):
    """The names and shapes of the release's state dict, in its order."""
    out = {}

    def norm(name, width):
        for entry in ('weight', 'bias', 'running_mean', 'running_var'):
            out[f'{name}.{entry}'] = (width,)
        out[f'{name}.num_batches_tracked'] = ()

    def resnet(part, depth):
        out[f'{part}.conv1.weight'] = (64, 3, 7, 7)
        norm(f'{part}.bn1', 64)
        before = 64
        for stage, blocks in enumerate(BLOCKS[depth]):
            width = 64 * 2**stage
            for block in range(blocks):
                name = f'{part}.layer{stage + 1}.{block}'
                after = width * (4 if depth == 50 else 1)
                convs = (
                    [(before, width, 1), (width, width, 3), (width, after, 1)]
                    if depth == 50
                    else [(before, width, 3), (width, width, 3)]
                )
                for i, (fan_in, fan_out, size) in enumerate(convs, 1):
                    weight = (fan_out, fan_in, size, size)
                    out[f'{name}.conv{i}.weight'] = weight
                    norm(f'{name}.bn{i}', fan_out)
                if block == 0 and (stage or depth == 50):
                    weight = (after, before, 1, 1)
                    out[f'{name}.downsample.0.weight'] = weight
                    norm(f'{name}.downsample.1', after)
                before = after

    def conv(name, *weight):
        out[f'{name}.0.weight'] = weight
        out[f'{name}.0.bias'] = weight[:1]
        norm(f'{name}.1', weight[0])

    wide_a, wide_p = WIDTH[appearance], WIDTH[pose]
    resnet('img_backbone', appearance)
    resnet('pose_backbone', pose)
    conv('pose2feat.conv', 64, channels, 3, 3)
    conv('aggregator.pose_temporal_conv', wide_p, wide_p, 5, 1, 1)
    out['aggregator.pose_gate_fc.0.weight'] = (512, wide_p)
    out['aggregator.pose_gate_fc.0.bias'] = (512,)
    for stream, width in (('img', wide_a), ('pose', wide_p)):
        conv(f'aggregator.{stream}_conv', 512, width, 1, 1)
        out[f'aggregator.{stream}_norm.weight'] = (512, 1, 1)
        out[f'aggregator.{stream}_norm.bias'] = (512, 1, 1)
    out['classifier.fc.0.weight'] = (num_classes, classifier)
    out['classifier.fc.0.bias'] = (num_classes,)
    return out


@cache
def weight(name, shape):
    """:func:`parameter` as a tensor; a counter of steps has counted none."""
    if not shape:
        return torch.tensor(0)
    return torch.from_numpy(parameter(name, shape))


def state_dict(**kwargs):
    """Weights of the names and shapes of :func:`shapes`."""
    return {
        name: weight(name, shape) for name, shape in shapes(**kwargs).items()
    }


def counted(**parts):
    """A state whose batch norms have counted steps, by part."""
    state = state_dict()
    for name in state:
        if name.endswith('num_batches_tracked'):
            part, first = name.split('.')[:2]
            steps = parts.get(f'{part}_{first}', parts.get(part, 0))
            state[name] = torch.tensor(steps)
    return state


def swapped(state):
    """A state whose streams have changed places."""
    other = dict(img_backbone='pose_backbone', pose_backbone='img_backbone')
    parts = [(*name.split('.', 1), value) for name, value in state.items()]
    return {f'{other.get(a, a)}.{b}': value for a, b, value in parts}


def snapshot(state):
    """What the release saves."""
    network = {f'module.{name}': value for name, value in state.items()}
    return {
        'epoch': 29,
        'network': network,
        'optimizer': {'state': {}, 'param_groups': []},
    }


def maps(keypoint, score, size=56):
    """[N, T, M, K, 2] -> pose maps [N, T, K + 2B, size, size]."""
    bones = KeypointLayout.get('openpose18').bones
    return render_pose_maps(
        torch.from_numpy(keypoint), torch.from_numpy(score), bones, (size,) * 2
    )


def forward(state, frames=None, pose_maps=None):
    """The release in evaluation mode.

    Args:
        state: its state dict.
        frames: RGB in 0..1 [N, T, 3, H, W], or None for the pose stream alone.
        pose_maps: [N, T', K + 2B, H / 4, W / 4], or None.

    Returns:
        The logits of each frame [N, T, num_classes], and the gate, averaged
        over frames and channels [N], or None.
    """

    def norm(x, name):
        entries = ('running_mean', 'running_var', 'weight', 'bias')
        return F.batch_norm(x, *(state[f'{name}.{e}'] for e in entries))

    def conv(x, name, **kwargs):
        weight = state[f'{name}.weight']
        kwargs.setdefault('padding', weight.shape[-1] // 2)
        return F.conv2d(x, weight, state.get(f'{name}.bias'), **kwargs)

    def shift(x, length):
        x = x.unflatten(0, (-1, length))
        quarter = x.shape[2] // 4
        out = x.clone()
        before, after = slice(quarter), slice(quarter, 2 * quarter)
        out[:, 0, before] = 0
        out[:, 1:, before] = x[:, :-1, before]
        out[:, -1, after] = 0
        out[:, :-1, after] = x[:, 1:, after]
        return out.flatten(0, 1)

    def resnet(x, part, length):
        for stage in (1, 2, 3, 4):
            block = 0
            while f'{part}.layer{stage}.{block}.conv1.weight' in state:
                name = f'{part}.layer{stage}.{block}'
                stride = 2 if stage > 1 and block == 0 else 1
                bottleneck = f'{name}.conv3.weight' in state
                y = shift(x, length)
                first = 1 if bottleneck else stride
                y = norm(conv(y, f'{name}.conv1', stride=first), f'{name}.bn1')
                second = stride if bottleneck else 1
                y = conv(F.relu(y), f'{name}.conv2', stride=second)
                y = norm(y, f'{name}.bn2')
                if bottleneck:
                    y = norm(conv(F.relu(y), f'{name}.conv3'), f'{name}.bn3')
                if f'{name}.downsample.0.weight' in state:
                    x = conv(x, f'{name}.downsample.0', stride=stride)
                    x = norm(x, f'{name}.downsample.1')
                x = F.relu(x + y)
                block += 1
        return x.mean((2, 3))

    def align(feature, stream):
        name = f'aggregator.{stream}_conv'
        x = conv(feature[..., None, None], f'{name}.0')
        x = F.relu(norm(x, f'{name}.1'))[..., 0, 0]
        name = f'aggregator.{stream}_norm'
        weight, bias = state[f'{name}.weight'], state[f'{name}.bias']
        return F.layer_norm(x, (512,), weight.flatten(), bias.flatten())

    gate = None
    if frames is not None:
        clips, length = frames.shape[:2]
        x = conv(frames.flatten(0, 1), 'img_backbone.conv1', stride=2)
        x = F.relu(norm(x, 'img_backbone.bn1'))
        x = F.max_pool2d(x, 3, 2, 1)
        feature = appearance = resnet(x, 'img_backbone', length)
    if pose_maps is not None:
        clips, pose_length = pose_maps.shape[:2]
        x = conv(pose_maps.flatten(0, 1), 'pose2feat.conv.0')
        x = F.relu(norm(x, 'pose2feat.conv.1'))
        pose = resnet(x, 'pose_backbone', pose_length)
        if frames is None:
            feature = pose
        else:
            if pose_length != length:
                name = 'aggregator.pose_temporal_conv'
                x = F.conv3d(
                    pose.unflatten(0, (clips, -1)).mT[..., None, None],
                    state[f'{name}.0.weight'],
                    state[f'{name}.0.bias'],
                    stride=(4, 1, 1),
                    padding=(2, 0, 0),
                )
                pose = F.relu(norm(x, f'{name}.1'))[..., 0, 0].mT.flatten(0, 1)
            name = 'aggregator.pose_gate_fc.0'
            gate = F.linear(pose, state[f'{name}.weight'])
            gate = (gate + state[f'{name}.bias']).sigmoid()
            feature = gate * align(pose, 'pose')
            feature = feature + (1 - gate) * align(appearance, 'img')
    name = 'classifier.fc.0'
    logits = F.linear(feature, state[f'{name}.weight'], state[f'{name}.bias'])
    if gate is not None:
        gate = gate.unflatten(0, (clips, -1)).mean((1, 2))
    return logits.unflatten(0, (clips, -1)), gate
