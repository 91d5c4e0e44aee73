"""A published checkpoint: small, nobody's paths, and enough to be run."""

import hashlib
import importlib.util
import re
import subprocess
import sys

import pytest
import torch
from conftest import CONFIGS, ROOT
from mmaction.registry import MODELS
from mmengine.config import Config

from integral_action.apis import load_model
from integral_action.datasets.label_map import LabelMap
from integral_action.engine.runners.integral_action_runner import set_layouts

NAME = 'integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets.py'
TOOL = ROOT / 'tools' / 'model_converters' / 'publish_model.py'
CLASSES = [f'class {i}' for i in range(12)]


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('publish_model', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """What mmengine writes, with the paths of a machine all over it."""
    from mmengine.logging import MessageHub
    from mmengine.registry import init_default_scope

    init_default_scope('mmaction')
    cfg = Config.fromfile(CONFIGS / NAME)
    root = '/home/someone/secret'
    cfg.merge_from_dict(
        {
            'work_dir': f'{root}/work_dirs/x',
            'load_from': f'{root}/start.pth',
            'train_dataloader.dataset.data_root': f'{root}/puppets/',
            'val_dataloader.dataset.data_root': 'C:\\secret\\puppets',
            'test_dataloader.dataset.data_root': '../secret/puppets',
            'test_dataloader.dataset.ann_file': f'{root}/lists/test.jsonl',
            'model.backbone.pose.init_cfg.checkpoint': f'{root}/pose.pth',
            'model.backbone.appearance.pretrained': f'{root}/r18.pth',
            'vis_backends': [dict(type='LocalVisBackend', save_dir=root)],
        }
    )
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    optimizer = torch.optim.AdamW(model.parameters())
    hub = MessageHub.get_instance('publish')
    hub.update_scalar('loss', 1.0)
    path = tmp_path_factory.mktemp('publish') / 'epoch_8.pth'
    content = dict(
        meta=dict(
            cfg=cfg.pretty_text,
            epoch=8,
            experiment_name='secret',
            dataset_meta=dict(classes=CLASSES),
        ),
        state_dict=model.state_dict(),
        optimizer=optimizer.state_dict(),
        param_schedulers=[],
        message_hub=hub.state_dict(),
    )
    torch.save(content, path)
    return path


def publish(tool, source, folder, *arguments):
    assert tool.main([str(source), str(folder / 'model.pth'), *arguments]) == 0
    (path,) = folder.glob('*.pth')
    return path


def test_what_is_in_it(tool, trained, tmp_path, capsys):
    killed = subprocess.Popen([sys.executable, '-c', ''])
    killed.wait()
    left = tmp_path / f'.model-0123abcd.{killed.pid}.pth'
    left.write_bytes(b'half')
    path = publish(tool, trained, tmp_path)
    assert not left.exists()
    assert re.fullmatch(r'model-[0-9a-f]{8}\.pth', path.name)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.stem.endswith(digest[:8])
    printed = capsys.readouterr().out
    assert '12 classes: class 0, class 1' in printed and str(path) in printed

    content = torch.load(path, weights_only=True)
    assert set(content) == {'meta', 'state_dict'}
    meta = content['meta']
    assert set(meta) == {'cfg', 'dataset_meta', 'keypoints', 'versions'}
    assert meta['dataset_meta'] == dict(classes=CLASSES)
    assert meta['keypoints']['name'] == 'openpose18'
    assert len(meta['keypoints']['names']) == 18
    assert meta['keypoints']['bones'][1] == [1, 2]
    assert set(meta['versions']) == {
        'integral_action', 'mmaction2', 'mmengine', 'torch',
    }  # fmt: skip
    assert b'secret' not in path.read_bytes()
    cfg = Config.fromstring(meta['cfg'], '.py')
    assert not {'work_dir', 'load_from', 'visualizer'} & set(cfg)
    assert 'init_cfg' not in str(cfg.model)
    assert cfg.model.backbone.appearance.pretrained is None
    roots = [
        cfg[f'{split}_dataloader'].dataset.data_root
        for split in ('train', 'val', 'test')
    ]
    assert roots == ['puppets'] * 3
    assert cfg.test_dataloader.dataset.ann_file == 'test.jsonl'
    assert cfg.train_dataloader.dataset.ann_file == 'train.jsonl'


def test_same_model_and_same_file(tool, trained, tmp_path):
    path = publish(tool, trained, tmp_path)
    first, again = load_model(trained), load_model(path)
    assert again.dataset_meta == dict(classes=CLASSES)
    for name, value in first.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)
    assert again.cfg.test_pipeline == first.cfg.test_pipeline
    (tmp_path / 'b').mkdir()
    other = publish(tool, trained, tmp_path / 'b')
    assert other.read_bytes() == path.read_bytes()
    # published once more it only gets a longer name
    (tmp_path / 'c').mkdir()
    once_more = publish(tool, path, tmp_path / 'c')
    assert once_more.read_bytes() == path.read_bytes()


def test_it_loads_without_this_package(tool, trained, tmp_path):
    path = publish(tool, trained, tmp_path)
    code = (
        'import sys, torch\n'
        'for name in ("integral_action", "mmaction", "mmengine", "mmcv"):\n'
        '    sys.modules[name] = None\n'
        f'content = torch.load({str(path)!r}, weights_only=True)\n'
        'print(len(content["state_dict"]), content["meta"]["versions"])\n'
    )
    result = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f'{len(load_model(path).state_dict())} ')


def test_keypoints_of_ones_own_travel(tool, trained, tmp_path):
    """A layout in a file is not there where the model is used: a training
    puts its values into its config, and a checkpoint names no file."""
    (tmp_path / 'five.py').write_text(
        'dataset_info = dict(dataset_name="five", keypoint_info={\n'
        '    i: dict(name=f"k{i}", swap="") for i in range(5)},\n'
        '    skeleton_info={0: dict(link=("k0", "k1"))})\n'
    )
    content = torch.load(trained, weights_only=True)
    cfg = Config.fromstring(content['meta']['cfg'], '.py')
    layout = str(tmp_path / 'five.py')
    cfg.model.data_preprocessor.layout = layout
    cfg.model.backbone.pose.in_channels = 7
    cfg.test_dataloader.dataset.layout = layout
    content['meta']['cfg'] = cfg.pretty_text
    content['state_dict'] = MODELS.build(cfg.model).state_dict()
    torch.save(content, tmp_path / 'five.tar')
    assert tool.main([str(tmp_path / 'five.tar'), str(tmp_path / 'x')]) == 1
    set_layouts(cfg)
    content['meta']['cfg'] = cfg.pretty_text
    torch.save(content, tmp_path / 'five.tar')
    path = publish(tool, tmp_path / 'five.tar', tmp_path)
    (tmp_path / 'five.py').unlink()
    model = load_model(path)
    assert model.data_preprocessor.layout.name == 'five'
    assert model.data_preprocessor.layout.bones == ((0, 1),)
    assert model.cfg.test_dataloader.dataset.layout.name == 'five'


def test_classes_of_a_file(tool, trained, tmp_path, capsys):
    names = ROOT / 'tools' / 'data' / 'kinetics50' / 'label_map_k50.txt'
    arguments = [str(trained), str(tmp_path / 'x'), '--classes']
    assert tool.main([*arguments, str(names)]) == 1
    assert capsys.readouterr().err == (
        f'error: {trained}: 50 names of classes, but the model has 12\n'
    )
    twelve = LabelMap.read(names).names[:12]
    (tmp_path / 'twelve.txt').write_text('\n'.join(twelve))
    path = publish(
        tool, trained, tmp_path, '--classes', str(tmp_path / 'twelve.txt')
    )
    assert load_model(path).dataset_meta == dict(classes=twelve)


def test_what_cannot_be_published(tool, trained, tmp_path, capsys):
    (tmp_path / 'text.pth').write_text('hello')
    torch.save(dict(state_dict=dict(a=torch.ones(1))), tmp_path / 'bare.pth')
    out = str(tmp_path / 'out')
    for arguments, expected in (
        (['nothing.pth', out], 'nothing.pth: there is no such file'),
        (['text.pth', out], 'text.pth: not a checkpoint'),
        (['bare.pth', out], 'bare.pth: it carries no config'),
        ([str(trained), str(tmp_path)], 'OUT is a folder'),
    ):
        arguments[0] = str(tmp_path / arguments[0])
        assert tool.main(arguments) == 1
        error = capsys.readouterr().err
        assert error.startswith('error: ') and expected in error
        assert error.count('\n') == 1
    assert {p.name for p in tmp_path.iterdir()} == {'text.pth', 'bare.pth'}


def test_eight_bits_and_unknown(tool, trained, tmp_path):
    whole = publish(tool, trained, tmp_path)
    (tmp_path / 'small').mkdir()
    path = publish(
        tool, trained, tmp_path / 'small', '--int8', '--unknown-below', '0.4'
    )
    assert path.stat().st_size < 0.6 * whole.stat().st_size
    model, exact = load_model(path), load_model(whole)
    assert model.dataset_meta == dict(classes=CLASSES, unknown_below=0.4)
    for name, value in exact.state_dict().items():
        rounded = model.state_dict()[name]
        assert rounded.dtype == value.dtype
        step = value.abs().max() / 127 if value.ndim > 1 else 0
        assert (rounded - value).abs().max() <= step / 2 + 1e-7
        assert value.ndim > 1 or torch.equal(rounded, value)
    # what is published once more stays what it is
    again = tool.publish(path)
    assert again['meta']['dataset_meta']['unknown_below'] == 0.4


def test_a_threshold_out_of_range(tool, trained, tmp_path, capsys):
    with pytest.raises(SystemExit):
        tool.main([str(trained), str(tmp_path / 'x'), '--unknown-below', '2'])
    assert '--unknown-below 2.0: expected 0 to 1' in capsys.readouterr().err
