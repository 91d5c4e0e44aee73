"""Linear discriminant analysis against hand, numpy, and other batches."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from integral_action.robust.linear_discriminant import (
    LinearDiscriminant,
    normalise_power,
)


def of(x, labels, classes=2, **kwargs):
    lda = LinearDiscriminant(x.shape[1], classes, **kwargs)
    lda.update(x, torch.tensor(labels))
    return lda.eval()


def draw(number, channels, seed=0):
    return torch.randn(
        number, channels, generator=torch.Generator().manual_seed(seed)
    )


def test_features_get_square_roots_and_unit_length():
    """(9, -16): roots (3, -4), length 5."""
    x = torch.tensor([[9.0, -16.0], [0.0, 0.0]])
    expected = torch.tensor([[0.6, -0.8], [0.0, 0.0]])
    torch.testing.assert_close(normalise_power(x), expected)
    torch.testing.assert_close(normalise_power(100 * x), normalise_power(x))


def test_worked_out_by_hand():
    """Means (.8, 0) and (0, .8), covariance .36 I less what the means take.

    Class 0: (.8, .6) and (.8, -.6); class 1: (.6, .8) and (-.6, .8). Within
    each the variance is .36 in one channel and 0 in the other; of all four
    videos .18 I, which shrinkage leaves as it is. The weights are .8 / .18
    and the biases -.64 / .36.
    """
    unit = torch.tensor([[0.8, 0.6], [0.8, -0.6], [0.6, 0.8], [-0.6, 0.8]])
    x = unit.sign() * unit**2  # whose signed roots these are
    lda = of(x, [0, 0, 1, 1], shrinkage=0.5)
    torch.testing.assert_close(lda.covariance, 0.18 * torch.eye(2))
    torch.testing.assert_close(lda.mean, 0.8 * torch.eye(2))
    query = torch.tensor([[1.0, 0.0]])
    expected = torch.tensor([[0.8 / 0.18 - 0.64 / 0.36, -0.64 / 0.36]])
    torch.testing.assert_close(lda(query), expected)


@pytest.mark.parametrize('shrinkage', [0.1, 1.0])
def test_it_is_the_textbook_formula(shrinkage):
    x, labels = draw(40, 5), torch.arange(40) % 3
    lda = of(x, labels.tolist(), 3, shrinkage=shrinkage)
    unit, y = normalise_power(x).double().numpy(), labels.numpy()
    means = np.stack([unit[y == k].mean(0) for k in range(3)])
    within = unit - means[y]
    covariance = within.T @ within / 40
    covariance = (1 - shrinkage) * covariance + shrinkage * np.trace(
        covariance
    ) / 5 * np.eye(5)
    query = normalise_power(draw(7, 5, 1)).double().numpy()
    centred = query[:, None] - means  # [7, 3, 5]
    squared = np.einsum(
        'nki,ij,nkj->nk', centred, np.linalg.inv(covariance), centred
    )
    # the same but for what all classes share
    scores = lda(draw(7, 5, 1)).double().numpy()
    difference = scores + squared / 2
    np.testing.assert_allclose(
        difference, difference[:, :1].repeat(3, 1), rtol=1e-4, atol=1e-4
    )


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 3), min_size=2, max_size=30),
    st.lists(st.integers(1, 29), max_size=5),
)
def test_batches_do_not_matter(labels, cuts):
    x = draw(len(labels), 4)
    whole = of(x, labels, 4)
    parts = LinearDiscriminant(4, 4)
    bounds = [0, *sorted({c for c in cuts if c < len(labels)}), len(labels)]
    for first, last in zip(bounds, bounds[1:]):
        parts.update(x[first:last], torch.tensor(labels[first:last]))
    for name in ('count', 'mean', 'covariance'):
        torch.testing.assert_close(
            getattr(parts, name), getattr(whole, name), rtol=1e-4, atol=1e-6
        )


def test_many_batches_lose_no_digits():
    """The same batch a thousand times has the statistics of one."""
    x, labels = draw(16, 8), torch.arange(16) % 4
    lda = LinearDiscriminant(8, 4)
    for _ in range(1000):
        lda.update(x, labels)
    once = of(x, labels.tolist(), 4)
    torch.testing.assert_close(lda.mean, once.mean, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        lda.covariance, once.covariance, rtol=1e-3, atol=1e-5
    )


def test_a_class_that_was_never_seen_is_not_found():
    lda = of(draw(10, 4), [0, 2] * 5, 3)
    scores = lda(draw(6, 4, 1)).softmax(-1)
    assert scores[:, 1].tolist() == [0] * 6 and scores.isfinite().all()
    untrained = LinearDiscriminant(4, 3).eval()
    assert not untrained(draw(2, 4)).any()


def test_a_video_a_class_is_told_by_its_mean():
    x = draw(3, 4)
    lda = of(x, [2, 0, 1], 3)
    assert lda(x).argmax(1).tolist() == [2, 0, 1]


@pytest.mark.parametrize('training', [False, True])
def test_a_checkpoint_has_the_statistics_alone(training):
    """Loaded before or after eval(); more training goes on from them."""
    x, labels = draw(20, 4), [0, 1] * 10
    lda = of(x, labels)
    state = lda.state_dict()
    assert set(state) == {'count', 'mean', 'covariance'}
    other = LinearDiscriminant(4, 2).train(training)
    other.load_state_dict(state)
    other.eval()
    query = draw(5, 4, 1)
    assert torch.equal(other(query), lda(query))
    before = lda(query)
    for model in (lda, other):
        model.train().update(draw(20, 4, 2), torch.tensor(labels))
    assert torch.equal(other(query), lda(query))
    assert not torch.equal(lda(query), before)


def test_half_precision_is_not_for_statistics():
    x, labels = draw(20, 4), [0, 1] * 10
    lda = of(x, labels)
    with torch.autocast('cpu', torch.bfloat16):
        mixed = of(x, labels)
        assert torch.equal(mixed(x), lda(x))
    expected = lda(x)
    scores = lda.half()(x)
    assert scores.dtype == torch.float32
    torch.testing.assert_close(scores, expected, rtol=0.01, atol=0.05)


@pytest.mark.parametrize('shrinkage', [0, 1.5])
def test_a_shrinkage_out_of_range(shrinkage):
    with pytest.raises(ValueError, match=f'got {shrinkage}'):
        LinearDiscriminant(4, 2, shrinkage)
