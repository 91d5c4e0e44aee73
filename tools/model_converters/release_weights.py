"""The weights of the authors' release, by our names."""

import re
from typing import Dict, List, Tuple

from torch import Tensor

from integral_action.checkpoints import some, wrong_weights

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
# 1x1 convolutions and norms over [C, 1, 1], which are of [C, C] and [C] here
FLATTENED = re.compile(
    r'aggregator\.((img|pose)_conv\.0\.weight|(img|pose)_norm\.\w+|'
    r'pose_temporal_conv\.0\.weight)'
)
# Inside a ResNet: mmcv's ConvModule, and the temporal shift around one.
RESNET = (
    (r'\.net\.', '.'),
    (r'conv(\d)\.conv\.', r'conv\1.'),
    (r'conv(\d)\.bn\.', r'bn\1.'),
    (r'downsample\.conv\.', 'downsample.0.'),
    (r'downsample\.bn\.', 'downsample.1.'),
)
# The release's pose ResNet has a stem, which its forward leaves out.
POSE_STEM = ('pose_backbone.conv1.weight', 'pose_backbone.bn1.')


def release_name(name: str) -> str:
    """Return the release's name of a weight of ours.

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
        ValueError: an entry is missing, of another shape, not one of the
            release's, or has integers for weights.
    """
    wanted = dict(own)
    # Batch norm takes the front end's bias off again: it needs no place here,
    # its running mean takes it up.
    mean, bias = 'backbone.pose.conv1.bn.running_mean', ''
    if mean in wanted:
        bias = mean.replace('bn.running_mean', 'conv.bias')
        wanted[bias] = wanted[mean]

    sources = {name: release_name(name) for name in wanted}
    unused = sorted(set(release) - set(sources.values()))
    given = {
        name: value
        for name, value in release.items()
        if name not in unused or not _may_be_unused(name, own)
    }
    expected = {
        source: wanted[name][..., None, None]
        if FLATTENED.fullmatch(source)
        else wanted[name]
        for name, source in sources.items()
    }
    if wrong := wrong_weights(given, expected):
        raise ValueError(wrong)
    wrong = [
        source
        for source, value in expected.items()
        if value.is_floating_point() > release[source].is_floating_point()
    ]
    if wrong:
        raise ValueError(f'not finite numbers: {some(wrong)}')
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


def _may_be_unused(name: str, own: Dict[str, Tensor]) -> bool:
    """Whether a model with the weights ``own`` rightly leaves an entry."""

    def lacks(prefix: str) -> bool:
        return not any(ours.startswith(prefix) for ours in own)

    unused = [*POSE_STEM]
    if lacks('backbone.appearance.'):
        unused += ['img_backbone.', 'aggregator.']
    if lacks('backbone.pose.'):
        unused += ['pose_backbone.', 'pose2feat.', 'aggregator.']
    if lacks('neck.align_time.'):
        unused += ['aggregator.pose_temporal_conv.']
    return name.startswith(tuple(unused))
