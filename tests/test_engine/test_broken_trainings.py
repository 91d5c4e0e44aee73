"""Trainings that break, and those that go on from what is left."""

import math

import pytest
import torch
from conftest import ROOT
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.model import BaseModel
from torch import nn

from integral_action.checkpoints import CheckpointError
from integral_action.engine import IntegralActionRunner


class Line(BaseModel):
    """y = w x with w = 2, whose loss is w^2 and whose gradient 2 w."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([2.0]))

    def forward(self, inputs, mode='tensor', **kwargs):
        """Compute the loss."""
        return dict(loss=(self.w**2).sum())


@pytest.fixture
def make(tmp_path, monkeypatch):
    """A runner of the package's own runtime on four samples, two a step."""
    monkeypatch.setitem(MODELS.module_dict, 'Line', Line)

    def runner(lr, epochs=2, interval=1, **options):
        cfg = Config.fromfile(ROOT / 'configs/_base_/default_runtime.py')
        data = [dict(inputs=torch.zeros(1)) for _ in range(4)]
        cfg.merge_from_dict(
            dict(
                model=dict(type='Line'),
                work_dir=str(tmp_path / 'work'),
                train_dataloader=dict(
                    batch_size=2,
                    num_workers=0,
                    persistent_workers=False,
                    sampler=dict(type='DefaultSampler', shuffle=False),
                    dataset=data,
                    collate_fn=dict(type='default_collate'),
                ),
                train_cfg=dict(by_epoch=True, max_epochs=epochs),
                optim_wrapper=dict(
                    type='OptimWrapper', optimizer=dict(type='SGD', lr=lr)
                ),
                default_hooks=dict(
                    check_loss=dict(interval=interval),
                    checkpoint=dict(save_best=None, max_keep_ckpts=1),
                ),
                custom_imports=None,
                visualizer=dict(vis_backends=[]),
                experiment_name=f'a{torch.randint(10**9, ()).item()}',
                log_level='WARNING',
            )
        )
        cfg.merge_from_dict(options)
        return IntegralActionRunner.from_cfg(cfg)

    return runner


def saved(tmp_path):
    return sorted(path.name for path in (tmp_path / 'work').glob('*.pth'))


def test_a_loss_that_is_not_finite_stops_the_training(make, tmp_path):
    """w is 2, then 2 - 1e30 * 4 = -4e30, of which the square is inf."""
    with pytest.raises(FloatingPointError) as error:
        make(1e30).train()
    text = str(error.value)
    assert text.startswith('epoch 1, iteration 2: the loss is inf')
    assert 'learning rate 1e+30' in text and '\n' not in text
    assert saved(tmp_path) == []


def test_weights_are_looked_at_before_the_last_good_one_goes(make, tmp_path):
    """w is 2, then 2 - 4 / 4 = 1, then 1 - 2 * 2.5e38: beyond float32, after
    a loss that is 1."""
    steps = dict(type='MultiStepLR', milestones=[1], gamma=1e39, by_epoch=True)
    runner = make(
        0.25, train_dataloader=dict(batch_size=4), param_scheduler=[steps]
    )
    with pytest.raises(FloatingPointError, match='nan or inf: w .*2.5e.38'):
        runner.train()
    assert saved(tmp_path) == ['epoch_1.pth']


def test_the_hook_is_in_every_config_and_not_in_the_way(make, tmp_path):
    make(0.25).train()
    assert saved(tmp_path) == ['epoch_2.pth']
    weights = torch.load(tmp_path / 'work' / 'epoch_2.pth', weights_only=True)
    assert weights['state_dict']['w'].item() == 2 / 2**4


@pytest.mark.parametrize(
    'note', [None, '', '\0\0\0', '/no/such/epoch_3.pth', 'whole']
)
def test_resume_takes_the_newest_that_is_whole(make, tmp_path, note):
    """2 and 10 are whole, by number and not by name; 11 is cut."""
    work = tmp_path / 'work'
    make(0.25).train()
    content = torch.load(work / 'epoch_2.pth', weights_only=True)
    content['meta'].update(epoch=10, iter=20)
    torch.save(content, work / 'epoch_10.pth')
    whole = (work / 'epoch_10.pth').read_bytes()
    (work / 'epoch_11.pth').write_bytes(whole[: len(whole) // 2])
    (work / 'epoch_x.pth').write_text('no number')
    if note is None:
        (work / 'last_checkpoint').unlink()
    elif note != 'whole':
        (work / 'last_checkpoint').write_text(note)
    runner = make(0.25, epochs=12, resume=True)
    said = []
    runner.logger.warning = lambda text, *_: said.append(str(text))
    runner.load_or_resume()
    assert runner.epoch == (2 if note == 'whole' else 10)
    damaged = [text for text in said if 'epoch_11.pth: not a' in text]
    assert len(damaged) == (0 if note == 'whole' else 1)


def test_resume_where_nothing_is_whole_or_there(make, tmp_path):
    work = tmp_path / 'work'
    runner = make(0.25, resume=True)
    (work / 'last_checkpoint').write_text('')
    runner.load_or_resume()
    assert runner.epoch == 0
    (work / 'epoch_1.pth').write_text('cut')
    with pytest.raises(CheckpointError, match='none of its checkpoints'):
        make(0.25, resume=True).load_or_resume()


def test_what_is_not_a_checkpoint_of_a_training(make, tmp_path):
    path = tmp_path / 'a.pth'
    weights = dict(w=torch.ones(1))
    for content, message in (
        ('text', 'torch.save did not write it'),
        ([1], 'holds a list'),
        (dict(state_dict=weights), 'no training can go on from it'),
        (dict(state_dict=weights, meta=[1]), 'no epoch, iter, message_hub'),
        (dict(state_dict=weights, meta=dict(epoch='1')), 'no epoch'),
        (dict(state_dict=dict(w=torch.tensor([math.nan])), meta=dict(
            epoch=1, iter=1), message_hub={}), r'not finite numbers: w$'),
    ):  # fmt: skip
        if content == 'text':
            path.write_text(content)
        else:
            torch.save(content, path)
        with pytest.raises(CheckpointError, match='a.pth: ') as error:
            make(0.25, resume=True, load_from=str(path)).load_or_resume()
        assert error.match(message)


def test_resume_runs_and_deletes_nothing_that_a_file_names(make, tmp_path):
    work = tmp_path / 'work'
    make(0.25).train()
    precious = tmp_path / 'thesis.txt'
    precious.write_text('years')
    path = work / 'epoch_2.pth'
    content = torch.load(path, weights_only=True)
    content['meta']['config'] = f'open({str(tmp_path / "ran")!r}, "w")\n'
    info = content['message_hub']['runtime_info']
    info.update(best_ckpt=str(precious), keep_ckpt_ids=['../thesis.txt'])
    torch.save(content, path)
    runner = make(0.25, epochs=3, resume=True)
    runner.train()
    assert not (tmp_path / 'ran').exists() and precious.exists()
    assert 'best_ckpt' not in runner.message_hub.runtime_info
    assert runner.message_hub.get_info('keep_ckpt_ids') == [3]
    # its own best one is kept in mind
    best = work / 'best_acc_epoch_1.pth'
    info.update(best_ckpt=str(best), keep_ckpt_ids=[2])
    torch.save(content, path)
    runner = make(0.25, epochs=3, resume=True, load_from=str(path))
    runner.load_or_resume()
    assert runner.message_hub.get_info('best_ckpt') == str(best)
