"""Two processes train as one process with the doubled batch does."""

import copy
import os

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from conftest import CONFIGS
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.model import MMDistributedDataParallel, convert_sync_batchnorm
from mmengine.registry import init_default_scope

from integral_action.robust.linear_discriminant import (
    LinearDiscriminant,
)

NAME = 'integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets'


def build(frozen):
    """The Puppets model; the gate's batch norm does not look at the batch."""
    init_default_scope('mmaction')
    cfg = Config.fromfile(CONFIGS / f'{NAME}.py').model
    cfg.backbone.frozen = frozen
    for stream in ('appearance', 'pose'):
        cfg.backbone[stream].pop('init_cfg')
    torch.manual_seed(0)
    model = MODELS.build(cfg).train()
    model.backbone.eval()
    model.neck.cgb.bn.eval()
    return model


def batch(first, last):
    """Samples ``first`` to ``last`` of eight."""
    generator = torch.Generator().manual_seed(1)
    imgs = 256 * torch.rand(8, 1, 3, 8, 56, 56, generator=generator)
    pose = torch.rand(8, 1, 8, 2, 18, 3, generator=generator)
    chosen = range(first, last)
    return dict(
        inputs=dict(
            imgs=[imgs[i].to(torch.uint8) for i in chosen],
            pose=[pose[i] for i in chosen],
        ),
        data_samples=[ActionDataSample().set_gt_label(i) for i in chosen],
    )


def gradients(model, samples):
    """Of what is trained, by name."""
    inner = getattr(model, 'module', model)
    data = inner.data_preprocessor(samples, training=True)
    losses = model(**data, mode='loss')
    inner.parse_losses(losses)[0].backward()
    return {
        name: value.grad
        for name, value in inner.named_parameters()
        if value.requires_grad
    }


def leave():
    """End a process, without what may hang: torch's reducer, in the end, holds
    Python's lock and waits for a thread of gloo's that waits for the lock."""
    dist.barrier()
    os._exit(0)


def train_half(rank, folder, frozen):
    """One of two processes; writes its gradients."""
    torch.set_num_threads(1)
    dist.init_process_group(
        'gloo', init_method=f'file://{folder}/meet', rank=rank, world_size=2
    )
    model = MMDistributedDataParallel(build(frozen), broadcast_buffers=False)
    grads = gradients(model, batch(4 * rank, 4 * rank + 4))
    torch.save(grads, f'{folder}/{rank}.pt')
    leave()


@pytest.mark.parametrize('frozen', [('appearance', 'pose'), ('pose',)])
def test_two_processes_are_one_with_the_doubled_batch(tmp_path, frozen):
    mp.spawn(train_half, (str(tmp_path), frozen), nprocs=2)
    one = gradients(build(frozen), batch(0, 8))
    assert any('cgb' in name for name in one)
    assert any('backbone.appearance' in name for name in one) == (
        'appearance' not in frozen
    )
    for rank in range(2):
        two = torch.load(tmp_path / f'{rank}.pt', weights_only=True)
        assert two.keys() == one.keys()
        for name, expected in one.items():
            # of the largest: a sum of small numbers has no digits of its own
            scale = float(expected.abs().max())
            assert scale > 0, name
            torch.testing.assert_close(
                two[name], expected, rtol=1e-5, atol=1e-5 * scale
            )


def update_half(rank, folder):
    """Statistics of one of two processes."""
    torch.set_num_threads(1)
    dist.init_process_group(
        'gloo', init_method=f'file://{folder}/meet', rank=rank, world_size=2
    )
    lda, part = LinearDiscriminant(4, 2), slice(4 * rank, 4 * rank + 4)
    lda.update(VIDEOS[part], LABELS[part])
    torch.save(lda.state_dict(), f'{folder}/{rank}.pt')
    leave()


VIDEOS = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 1, 1, 0, 0, 1, 0])


def test_processes_share_the_statistics_of_lda(tmp_path):
    mp.spawn(update_half, (str(tmp_path),), nprocs=2)
    one = LinearDiscriminant(4, 2)
    one.update(VIDEOS, LABELS)
    for rank in range(2):
        two = torch.load(tmp_path / f'{rank}.pt', weights_only=True)
        torch.testing.assert_close(dict(two), dict(one.state_dict()))


@pytest.mark.parametrize('tcb_layers', ['conv-ln-relu', 'conv-bn-relu-ln'])
def test_the_gates_batch_norm_can_be_synchronised(tcb_layers):
    # torch synchronises on GPUs alone; here is that sync_bn='torch' finds it,
    # and that it stands where it takes clips and frames as one batch
    init_default_scope('mmaction')
    torch.manual_seed(0)
    neck = MODELS.build(
        dict(
            type='PoseDrivenIntegration',
            appearance_channels=6,
            pose_channels=5,
            channels=4,
            tcb_layers=tcb_layers,
        )
    ).train()
    synced = convert_sync_batchnorm(copy.deepcopy(neck))
    assert isinstance(synced.cgb.bn, torch.nn.SyncBatchNorm)
    features = torch.randn(3, 8, 6), torch.randn(3, 8, 5)
    (given, aux), (expected, expected_aux) = synced(features), neck(features)
    torch.testing.assert_close(given, expected, rtol=0, atol=0)
    assert aux['loss_gate'] == expected_aux['loss_gate']
    assert (synced.cgb.bn.running_mean != 0).all()
