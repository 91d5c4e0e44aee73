"""Result files, with numbers worked out by hand."""

import pickle

import numpy as np
import pytest
import torch

from integral_action.evaluation.results import Results


def sample(file, score, label, gate=None, **meta):
    made = dict(
        filename=file,
        pred_score=torch.tensor(score),
        gt_label=torch.tensor([label]),
        **meta,
    )
    if gate is not None:
        made['gate'] = torch.tensor(gate)
    return made


def four(**changes):
    samples = [
        sample('a', [0.6, 0.3, 0.1], 0, [[0.1, 0.3]], context='in'),
        sample('b', [0.5, 0.4, 0.1], 1, [[0.5, 0.7]], context='in'),
        sample('c', [0.1, 0.2, 0.7], 2, [[0.0, 0.4]], context='out'),
        sample('d', [0.2, 0.5, 0.3], 0, [[1.0, 0.8]], context='out'),
    ]
    samples[1].update(changes)
    return samples


def test_a_file_is_read(tmp_path):
    path = tmp_path / 'test.pkl'
    path.write_bytes(pickle.dumps(four()))
    results = Results.load(path)
    assert results.files == ['a', 'b', 'c', 'd'] and len(results) == 4
    assert results.scores.shape == (4, 3)
    assert results.scores.dtype == np.float64
    assert results.labels.tolist() == [0, 1, 2, 0]
    assert results.predictions.tolist() == [0, 0, 2, 1]
    np.testing.assert_allclose(results.gates, [0.2, 0.6, 0.2, 0.9])
    assert results.meta('context').tolist() == ['in', 'in', 'out', 'out']


def test_accuracy_is_in_percent_of_the_videos_kept():
    results = Results(four())
    assert results.accuracy() == 50
    # b has label 1 as its second guess; d has label 0 as its last
    assert results.accuracy(k=2) == 75
    assert results.accuracy(k=3) == 100
    inside = results.meta('context') == 'in'
    assert results.accuracy(inside, k=2) == 100
    assert results.accuracy(~inside, k=2) == 50
    with pytest.raises(ValueError, match='no videos'):
        results.accuracy(np.zeros(4, bool))


def test_scores_are_averaged_whatever_the_order():
    results = Results(four())
    other = [
        sample('d', [0.8, 0.1, 0.1], 0),
        sample('c', [0.9, 0.1, 0.0], 2),
        sample('b', [0.2, 0.8, 0.0], 1),
        sample('a', [0.6, 0.4, 0.0], 0),
    ]
    average = results.average(Results(other), 0.25)
    assert average.files == results.files and average.gates is None
    np.testing.assert_allclose(
        average.scores,
        [
            [0.6, 0.325, 0.075],
            [0.425, 0.5, 0.075],
            [0.3, 0.175, 0.525],
            [0.35, 0.4, 0.25],
        ],
        rtol=1e-6,
    )
    assert average.accuracy() == 75
    assert average.meta('context').tolist() == ['in', 'in', 'out', 'out']
    assert results.gates is not None  # the first is left as it was
    assert results.average(Results(other), 0).accuracy() == 50
    assert Results(other).average(results, 1).accuracy() == 50


def test_other_videos_are_not_averaged():
    results = Results(four(), 'one.pkl')
    with pytest.raises(ValueError, match='two.pkl and one.pkl .* 1, as e'):
        results.average(Results(four(filename='e'), 'two.pkl'))
    with pytest.raises(ValueError, match='twice'):
        twice = [*four()[::-1], four()[0]]
        results.average(Results(twice, 'two.pkl'))
    relabelled = Results(four(gt_label=torch.tensor([2])), 'two.pkl')
    with pytest.raises(ValueError, match='b: gt_label is 2 in two.pkl, 1 in'):
        results.average(relabelled)
    fewer = Results([sample('a', [1.0, 0.0], 0)])
    with pytest.raises(ValueError, match='2 classes'):
        Results(four()[:1]).average(fewer)


@pytest.mark.parametrize(
    'changes, message',
    [
        (dict(gt_label=torch.tensor([3])), 'gt_label is .*3.*, expected 0 to'),
        (dict(gt_label=torch.tensor([1, 0])), 'gt_label is .* one label'),
        (dict(pred_score=torch.ones(2)), 'pred_score is .* 3 numbers'),
        (
            dict(pred_score=torch.tensor([np.nan, 0, 1])),
            'pred_score is .* finite',
        ),
        (dict(gate=torch.tensor([[np.nan]])), 'gate is .* numbers'),
    ],
)
def test_a_bad_value_is_named(changes, message):
    with pytest.raises(ValueError, match=r'x.pkl, sample 1 \(b\): ' + message):
        Results(four(**changes), 'x.pkl')


@pytest.mark.parametrize('key', ['filename', 'pred_score', 'gt_label', 'gate'])
def test_a_missing_key_is_named(key):
    samples = four()
    del samples[1][key]
    with pytest.raises(ValueError, match=f"x.pkl, sample 1: no '{key}'"):
        Results(samples, 'x.pkl')


def test_other_files_are_refused(tmp_path):
    for content in ({}, [], [1], 'text'):
        path = tmp_path / 'x.pkl'
        path.write_bytes(pickle.dumps(content))
        with pytest.raises(ValueError, match='x.pkl'):
            Results.load(path)
    with pytest.raises(ValueError, match="x.pkl, sample 0: no 'scene'"):
        Results(four(), 'x.pkl').meta('scene')
