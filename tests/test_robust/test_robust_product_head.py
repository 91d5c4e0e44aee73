"""The robust product against numbers worked out by hand, and in its limits."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmaction.registry import HOOKS, MODELS
from mmaction.structures import ActionDataSample
from test_two_stream import config, streams

from integral_action.robust.robust_product_head import robust_product

WEIGHTS = ('weight', 'bias')


def build(**kwargs):
    """Features are the logits, of as many channels as classes."""
    classes = kwargs.get('num_classes', 2)
    head = MODELS.build(
        dict(
            **{
                **dict(
                    type='RobustProductHead',
                    num_classes=classes,
                    appearance_channels=classes,
                    pose_channels=classes,
                    topk=1,
                ),
                **kwargs,
            },
        )
    )
    head.init_weights()
    with torch.no_grad():
        for name in ('fc_appearance', 'fc_pose'):
            if hasattr(head, name):
                getattr(head, name).weight.copy_(torch.eye(classes))
                getattr(head, name).bias.zero_()
    return head.eval()


def logits(*probabilities):
    """[1, 1, classes], whose softmax these are."""
    return torch.tensor(probabilities).log().view(1, 1, -1)


def product(head, appearance, pose):
    return head((logits(*appearance), logits(*pose))).exp().tolist()[0]


def samples(*labels):
    return [ActionDataSample().set_gt_label(label) for label in labels]


def test_product_worked_out_by_hand():
    # 3/4 (.75 + .25 * .2 / .5) : 1/4 (.75 + .25 * .8 / .5) = .6375 : .2875
    assert product(build(), (0.2, 0.8), (0.75, 0.25)) == pytest.approx(
        [0.6375 / 0.925, 0.2875 / 0.925]
    )


def test_appearance_that_says_the_prior_says_nothing():
    head = build(prior=[2, 8])
    assert product(head, (0.2, 0.8), (0.75, 0.25)) == pytest.approx(
        [0.75, 0.25]
    )


def test_limits_of_the_gate():
    appearance, pose = (0.2, 0.8), (0.75, 0.25)
    assert product(
        build(gate_value=0.0, prior=[1, 3]), appearance, pose
    ) == pytest.approx(pose)
    # 3/4 * .2 / .25 : 1/4 * .8 / .75 = .6 : .2667
    assert product(
        build(gate_value=1.0, prior=[1, 3]), appearance, pose
    ) == pytest.approx([9 / 13, 4 / 13])


def three(**kwargs):
    further = dict(motion=dict(channels=2, gate_value=0.5))
    head = build(further=further, **kwargs)
    with torch.no_grad():
        head.fc_motion.weight.copy_(torch.eye(2))
        head.fc_motion.bias.zero_()
    return head


def test_a_third_stream_has_a_factor_of_its_own():
    """To .6375 : .2875 of two come .5 + .5 * .9 / .5 = 1.4 : .6."""
    features = [logits(*p) for p in ((0.2, 0.8), (0.75, 0.25), (0.9, 0.1))]
    head, total = three(), 0.8925 + 0.1725
    assert head(features).exp().tolist()[0] == pytest.approx(
        [0.8925 / total, 0.1725 / total]
    )
    assert head.gate(features).tolist() == [[0.25]]
    losses = {k: v.item() for k, v in head.loss(features, samples(1)).items()}
    assert losses == pytest.approx(
        dict(
            loss_cls=-math.log(0.1725 / total),
            loss_appearance=-math.log(0.8),
            loss_pose=-math.log(0.25),
            loss_motion=-math.log(0.1),
            top1_acc=0,
        )
    )
    # one that says the prior says nothing
    flat = [logits(0.2, 0.8), logits(0.75, 0.25), logits(0.5, 0.5)]
    torch.testing.assert_close(head(flat), build()(flat[:2]))


def test_a_head_of_two_streams_has_the_weights_it_had():
    assert set(build().state_dict()) == {
        'log_prior',
        *(f'fc_{s}.{w}' for s in ('appearance', 'pose') for w in WEIGHTS),
    }


def plain(appearance, pose, prior, gate):
    """The formula as it is printed, on probabilities, in float64."""

    def softmax(x):
        x = np.exp(np.asarray(x, np.float64) - np.max(x))
        return x / x.sum()

    prior = np.asarray(prior, np.float64) / np.sum(prior)
    s = softmax(pose) * ((1 - gate) + gate * softmax(appearance) / prior)
    return s / s.sum()


scores = st.lists(
    st.floats(-35, 35, width=32), min_size=3, max_size=3
)  # probabilities down to 1e-30


@settings(max_examples=60, deadline=None)
@given(
    scores,
    scores,
    st.lists(st.floats(1e-3, 1), min_size=3, max_size=3),
    st.sampled_from([0.0, 1e-6, 0.25, 0.5, 1 - 2**-20, 1.0]),
)
def test_in_logarithms_it_is_the_plain_computation(
    appearance, pose, prior, gate
):
    head = build(num_classes=3, gate_value=gate, prior=prior)
    features = tuple(torch.tensor([[x]]) for x in (appearance, pose))
    expected = plain(appearance, pose, prior, gate)
    np.testing.assert_allclose(
        head(features).detach().numpy()[0],
        np.log(expected),
        rtol=1e-5,
        atol=3e-5,
    )


@settings(max_examples=60, deadline=None)
@given(scores, scores, st.floats(0, 1))
def test_a_lying_context_costs_a_class_no_more_than_one_minus_g(
    appearance, pose, gate
):
    """In s, before it is normalised."""
    log_a, log_p = (
        torch.tensor([x], dtype=torch.float64).log_softmax(-1)
        for x in (appearance, pose)
    )
    gate = torch.tensor([[gate]], dtype=torch.float64)
    prior = torch.full((3,), 1 / 3, dtype=torch.float64)
    s = robust_product(log_p, log_a, prior.log(), gate.log(), (1 - gate).log())
    assert (s >= log_p + (1 - gate).log() - 1e-12).all()


def test_gradient_is_the_derivative():
    torch.manual_seed(0)
    inputs = [
        torch.randn(2, 3, dtype=torch.float64).log_softmax(-1)
        for _ in range(2)
    ]
    gate = torch.tensor([[0.3], [0.9]], dtype=torch.float64)
    inputs += [
        torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64).log(),
        gate.log(),
        (1 - gate).log(),
    ]
    for x in inputs:
        x.requires_grad_()
    assert torch.autograd.gradcheck(robust_product, inputs)


@pytest.mark.parametrize(
    'options',
    [dict(gate_value=g) for g in (0.0, 1e-6, 0.25, 1.0)]
    + [dict(gate_source='pose'), dict(gate_source='cgb')],
)
def test_gradients_are_finite_where_probabilities_vanish(options):
    head = build(num_classes=3, prior=[1, 1, 1000], **options).train()
    head.dropout.p = 0
    far = math.log(1e30)
    features = [
        torch.tensor([[[0.0, 0.0, far]], [[far, 0, 0]]]).requires_grad_(),
        torch.tensor([[[far, 0, 0]], [[0.0, far, 0]]]).requires_grad_(),
    ]
    assert features[0].softmax(-1).min().item() == pytest.approx(1e-30)
    losses = head.loss(features, samples(1, 2))
    sum(value for name, value in losses.items() if 'loss' in name).backward()
    for x in [*features, *head.parameters()]:
        assert x.grad is None or x.grad.isfinite().all()
    assert head.fc_pose.weight.grad.abs().sum() > 0
    if options.get('gate_value') != 0:
        assert features[0].grad.abs().sum() > 0


def test_a_pose_gate_that_is_sure_has_finite_gradients():
    for bias in (-200.0, 200.0):
        head = build(gate_source='pose').train()
        with torch.no_grad():
            head.fc_gate.bias.fill_(bias)
        features = (logits(0.2, 0.8), logits(0.75, 0.25))
        losses = head.loss(features, samples(0))
        assert losses['loss_gate'].item() == pytest.approx(max(bias, 0))
        (losses['loss_cls'] + losses['loss_gate']).backward()
        assert head.fc_gate.bias.grad.isfinite()


def test_losses_worked_out_by_hand():
    head = build(gate_source='pose', gate_value=0.25, gate_loss_weight=2.0)
    features = (logits(0.2, 0.8), logits(0.75, 0.25))
    losses = {k: v.item() for k, v in head.loss(features, samples(0)).items()}
    assert losses == pytest.approx(
        dict(
            loss_cls=-math.log(0.6375 / 0.925),
            loss_appearance=-math.log(0.2),
            loss_pose=-math.log(0.75),
            loss_gate=-2 * math.log(0.75),
            top1_acc=1,
        )
    )
    assert 'loss_gate' not in build().loss(features, samples(0))


def test_with_a_gate_of_zero_the_classifiers_learn_each_for_itself():
    def gradients(*features):
        head = build(gate_value=0.0)
        losses = head.loss(features, samples(0))
        sum(v for name, v in losses.items() if 'loss' in name).backward()
        return head.fc_appearance.weight.grad, head.fc_pose.weight.grad

    one, other = logits(0.2, 0.8), logits(0.75, 0.25)
    same, changed = gradients(one, other), gradients(other, other)
    torch.testing.assert_close(same[1], changed[1])
    assert not torch.allclose(same[0], changed[0])
    torch.testing.assert_close(gradients(one, one)[0], same[0])


def test_logits_of_frames_are_averaged_each_stream_its_own():
    head = build()
    appearance = torch.tensor([[[2.0, 0], [0, 0], [-2, 3]]])
    pose = torch.tensor([[[1.0, 0], [3, 0]]])
    expected = head((appearance.mean(1, True), torch.tensor([[[2.0, 0]]])))
    torch.testing.assert_close(head((appearance, pose)), expected)


def test_dropout_is_of_training_alone():
    head = build(dropout_ratio=0.5)
    features = (torch.randn(4, 2, 2), torch.randn(4, 2, 2))
    assert torch.equal(head(features), head(features))
    head.train()
    assert not torch.equal(head(features), head(features))


def test_lda_stands_in_for_the_linear_layer_of_appearance():
    """The product of what LDA and the pose's linear layer say."""
    torch.manual_seed(0)
    head = build(type='RobustProductLDAHead', prior=[1, 3], dropout_ratio=0)
    assert not hasattr(head, 'fc_appearance')
    features = (torch.randn(6, 3, 2), torch.randn(6, 5, 2))
    losses = head.train().loss(features, samples(0, 1, 0, 1, 1, 1))
    assert set(losses) == {'loss_pose', 'top1_acc'}
    pose = features[1].mean(1)
    expected = torch.nn.functional.cross_entropy(
        pose, torch.tensor([0, 1, 0, 1, 1, 1])
    )
    torch.testing.assert_close(losses['loss_pose'], expected)
    losses['loss_pose'].backward()
    assert {n for n, p in head.named_parameters() if p.grad is not None} == {
        'fc_pose.weight',
        'fc_pose.bias',
    }
    head.eval()
    appearance = head.lda(features[0].mean(1)).softmax(-1)  # times the prior
    appearance = appearance * torch.tensor([0.25, 0.75])
    appearance = appearance / appearance.sum(-1, keepdim=True)
    prior = torch.tensor([0.25, 0.75])
    expected = pose.softmax(-1) * (0.75 + 0.25 * appearance / prior)
    expected = expected / expected.sum(-1, keepdim=True)
    torch.testing.assert_close(head(features).exp(), expected)


def test_lda_needs_features_that_stay_and_are_of_their_class():
    head = dict(
        type='RobustProductLDAHead',
        num_classes=6,
        appearance_channels=64,
        pose_channels=64,
    )

    def model(*frozen, **kwargs):
        cfg = config(streams(frozen=frozen), **kwargs)
        return MODELS.build(cfg | dict(neck=None, cls_head=head))

    assert not model('appearance', 'pose').with_neck
    cfg = config(streams()) | dict(cls_head=head)
    with pytest.raises(ValueError, match=r"\['appearance', 'pose'\] and a n"):
        MODELS.build(cfg)
    one = config(dict(pose=streams()['pose'])) | dict(neck=None, cls_head=head)
    with pytest.raises(
        ValueError, match=r"'pose'\], and no neck.* has \['pose'\]"
    ):
        MODELS.build(one)
    with pytest.raises(ValueError, match=r'stays as it is \(backbone.frozen'):
        model('pose')
    with pytest.raises(ValueError, match='feature_transform would mix'):
        swap = dict(type='AppearanceSwap')
        model('appearance', 'pose', feature_transform=swap)


def test_gates_start_where_they_should():
    pose = torch.rand(5, 4, 2)
    features = (torch.rand(5, 8, 2), pose)
    for options, value in (
        (dict(gate_value=0.1), 0.1),
        (dict(gate_value=0.0), 0.0),
        (dict(gate_value=1.0), 1.0),
        (dict(gate_source='pose', gate_value=0.3), 0.3),
    ):
        gate = build(**options).gate(features)
        torch.testing.assert_close(gate, torch.full((5, 1), value))


def test_a_constant_gate_is_exported_for_any_number_of_clips():
    head = build()

    class Gate(torch.nn.Module):
        def forward(self, *features):
            return head.gate(features)

    two, three = torch.zeros(2, 1, 2), torch.zeros(3, 1, 2)
    gate = torch.jit.trace(Gate(), (two, two))(three, three)
    assert gate.tolist() == [[0.25]] * 3


def test_the_papers_gate_is_averaged_over_channels_and_frames():
    head = build(gate_source='cgb')
    with torch.no_grad():
        head.cgb.conv.weight.normal_(std=3)
    pose = torch.randn(5, 4, 2)
    expected = head.cgb(pose).sigmoid().mean((1, 2))
    gate = head.gate((pose, pose)).squeeze(1)
    torch.testing.assert_close(gate, expected)
    loss = head.loss((pose, pose), samples(0, 1, 0, 1, 0))['loss_gate']
    torch.testing.assert_close(loss, -(1 - expected).log().mean())


def test_gate_sees_visibility_and_the_classifier_does_not():
    head = build(gate_source='pose', visibility=True)
    with torch.no_grad():
        head.fc_gate.weight.copy_(torch.tensor([[0.0, 0, -2]]))
        head.fc_gate.bias.fill_(1)
    pose = torch.tensor([[[3.0, 1, 0], [3, 1, 0]], [[3, 1, 0.5], [3, 1, 0.5]]])
    gate = head.gate((pose[..., :2], pose)).flatten().tolist()
    assert gate == pytest.approx([1 / (1 + math.exp(-1)), 0.5])
    flat = torch.zeros(2, 1, 2)  # appearance that says the prior
    torch.testing.assert_close(
        head((flat, pose)), pose[:, 0, :2].log_softmax(-1)
    )


def test_probabilities_of_clips_are_averaged():
    head = build(gate_value=0.0)
    pose = torch.cat((logits(0.75, 0.25), logits(0.25, 0.75)))
    (sample,) = head.predict((pose, pose), [ActionDataSample()])
    assert sample.pred_score.tolist() == pytest.approx([0.5, 0.5])


def test_prior_is_carried_by_a_checkpoint():
    head = build(prior='train')
    features = (logits(0.2, 0.8), logits(0.75, 0.25))
    with pytest.raises(RuntimeError, match='ClassPriorHook'):
        head.loss(features, samples(0))
    head.set_prior([30, 10])
    assert head.log_prior.exp().tolist() == pytest.approx([0.75, 0.25])
    assert head.loss(features, samples(0))
    other = build(prior='train')
    other.load_state_dict(head.state_dict())
    torch.testing.assert_close(other(features), head(features))


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(gate_source='appearance'), "got 'appearance'"),
        (dict(gate_value=1.5), 'got 1.5'),
        (dict(gate_source='pose', gate_value=1.0), 'cannot learn'),
        (
            dict(type='RobustProductLDAHead', gate_source='cgb'),
            'learns by the product',
        ),
        (dict(visibility=True), 'constant gate sees no'),
        (dict(gate_loss_weight=-1.0), 'gate_loss_weight .* got -1.0'),
        (dict(prior=[1, 2, 3]), r'2 numbers, one a class, got \[1, 2, 3\]'),
        (dict(prior='val'), "got 'val'"),
        (dict(prior=[1, 0]), 'positive, got 0 for class 1'),
        (dict(prior=[1, math.nan]), 'got nan for class 1'),
        (dict(further=dict(motion=dict(channels=2, gate_value=2))), 'got 2'),
        (
            dict(
                type='RobustProductLDAHead',
                further=dict(motion=dict(channels=2, gate_value=1)),
            ),
            r"no further streams, got \['motion'\]",
        ),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)


def test_wrong_features_are_named():
    two = torch.zeros(1, 1, 2)
    with pytest.raises(ValueError, match=r"'pose'\], and no neck"):
        build()(two)
    with pytest.raises(ValueError, match=r"'pose', 'motion'\], and no neck"):
        three()((two, two))
    with pytest.raises(ValueError, match=r'have \[2, 3\] .* for \[2, 2\]'):
        build()((two, torch.zeros(1, 1, 3)))
    with pytest.raises(ValueError, match='its label is 2'):
        build().loss((two, two), samples(2))


class Labels:
    """A data set of labels."""

    def __init__(self, *labels):
        self.labels = labels

    def __len__(self):
        return len(self.labels)

    def get_data_info(self, i):
        return dict(label=self.labels[i])


class Runner:
    """What the hook takes of mmengine's."""

    def __init__(self, head, *labels):
        from types import SimpleNamespace

        from mmengine.logging import MMLogger

        self.model = torch.nn.Module()
        self.model.cls_head = head
        self.train_dataloader = SimpleNamespace(dataset=Labels(*labels))
        self.logger = MMLogger.get_current_instance()


def test_hook_counts_the_training_videos():
    hook = HOOKS.build(dict(type='ClassPriorHook'))
    head = build(num_classes=3, prior='train')
    hook.before_train(Runner(head, 0, 2, 2, 2, 0, 2, 2))
    # 2, 0 and 5 videos; none counts as one
    assert head.log_prior.exp().tolist() == pytest.approx(
        [2 / 8, 1 / 8, 5 / 8]
    )
    for label in (3, -1, [0, 1]):
        head = build(num_classes=3, prior='train')
        with pytest.raises(ValueError, match='training video 1 is'):
            hook.before_train(Runner(head, 0, label))
    other = build(prior=[1, 3])
    hook.before_train(Runner(other, 0, 0, 0))
    assert other.log_prior.exp().tolist() == pytest.approx([0.25, 0.75])
    hook.before_train(Runner(torch.nn.Linear(1, 1), 0))  # another head
