"""configs/mixing: every config trains and tests on real clips."""

import copy
import math
import pickle
import re
from pathlib import Path

import mmaction
import pytest
import torch
import yaml
from conftest import ROOT
from converters import load_tool
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.runner import Runner
from mmengine.runner.checkpoint import get_state_dict, save_checkpoint

from integral_action.fileio import read_annotations
from integral_action.pose.files import read_poses

MIXING = ROOT / 'configs' / 'mixing'
PATHS = {path.stem: path for path in sorted(MIXING.glob('*.py'))}
ZOO = [name for name in PATHS if '_zoo-' in name]
UPSTREAM = Path(mmaction.__path__[0]) / '.mim' / 'configs'
# these look for 2D weights, whether they are given or not
INFLATED = ('ResNetTSM',)
SMALL = {256: 40, 224: 32, 64: 16, 56: 16}  # pixels


@pytest.fixture(scope='module', autouse=True)
def one_thread():
    """On small tensors two threads do nothing but wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope='module')
def jhmdb(tmp_path_factory):
    """Real clips of two classes, 4 to train and 4 to test, in every form."""
    source = ROOT.parent / 'shared' / 'samples' / 'jhmdb'
    if not source.is_dir():
        pytest.skip('no ../shared')
    root = tmp_path_factory.mktemp('jhmdb')
    (root / 'splits').mkdir()
    for name in ('golf', 'wave'):
        splits = source / 'splits' / f'{name}_test_split1.txt'
        lines = splits.read_text().splitlines()
        chosen = [
            line
            for part in ('1', '2')  # to train, to test
            for line in [x for x in lines if x.endswith(part)][:2]
        ]
        for number in '123':
            path = root / 'splits' / f'{name}_test_split{number}.txt'
            path.write_text('\n'.join(chosen))
    tool = load_tool('jhmdb')
    folders = [root / 'splits', source / 'videos', source / 'poses']
    for layout, option in (
        ('openpose18', ['--to-openpose18']),
        ('coco17', []),
    ):
        out = root / layout
        tool.main([*map(str, folders), str(out), '--workers', '1', *option])

    # what MMAction2's own datasets read
    annotations, split = [], dict(xsub_train=[], xsub_val=[])
    for part in split:
        name = part.replace('xsub', 'split1').replace('val', 'test')
        for record in read_annotations(root / 'coco17' / f'{name}.jsonl'):
            poses = root / 'coco17' / 'poses' / record['pose_file']
            keypoint, score = read_poses(poses)
            video = root / 'coco17' / 'videos' / record['filename']
            split[part].append(str(video))
            annotations.append(
                dict(
                    filename=str(video),
                    label=record['label'],
                    img_shape=tuple(record['img_shape']),
                    original_shape=tuple(record['img_shape']),
                    total_frames=record['total_frames'],
                    keypoint=keypoint,
                    keypoint_score=score,
                )
            )
    with open(root / 'coco17.pkl', 'wb') as file:
        pickle.dump(dict(split=split, annotations=annotations), file)
    lines = [f'{a["filename"]} {a["label"]}\n' for a in annotations[:4]]
    (root / 'videos.txt').write_text(''.join(lines))
    return root


def shrink(pipeline):
    """The same transforms on small pictures and short clips."""
    for step in pipeline:
        for key in ('scale', 'input_size', 'crop_size'):
            value = step.get(key)
            if isinstance(value, (tuple, list)):
                step[key] = tuple(SMALL.get(n, n) for n in value)
            elif key in step:
                step[key] = SMALL.get(value, value)
        if step.type == 'TenCrop':
            step.type = 'CenterCrop'
        if step.type == 'UniformSampleFrames':
            step.clip_len = 8
        if step.type == 'MMUniformSampleFrames':
            step.clip_len = dict(RGB=4, Pose=16)
        if step.type == 'GeneratePoseMaps':
            step.size = (16, 16)
        if step.type in ('SelectTopPersons', 'FormatPoses'):
            step.num_person = 2
        if step.get('num_clips', 1) == 10:
            step.num_clips = 1
    return pipeline


def without_weights(model):
    """No weights but random ones."""
    for part in [model.backbone, *model.backbone.values()]:
        if isinstance(part, dict):
            part.pop('init_cfg', None)
            if 'pretrained' in part:
                part.pretrained = None
            if part.get('type') in INFLATED:
                part.pretrained2d = False


def shrink_model(cfg):
    """The same model on small maps; a network that is slow, on less."""
    preprocessor = cfg.model.get('data_preprocessor', {})
    if preprocessor.get('type') == 'PoseMapPreprocessor':
        preprocessor.size = (8, 8)
    streams = cfg.model.backbone
    if streams.get('pose', {}).get('type') == 'STGCN':
        for part in ('train', 'test'):
            sampling = cfg[f'{part}_dataloader'].dataset.pipeline[0]
            sampling.clip_len.Pose = 8


def on_real_clips(name, root, work_dir):
    """A config with the data of the test."""
    cfg = Config.fromfile(PATHS[name])
    cfg.work_dir = str(work_dir)
    cfg.load_from = None
    for part in ('train', 'test'):
        loader = cfg[f'{part}_dataloader']
        loader.batch_size = 2
        loader.num_workers = 0
        loader.persistent_workers = False
        if loader.dataset.type == 'RepeatDataset':
            loader.dataset = loader.dataset.dataset
        dataset = loader.dataset
        shrink(dataset.pipeline)
        if dataset.type == 'VideoPoseDataset':
            dataset.data_root = str(root / 'openpose18')
            dataset.ann_file = f'split1_{part}.jsonl'
        elif dataset.type == 'PoseDataset':
            dataset.ann_file = str(root / 'coco17.pkl')
        else:
            dataset.ann_file = str(root / 'videos.txt')
            dataset.data_prefix = dict(video='')
    cfg.train_cfg.max_epochs = 1
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.default_hooks.checkpoint = dict(
        type='CheckpointHook', interval=-1, save_last=False
    )
    cfg.default_hooks.logger.interval = 1
    shrink_model(cfg)
    without_weights(cfg.model)
    return cfg


@pytest.mark.parametrize('name', PATHS)
def test_two_steps_and_a_test_on_real_clips(name, jhmdb, tmp_path):
    cfg = on_real_clips(name, jhmdb, tmp_path)
    cfg.experiment_name = name
    torch.manual_seed(0)
    runner = Runner.from_cfg(cfg)
    frozen = cfg.model.backbone.get('frozen', ())
    runner.model.init_weights()
    before = copy.deepcopy(runner.model.state_dict())
    runner.model.init_weights = lambda: None  # they are
    runner.train()
    assert runner.iter == 2
    for key, values in runner.message_hub.log_scalars.items():
        if 'loss' in key:
            history = values.data[0]
            assert len(history) == 2, key
            assert all(math.isfinite(value) for value in history), key
    assert ('train/loss_gate' in runner.message_hub.log_scalars) == (
        'neck' in cfg.model
    )
    moved = {
        '.'.join(key.split('.')[:2])
        for key, value in runner.model.state_dict().items()
        if not torch.equal(value, before[key])
    }
    assert 'cls_head.fc_cls' in moved
    if frozen:
        assert not any(key.startswith('backbone.') for key in moved)
    else:
        assert any(key.startswith('backbone.') for key in moved)
    if 'neck' in cfg.model:
        assert {'neck.cgb', 'neck.tcb_pose', 'neck.tcb_appearance'} <= moved
    metrics = runner.test()
    assert 0 <= metrics['acc/top1'] <= 1


def test_the_configs_are_small():
    for path in PATHS.values():
        assert len(path.read_text().splitlines()) <= 25, path


def upstream_of(cfg):
    """MMAction2's config of the weights that a config starts from."""
    url = cfg.model.backbone.appearance.init_cfg.checkpoint
    name = re.sub(r'_\d{8}-\w{8}\.pth$', '', url.split('/')[-1])
    (path,) = UPSTREAM.rglob(f'{name}.py')
    models = yaml.safe_load((path.parent / 'metafile.yml').read_text())
    assert url in [model.get('Weights') for model in models['Models']]
    return Config.fromfile(path)


@pytest.mark.parametrize('name', ZOO)
def test_what_starts_from_the_zoo_is_what_the_zoo_trained(name):
    cfg = Config.fromfile(PATHS[name])
    theirs = upstream_of(cfg)
    without_weights(theirs.model)
    appearance = cfg.model.backbone.appearance
    assert appearance.pop('init_cfg').prefix == 'backbone.'
    backbone = MODELS.build(
        dict(type='TwoStreamBackbone', appearance=appearance)
    )
    shapes = [
        {key: value.shape for key, value in model.state_dict().items()}
        for model in (
            backbone.appearance,
            MODELS.build(theirs.model.backbone),
        )
    ]
    assert shapes[0] == shapes[1]
    ours = cfg.model.data_preprocessor
    ours = MODELS.build(ours)
    theirs_in = MODELS.build(theirs.model.data_preprocessor)
    for key in ('mean', 'std'):
        mine, their = getattr(ours, key), getattr(theirs_in, key)
        torch.testing.assert_close(mine.flatten(), their.flatten())
    sampling = theirs.test_pipeline[1]
    if sampling.clip_len > 1:  # not a frame from each part of the video
        mine = cfg.test_pipeline[0]
        assert mine.clip_len.RGB == sampling.clip_len
        assert mine.frame_interval.RGB == sampling.frame_interval


TSM = 'integralaction_zoo-tsm-r50-r18_4xb8-8x8x1-32x2x1-20e_kinetics400'


@pytest.fixture(scope='module')
def zoo_file(tmp_path_factory):
    """A file as the zoo's: MMAction2's own TSM, saved as mmengine does."""
    theirs = upstream_of(Config.fromfile(PATHS[TSM]))
    without_weights(theirs.model)
    model = MODELS.build(theirs.model)
    model.init_weights()
    path = tmp_path_factory.mktemp('zoo') / 'tsm.pth'
    meta = dict(epoch=50, iter=1, cfg=theirs.pretty_text)
    content = dict(meta=meta, state_dict=get_state_dict(model))
    save_checkpoint(content, str(path))
    return path, model


def tsm_from(path, out):
    """The mixing config behind a file, and a pose stream of random weights."""
    cfg = Config.fromfile(PATHS[TSM])
    streams = cfg.model.backbone
    pose = MODELS.build({**streams.pose, 'init_cfg': None})
    weights = {f'backbone.pose.{k}': v for k, v in pose.state_dict().items()}
    torch.save(dict(state_dict=weights), out / 'pose.pth')
    streams.appearance.init_cfg.checkpoint = str(path)
    streams.pose.init_cfg.checkpoint = str(out / 'pose.pth')
    model = MODELS.build(cfg.model)
    model.init_weights()
    return model


def test_a_file_of_the_zoos_becomes_the_appearance_stream(zoo_file, tmp_path):
    path, theirs = zoo_file
    model = tsm_from(path, tmp_path)
    appearance = model.backbone.appearance.state_dict()
    source = theirs.backbone.state_dict()
    assert list(appearance) == list(source)
    assert all(torch.equal(appearance[key], source[key]) for key in source)
    assert not any(p.requires_grad for p in model.backbone.parameters())
    # the features that its own head has been trained on
    frames = torch.rand(1, 3, 8, 32, 32)
    theirs.eval(), model.eval()
    with torch.no_grad():
        expected, _ = theirs.extract_feat(frames.transpose(1, 2))
        features, _ = model.extract_feat(
            dict(
                imgs=frames[:, None],
                heatmap_imgs=torch.zeros(1, 1, 52, 32, 8, 8),
            ),
            stage='backbone',
        )
    torch.testing.assert_close(features[0][0], expected.mean((2, 3)))


def test_another_file_or_a_part_of_it_is_named(zoo_file, tmp_path):
    path, theirs = zoo_file
    content = torch.load(path)
    weights = content['state_dict']
    lost = 'layer4.2.conv3.conv.weight'
    swapped = {
        key.replace('backbone.', 'backbone.appearance.'): value
        for key, value in weights.items()
    }
    partial = {k: v for k, v in weights.items() if not k.endswith(lost)}
    other = {k: v for k, v in weights.items() if 'backbone' not in k}
    for name, state, message in (
        ('swapped', swapped, 'missing keys: conv1.conv.weight'),
        ('partial', partial, f'missing keys: {lost}$'),
        ('other', other, "no weights under 'backbone.'"),
    ):
        file = tmp_path / f'{name}.pth'
        torch.save(dict(content, state_dict=state), file)
        with pytest.raises(
            ValueError, match=f'appearance stage: .*{name}.pth: .*{message}'
        ):
            tsm_from(file, tmp_path)
        file.unlink()
