"""Weights in eight bits."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from integral_action.checkpoints import read_checkpoint
from integral_action.quantization import SCALES, dequantize, quantize


def test_by_hand():
    weights = dict(
        w=torch.tensor([[12.7, -0.1, 0.04], [0.0, 0.0, 0.0]]),
        bias=torch.tensor([0.3]),
        steps=torch.tensor(7),
    )
    rounded, scales = quantize(weights, min_size=6)
    assert rounded['w'].dtype == torch.int8
    # a scale of 0.1: 127, -1 and 0.4, which rounds to 0
    assert rounded['w'].tolist() == [[127, -1, 0], [0, 0, 0]]
    assert list(scales) == ['w'] and scales['w'].shape == (2, 1)
    assert rounded['bias'] is weights['bias']
    assert rounded['steps'] is weights['steps']

    content = {'state_dict': rounded, SCALES: scales}
    dequantize(content)
    assert set(content) == {'state_dict'}
    restored = content['state_dict']['w']
    expected = torch.tensor([[12.7, -0.1, 0.0], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(restored, expected)


@settings(deadline=None, max_examples=50)
@given(
    st.integers(1, 5), st.integers(1, 9), st.integers(0, 10**6),
    st.floats(1e-6, 1e6),
)  # fmt: skip
def test_half_a_step_at_most(channels, size, seed, spread):
    torch.manual_seed(seed)
    weight = torch.randn(channels, size, 3) * spread
    rounded, scales = quantize(dict(w=weight), min_size=1)
    content = {'state_dict': rounded, SCALES: scales}
    dequantize(content)
    error = (content['state_dict']['w'] - weight).abs()
    assert (error <= scales['w'] * 0.501).all()


def test_small_weights_are_halved():
    weights = dict(w=torch.tensor([[1.0, 1 / 3]]), norm=torch.tensor([1 / 3]))
    rounded, scales = quantize(weights)
    assert scales == {}
    assert rounded['w'].dtype == torch.float16
    assert rounded['w'].tolist() == [[1.0, 0.333251953125]]  # 11 bits
    assert rounded['norm'] is weights['norm']


@pytest.mark.parametrize(
    'scale',
    [torch.ones(2), torch.ones(3, 1), 'big', torch.ones(10**3, 1)],
    ids=['no channels', 'other channels', 'no tensor', 'many'],
)
def test_wrong_scales(scale, tmp_path):
    content = {
        'state_dict': dict(w=torch.ones(2, 3, dtype=torch.int8)),
        SCALES: dict(w=scale),
    }
    torch.save(content, tmp_path / 'wrong.pth')
    with pytest.raises(ValueError, match=r'wrong\.pth: int8_scales\.w is no'):
        read_checkpoint(tmp_path / 'wrong.pth')
