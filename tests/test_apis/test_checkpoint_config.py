"""What a checkpoint's config leads to, and what it does not.

The table of docs/safety.md, row by row. The file that is named runs, deletes
or is big; nothing of that may happen.
"""

import resource
from copy import deepcopy
from functools import reduce
from operator import getitem
from types import SimpleNamespace

import pytest
import torch
from conftest import CONFIGS
from mmaction.registry import MODELS
from mmengine.config import Config

from integral_action.apis import load_model
from integral_action.apis.bounded import Bounded
from integral_action.apis.checkpoint_config import read_config
from integral_action.checkpoints import read_checkpoint
from integral_action.deployment.verify import real_clips

NAME = 'integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets.py'
SCRIPT = 'open("ran", "w")\nkeypoint_info = {}\n'


@pytest.fixture(scope='module')
def saved():
    """A config, and the weights of its model."""
    from mmengine.registry import init_default_scope

    init_default_scope('mmaction')
    cfg = Config.fromfile(CONFIGS / NAME)
    return cfg, MODELS.build(cfg.model).state_dict()


@pytest.fixture
def save(saved, tmp_path, monkeypatch):
    """Write the checkpoint with some keys of its config changed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'x.py').write_text(SCRIPT)

    def write(changes):
        cfg = deepcopy(saved[0])
        for key, value in changes.items():
            *path, last = key.split('.')
            reduce(getitem, path, cfg)[last] = value
        # as pretty_text is, which takes a second
        lines = [f'{key} = {one!r}' for key, one in cfg.to_dict().items()]
        meta = dict(cfg='\n'.join(lines))
        torch.save(dict(meta=meta, state_dict=saved[1]), tmp_path / 'a.pth')
        return tmp_path / 'a.pth'

    return write


def step(**options):
    return [dict(type='SampleTwoStreamFrames', **options)]


REFUSED = [
    ('model.data_preprocessor.layout', 'x.py'),
    ('model.data_preprocessor.layout', dict(layout='x.py', merge=['face-*'])),
    ('test_dataloader.dataset.layout', 'x.py'),
    ('train_dataloader.dataset.layout', './x.py'),
    ('test_pipeline', step(layout='x.py')),
    ('test_dataloader.dataset.pipeline', step(file='http://127.0.0.1/x')),
    ('val_dataloader.dataset.pipeline', step(file='C:\\x')),
    ('model.backbone.appearance.channel_map', 'x.json'),
    ('model.cls_head.answer_list_path', '~x/answers'),
    ('model.backbone.pose.type', 'x.Model'),
    ('model.neck.type', 'os.system'),
    ('model.backbone._scope_', 'x'),
    ('test_pipeline', [dict(type='x.Step')]),
    ('optim_wrapper.type', 'subprocess.run'),
    ('custom_hooks', [dict(type='x.Hook')]),
]


@pytest.mark.parametrize('key, value', REFUSED)
def test_not_followed(save, tmp_path, key, value):
    path = save({key: value})
    with pytest.raises(ValueError, match='a.pth: its config names') as error:
        load_model(path)
    assert key.split('.')[0] in str(error.value)
    assert '\n' not in str(error.value)
    assert not (tmp_path / 'ran').exists()


# Other strings that are places, of which nothing is built. Were they
# followed, x.py would run, or a file be looked for that is not there.
UNUSED = [
    ('model.backbone.appearance.init_cfg', dict(type='Pretrained', checkpoint='no.pth', prefix='')),  # noqa: E501
    ('model.backbone.pose.pretrained', 'https://127.0.0.1:9/r18.pth'),
    ('model.init_cfg', dict(type='Pretrained', checkpoint='no.pth')),
    ('custom_imports', dict(imports=['x'], allow_failed_imports=False)),
    ('load_from', 'no.pth'),
    ('work_dir', '/no/such/folder'),
    ('test_dataloader.dataset.ann_file', '/no/such/list.jsonl'),
    ('test_dataloader.dataset.data_root', '/no/such/folder'),
    ('test_dataloader.dataset.data_prefix', dict(video='/no', pose='/no')),
    ('test_dataloader.dataset.class_file', '/no/such/names.txt'),
    ('label_map_file', '/no/such/names.txt'),
    ('vis_backends', [dict(type='LocalVisBackend', save_dir='/no')]),
]  # fmt: skip


@pytest.mark.parametrize('key, value', UNUSED)
def test_not_used(save, tmp_path, key, value):
    model = load_model(save({key: value}))
    model.init_weights()  # nor by what is left in the model
    assert not (tmp_path / 'ran').exists()
    assert not (tmp_path / 'work_dirs').exists()


@pytest.mark.parametrize('text', ["_base_ = 'x.py'", "_base_ = ['x.py']"])
def test_base_is_no_more_than_a_value(saved, tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'x.py').write_text(SCRIPT)
    cfg = read_config(f'{text}\n{saved[0].pretty_text}')
    assert cfg.model.type == 'TwoStreamRecognizer'
    assert not (tmp_path / 'ran').exists()


def test_what_reads_by_names_is_no_model(monkeypatch):
    """Some of MMAction2's models fetch files by names without a path."""
    pytest.importorskip('mmaction')
    module = MODELS.module_dict['CLIPSimilarity']
    assert module.__module__.startswith('mmaction.models.similarity')
    with pytest.raises(ValueError, match="'CLIPSimilarity'.*the network"):
        read_config("model = dict(type='CLIPSimilarity', clip_arch='RN50')")


def test_names_of_layouts_and_patterns_are_names(save):
    layout = dict(
        name='my.own', names=['l/hip', 'r.hip'], bones=[], mirror_pairs=[]
    )
    path = save({'test_dataloader.dataset.layout': layout})
    assert load_model(path).cfg.test_dataloader.dataset.layout == layout
    merged = dict(layout='coco_wholebody133', merge=['face-*'])
    path = save({'val_dataloader.dataset.layout': merged})
    assert load_model(path).cfg.val_dataloader.dataset.layout == merged


@pytest.mark.parametrize(
    'key, value, message',
    [
        ('model.backbone.appearance.base_channels', 20000, 'a tensor of'),
        ('model.backbone.pose.base_channels', 4096, 'a tensor of'),
        ('model.cls_head.num_classes', 10**7, 'a tensor of'),
        ('model.cls_head.num_classes', 10**15, 'the number 10'),
        ('model.cls_head.num_classes', 13, 'size mismatch: cls_head.fc_cls'),
        ('model.data_preprocessor.size', [10**5, 10**5], '100000 x 100000'),
        ('test_pipeline', step(clip_len=dict(RGB=10**9)), '1000000000 frames'),
        ('test_pipeline', step(num_clips=10**9), '8000000000 frames'),
        ('test_pipeline', [dict(type='Resize', scale=(10**6, 8))], '1000000'),
    ],
)
def test_sizes_that_the_weights_do_not_explain(save, key, value, message):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=f'a.pth: .*{message}') as error:
        load_model(save({key: value}))
    assert '\n' not in str(error.value)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 500_000  # KB


def test_bounds_are_those_of_the_weights():
    """Twice their elements and 2^25 more; four times their number."""
    weights = dict(a=torch.zeros(10, 10))
    with Bounded(weights):
        torch.empty(2**25 + 200)
        with pytest.raises(ValueError, match=r'tensor of \[1\]'):
            torch.zeros(1)
    with Bounded(weights), pytest.raises(ValueError, match='1004 tensors'):
        for _ in range(1005):
            torch.ones(1)
    with Bounded(weights):
        torch.empty(2**40, device='meta')


def test_weights_that_claim_more_than_is_there(tmp_path):
    """One element that is repeated, one storage under many names."""
    for name, weights in (
        ('repeated', dict(a=torch.zeros(1).expand(10**9))),
        ('shared', dict.fromkeys(map(str, range(99)), torch.zeros(10**4))),
    ):
        path = tmp_path / f'{name}.pth'
        torch.save(dict(state_dict=weights), path)
        with pytest.raises(ValueError, match=f'{name}.pth: .* MB') as error:
            read_checkpoint(path)
        assert 'claim' in str(error.value)


@pytest.mark.parametrize(
    'key, value',
    [
        ('ann_file', '/no/list.jsonl'),
        ('class_file', '../names.txt'),
        ('data_prefix', dict(video='a/../../b')),
    ],
)
def test_a_verification_stays_in_its_folder(tmp_path, key, value):
    dataset = {'type': 'VideoPoseDataset', 'ann_file': 'a.jsonl', key: value}
    model = SimpleNamespace(
        cfg=Config(dict(test_dataloader=dict(dataset=dataset)))
    )
    with pytest.raises(ValueError, match=f'dataset.{key}.*not in'):
        next(real_clips(model, None, str(tmp_path), 1))
