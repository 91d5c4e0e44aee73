"""Training videos held out: tools/dataset_converters/hold_out.py."""

import pickle
import sys

import numpy as np
import pytest
from conftest import ROOT

from integral_action.fileio import read_annotations, write_annotations

sys.path.insert(0, str(ROOT / 'tools' / 'dataset_converters'))
import hold_out


def records_of(films):
    """Two clips of each film of two classes."""
    return [
        dict(filename=f'{film}_{clip}.mp4', label=label, total_frames=8)
        for label in (0, 1)
        for film in (f'{label}{name}' for name in films)
        for clip in range(2)
    ]


def test_films_are_on_one_side_and_lines_as_they_were(tmp_path, capsys):
    file = tmp_path / 'train.jsonl'
    records = records_of('abcde')
    write_annotations(file, records)
    options = ['--share', '0.4', '--group', r'(.+)_\d']
    assert hold_out.main([str(file), *options]) == 0
    fit = list(read_annotations(tmp_path / 'train-fit.jsonl'))
    held_out = list(read_annotations(tmp_path / 'train-held-out.jsonl'))
    assert len(fit) == 12 and len(held_out) == 8
    key = str
    assert sorted(fit + held_out, key=key) == sorted(records, key=key)
    films = [{r['filename'][:2] for r in part} for part in (fit, held_out)]
    assert not films[0] & films[1]
    assert [r['label'] for r in held_out] == [0] * 4 + [1] * 4
    assert 'train-{fit,held-out}.jsonl' in capsys.readouterr().out


def test_a_pickle_becomes_two(tmp_path, capsys):
    """PYSKL's, whose arrays stay arrays; one of its splits is divided."""
    file = tmp_path / 'ntu.pkl'
    records = [
        dict(
            frame_dir=f'{i}',
            label=np.int64(i % 2),
            total_frames=3,
            keypoint=np.full((1, 3, 17, 2), i, np.float16),
        )
        for i in range(12)
    ]
    split = dict(train=[str(i) for i in range(10)], val=['10', '11'])
    content = dict(split=split, annotations=records)
    file.write_bytes(pickle.dumps(content))
    assert hold_out.main([str(file)]) == 1
    assert "splits ['train', 'val']: name one" in capsys.readouterr().err
    assert hold_out.main([str(file), '--split', 'train']) == 0
    parts = [
        read_annotations(tmp_path / f'ntu-{part}.pkl')
        for part in ('fit', 'held-out')
    ]
    assert [len(part) for part in parts] == [8, 2]
    names = {record['frame_dir'] for part in parts for record in part}
    assert names == set(split['train'])
    for record in parts[0]:
        assert (record['keypoint'] == int(record['frame_dir'])).all()
    assert 'ntu-{fit,held-out}.pkl' in capsys.readouterr().out


@pytest.mark.parametrize(
    'records, options, message',
    [
        (records_of('a'), ['--group', '(.+)_'], 'has one group alone'),
        (records_of('aa'), [], 'a video without a name, or twice'),
        ([dict(label=0)], [], 'a video without a name, or twice'),
        ([dict(filename='a.mp4')], [], "a.mp4: no 'label'"),
        (records_of('ab'), ['--share', '1.5'], '1.5 is not between 0 and 1'),
    ],
)
def test_what_cannot_be_held_out(tmp_path, capsys, records, options, message):
    file = tmp_path / 'train.jsonl'
    write_annotations(file, records)
    assert hold_out.main([str(file), *options]) == 1
    error = capsys.readouterr().err
    assert message in error and error.count('\n') == 1
    assert list(tmp_path.iterdir()) == [file]
