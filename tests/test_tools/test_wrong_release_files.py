"""What is wrong with a file is said in one line, and nothing is written."""

import os
import pickle
import subprocess
import sys
from math import nan
from pathlib import Path

import numpy as np
import pytest
import release
import torch
from conftest import CONFIGS
from test_release_to_integral_action import (
    APPEARANCE,
    FUSED,
    MODES,
    RELEASE,
    SCRIPT,
    tool,
)


@pytest.fixture(scope='module')
def snapshot(tmp_path_factory):
    path = tmp_path_factory.mktemp('release') / 'snapshot_29.pth.tar'
    torch.save(release.snapshot(release.state_dict()), path)
    return path


def drop(state, *prefixes):
    return {k: v for k, v in state.items() if not k.startswith(prefixes)}


class RunsCode:
    def __reduce__(self):
        return os.system, ('touch ran',)


state = release.state_dict
# kind -> (makes what is saved, config, what the error must tell)
WRONG_FILES = {
    'not a checkpoint': (
        lambda: b'epoch,loss\n1,0.5\n',
        None,
        'not a checkpoint: torch.save did not write it',
    ),
    'zeros': (lambda: bytes(1000), None, 'torch.save did not write it'),
    'empty file': (lambda: b'', None, 'not a checkpoint: it is empty'),
    'truncated': (lambda: 'half', None, 'it is truncated or damaged'),
    'tensor': (lambda: torch.zeros(3), None, 'holds a Tensor, not a dict'),
    'xml': (
        lambda: (
            b'\xef\xbb\xbf<?xml version="1.0"?><Error>AccessDenied</Error>'
        ),
        None,
        'a web page',
    ),
    'html': (
        lambda: (
            b'\n<!DOCTYPE html><html><head><title>Google Drive - Quota '
            b'exceeded</title></head></html>'
        ),
        None,
        'a web page',
    ),
    'classes': (
        lambda: state(num_classes=60),
        MODES['integral'],
        'cls_head.num_classes should be 60, but is 50',
    ),
    'classes that contradict': (
        lambda: state() | {'classifier.fc.0.bias': torch.zeros(51)},
        None,
        'classifier.fc.0.bias ([51], expected [50])',
    ),
    'missing stream': (
        lambda: drop(state(), 'pose_backbone.'),
        None,
        'lacks the pose stream (pose_backbone.*)',
    ),
    'missing stream for config': (
        lambda: drop(state(), 'pose_backbone.', 'pose2feat.', 'aggregator.'),
        MODES['integral'],
        'lacks the pose stream',
    ),
    'swapped streams': (
        lambda: release.swapped(state(appearance=50)),
        None,
        'changed places',
    ),
    'stage of another config': (
        lambda: state(appearance=50, classifier=512),
        RELEASE / APPEARANCE.format(50),
        'classifier.fc.0.weight ([50, 512], expected [50, 2048])',
    ),
    'appearance stage as fused': (
        lambda: state(appearance=50, classifier=2048),
        RELEASE / FUSED.format(50, '8x8'),
        'classifier.fc.0.weight ([50, 2048], expected [50, 512])',
    ),
    'untrained stage': (
        lambda: release.counted(img_backbone=500),
        MODES['pose_only'],
        'never took part in a training',
    ),
    'extra': (
        lambda: state() | {'img_backbone.fc.weight': torch.zeros(1000, 512)},
        None,
        'unexpected keys: img_backbone.fc.weight',
    ),
    'missing': (
        lambda: drop(state(), 'img_backbone.layer4.1.bn2.bias'),
        None,
        'missing keys: img_backbone.layer4.1.bn2.bias',
    ),
    'no bias to fold': (
        lambda: drop(state(), 'pose2feat.conv.0.bias'),
        None,
        'missing keys: pose2feat.conv.0.bias',
    ),
    'missing blocks': (
        lambda: drop(state(), 'img_backbone.layer4.1.'),
        None,
        'img_backbone has (2, 2, 2, 1) blocks',
    ),
    'no classifier': (
        lambda: drop(state(), 'classifier.'),
        None,
        'missing keys: classifier.fc.0.weight',
    ),
    'off by one': (
        lambda: (
            state()
            | {
                'img_backbone.layer3.1.conv2.weight': torch.zeros(
                    256, 255, 3, 3
                )
            }
        ),
        None,
        'img_backbone.layer3.1.conv2.weight ([256, 255, 3, 3], '
        'expected [256, 256, 3, 3])',
    ),
    'depth': (
        lambda: state(appearance=34),
        MODES['integral'],
        'backbone.appearance.depth should be 34, but is 18',
    ),
    'config of the paper': (
        lambda: state(),
        CONFIGS / 'integralaction_r18-r18_4xb8-8x8x1-8x8x1-20e_kinetics50.py',
        'model.backbone.appearance.past_first should be True, but is None',
    ),
    'channels': (lambda: state(channels=55), None, 'takes 55 channels'),
    'runs code': (
        lambda: pickle.dumps(RunsCode(), 2),
        None,
        'it would run posix.system',
    ),
    'runs code in a checkpoint': (
        lambda: {'network': state(), 'epoch': RunsCode()},
        None,
        'it would run posix.system',
    ),
    'text in an array': (
        lambda: {'network': state(), 'epoch': np.array(['x'])},
        None,
        'it holds numpy.dtypes.StrDType',
    ),
    'empty state dict': (lambda: {}, None, 'holds no weights'),
    'empty network': (
        lambda: {'network': {}, 'epoch': 29},
        None,
        'no weights',
    ),
    'names that are no words': (
        lambda: {'network': {0: torch.zeros(1), b'x': torch.zeros(1)}},
        None,
        "not weights: 0, b'x'",
    ),
    'sparse': (
        lambda: state() | {'classifier.fc.0.bias': torch.ones(50).to_sparse()},
        None,
        'not weights: classifier.fc.0.bias',
    ),
    'integers': (
        lambda: (
            state()
            | {'classifier.fc.0.bias': torch.ones(50, dtype=torch.int8)}
        ),
        None,
        'not finite numbers: classifier.fc.0.bias',
    ),
    'not a number': (
        lambda: state() | {'classifier.fc.0.bias': torch.full((50,), nan)},
        None,
        'not finite numbers: classifier.fc.0.bias',
    ),
    'sizes of one': (
        lambda: state() | {'classifier.fc.0.bias': torch.ones(50, 1)},
        None,
        'classifier.fc.0.bias ([50, 1], expected [50])',
    ),
    'extra beside the stem': (
        lambda: state() | {'pose_backbone.conv1.bias': torch.ones(64)},
        None,
        'unexpected keys: pose_backbone.conv1.bias',
    ),
    'no weights': (lambda: {'network': {'a': 1}}, None, 'not weights: a'),
    'another model': (
        lambda: {'conv1.weight': torch.zeros(1)},
        None,
        "none of the release's streams",
    ),
    'ours': (
        lambda: {'meta': {}, 'state_dict': {'a': torch.zeros(1)}},
        None,
        'not of the release',
    ),
}


@pytest.mark.parametrize('kind', WRONG_FILES)
def test_wrong_file(tmp_path, monkeypatch, capfd, kind):
    monkeypatch.chdir(tmp_path)
    make, config, message = WRONG_FILES[kind]
    content, source = make(), Path('in.pth')
    if content == 'half':
        torch.save(release.snapshot(release.state_dict()), source)
        data = source.read_bytes()
        content = data[: len(data) // 2]
    if isinstance(content, bytes):
        source.write_bytes(content)
    else:
        torch.save(content, source)
    capfd.readouterr()
    arguments = ['in.pth', 'out/out.pth']
    if config:
        arguments += ['--config', str(config)]
    assert tool.main(arguments) == 1
    error = capfd.readouterr().err
    assert error.startswith('error: in.pth') and error.count('\n') == 1
    assert message in error
    assert 'weights_only' not in error  # torch's advice to read it unsafely
    assert [path.name for path in tmp_path.rglob('*')] == ['in.pth']


def test_wrong_arguments(snapshot, tmp_path, capsys):
    for arguments, message in (
        (['missing.pth', 'o.pth'], 'missing.pth: there is no such file'),
        ([snapshot, snapshot], 'OUT is IN'),
        ([snapshot, 'o.pth', '--config', 'no.py'], 'no.py: not a config'),
        ([snapshot, tmp_path], 'OUT is a folder'),
        ([snapshot, '/proc/o.pth'], '/proc/o.pth: cannot be written'),
    ):
        assert tool.main(list(map(str, arguments))) == 1
        error = capsys.readouterr().err
        assert message in error and error.count('\n') == 1
    with pytest.raises(SystemExit) as exit:
        tool.main([])
    assert exit.value.code == 2


INTEGRAL = f"""
_base_ = ['{MODES['integral']}']
"""


@pytest.mark.parametrize(
    'text, message',
    [
        ('model = (', 'not a config: '),
        ('raise RuntimeError("no")', 'not a config: no'),
        ('model = 5', 'not a config: '),
        ('model = dict(backbone="x")', 'not a config: '),
        ('a = 1', 'none of our streams'),
        (
            "_base_ = ['mmaction::recognition/tsm/tsm_imagenet-pretrained-"
            "mobilenetv2_8xb16-1x1x8-100e_kinetics400-rgb.py']",
            'none of our streams',
        ),
    ],
)
def test_config_that_is_none(snapshot, tmp_path, capsys, text, message):
    config = tmp_path / 'config.py'
    config.write_text(text)
    arguments = [snapshot, tmp_path / 'o.pth', '--config', config]
    assert tool.main(list(map(str, arguments))) == 1
    error = capsys.readouterr().err
    assert error.startswith(f'error: {config}: ') and error.count('\n') == 1
    assert message in error
    assert not (tmp_path / 'o.pth').exists()


@pytest.mark.parametrize(
    'delta, message',
    [
        (
            "neck=dict(gate_source='appearance')",
            "gate_source should be 'pose'",
        ),
        ("neck=dict(tcb_layers='conv-ln-relu')", 'neck.tcb_layers should be'),
        ("neck=dict(align_time='conv')", "align_time should be 'pool'"),
        (
            'backbone=dict(appearance=dict(is_shift=False))',
            'backbone.appearance.is_shift should be True, but is False',
        ),
        (
            'backbone=dict(pose=dict(num_segments=32))',
            'pose.num_segments should be 8 or 29, but is 32',
        ),
        ('data_preprocessor=dict(sigma=3.0)', 'sigma should be 0.5'),
        ("data_preprocessor=dict(layout='ntu25')", "layout 'ntu25' has 73"),
        ("data_preprocessor=dict(layout='x')", "layout 'x'"),
        ('cls_head=dict(x=1)', 'cls_head.x should be None, but is 1'),
    ],
)
def test_config_of_another_model(snapshot, tmp_path, capsys, delta, message):
    config = tmp_path / 'config.py'
    config.write_text(f'{INTEGRAL}model = dict({delta})')
    arguments = [snapshot, tmp_path / 'o.pth', '--config', config]
    assert tool.main(list(map(str, arguments))) == 1
    error = capsys.readouterr().err
    assert message in error and error.count('\n') == 1
    assert not (tmp_path / 'o.pth').exists()


def test_config_may_spell_out_defaults_and_train_otherwise(
    snapshot, tmp_path, capsys
):
    config = tmp_path / 'config.py'
    config.write_text(
        f"{INTEGRAL}model = dict(neck=dict(gate_source='pose', "
        f'gate_loss_weight=5.0), cls_head=dict(dropout_ratio=0.5))'
    )
    arguments = [snapshot, tmp_path / 'o.pth', '--config', config]
    assert tool.main(list(map(str, arguments))) == 0
    assert '  unused: optimizer\n' in capsys.readouterr().out


def test_frames_of_a_config_against_the_counter(tmp_path, capsys):
    steps = dict(img_backbone=5, pose_backbone=5, pose_backbone_bn1=0)
    for counter, clip, right in ((0, '29x2', 8), (7, '8x8', 29)):
        state = release.counted(
            **steps, aggregator=7, aggregator_pose_temporal_conv=counter
        )
        torch.save(state, tmp_path / 'in.pth')
        config = RELEASE / FUSED.format(18, clip)
        arguments = [tmp_path / 'in.pth', tmp_path / 'o', '--config', config]
        assert tool.main(list(map(str, arguments))) == 1
        assert (
            f'num_segments should be {right}, but' in capsys.readouterr().err
        )


def test_a_full_disk_leaves_nothing(snapshot, tmp_path):
    """As far as a limit on the size of files is one."""
    command = (
        f'ulimit -f 1000; exec {sys.executable} {SCRIPT} {snapshot} o.pth'
    )
    result = subprocess.run(
        ['bash', '-c', command], cwd=tmp_path, text=True, capture_output=True
    )
    assert result.returncode == 1
    assert result.stderr.startswith('error: o.pth: cannot be written')
    assert result.stderr.count('\n') == 1
    assert not list(tmp_path.iterdir())


def test_status_of_the_command(tmp_path):
    (tmp_path / 'in.pth').write_bytes(b'<html>sorry</html>')
    result = subprocess.run(
        [sys.executable, SCRIPT, 'in.pth', 'out.pth'],
        cwd=tmp_path,
        text=True,
        capture_output=True,
        env=os.environ | {'PYTHONWARNINGS': 'ignore'},
    )
    assert result.returncode == 1 and result.stdout == ''
    assert result.stderr == (
        'error: in.pth: not a checkpoint: it is a web page\n'
    )
    assert not (tmp_path / 'out.pth').exists()
