"""The table of a grid search, from logs as mmengine writes them."""

import importlib.util
import json

import pytest
from conftest import ROOT


@pytest.fixture(scope='module')
def tool():
    path = ROOT / 'tools' / 'analysis_tools' / 'compare_runs.py'
    spec = importlib.util.spec_from_file_location('compare_runs', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_log(folder, start, *records):
    path = folder / start / 'vis_data' / 'scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text(''.join(json.dumps(r) + '\n' for r in records))


def test_table(tool, tmp_path, capsys):
    name = 'lambda_search_model.neck.gate_loss_weight_'
    for weight, (first, second) in {
        '10.0': (0.5, 0.25),
        '1.5': (0.125, 0.75),
    }.items():
        write_log(
            tmp_path / f'{name}{weight}',
            '20260101_000000',
            dict(lr=0.1, loss=3.0, acc=0.0, step=7),
            {'acc/top1': first, 'time': 1.0, 'step': 1},
            {'acc/top1': second, 'time': 1.0, 'step': 2},
        )
    # killed in its second epoch, and resumed
    folder = tmp_path / f'{name}0.0'
    log = folder / '20260101_000000' / 'vis_data' / 'scalars.json'
    write_log(folder, '20260101_000000', {'acc/top1': 0.5, 'step': 1})
    log.write_text(log.read_text() + '{"acc/to')
    write_log(folder, '20260102_000000', {'acc/top1': 0.625, 'step': 2})

    (tmp_path / f'{name}20.0').mkdir()  # has not begun

    assert tool.main([str(p) for p in tmp_path.iterdir()]) == 0
    assert capsys.readouterr().out.splitlines() == [
        '| run | acc/top1 | best | at |',
        '| --- | ---: | ---: | ---: |',
        '| 0.0 | 0.6250 | 0.6250 | 2 |',
        '| 1.5 | 0.7500 | 0.7500 | 2 |',
        '| 10.0 | 0.2500 | 0.5000 | 1 |',
        '| 20.0 |  |  |  |',
    ]


def test_errors(tool, tmp_path, capsys):
    assert tool.main([str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"error: {tmp_path}: no validation with 'acc/top1'\n"
    )
    assert tool.main([str(tmp_path / 'x')]) == 1
    assert capsys.readouterr().err == (
        f'error: {tmp_path}/x: there is no such folder\n'
    )
