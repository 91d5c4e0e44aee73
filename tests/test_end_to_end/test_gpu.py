"""Maps, training and commands on a GPU; benchmarks/gpu.sh runs them.

Without a GPU they skip, or with INTEGRAL_ACTION_DEVICE=cpu they run there.
"""

import json
import os

import numpy as np
import pytest
import torch
from commands import fork
from conftest import CONFIGS

from integral_action.apis import IntegralActionInferencer
from integral_action.fileio import read_annotations
from integral_action.pose.layouts import KeypointLayout
from integral_action.pose.maps import render_pose_maps

GPU = 'cuda' if torch.cuda.is_available() else ''
DEVICE = os.environ.get('INTEGRAL_ACTION_DEVICE', GPU)
pytestmark = pytest.mark.skipif(not DEVICE, reason='no GPU here')
POSE = CONFIGS / 'integralaction-pose_r18w16_1xb32-8x1x1-8e_puppets.py'


def test_maps_are_those_of_the_cpu():
    layout = KeypointLayout.get('openpose18')
    rng = np.random.default_rng(0)
    keypoint = rng.uniform(-5, 60, (2, 8, 3, 18, 2)).astype(np.float32)
    score = rng.uniform(0, 1, (2, 8, 3, 18)).astype(np.float32)
    expected = render_pose_maps(keypoint, score, layout.bones)
    maps = render_pose_maps(
        *(
            torch.as_tensor(array, device=DEVICE)
            for array in (keypoint, score)
        ),
        layout.bones,
    )
    assert maps.device.type == DEVICE
    torch.testing.assert_close(
        maps.cpu(), torch.as_tensor(expected), atol=1e-5, rtol=0
    )


@pytest.fixture(scope='module')
def work_dir(puppets, tmp_path_factory):
    """A pose stream that was trained for an epoch, in half precision where
    there is a GPU, and then resumed."""
    folder = tmp_path_factory.mktemp('gpu')
    options = [
        f'{split}_dataloader.dataset.data_root={puppets}/'
        for split in ('train', 'val', 'test')
    ]
    command = 'train.py', POSE, '--work-dir', folder / 'work'
    if DEVICE == 'cuda':
        command = *command, '--amp'
    for epochs, resume in ((1, ()), (2, ('--resume',))):
        fork(
            *command, *resume, '--cfg-options', *options,
            'train_dataloader.batch_size=4', f'train_cfg.max_epochs={epochs}',
            'default_hooks.logger.interval=1', cwd=folder,
        )  # fmt: skip
    return folder / 'work'


def test_losses_are_finite_and_training_resumes(work_dir):
    steps = []
    for path in sorted(work_dir.glob('*/vis_data/scalars.json')):
        lines = map(json.loads, path.read_text().splitlines())
        steps += [line for line in lines if 'loss' in line]
    assert np.isfinite([line['loss'] for line in steps]).all()
    assert [line['epoch'] for line in steps] == sorted(
        line['epoch'] for line in steps
    )
    assert {line['epoch'] for line in steps} == {1, 2}
    assert (work_dir / 'epoch_2.pth').is_file()


def test_a_prediction_is_that_of_the_cpu(work_dir, puppets):
    record = read_annotations(puppets / 'test.jsonl')[0]
    inputs = (
        str(puppets / 'videos' / record['filename']),
        str(puppets / 'poses' / record['pose_file']),
    )
    scores = []
    for device in ('cpu', DEVICE):
        inferencer = IntegralActionInferencer(
            work_dir / 'epoch_2.pth', device=device, show_progress=False
        )
        (prediction,) = inferencer(*inputs)['predictions']
        scores.append(prediction['rec_scores'])
    assert scores[1] == pytest.approx(scores[0], abs=5e-3)


@pytest.mark.parametrize('tool', ['inference.py', 'live.py'])
def test_commands_run_there(tool, work_dir, puppets, tmp_path):
    record = read_annotations(puppets / 'test.jsonl')[0]
    options = '--poses', 'inferencers:Middle'
    if tool == 'live.py':
        options = *options, '--window', '0.3'
    printed = fork(
        tool, puppets / 'videos' / record['filename'],
        '--checkpoint', work_dir / 'epoch_2.pth', '--device', DEVICE,
        *options, cwd=tmp_path,
    )  # fmt: skip
    assert 'error' not in printed and '0.' in printed
