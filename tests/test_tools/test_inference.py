"""The command lines: what they print, write and return."""

import json
import os
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
from conftest import CONFIGS, ROOT
from mmaction.registry import MODELS
from mmengine.config import Config

from integral_action.pose.files import write_poses

NAME = 'integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets'


@pytest.fixture(scope='module')
def tools():
    sys.path.insert(0, str(ROOT / 'tools'))
    try:
        import inference
        import vis_cam
    finally:
        sys.path.remove(str(ROOT / 'tools'))
    return inference, vis_cam


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    from mmengine.registry import init_default_scope

    init_default_scope('mmaction')
    cfg = Config.fromfile(CONFIGS / f'{NAME}.py')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    classes = [f'act {i}' for i in range(12)]
    meta = dict(cfg=cfg.pretty_text, dataset_meta=dict(classes=classes))
    path = tmp_path_factory.mktemp('model') / 'model.pth'
    torch.save(dict(meta=meta, state_dict=model.state_dict()), path)
    return path


@pytest.fixture
def folder(tmp_path, make_video, checkpoint):
    """A checkpoint, and a video with its poses."""
    shutil.copy(checkpoint, tmp_path / 'model.pth')
    rng = np.random.default_rng(0)
    make_video(rng.integers(0, 255, (24, 56, 56, 3), np.uint8), 'a.avi')
    keypoint = rng.random((1, 24, 18, 2)) * 56
    write_poses(tmp_path / 'poses' / 'a.npz', keypoint, np.ones((1, 24, 18)))
    return tmp_path


def test_a_video(tools, folder, capsys):
    video, out = folder / 'a.avi', folder / 'out'
    arguments = [video, '--checkpoint', folder / 'model.pth', '--poses']
    arguments += [folder / 'poses' / 'a.npz', '--out-dir', out]
    arguments += ['--device', 'cpu', '--window', '0.4', '--top-k', '2']
    assert tools[0].main(list(map(str, arguments))) == 0
    printed = capsys.readouterr()
    assert printed.err == ''
    first, *spans = printed.out.splitlines()
    one = json.loads((out / 'a.json').read_text())
    best = one['top'][0]
    assert first.startswith(
        f'{video}: act {best["label"]} {best["score"]:.3f}, act '
    )
    assert first.endswith(f'; gate {one["gate"]["mean"]:.3f}')
    assert len(spans) == len(one['timeline'])
    assert one['timeline'][-1]['end'] == pytest.approx(0.8)
    assert (out / 'a.mp4').stat().st_size > 1000


def test_a_model_by_its_name(tools, folder, capsys, monkeypatch):
    from integral_action import zoo

    monkeypatch.setattr(zoo, 'FOLDER', folder)
    shutil.copy(folder / 'model.pth', folder / 'tiny-0123abcd.pth')
    poses, video = folder / 'poses' / 'a.npz', folder / 'a.avi'
    printed = []
    for option in ('--model', 'tiny'), ('--checkpoint', folder / 'model.pth'):
        arguments = [video, *option, '--poses', poses, '--device', 'cpu']
        assert tools[0].main(list(map(str, arguments))) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] != ''
    assert tools[0].main([str(video), '--model', 'big']) == 1
    error = capsys.readouterr().err
    assert "the package has no model 'big'; it has tiny." in error


def test_unknown(tools, folder, capsys):
    arguments = ['a.avi', '--checkpoint', 'model.pth', '--poses']
    arguments = [str(folder / a) if '.' in a else a for a in arguments]
    arguments += [str(folder / 'poses' / 'a.npz'), '--device', 'cpu']
    arguments += ['--window', '0.4', '--out-dir', str(folder / 'out')]
    assert tools[0].main([*arguments, '--unknown-below', '0.99']) == 0
    first, *spans = capsys.readouterr().out.splitlines()
    assert first.startswith(f'{folder / "a.avi"}: unknown; nearest: act ')
    assert len(spans) == 1 and ' s: unknown 0.' in spans[0]
    one = json.loads((folder / 'out' / 'a.json').read_text())
    assert one['rec_labels'] == [-1] and one['rec_names'] == ['unknown']
    assert one['top'][0]['score'] == max(one['rec_scores'])
    assert one['timeline'][0]['label'] == -1
    assert tools[0].main([*arguments, '--unknown-below', '2']) == 1
    assert 'unknown_below is 2.0, expected 0 to 1' in capsys.readouterr().err


def test_a_folder_with_a_bad_video(tools, folder, capsys):
    (folder / 'videos').mkdir()
    shutil.move(folder / 'a.avi', folder / 'videos' / 'a.avi')
    (folder / 'videos' / 'b.mp4').write_text('no video')
    shutil.copy(folder / 'poses' / 'a.npz', folder / 'poses' / 'b.npz')
    arguments = [folder / 'videos', '--checkpoint', folder / 'model.pth']
    arguments += ['--poses', folder / 'poses', '--out-dir', folder / 'out']
    arguments += ['--device', 'cpu', '--no-video']
    assert tools[0].main(list(map(str, arguments))) == 1
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 1
    failed, count = printed.err.splitlines()
    assert failed.startswith('failed: ') and 'b.mp4' in failed
    assert count == '1 of 2 videos failed'
    assert os.listdir(folder / 'out') == ['a.json']


@pytest.mark.parametrize(
    'arguments, message',
    [
        (['none.mp4', '--poses', 'poses/a.npz'], 'none.mp4: there is no such'),
        (['a.avi', '--poses', 'none.npz'], 'none.npz: there is no such pose'),
        (['a.avi'], 'no pose estimator is installed: pip install rtmlib onnx'),
        (
            ['a.avi', '--poses', 'movenet', '--pose-model', 'no.onnx'],
            'no.onnx: there is no such model',
        ),
        (['a.avi', '--pose-estimator', 'onnx'], 'model'),  # as it once was
        (['a.avi', '--poses', 'other:Class'], "pose estimator 'other:Class'"),
        (['a.avi', '--classes', 'none.txt'], 'none.txt'),
        (
            ['a.avi', '--poses', 'poses/a.npz', '--top-k', '-1'],
            'top_k is -1, expected 1 or more',
        ),
        (['a.avi', '--device', 'cuda:99'], "device is 'cuda:99', which"),
    ],
)
def test_errors_are_one_line(
    arguments, message, tools, folder, capsys, monkeypatch
):
    monkeypatch.chdir(folder)
    monkeypatch.setitem(sys.modules, 'rtmlib', None)
    monkeypatch.setitem(sys.modules, 'mediapipe', None)
    arguments += ['--checkpoint', 'model.pth', '--out-dir', 'out']
    assert tools[0].main(['--device', 'cpu', *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith('error: ') and message in error
    assert len(error.splitlines()) == 1
    assert not (folder / 'out').exists()


def test_usage(tools):
    given = ['--checkpoint', 'c']
    for arguments in (
        ['a.avi', *given, '--model', 'm'],
        ['a.avi', *given, '--pose-model', 'm'],
        ['a.avi', *given, '--poses', 'p', '--pose-estimator', 'e'],
        ['a.avi', *given, '--poses', 'openpose'],
        ['a.avi', *given, '--poses', 'p.npz', '--pose-model', 'm'],
    ):
        with pytest.raises(SystemExit) as info:
            tools[0].main(arguments)
        assert info.value.code == 2


def test_vis_cam(tools, folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    arguments = ['a.avi', '--checkpoint', 'model.pth', '--device', 'cpu']
    arguments += ['--poses', 'poses/a.npz', '--panel-width', '48', '--out']
    for label in ('act 3', '3'):
        more = [f'{label}.png', '--label', label]
        assert tools[1].main([*arguments, *more]) == 0
    pictures = [cv2.imread(f'{label}.png') for label in ('act 3', '3')]
    assert np.array_equal(*pictures)
    # frames, pose maps, both streams, their sum; 8 instants
    assert pictures[0].shape == (
        58 + 5 * (22 + 48 + 8) + 26,
        8 * 52 - 4,
        3,
    )
    capsys.readouterr()
    for label, message in (
        ('act 99', "'act 99' is none of the 12 class names"),
        ('12', 'label is 12, but the model has 12 classes'),
    ):
        assert tools[1].main([*arguments, 'b.png', '--label', label]) == 1
        assert message in capsys.readouterr().err
    with pytest.raises(SystemExit):
        tools[1].main([*arguments, 'b.jpg'])
    assert not list(folder.glob('b.*'))


def test_as_commands(folder):
    """From elsewhere, as mim runs them."""
    environment = dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1')
    common = ['a.avi', '--checkpoint', 'model.pth', '--poses', 'poses/a.npz']
    for tool, out in (
        ('inference', '--no-video'),
        ('vis_cam', '--out=a.png'),
    ):
        done = subprocess.run(
            [sys.executable, ROOT / 'tools' / f'{tool}.py', *common, out],
            cwd=folder, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert 'a.' in done.stdout
    assert (folder / 'a.png').exists()
