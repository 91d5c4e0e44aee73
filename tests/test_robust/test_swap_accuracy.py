"""Swap validation of hand-made models, worked out by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmaction.registry import METRICS
from mmaction.structures import ActionDataSample

from integral_action.robust.swap_accuracy import draw_pairings


class Sum(torch.nn.Module):
    """Scores are the streams' features, weighted and added up."""

    def __init__(self, appearance=1.0, pose=1.0, streams=2, motion=1.0):
        super().__init__()
        self.weights = torch.nn.Parameter(
            torch.tensor([appearance, pose, motion])
        )
        self.streams = streams

    def keep_features(self, keep=True):
        """The videos carry them always."""

    def predict_by_features(self, features, data_samples):
        if self.streams == 1:
            features = (features,)
        total = sum(w * x for w, x in zip(self.weights, features))
        score = total.mean(1).unflatten(0, (len(data_samples), -1)).mean(1)
        for sample, value in zip(data_samples, score):
            sample.set_pred_score(value)
        return data_samples


def evaluate(model, videos, **options):
    """Videos are (label, appearance, pose), the streams' [clips, classes]."""
    metric = METRICS.build(dict(type='SwapAccuracy', **options))
    metric.start(model)
    for label, *streams in videos:
        streams = [torch.tensor(x)[:, None] for x in streams]
        named = dict(zip(('appearance', 'pose', 'motion'), streams))
        given = tuple(named.values())
        given = given if len(given) > 1 else given[0]
        with torch.no_grad():
            (sample,) = model.predict_by_features(given, [ActionDataSample()])
        sample.set_gt_label(label)
        sample.set_field(named, 'stream_features')
        result = sample.to_dict()
        metric.process(None, [result])
        assert 'stream_features' not in result  # a dump does not hold them
    return metric.evaluate(len(videos))


def one_hot(label, value=1.0):
    return [[value * (label == i) for i in range(3)]]


def test_a_model_that_follows_appearance():
    videos = [(i % 3, one_hot(i % 3), one_hot(i % 3)) for i in range(9)]
    assert evaluate(Sum(pose=0.0), videos) == {
        'swap/accuracy': 0,
        'swap/context_following': 1,
        'swap/ordinary_accuracy': 1,
        'swap/harmonic_mean': 0,
    }


def test_a_model_that_follows_pose():
    """Right for 6 of 9; the others are seen as class 0, which is one in two
    of the partners of classes 1 and 2 in the mean."""
    videos = [
        (i % 3, one_hot(i % 3), one_hot(i % 3 if i < 6 else 0))
        for i in range(9)
    ]
    metrics = evaluate(Sum(appearance=0.0), videos, num_pairings=400)
    # of class 0 all 3 are right, of classes 1 and 2 each 2 of 3
    assert metrics['swap/accuracy'] == pytest.approx(7 / 9)
    assert metrics['swap/ordinary_accuracy'] == pytest.approx(7 / 9)
    assert metrics['swap/harmonic_mean'] == pytest.approx(7 / 9)
    # 2 of 9 videos, half of whose partners are of class 0
    assert metrics['swap/context_following'] == pytest.approx(1 / 9, abs=0.01)


def test_a_further_stream_stays_with_the_pose():
    videos = [(i, one_hot(i), one_hot(0), one_hot(i)) for i in range(3)]
    result = evaluate(Sum(appearance=0.5, pose=0.0), videos)
    assert result['swap/accuracy'] == 1


def test_a_model_that_weighs_both():
    """Two classes, so that the draw decides nothing: appearance speaks with 2
    for its class, poses with 3 and 1."""
    videos = [
        (label, [[2.0 * (label == i) for i in range(2)]], [[*pose]])
        for label, pose in (
            (0, (3.0, 0.0)),  # 3 against 2: right
            (0, (1.0, 0.0)),  # 1 against 2: follows
            (1, (0.0, 1.0)),
            (1, (0.0, 3.0)),
            (1, (0.0, 3.0)),
        )
    ]
    metrics = evaluate(Sum(), videos)
    assert metrics == pytest.approx(
        {
            'swap/accuracy': 3 / 5,
            'swap/context_following': 2 / 5,
            'swap/ordinary_accuracy': 1,
            'swap/harmonic_mean': 2 * 3 / 5 / (8 / 5),
        }
    )
    # in float16 these numbers are the same
    assert evaluate(Sum(), videos, dtype='float16') == metrics


def test_clips_are_averaged_before_the_class_is_taken():
    def video(label):
        sign = 1.0 if label else -1.0
        # one clip's appearance is stronger than its pose, the other's not:
        # together -2.5 + 3 for the pose's class
        return (
            label,
            [[0.0, sign * 2], [0.0, sign * 0.5]],
            [[0.0, sign * 1], [0.0, sign * 2]],
        )

    metrics = evaluate(Sum(), [video(0), video(1), video(1)])
    assert metrics['swap/accuracy'] == 1


def test_one_stream_alone():
    appearance = [(i % 3, one_hot(i % 3)) for i in range(6)]
    metrics = evaluate(Sum(streams=1), appearance)
    assert metrics['swap/context_following'] == 1


def test_floor():
    def metrics(right, floor):
        videos = [
            (i % 2, one_hot(0), one_hot(i % 2 if i < right else 1 - i % 2))
            for i in range(4)
        ]
        return evaluate(Sum(appearance=0.0), videos, floor=floor)

    reached = metrics(3, 0.75)
    assert reached['swap/accuracy_above_floor'] == 0.75
    assert metrics(1, 0.75)['swap/accuracy_above_floor'] == -0.5
    assert metrics(2, 0.75)['swap/accuracy_above_floor'] == -0.25


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=2, max_size=20).filter(
        lambda labels: len(set(labels)) > 1
    ),
    st.integers(1, 4),
    st.integers(0, 5),
)
def test_pairings_are_of_other_classes(labels, number, seed):
    place, partner = draw_pairings(labels, number, seed)
    assert np.array_equal(place, np.arange(len(labels)).repeat(number))
    assert all(labels[i] != labels[j] for i, j in zip(place, partner))
    again = draw_pairings(labels, number, seed)
    assert np.array_equal(again, (place, partner))


def test_every_video_of_another_class_is_drawn_alike():
    labels = [1, 0, 2, 0, 1, 2, 2]
    place, partner = draw_pairings(labels, 6000, 0)
    for i in range(len(labels)):
        drawn = np.bincount(partner[place == i], minlength=7) / 6000
        others = [label != labels[i] for label in labels]
        np.testing.assert_allclose(
            drawn, np.array(others) / sum(others), atol=0.025
        )
    other = draw_pairings(labels, 6000, 1)[1]
    assert not np.array_equal(other, partner)


def test_what_is_wrong_is_named():
    for options, message in (
        (dict(num_pairings=0), 'got 0'),
        (dict(floor=90), 'got 90'),
        (dict(dtype='bfloat16'), "got 'bfloat16'"),
    ):
        with pytest.raises(ValueError, match=message):
            METRICS.build(dict(type='SwapAccuracy', **options))
    with pytest.raises(ValueError, match='all 3 are of one'):
        evaluate(Sum(), [(0, one_hot(0), one_hot(0))] * 3)
    metric = METRICS.build(dict(type='SwapAccuracy'))
    sample = dict(gt_label=torch.tensor([0]), pred_score=torch.ones(3))
    with pytest.raises(ValueError, match='SwapValidationHook'):
        metric.process(None, [sample])
    with pytest.raises(ValueError, match='needs a TwoStreamRecognizer.*Lin'):
        metric.start(torch.nn.Linear(1, 1))
    sample = dict(sample, gt_label=torch.tensor([0, 1, 1]), stream_features={})
    with pytest.raises(ValueError, match=r'got \[0, 1, 1\]'):
        metric.process(None, [sample])
