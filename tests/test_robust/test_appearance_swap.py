"""Training clips that see another class's appearance."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from test_two_stream import batch, build, config, streams

from integral_action.robust.appearance_swap import swap_appearance


def features(number):
    """Clip i has i everywhere."""
    return torch.arange(number).float().view(-1, 1, 1).expand(-1, 2, 3)


def drawn(labels, probability, seed=0):
    torch.manual_seed(seed)
    labels = torch.tensor(labels)
    swapped = swap_appearance(features(len(labels)), labels, probability)
    assert (swapped == swapped[:, :1, :1]).all()  # whole clips
    return swapped[:, 0, 0].long()


def test_by_hand():
    # the only clip of another class
    assert drawn([0, 0, 1], 1.0)[:2].tolist() == [2, 2]
    assert drawn([0, 0, 1], 1.0)[2] in (0, 1)
    assert drawn([3, 3, 3], 1.0).tolist() == [0, 1, 2]  # nobody to swap with
    assert drawn([0, 1, 2], 0.0).tolist() == [0, 1, 2]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=12),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.integers(0, 99),
)
def test_never_of_the_same_class(labels, probability, seed):
    source = drawn(labels, probability, seed)
    for i, j in enumerate(source.tolist()):
        assert i == j or labels[i] != labels[j]
        if probability == 1 and len(set(labels)) > 1:
            assert i != j
    assert torch.equal(source, drawn(labels, probability, seed))


def test_share_and_sources_are_as_asked():
    labels = [i % 4 for i in range(4000)]
    source = drawn(labels, 0.3)
    swapped = source != torch.arange(4000)
    assert swapped.float().mean().item() == pytest.approx(0.3, abs=0.03)
    # from the three other classes alike
    step = (source - torch.arange(4000))[swapped] % 4
    shares = torch.bincount(step, minlength=4) / swapped.sum()
    assert shares.tolist() == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3], abs=0.05)


def swap(prob):
    return dict(type='AppearanceSwap', prob=prob)


def heard(model, mode, training):
    """What the neck gets of a batch, and what the backbone gave."""
    model.train(training)
    data = model.data_preprocessor(batch(samples=4, clips=2), training)
    seen = []
    hooks = [
        model.backbone.register_forward_hook(lambda *x: seen.append(x[2])),
        model.neck.register_forward_pre_hook(lambda *x: seen.append(x[1][0])),
    ]
    labels = [s.gt_label.item() for s in data['data_samples']]
    result = model(**data, mode=mode)
    for hook in hooks:
        hook.remove()
    assert [s.gt_label.item() for s in data['data_samples']] == labels
    return seen, result


def test_recognizer_swaps_in_training_alone():
    frozen = streams(frozen=('appearance', 'pose'))
    model = build(frozen, feature_transform=swap(1.0))
    (given, got), _ = heard(model, 'loss', True)
    assert torch.equal(got[1], given[1])  # poses stay
    for i, appearance in enumerate(got[0]):
        (j,) = (j for j in range(8) if torch.equal(given[0][j], appearance))
        assert i // 2 != j // 2  # another video, of another class
    for mode, training in (('loss', False), ('predict', False)):
        (given, got), _ = heard(model, mode, training)
        assert torch.equal(got[0], given[0])
    (given, got), _ = heard(build(frozen), 'loss', True)
    assert torch.equal(got[0], given[0])


def test_streams_that_are_trained_learn_from_swapped_features():
    model = build(feature_transform=swap(1.0))
    _, losses = heard(model, 'loss', True)
    losses['loss_cls'].backward()
    weight = model.backbone.appearance.conv1.conv.weight
    assert weight.grad.abs().sum() > 0


def test_what_cannot_be_swapped_is_named():
    for value in (-0.1, 1.1):
        with pytest.raises(ValueError, match=f'got {value}'):
            build(feature_transform=swap(value))
    cfg = config(dict(pose=streams()['pose']), feature_transform=swap(0.3))
    del cfg['neck']
    with pytest.raises(ValueError, match=r"has \['pose'\]"):
        MODELS.build(cfg)
    model = build(feature_transform=swap(0.3))
    soft = [
        ActionDataSample().set_gt_label(torch.tensor([0.5, 0.5, 0, 0, 0, 0]))
        for _ in range(2)
    ]
    data = {**batch(), 'data_samples': soft}
    with pytest.raises(ValueError, match='one class a video'):
        model(**model.data_preprocessor(data), mode='loss')


def test_visibility_is_the_share_of_maps_with_something_drawn():
    cfg = dict(type='TwoStreamBackbone', **streams(visibility=True))
    backbone = MODELS.build(cfg).eval()
    maps = torch.zeros(2, 52, 8, 8, 8)
    maps[1, :13, :4, 2, 3] = -0.5  # a quarter of the maps, half the time
    clips = torch.zeros(2, 3, 4, 32, 32)
    appearance, pose = backbone(clips, maps)
    assert appearance.shape == (2, 4, 64) and pose.shape == (2, 8, 65)
    assert (pose[0, :, -1] == 0).all() and (pose[1, :, -1] == 0.125).all()
    without = backbone(clips, maps, visibility=False)
    torch.testing.assert_close(without[1], pose[..., :-1])
    with pytest.raises(ValueError, match='visibility is of poses'):
        build(dict(appearance=streams()['appearance'], visibility=True))


def test_visibility_of_a_graph_network_is_the_share_of_keypoints_seen():
    graph = dict(
        type='STGCN',
        graph_cfg=dict(layout='openpose', mode='stgcn_spatial'),
        input_format='NMTVC',
        base_channels=8,
        num_stages=2,
        inflate_stages=[],
        down_stages=[],
    )
    cfg = dict(type='TwoStreamBackbone', pose=graph, visibility=True)
    backbone = MODELS.build(cfg).eval()
    keypoint = torch.zeros(2, 3, 4, 18, 3)
    keypoint[1, 0, :2, :9] = 0.5  # half of the keypoints, half the time
    keypoint[1, 2, :2, :3] = 0.5  # whom another covers
    pose = backbone(keypoint=keypoint)
    assert pose.shape == (2, 4, 9)
    assert (pose[0, :, -1] == 0).all() and (pose[1, :, -1] == 0.25).all()
