"""Section 3.4 against numbers worked out by hand."""

import math

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample


def build(**kwargs):
    head = MODELS.build(
        dict(
            type='FrameAverageHead',
            **{**dict(num_classes=2, in_channels=1), **kwargs},
        )
    )
    with torch.no_grad():  # logits (x, 0)
        head.fc_cls.weight.copy_(torch.tensor([[1.0], [0.0]]))
        head.fc_cls.bias.zero_()
    return head


LOG3 = math.log(3)


def test_probabilities_of_frames_are_averaged():
    # softmax(log 3, 0) = (3/4, 1/4) and softmax(0, 0) = (1/2, 1/2)
    score = build()(torch.tensor([[[LOG3], [0.0]]]))
    np.testing.assert_allclose(
        score.exp().detach().numpy(), [[0.625, 0.375]], atol=1e-6
    )


def test_or_their_logits():
    frames = build().frame_logits(torch.tensor([[[LOG3], [0.0]]]))
    assert frames.tolist() == [[pytest.approx([LOG3, 0]), [0, 0]]]
    score = build(average_frames='score')(torch.tensor([[[LOG3], [0.0]]]))
    np.testing.assert_allclose(
        score.detach().numpy(), [[LOG3 / 2, 0]], atol=1e-6
    )
    with pytest.raises(ValueError, match="'mean'"):
        build(average_frames='mean')


def test_loss_is_the_cross_entropy_of_the_average():
    samples = [ActionDataSample().set_gt_label(1)]
    losses = build(topk=(1, 2)).loss(torch.tensor([[[LOG3], [0.0]]]), samples)
    assert set(losses) == {'loss_cls', 'top1_acc', 'top2_acc'}
    assert losses['loss_cls'].item() == pytest.approx(-math.log(0.375))
    assert losses['top1_acc'].item() == 0 and losses['top2_acc'].item() == 1


def test_clips_of_a_video_are_averaged():
    # two videos of two clips; the first: (3/4, 1/4) and (1/2, 1/2)
    frames = torch.tensor([LOG3, 0.0, -LOG3, -LOG3]).view(4, 1, 1)
    samples = build().predict(frames, [ActionDataSample() for _ in range(2)])
    np.testing.assert_allclose(
        [s.pred_score.tolist() for s in samples],
        [[0.625, 0.375], [0.25, 0.75]],
        atol=1e-6,
    )
    assert [s.pred_label.item() for s in samples] == [0, 1]


def test_takes_what_mmaction2s_recognizer2d_gives():
    head = build()
    frames = torch.randn(3, 4, 1)
    maps = frames.view(12, 1, 1, 1).expand(12, 1, 7, 7)
    torch.testing.assert_close(
        head(maps, num_segs=4, fcn_test=False), head(frames)
    )


def test_init_cfg_is_honoured():
    head = build(init_cfg=dict(type='Constant', layer='Linear', val=3.0))
    head.init_weights()
    assert (head.fc_cls.weight == 3).all()


def test_extreme_logits_stay_finite():
    score = build()(torch.tensor([[[1e4], [-1e4]]]))
    assert score.isfinite().all()
    np.testing.assert_allclose(
        score.exp().detach().numpy(), [[0.5, 0.5]], atol=1e-6
    )
