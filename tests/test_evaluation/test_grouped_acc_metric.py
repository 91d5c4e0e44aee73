import pytest
import torch
from mmaction.registry import METRICS


def sample(label, predicted, group, gate=None):
    result = dict(
        pred_score=torch.eye(3)[predicted],
        gt_label=torch.tensor([label]),
        context=group,
    )
    if gate is not None:
        result['gate'] = torch.tensor(gate)
    return result


def evaluate(*samples):
    metric = METRICS.build(dict(type='GroupedAccMetric', group_key='context'))
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def test_accuracy_and_gate_of_each_group():
    metrics = evaluate(
        sample(0, 0, 'in', [[0.1, 0.3]]),
        sample(1, 1, 'in', [[0.4, 0.4]]),
        sample(2, 0, 'out', [[0.5, 0.5]]),
        sample(1, 1, 'out', [[0.6, 0.8]]),
    )
    assert metrics['acc/top1'] == 0.75
    assert metrics['acc/in/top1'] == 1
    assert metrics['acc/out/top1'] == 0.5
    assert metrics['acc/in/gate'] == pytest.approx(0.3)
    assert metrics['acc/out/gate'] == pytest.approx(0.6)


def test_models_without_a_gate():
    metrics = evaluate(sample(0, 0, 'in'), sample(0, 1, 'out'))
    assert not any('gate' in name for name in metrics)


def test_a_video_without_a_group_is_an_error():
    wrong = sample(0, 0, 'in')
    del wrong['context']
    with pytest.raises(KeyError, match="no 'context'"):
        evaluate(wrong)
