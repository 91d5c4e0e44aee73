"""The report of sets out of context: a real test, and errors."""

import csv
import importlib
import json
import pickle
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import CONFIGS, ROOT, load_config
from converters import load_tool, run_tool
from mmaction.registry import MODELS
from mmengine.config import DictAction
from mmengine.runner import Runner
from people import make_one
from PIL import Image

from integral_action.fileio import (
    load_pickle,
    read_annotations,
    write_annotations,
)

PAGE = (ROOT / 'docs' / 'out_of_context.md').read_text()


@pytest.fixture
def report(monkeypatch, tmp_path):
    """Run the tool in an empty folder; gives the exit status."""
    tools = ROOT / 'tools' / 'analysis_tools'
    monkeypatch.syspath_prepend(str(tools))
    monkeypatch.chdir(tmp_path)
    return importlib.import_module('context_report').main


def commands():
    """Those of the page, as words."""
    blocks = re.findall(r'```bash\n(.*?)```', PAGE, re.DOTALL)
    for block in blocks:
        lines = block.replace('\\\n', ' ').splitlines()
        yield from (shlex.split(x) for x in lines if not x.startswith('#'))


def table(path):
    with open(path, newline='', encoding='utf-8') as file:
        first, *rows = csv.reader(file)
    return {
        row[0]: dict(
            zip(first[1:], (float(x) if x else None for x in row[1:]))
        )
        for row in rows
    }


def run_test(words, checkpoint, folder):
    """``mim test`` with the options of a command, in this process."""
    cfg = load_config(CONFIGS / 'jhmdb' / words[3])
    for stream in ('appearance', 'pose'):
        cfg.model.backbone[stream].init_cfg = None
    options = {}
    for word in words[words.index('--cfg-options') + 1 :]:
        key, value = word.split('=')
        options[key] = DictAction._parse_iterable(value)
    cfg.merge_from_dict(options)
    for step in cfg.test_dataloader.dataset.pipeline:
        if step.type in ('Resize', 'CenterCrop'):  # for speed
            step.pop('crop_size', None)
            step.update(type='Resize', scale=(56, 56), keep_ratio=False)
        step.pop('num_clips', None)
    cfg.test_dataloader.update(num_workers=0, persistent_workers=False)
    cfg.update(
        work_dir=str(folder), experiment_name=folder.name, load_from=checkpoint
    )
    if '--dump' in words:
        dump = words[words.index('--dump') + 1]
        cfg.test_evaluator = [
            cfg.test_evaluator, dict(type='DumpResults', out_file_path=dump)
        ]  # fmt: skip
    Runner.from_cfg(cfg).test()


def test_commands_of_the_page_run(report, tmp_path):
    """On four small videos, with an untrained model."""
    data = tmp_path / 'data' / 'jhmdb'
    names = ('run/a.mp4', 'run/b.mp4', 'walk/c.mp4', 'walk/d.mp4')
    lines = [make_one(data, name) for name in names]
    write_annotations(data / 'split1_test.jsonl', lines)
    (data / 'classes.txt').write_text(''.join(f'{i}\n' for i in 'abcdefgh'))
    make, test, show, swap = commands()
    assert run_tool(load_tool('out_of_context'), *make[2:]) == 0
    assert (data.parent / 'jhmdb-context' / 'sheet.png').is_file()

    cfg = load_config(CONFIGS / 'jhmdb' / test[3])
    for stream in ('appearance', 'pose'):
        cfg.model.backbone[stream].init_cfg = None
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    torch.nn.init.normal_(model.cls_head.fc_cls.weight, std=5)
    (tmp_path / 'work_dirs').mkdir()
    checkpoint = 'work_dirs/integral.pth'
    torch.save(dict(state_dict=model.state_dict()), checkpoint)
    run_test(test, checkpoint, tmp_path / 'all')
    assert report(show[2:]) == 0

    samples = load_pickle('work_dirs/integral.pkl')
    assert len(samples) == 6 * 4
    right, gates = {}, {}
    for sample in samples:
        kind = sample['filename'].split('videos/')[1].split('/')[0]
        hit = int(np.argmax(sample['pred_score'])) == int(sample['gt_label'])
        right.setdefault(kind, []).append(hit)
        gates.setdefault(kind, []).append(float(sample['gate'].mean()))
    folder = Path('work_dirs/analysis/context_report')
    rows = table(folder / 'context.csv')
    for row, kind in (
        ('in context', 'original'),
        ('person only', 'person-only'),
        ('background only', 'background-only'),
        ('scene swap, still', 'scene-swap-still'),
        ('still person', 'still-person'),
    ):
        assert rows[row]['IntegralAction'] == 100 * np.mean(right[kind])
    for row, kind in (
        ('G, pose visible', 'original'),
        ('G, pose missing', 'background-only'),
    ):
        assert rows[row]['IntegralAction'] == pytest.approx(
            100 * np.mean(gates[kind]), rel=1e-5
        )
    assert 'swap validation' not in rows
    text = (folder / 'context_report.md').read_text()
    pictures = re.findall(r'\]\((.+)\)', text)
    assert pictures == ['context.png', 'context_IntegralAction.png']
    for picture in pictures:
        assert np.asarray(Image.open(folder / picture).convert('L')).std() > 5
    classes = table(folder / 'context_IntegralAction.csv')
    assert list(classes) == ['a', 'b']

    run_test(swap, checkpoint, tmp_path / 'swap')
    (metrics,) = (tmp_path / 'swap').glob('*/*.json')
    options = ['--metrics', 'IntegralAction', str(metrics)]
    assert report([*show[2:], *options]) == 0
    rows = table(folder / 'context.csv')
    value = json.loads(metrics.read_text())['swap/accuracy']
    assert rows['swap validation']['IntegralAction'] == 100 * value


@pytest.fixture
def files(tmp_path):
    """Sets of one video and its scene swap, and three models' results."""
    lines = [
        dict(
            filename=f'{kind}/a.mp4',
            label=0,
            set=kind,
            source='a.mp4',
            pose_share=1,
            background_label=1,
        )
        for kind in ('original', 'scene-swap-still', 'still-person')
    ]
    write_annotations(tmp_path / 'all.jsonl', lines)
    made = {}
    for name, predictions in (('good', (0, 0, 1)), ('scene', (0, 1, 1))):
        samples = [
            dict(
                filename=f'x/{line["filename"]}',
                pred_score=np.eye(2)[prediction],
                gt_label=[0],
            )
            for line, prediction in zip(lines, predictions)
        ]
        made[name] = str(tmp_path / f'{name}.pkl')
        Path(made[name]).write_bytes(pickle.dumps(samples))
    made['part'] = str(tmp_path / 'part.pkl')
    Path(made['part']).write_bytes(pickle.dumps(samples[:1]))
    return made


def test_models_stand_beside_each_other(report, files, tmp_path, capsys):
    options = [str(tmp_path), '--out-dir', 'out']
    for name, path in files.items():
        options += ['--model', name, path]
    assert report(options) == 0
    assert table(tmp_path / 'out' / 'context.csv') == {
        'in context': dict(good=100, scene=100, part=100),
        'scene swap, still': dict(good=100, scene=0, part=None),
        'still person': dict(good=0, scene=0, part=None),
        'contrasted, still': dict(good=100, scene=0, part=None),
        'follows the scene, still': dict(good=0, scene=100, part=None),
    }
    assert '| in context | 100.0 | 100.0 | 100.0 |' in capsys.readouterr().out


def test_what_does_not_fit_is_a_line(report, files, tmp_path, capsys):
    good = ['--model', 'good', files['good']]
    (tmp_path / 'm.json').write_text('{"acc/top1": 1}')
    (tmp_path / 'names.txt').write_text('run\n')
    for options, message in (
        ([*good, *good], 'good stands there twice'),
        (['--model', 'good'], 'good: no result files'),
        (['--model', 'a', 'none.pkl'], 'none.pkl'),
        ([*good, files['part']], 'original/a.mp4 stands there twice'),
        ([*good, '--metrics', 'x', 'm.json'], 'the models are good'),
        ([*good, '--metrics', 'good', 'm.json'], "no 'swap/accuracy'"),
        ([*good, '--metrics', 'good', 'names.txt'], 'names.txt: not JSON'),
        ([*good, '--visible', '2'], '--visible 2.0: expected 0 to 1'),
        ([*good, '--classes', 'names.txt'], 'names 1 classes'),
    ):
        assert report([str(tmp_path), *options, '--out-dir', 'out']) == 1
        error = capsys.readouterr().err
        assert message in error and error.count('\n') == 1, error
    assert report(['nowhere', *good]) == 1
    assert not (tmp_path / 'out').exists()
    assert len(read_annotations(tmp_path / 'all.jsonl')) == 3
