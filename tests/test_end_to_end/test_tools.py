"""The tools as users run them: mim, training, resuming, testing, mixing."""

import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import release
import torch
from commands import ENV, fork, run
from conftest import CONFIGS, ROOT
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from integral_action.apis import IntegralActionInferencer, load_model
from integral_action.fileio import load_pickle, read_annotations
from integral_action.pose.files import read_poses

APPEARANCE = 'integralaction-appearance_r18w16_1xb32-8x1x1-12e_puppets'
POSE = 'integralaction-pose_r18w16_1xb32-8x1x1-8e_puppets'
FUSED = 'integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets'
RELEASE = 'integralaction-release_r18-r18_4xb8-8x8x1-8x8x1-30e_kinetics50'
MMACTION = Path(find_spec('mmaction').submodule_search_locations[0])


def data_options(data):
    return [
        f'{split}_dataloader.dataset.data_root={data}/'
        for split in ('train', 'val', 'test')
    ]


def train(config, cwd, *arguments, options=(), check=True):
    if options:
        arguments = (*arguments, '--cfg-options', *options)
    return fork('train.py', config, *arguments, cwd=cwd, check=check)


@pytest.fixture(scope='module')
def mim():
    site = Path(find_spec('integral_action').origin).parents[1]
    if site == ROOT:
        pytest.skip('mim needs an ordinary install; run `make test`')
    return Path(sys.executable).with_name('mim')


@pytest.fixture(scope='module')
def trained(mim, puppets, tmp_path_factory):
    """All three stages trained for an epoch, and tested, in an empty folder;
    the last one by mim, its config found by its name."""
    folder = tmp_path_factory.mktemp('empty')
    options = data_options(puppets)
    for name, key in (
        (APPEARANCE, 'appearance'),
        (POSE, 'pose'),
        (FUSED, 'integral'),
    ):
        work = folder / key
        more = options + ['train_dataloader.batch_size=8']
        if key == 'integral':
            more += [
                f'model.backbone.{stage}.init_cfg.checkpoint='
                f'{stage}/epoch_1.pth'
                for stage in ('appearance', 'pose')
            ]
        config, checkpoint = CONFIGS / f'{name}.py', work / 'epoch_1.pth'
        training = [
            '--work-dir', work, '--cfg-options', 'train_cfg.max_epochs=1',
            *more,
        ]  # fmt: skip
        test = [
            '--work-dir', work, '--dump', work / 'test.pkl', '--cfg-options',
            *options,
        ]  # fmt: skip
        if key == 'integral':
            common = ['integral_action', f'{name}.py', '--gpus', '0']
            run(mim, 'train', *common, *training, cwd=folder)
            common += ['--checkpoint', checkpoint]
            run(mim, 'test', *common, *test, cwd=folder)
        else:
            fork('train.py', config, *training, cwd=folder)
            fork('test.py', config, checkpoint, *test, cwd=folder)
    return folder


def test_mim_trains_and_tests_by_name(trained, puppets):
    records = read_annotations(puppets / 'test.jsonl')
    for key in ('appearance', 'pose', 'integral'):
        samples = load_pickle(trained / key / 'test.pkl')
        assert [int(s['gt_label']) for s in samples] == [
            record['label'] for record in records
        ]
        for sample, record in zip(samples, records):
            assert sample['filename'].endswith(record['filename'])
            assert sample['context'] == record['context']
            assert sample['pred_score'].sum().item() == pytest.approx(
                1, abs=1e-4
            )
            assert ('gate' in sample) == (key == 'integral')


def test_checkpoint_loads_with_weights_only(trained):
    checkpoint = torch.load(
        trained / 'integral' / 'epoch_1.pth', weights_only=True
    )
    assert 'message_hub' in checkpoint


def predictions(model, videos):
    """Scores and gates of the first videos of the model's test set."""
    dataset = DATASETS.build(model.cfg.test_dataloader.dataset)
    scores, gates = [], []
    for i in range(videos):
        batch = pseudo_collate([dataset[i]])
        with torch.no_grad():
            (sample,) = model.test_step(batch)
        scores.append(sample.pred_score)
        gates.append(sample.get('gate'))
    return scores, gates


def test_checkpoint_of_a_training_is_a_model(trained):
    """Built from the file alone, it predicts what `mim test` predicted."""
    for key in ('appearance', 'pose', 'integral'):
        model = load_model(trained / key / 'epoch_1.pth')
        tested = load_pickle(trained / key / 'test.pkl')
        scores, gates = predictions(model, 3)
        for score, gate, sample in zip(scores, gates, tested):
            torch.testing.assert_close(score, sample['pred_score'])
            if key == 'integral':
                torch.testing.assert_close(gate, sample['gate'])


def test_inferencer_says_what_mim_test_said(mim, trained, puppets, tmp_path):
    """Of every stage and video; and from the command line."""
    records = list(read_annotations(puppets / 'test.jsonl'))
    videos = [puppets / 'videos' / record['filename'] for record in records]
    for key in ('appearance', 'pose', 'integral'):
        checkpoint = trained / key / 'epoch_1.pth'
        inferencer = IntegralActionInferencer(
            checkpoint, device='cpu', show_progress=False
        )
        result = inferencer(videos, puppets / 'poses', batch_size=8)
        assert result['num_failed'] == 0
        tested = load_pickle(trained / key / 'test.pkl')
        for one, sample in zip(result['predictions'], tested):
            np.testing.assert_allclose(
                one['rec_scores'], sample['pred_score'], atol=1e-5
            )
            assert ('gate' in one) == (key == 'integral')
            if 'gate' in one:
                np.testing.assert_allclose(
                    one['gate']['values'], sample['gate'], atol=1e-5
                )
    printed = run(
        mim, 'run', 'integral_action', 'inference', videos[0], '--checkpoint',
        checkpoint, '--poses', puppets / 'poses' / records[0]['pose_file'],
        '--out-dir', 'out', cwd=tmp_path,
    )  # fmt: skip
    assert f'{videos[0]}: ' in printed
    one = json.loads((tmp_path / f'out/{videos[0].stem}.json').read_text())
    assert one['rec_labels'] == result['predictions'][0]['rec_labels']
    assert (tmp_path / f'out/{videos[0].stem}.mp4').exists()


def test_checkpoint_of_the_release_is_converted_and_tested(puppets, tmp_path):
    """Three clips of 224 x 224 of two videos, by the converted file's
    config."""
    torch.save(release.snapshot(release.state_dict()), tmp_path / 'in.tar')
    converter = 'model_converters/release_to_integral_action.py'
    fork(converter, 'in.tar', 'out.pth', cwd=tmp_path)
    records = read_annotations(puppets / 'test.jsonl')[:2]
    (tmp_path / 'two.jsonl').write_text(
        ''.join(json.dumps(record) + '\n' for record in records)
    )
    options = [
        f'test_dataloader.dataset.data_root={puppets}/',
        f'test_dataloader.dataset.ann_file={tmp_path}/two.jsonl',
        'test_dataloader.num_workers=0',
        'test_dataloader.dataset.pipeline.0.num_clips=3',
    ]
    fork(
        'test.py', CONFIGS / 'release' / f'{RELEASE}.py', 'out.pth', '--dump',
        'test.pkl', '--cfg-options', *options, cwd=tmp_path,
    )  # fmt: skip
    model = load_model(tmp_path / 'out.pth')
    model.cfg.merge_from_dict(dict(o.split('=') for o in options[:2]))
    model.cfg.test_dataloader.dataset.pipeline[0].num_clips = 3
    scores, gates = predictions(model, 2)
    tested = load_pickle(tmp_path / 'test.pkl')
    assert len(tested) == 2
    for score, gate, sample in zip(scores, gates, tested):
        assert score.shape == (50,) and gate.shape == (3, 8)
        torch.testing.assert_close(score, sample['pred_score'])
        torch.testing.assert_close(gate, sample['gate'])


def test_frozen_streams_are_those_of_the_stages(trained):
    def weights(key):
        return torch.load(trained / key / 'epoch_1.pth')['state_dict']

    fused = weights('integral')
    for key in ('appearance', 'pose'):
        stage = weights(key)
        names = [name for name in stage if name.startswith('backbone.')]
        assert names and all(f'.{key}.' in name for name in names)
        for name in names:
            assert torch.equal(fused[name], stage[name]), name


def test_published_model_is_tested_and_exported(
    trained, mim, puppets, tmp_path
):
    """In an empty folder: names of classes come along."""
    source = trained / 'integral' / 'epoch_1.pth'
    fork('model_converters/publish_model.py', source, 'model', cwd=tmp_path)
    (published,) = tmp_path.glob('model-*.pth')
    assert published.stat().st_size < source.stat().st_size
    assert str(puppets).encode() not in published.read_bytes()
    meta = torch.load(published, weights_only=True)['meta']
    names = (puppets / 'classes.txt').read_text().split('\n')[:12]
    assert meta['dataset_meta']['classes'] == names
    fork(
        'test.py', CONFIGS / f'{FUSED}.py', published, '--dump', 'test.pkl',
        '--cfg-options', *data_options(puppets), cwd=tmp_path,
    )  # fmt: skip
    for one, other in zip(
        load_pickle(tmp_path / 'test.pkl'),
        load_pickle(trained / 'integral' / 'test.pkl'),
    ):
        torch.testing.assert_close(one['pred_score'], other['pred_score'])
    output = run(
        mim, 'run', 'integral_action', 'export_onnx', published, 'model.onnx',
        '--verify', '--data-root', puppets, '--num-videos', '3', cwd=tmp_path,
    )  # fmt: skip
    assert 'input imgs: [batch, clips, 3, 8, 56, 56]' in output
    assert 'scores: largest difference' in output


def test_mim_search_list_and_download(mim, tmp_path):
    """What they find of an installation, without a network."""
    assert re.search(
        r'^integral[-_]action +\d', run(mim, 'list', cwd=tmp_path), re.M
    )
    run(mim, 'search', 'integral_action', '--json', 'found.json', cwd=tmp_path)
    found = json.loads((tmp_path / 'found.json').read_text())
    # a column a field, or a row a config: either way each config is named
    text = json.dumps(found)
    for path in CONFIGS.rglob('*.py'):
        assert path.stem in text
    output = run(
        mim, 'search', 'integral_action', '--dataset', 'kinetics50',
        '--valid-config', cwd=tmp_path,
    )  # fmt: skip
    assert '_kinetics50' in output and 'puppets' not in output
    output = run(
        mim, 'download', 'integral_action', '--config', FUSED, '--dest', '.',
        cwd=tmp_path, check=False,
    )  # fmt: skip
    assert "got {'weight'}" in output  # none are hosted


def test_mim_gridsearch_gives_a_table(trained, mim, puppets):
    work = 'search/lambda'
    stages = [
        f'model.backbone.{stage}.init_cfg.checkpoint={stage}/epoch_1.pth'
        for stage in ('appearance', 'pose')
    ]
    run(
        mim, 'gridsearch', 'integral_action', f'{FUSED}.py', '--work-dir',
        work, '--gpus', '0', '--search-args',
        '--model.neck.gate_loss_weight 1.0 10.0', '--cfg-options',
        'train_cfg.max_epochs=1', 'train_dataloader.batch_size=8',
        *data_options(puppets), *stages, cwd=trained,
    )  # fmt: skip
    name = 'lambda_search_model.neck.gate_loss_weight'
    folders = [trained / 'search' / f'{name}_{n}' for n in (1.0, 10.0)]
    tool = 'analysis_tools/compare_runs.py'
    output = fork(tool, *folders, cwd=trained)
    rows = [line.split(' | ') for line in output.splitlines() if '| ' in line]
    assert [row[0].strip('| ') for row in rows[2:]] == ['1.0', '10.0']
    for row in rows[2:]:
        assert 0 <= float(row[1]) <= 1
    losses = []
    for folder in folders:
        (log,) = folder.glob('*/vis_data/scalars.json')
        records = map(json.loads, log.read_text().splitlines())
        losses.append(next(r['loss_gate'] for r in records if 'lr' in r))
    # lambda times about the same loss, after very few steps
    assert losses[1] == pytest.approx(10 * losses[0], rel=0.05)


def test_report_of_the_demo(trained, puppets, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    import demo_report
    from rich.console import Console

    demo_report.write_report(puppets, trained, Console())
    report = (trained / 'report.md').read_text()
    rows = demo_report.table_of(demo_report.collect(trained)).rows
    assert list(rows) == [
        'appearance-only',
        'pose-only',
        'score average',
        'IntegralAction',
    ]
    for name, (inside, outside, *_) in rows.items():
        assert f'| {name} | {inside:.1f} | {outside:.1f} |' in report
    samples = load_pickle(trained / 'pose' / 'test.pkl')
    right = [
        int(s['pred_score'].argmax()) == int(s['gt_label'])
        for s in samples
        if s['context'] == 'out'
    ]
    outside = rows['pose-only'][1]
    assert outside == pytest.approx(100 * sum(right) / len(right))
    for name in ('examples', 'accuracy', 'gate'):
        assert (trained / f'{name}.png').stat().st_size > 5000


def test_resumed_after_sigkill_it_ends_with_the_same_weights(
    puppets, tmp_path
):
    """Epochs of 3 steps, with workers; killed after the first."""
    options = data_options(puppets) + [
        'train_dataloader.batch_size=8',
        'train_dataloader.num_workers=2',
        'train_cfg.max_epochs=3',
        'model.cls_head.dropout_ratio=0.5',
        'env_cfg.mp_cfg.mp_start_method=fork',
    ]
    config = CONFIGS / f'{APPEARANCE}.py'
    seed = ('--seed', '3')
    train(config, tmp_path, '--work-dir', 'whole', *seed, options=options)

    command = [sys.executable, ROOT / 'tools' / 'train.py', config]
    command += ['--work-dir', 'killed', *seed, '--cfg-options', *options]
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=tmp_path,
        env=ENV,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    last = tmp_path / 'killed' / 'last_checkpoint'
    deadline = time.time() + 120
    while not last.is_file() and process.poll() is None:
        assert time.time() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / 'killed' / 'epoch_3.pth').exists()

    output = train(
        config,
        tmp_path,
        '--work-dir',
        'killed',
        '--resume',
        *seed,
        options=options,
    )
    assert 'resumed epoch: ' in output
    whole, resumed = (
        torch.load(tmp_path / folder / 'epoch_3.pth')['state_dict']
        for folder in ('whole', 'killed')
    )
    for name, value in whole.items():
        assert torch.equal(value, resumed[name]), name


def test_a_checkpoint_of_another_model_is_an_error(puppets, tmp_path):
    """Upstream's tool logs it, and tests with random weights."""
    config = CONFIGS / f'{POSE}.py'
    cfg = Config.fromfile(config)
    cfg.model.cls_head.num_classes = 5
    state = MODELS.build(cfg.model).state_dict()
    torch.save(dict(meta={}, state_dict=state), tmp_path / 'other.pth')
    output = fork(
        'test.py', config, 'other.pth', '--cfg-options',
        *data_options(puppets), cwd=tmp_path, check=False,
    )  # fmt: skip
    assert 'size mismatch for cls_head.fc_cls.weight' in output
    assert 'acc/top1' not in output


def test_a_missing_stage_is_the_last_line(puppets, tmp_path):
    output = train(
        CONFIGS / f'{FUSED}.py',
        tmp_path,
        options=data_options(puppets),
        check=False,
    )
    last = output.strip().splitlines()[-1]
    assert last.startswith('FileNotFoundError: appearance stage: work_dirs/')
    assert 'model.backbone.appearance.init_cfg.checkpoint=FILE' in last


def test_a_misspelt_stream_is_named(puppets, tmp_path):
    output = train(
        CONFIGS / f'{POSE}.py',
        tmp_path,
        options=data_options(puppets) + ['model.backbone.poes.depth=18'],
        check=False,
    )
    assert "poes={'depth': 18} is no option of TwoStreamBackbone" in output


@pytest.mark.parametrize('tool', ['train.py', 'test.py'])
def test_both_spellings_of_local_rank(tool, tmp_path):
    output = run(sys.executable, ROOT / 'tools' / tool, '--help', cwd=tmp_path)
    assert '--local_rank' in output and '--local-rank' in output


# ---- our components in configs that are not ours

MIXED_TSM = """
_base_ = ['mmaction::recognition/tsm/{config}']
custom_imports = dict(imports=['integral_action'])

model = dict(
    backbone=dict(depth=18, pretrained=None, pretrained2d=False),
    cls_head=dict(_delete_=True, type='FrameAverageHead',
                  num_classes=400, in_channels=512))

train_dataloader = dict(
    batch_size=2, num_workers=0, persistent_workers=False,
    dataset=dict(ann_file='list.txt', data_prefix=dict(video='{data}/videos')))
train_cfg = dict(max_epochs=1)
"""

MIXED_POSEC3D = """
_base_ = ['mmaction::skeleton/posec3d/{config}']
custom_imports = dict(imports=['integral_action'])

model = dict(backbone=dict(in_channels=52), cls_head=dict(num_classes=12))
train_pipeline = [
    dict(type='UniformSampleFrames', clip_len=48),
    dict(type='PoseDecode'),
    dict(type='Resize', scale=(56, 56), keep_ratio=False),
    dict(type='FlipTwoStream', layout='openpose18'),
    dict(type='GeneratePoseMaps', layout='openpose18'),
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    dict(type='PackActionInputs')
]
train_dataloader = dict(
    batch_size=2, num_workers=0, persistent_workers=False,
    dataset=dict(times=1, dataset=dict(ann_file='list.pkl', split='train',
                                       pipeline=train_pipeline)))
train_cfg = dict(max_epochs=1)
"""


def test_mmaction2s_configs_take_our_components(puppets, tmp_path):
    records = read_annotations(puppets / 'train.jsonl')[:2]
    (tmp_path / 'list.txt').write_text(
        ''.join(f'{r["filename"]} {r["label"]}\n' for r in records)
    )
    annotations = []
    for record in records:
        keypoint, score = read_poses(puppets / 'poses' / record['pose_file'])
        annotations.append(
            dict(
                frame_dir=record['filename'],
                label=record['label'],
                total_frames=record['total_frames'],
                img_shape=tuple(record['img_shape']),
                original_shape=tuple(record['img_shape']),
                keypoint=keypoint,
                keypoint_score=score,
            )
        )
    content = dict(
        split=dict(train=[r['filename'] for r in records]),
        annotations=annotations,
    )
    (tmp_path / 'list.pkl').write_bytes(pickle.dumps(content))
    for folder, pattern, text in (
        ('recognition/tsm', 'tsm_*r50_8xb16-1x1x8-50e_*', MIXED_TSM),
        ('skeleton/posec3d', 'slowonly_*ntu60-xsub-keypoint*', MIXED_POSEC3D),
    ):
        found = (MMACTION / '.mim' / 'configs' / folder).glob(pattern)
        config = tmp_path / f'{folder.split("/")[1]}.py'
        config.write_text(
            text.format(config=sorted(found)[0].name, data=puppets)
        )
        output = run(
            sys.executable,
            MMACTION / '.mim' / 'tools' / 'train.py',
            config,
            '--no-validate',
            cwd=tmp_path,
        )
        assert 'Epoch(train) [1][1/1]' in output
        assert 'loss_cls' in output
