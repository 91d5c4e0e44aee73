"""A model from its checkpoint alone; a checkpoint cannot run code."""

import pytest
import torch
from conftest import CONFIGS
from mmaction.registry import MODELS
from mmengine.config import Config

from integral_action.apis import load_model

NAME = 'integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets.py'


@pytest.fixture(scope='module')
def saved(tmp_path_factory):
    """A checkpoint as a training writes it, and its model."""
    from mmengine.registry import init_default_scope

    init_default_scope('mmaction')
    cfg = Config.fromfile(CONFIGS / NAME)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    path = tmp_path_factory.mktemp('load') / 'epoch_8.pth'
    content = dict(
        meta=dict(cfg=cfg.pretty_text, epoch=8), state_dict=model.state_dict()
    )
    torch.save(content, path)
    return path, model


def changed(saved, tmp_path, **changes):
    content = torch.load(saved[0], weights_only=True) | changes
    torch.save(content, tmp_path / 'changed.pth')
    return tmp_path / 'changed.pth'


def with_config(saved, tmp_path, text):
    return changed(saved, tmp_path, meta=dict(cfg=text))


def test_model_is_the_one_that_was_saved(saved):
    path, model = saved
    loaded = load_model(path)
    assert not loaded.training
    assert loaded.state_dict().keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value)
    # as init_recognizer leaves it, for inference_recognizer
    cfg = Config.fromfile(CONFIGS / NAME)
    assert loaded.cfg.model == cfg.model
    assert loaded.cfg.test_pipeline == cfg.test_pipeline
    inputs = dict(
        imgs=torch.rand(1, 1, 3, 8, 56, 56),
        heatmap_imgs=torch.rand(1, 1, 52, 8, 14, 14),
    )
    with torch.no_grad():
        assert torch.equal(
            loaded.extract_feat(inputs, 'head')[0],
            model.eval().extract_feat(inputs, 'head')[0],
        )


def test_str_and_device(saved):
    model = load_model(str(saved[0]), device=torch.device('cpu'))
    assert {p.device.type for p in model.parameters()} == {'cpu'}


@pytest.mark.parametrize(
    'text, message',
    [
        ('import os\nmodel = dict()', 'more than values in line 1'),
        ("x = 1\nmodel = __import__('os')", 'a call in line 2: __import__'),
        ("model = dict(a=[print('ran')])", 'a call in line 1: print'),
        ('model = dict(a=os.environ)', 'malformed'),
        ('model = (', 'never closed'),
        ('x = 1', 'no model'),
        ("model = dict(type='os.system', command='touch ran')", 'os.system'),
        ("model = dict(type='mmengine.load', file='x.pkl')", 'mmengine.load'),
        (
            "model = dict(type='Recognizer2D', backbone=dict(type='a.b.C'))",
            "'a.b.C' .model.backbone.type., a path to code",
        ),
        ("model = dict(type='antigravity')", "'antigravity'"),
        ("model = dict(type=['ResNetTSM'])", 'not registered'),
        ("model = dict(type='Constant')", "'Constant' .model.type., which"),
        (
            "model = dict(type='TwoStreamRecognizer', _scope_='this')",
            "'this' .model._scope_., which is not registered",
        ),
        ("model = dict(type='CrossEntropyLoss')", 'is no model'),
        (
            "model = dict(type='TwoStreamRecognizer')\n"
            "test_pipeline = [dict(type='os.system', command='touch ran')]",
            'os.system',
        ),
        ('model.x = 1', 'more than values'),
        ('a = b = 1', 'no model'),
        ('x = ' + '(' * 300 + ')' * 300, ''),
        ("model = dict(type='ResNetTSM')", 'depth'),
    ],
)
def test_config_of_a_checkpoint(saved, tmp_path, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    path = with_config(saved, tmp_path, text)
    with pytest.raises(ValueError, match=message) as error:
        load_model(path)
    assert str(error.value).startswith(str(path))
    assert not (tmp_path / 'ran').exists()


def test_registered_scopes_are_taken(saved, tmp_path):
    text = torch.load(saved[0], weights_only=True)['meta']['cfg']
    text = text.replace("'SlimResNetTSM'", "'mmaction.SlimResNetTSM'")
    assert load_model(with_config(saved, tmp_path, text))


def test_numbers_that_are_no_literals_are_read(saved, tmp_path):
    text = torch.load(saved[0], weights_only=True)['meta']['cfg']
    text += "\nbounds = dict(low=-inf, high=[inf], rule='nothing')\n"
    cfg = load_model(with_config(saved, tmp_path, text)).cfg
    assert cfg.bounds == dict(
        low=-float('inf'), high=[float('inf')], rule='nothing'
    )


def test_what_is_wrong_with_a_file_is_said(saved, tmp_path):
    weights = dict(torch.load(saved[0], weights_only=True)['state_dict'])
    removed = weights.pop('cls_head.fc_cls.bias')
    for changes, message in (
        (dict(meta={}), 'carries no config'),
        (dict(meta=None), 'carries no config'),
        (dict(state_dict=weights), 'missing keys: cls_head.fc_cls.bias'),
        (
            dict(state_dict=weights | {'cls_head.fc_cls.bias': removed[1:]}),
            r'size mismatch: cls_head.fc_cls.bias \(\[11\], expected \[12\]\)',
        ),
        (
            dict(
                state_dict=weights
                | {'cls_head.fc_cls.bias': removed, 'ema': removed}
            ),
            'unexpected keys: ema',
        ),
    ):
        with pytest.raises(ValueError, match=message):
            load_model(changed(saved, tmp_path, **changes))
    for wrong in (None, [], 1, {}, {'a': 1}, {1: removed}):
        with pytest.raises(ValueError, match='changed.pth: .*weights'):
            load_model(changed(saved, tmp_path, state_dict=wrong))
    with pytest.raises(ValueError, match="device is 'cuda:99', which torch"):
        load_model(saved[0], device='cuda:99')
    with pytest.raises(FileNotFoundError, match='no.pth'):
        load_model(tmp_path / 'no.pth')
    (tmp_path / 'page.pth').write_text('<html></html>')
    with pytest.raises(ValueError, match=r'page.pth: .* web page'):
        load_model(tmp_path / 'page.pth')
    torch.save([removed], tmp_path / 'list.pth')
    with pytest.raises(ValueError, match='holds a list'):
        load_model(tmp_path / 'list.pth')


def test_names_of_classes(saved, tmp_path):
    text = torch.load(saved[0], weights_only=True)['meta']['cfg']
    names = [f'class {i}' for i in range(12)]
    for found, expected in (
        (dict(classes=names, palette=None), dict(classes=names, palette=None)),
        (dict(classes=tuple(names)), dict(classes=names)),
        (dict(classes='names.txt'), {}),  # that list was not found then
        (dict(classes=[1, 2]), {}),
        (dict(classes=[]), {}),
        ([names], {}),
        (None, {}),
    ):
        meta = dict(cfg=text, dataset_meta=found)
        model = load_model(changed(saved, tmp_path, meta=meta))
        assert model.dataset_meta == expected
    assert load_model(saved[0]).dataset_meta == {}
