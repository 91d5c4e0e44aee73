"""The analysis tools on results of nine videos, worked out by hand."""

import csv
import importlib
import pickle
import re
import shlex
import sys

import numpy as np
import pytest
import torch
from commands import fork
from conftest import ROOT
from PIL import Image

from integral_action.fileio import read_annotations, write_annotations
from integral_action.visualization.poses import LEFT, RIGHT

TOOLS = ROOT / 'tools' / 'analysis_tools'
CONTEXTS = 4 * ['in'] + 5 * ['out']
LABELS = [0, 0, 1, 1, 0, 1, 1, 2, 2]
PREDICTIONS = dict(
    appearance=[0, 0, 1, 0, 1, 1, 0, 0, 0],
    pose=[0, 1, 0, 1, 0, 1, 0, 1, 2],
    integral=[0, 1, 1, 1, 0, 0, 1, 1, 0],
)
GATES = [0.2, 0.4, 0.1, 0.3, 0.1, 0.1, 0.3, 0.5, 0.5]


def dump(path, predictions, gates=None, labels=LABELS, files='abcdefghi'):
    """A result file: 0.6 for the prediction, 0.3 for the class behind it."""
    samples = []
    for i, prediction in enumerate(predictions):
        score = torch.tensor([0.6, 0.3, 0.1]).roll(prediction)
        samples.append(
            dict(
                filename=files[i],
                pred_score=score,
                gt_label=torch.tensor([labels[i]]),
                context=CONTEXTS[i % 9],
            )
        )
        if gates is not None:
            g = gates[i]
            samples[-1]['gate'] = torch.tensor([[g - 0.05, g + 0.05], [g, g]])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(samples))
    return str(path)


@pytest.fixture
def files(tmp_path):
    """Result files of the three models, in different orders."""
    made = {}
    for name, predictions in PREDICTIONS.items():
        gates = GATES if name == 'integral' else None
        made[name] = dump(tmp_path / f'{name}.pkl', predictions, gates)
    samples = pickle.loads((tmp_path / 'pose.pkl').read_bytes())
    (tmp_path / 'pose.pkl').write_bytes(pickle.dumps(samples[::-1]))
    return made


@pytest.fixture
def streams(files):
    return [f'--{name}={path}' for name, path in files.items()]


@pytest.fixture
def models(files):
    return [
        part
        for name, path in files.items()
        for part in ('--model', name, path)
    ]


@pytest.fixture
def tool(monkeypatch, tmp_path):
    """Run a tool; gives its folder."""
    monkeypatch.syspath_prepend(str(TOOLS))

    def run(name, *arguments, status=0):
        out = tmp_path / 'out'
        main = importlib.import_module(name).main
        assert main([*arguments, '--out-dir', str(out)]) == status
        return out

    return run


def table(path):
    """A CSV as rows by their names, numbers as numbers."""
    with open(path, newline='', encoding='utf-8') as file:
        rows = list(csv.reader(file))

    def value(cell):
        try:
            return round(float(cell), 4)
        except ValueError:
            return cell

    assert {len(row) for row in rows} == {len(rows[0])}
    return {row[0]: [value(cell) for cell in row[1:]] for row in rows}


def is_drawn(path):
    """Whether it is seen in black and white."""
    return np.asarray(Image.open(path).convert('L')).std() > 5


CONTEXT = ('--group-key', 'context')


def test_per_class(tool, streams, tmp_path, capsys):
    names = tmp_path / 'classes.txt'
    names.write_text('walk\nrun\njump\n')
    out = tool('per_class', *streams, *CONTEXT, '--classes', str(names))
    head = [
        'appearance-only',
        'pose-only',
        'IntegralAction',
        'oracle selection',
        'videos',
    ]
    assert table(out / 'per_class_in.csv') == {
        'classes': head,
        'walk': [100, 50, 50, 100, 2],
        'run': [50, 50, 100, 100, 2],
        'average': [75, 50, 75, 100, 4],
        'mean of the classes': [75, 50, 75, 100, ''],
    }
    assert table(out / 'per_class_out.csv') == {
        'classes': head,
        'walk': [0, 100, 100, 100, 1],
        'run': [50, 50, 50, 50, 2],
        'jump': [0, 50, 0, 50, 2],
        'average': [20, 60, 40, 60, 5],
        'mean of the classes': [16.6667, 66.6667, 50, 66.6667, ''],
    }
    report = (out / 'per_class.md').read_text()
    assert '| jump | 0.0 | 50.0 | 0.0 | 50.0 | 2 |' in report
    assert report.split('![')[0].strip() in capsys.readouterr().out
    for picture in re.findall(r'\]\((.+)\)', report):
        assert is_drawn(out / picture)
    assert sorted(path.name for path in out.iterdir()) == [
        'per_class.md',
        'per_class_in.csv',
        'per_class_in.png',
        'per_class_out.csv',
        'per_class_out.png',
    ]


def test_one_model_has_its_classes_and_confusions(tool, files):
    own = ('--model', 'mine', files['appearance'])
    rows = table(tool('per_class', *own) / 'per_class_all_videos.csv')
    assert rows['classes'] == ['mine', 'videos']
    assert rows['class 1'] == [50, 4]
    assert rows['average'] == [round(400 / 9, 4), 9]
    confusions = tool('confusion', *own) / 'confusion_all_videos_mine.csv'
    assert table(confusions)['class 2'] == [2, 0, 0]
    one = ('--pose', files['pose'])
    rows = table(tool('per_class', *one) / 'per_class_all_videos.csv')
    assert rows['classes'] == ['pose-only', 'videos']


def test_average_rank(tool, models):
    out = tool('average_rank', *models, *CONTEXT, '--topk', '1', '2')
    # of the second guesses, those of v3, v0 and so on are right
    assert table(out / 'average_rank.csv') == {
        'methods': [
            'in top-1',
            'in top-2',
            'out top-1',
            'out top-2',
            'avg rank',
        ],
        'appearance': [75, 100, 20, 40, (1.5 + 1 + 3 + 3) / 4],
        'pose': [50, 75, 60, 100, (3 + 2.5 + 1 + 1) / 4],
        'integral': [75, 75, 40, 80, (1.5 + 2.5 + 2 + 2) / 4],
    }
    assert is_drawn(out / 'average_rank.png')


def test_relative_difference(tool, models):
    options = (*CONTEXT, '--topk', '1', '2')
    out = tool('relative_difference', *models, *options)
    rows = table(out / 'relative_difference.csv')
    assert rows['relative difference'] == [0, -25, -33.3333, -20]
    more = ('--not-compared', 'appearance')
    tool('relative_difference', *models, *options, *more)
    rows = table(out / 'relative_difference.csv')
    assert rows['relative difference'] == [50, 0, -33.3333, -20]
    tool('relative_difference', *models, *options, '--ours', 'pose', *more)
    rows = table(out / 'relative_difference.csv')
    assert rows['relative difference'] == [-33.3333, 0, 50, 25]
    assert is_drawn(out / 'relative_difference.png')


def test_score_average(tool, streams):
    out = tool('score_average', *streams, *CONTEXT, '--num', '3')
    # halves: of in, v1 alone is wrong; of out, v5 alone is right
    assert table(out / 'score_average.csv') == {
        'appearance + pose': ['in', 'out'],
        '1.0 + 0.0': [75, 20],
        '0.5 + 0.5': [75, 20],
        '0.0 + 1.0': [50, 60],
        'IntegralAction': [75, 40],
    }
    assert is_drawn(out / 'score_average.png')


def test_gate(tool, files, tmp_path):
    constant = dump(tmp_path / 'c.pkl', PREDICTIONS['pose'], 9 * [0.1])
    models = ['--model', 'learnt', files['integral']]
    out = tool('gate', *models, '--model', 'constant', constant, *CONTEXT)
    assert table(out / 'gate_distribution.csv') == {
        'videos of': ['mean G', 'standard deviation', 'videos'],
        'learnt, in': [0.25, round(0.0125**0.5, 4), 4],
        'learnt, out': [0.3, round(0.032**0.5, 4), 5],
        'constant, in': [0.1, 0, 4],
        'constant, out': [0.1, 0, 5],
    }
    rows = table(out / 'gate.csv')
    assert list(rows) == ['action classes', 'class 0', 'class 1', 'class 2']
    assert rows['class 0'] == [0.3, 0.1, 0.1, 0.1]
    assert rows['class 1'] == [0.2, 0.2, 0.1, 0.1]
    assert rows['class 2'] == ['', 0.5, '', 0.1]
    assert is_drawn(out / 'gate.png')
    assert is_drawn(out / 'gate_distribution.png')

    # a video's clips count one by one: two in the first, one in the others
    with open(files['integral'], 'rb') as file:
        samples = pickle.load(file)
    samples[0]['gate'] = np.array([[0.1, 0.3], [0.5, 0.7]])
    clips = tmp_path / 'clips.pkl'
    clips.write_bytes(pickle.dumps(samples[:1]))
    out = tool('gate', '--model', 'learnt', str(clips), '--by', 'clip')
    assert table(out / 'gate_distribution.csv') == {
        'clips of': ['mean G', 'standard deviation', 'clips'],
        'learnt': [0.4, 0.2, 2],
    }

    tool('gate', *models)  # without groups, the highest first
    rows = table(out / 'gate.csv')
    assert list(rows) == ['action classes', 'class 2', 'class 0', 'class 1']
    assert rows['class 0'] == [round(0.7 / 3, 4)]


def test_confusion(tool, streams):
    out = tool('confusion', *streams, *CONTEXT)
    assert table(out / 'confusion_out_appearance-only.csv') == {
        'class / taken for': ['class 0', 'class 1', 'class 2'],
        'class 0': [0, 1, 0],
        'class 1': [1, 1, 0],
        'class 2': [2, 0, 0],
    }
    # class 2 is neither shown nor predicted
    assert table(out / 'confusion_in_pose-only.csv')['class 2'] == [0, 0, 0]
    report = (out / 'confusion.md').read_text()
    assert '| 1 | class 2 → class 0: 2 of 2 | ' in report
    assert is_drawn(out / 'confusion.png')


def test_confusions_are_counted_in_the_picture(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    draw = importlib.import_module('confusion').confusion_figure
    matrix = np.array([[7, 0], [1, 3]])
    axes = draw({('in', 'mine'): matrix}, ['walk', 'run']).axes[0]
    shown = {text.get_position(): text.get_text() for text in axes.texts}
    assert shown == {(0, 0): '7', (0, 1): '1', (1, 1): '3'}  # (x, y)


def test_a_gaussian_is_drawn_where_it_fits(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    is_gaussian = importlib.import_module('gate').is_gaussian
    generator = np.random.default_rng(0)
    for number in (30, 300, 3000):
        assert is_gaussian(generator.normal(0.4, 0.05, number))
        peaks = generator.choice([0.2, 0.7], number)
        assert not is_gaussian(peaks + generator.normal(0, 0.03, number))
    assert not is_gaussian(np.full(9, 0.1))


def test_datasets_in_files_of_their_own(tool, files, tmp_path):
    """The same as from one file with groups."""
    models = []
    for name, path in files.items():
        samples = pickle.loads(open(path, 'rb').read())
        models += ['--model', name]
        for context in ('in', 'out'):
            part = tmp_path / f'lr=0.1_{name}_{context}.pkl'
            part.write_bytes(
                pickle.dumps([s for s in samples if s['context'] == context])
            )
            models.append(f'{context}={part}')
    out = tool('average_rank', *models, '--topk', '1', '2')
    rows = table(out / 'average_rank.csv')
    assert rows['pose'] == [50, 75, 60, 100, 1.875]
    # a name with '=' is no dataset's; groups go behind a dataset's name
    first = str(tmp_path / 'lr=0.1_pose_in.pkl')
    tool('average_rank', '--model', 'pose', first, '--topk', '1')
    assert table(out / 'average_rank.csv')['methods'][0] == 'all videos top-1'
    path = f'Tiny={files["pose"]}'
    tool('average_rank', '--model', 'a', path, *CONTEXT, '--topk', '1')
    head = table(out / 'average_rank.csv')['methods']
    assert head == ['Tiny in top-1', 'Tiny out top-1', 'avg rank']


def test_what_does_not_fit_is_a_line(tool, files, streams, tmp_path, capsys):
    a, p = files['appearance'], files['pose']
    twice = 'stands there twice'
    few = dump(tmp_path / 'few.pkl', PREDICTIONS['pose'][:4])
    gated = dump(tmp_path / 'gated.pkl', PREDICTIONS['pose'][:4], GATES)
    same = ['--model', 'integral', files['integral']]
    names = tmp_path / 'two.txt'
    names.write_text('walk\nrun\n')
    for name, arguments, message in (
        ('average_rank', ['--model', 'a', 'b.pkl'], 'b.pkl'),
        ('average_rank', ['--model', 'a'], 'a: no result files'),
        ('average_rank', ['--model', 'a', a, '--model', 'a', p], twice),
        ('average_rank', ['--model', 'a', a, p], "'all videos' already"),
        (
            'average_rank',
            ['--model', 'a', a, '--model', 'b', f'x={p}'],
            'a has the datasets all videos, b has x',
        ),
        ('average_rank', ['--model', 'a', a, '--group-key', 'x'], "no 'x'"),
        ('average_rank', ['--model', 'a', a, '--topk', '0'], 'top-0'),
        ('relative_difference', ['--model', 'a', a], 'nothing to compare'),
        (
            'disagreements',
            [*streams, '--annotations', 'x.jsonl'],
            'x.jsonl',
        ),
        (
            'relative_difference',
            ['--model', 'a', a, '--ours', 'b'],
            "'b' is none of the models",
        ),
        ('gate', ['--model', 'pose', p], "pose.pkl: no 'gate'"),
        ('score_average', streams, 'there are 1: all videos'),
        ('confusion', [*streams, '--pose', few], 'different videos'),
        ('confusion', [], 'no model is given: --model'),
        ('average_rank', same + ['--model', 'b', few], 'different videos'),
        ('relative_difference', same + ['--model', 'b', few], 'different'),
        ('gate', same + ['--model', 'b', gated], 'different videos'),
        ('per_class', [*streams, '--classes', str(names)], 'names 2 classes'),
    ):
        out = tool(name, *arguments, status=1)
        error = capsys.readouterr().err
        assert message in error and error.count('\n') == 1, error
        assert not out.exists()


def test_numbers_have_a_range(tool, streams, capsys):
    options = [*streams, '--annotations', 'x.jsonl']
    for name, least in (('--num', 1), ('--panel-width', 16)):
        with pytest.raises(SystemExit, match='2'):
            tool('disagreements', *options, name, str(least - 1))
        expected = f'{name}: {least - 1}: expected {least} or more'
        assert expected in capsys.readouterr().err


def test_a_sheet_has_the_frames(tool, streams, make_video, tmp_path, capsys):
    """Of i, whose frames get brighter; the others cannot be read."""
    grey = np.arange(11, dtype=np.uint8) * 20 + 20
    frames = np.broadcast_to(grey[:, None, None, None], (11, 64, 96, 3))
    make_video(frames).rename(tmp_path / 'i')
    annotations = tmp_path / 'test.jsonl'
    for file in 'abcdefgh':
        (tmp_path / file).write_bytes(b'no video')
    annotations.write_text(
        ''.join(
            f'{{"filename": "{file}", "label": 0, "total_frames": 11}}\n'
            for file in 'abcdefghi'
        )
    )
    options = [*streams, '--annotations', str(annotations)]
    options += ['--panel-width', '96', '--video-prefix']
    tool('disagreements', *options, 'elsewhere', status=1)
    error = capsys.readouterr().err
    assert 'b is not among the 9 videos of' in error
    assert 'as elsewhere/a; see --video-prefix' in error
    for path in tmp_path.glob('*.pkl'):
        samples = pickle.loads(path.read_bytes())
        for part in samples:
            part['filename'] = f'{tmp_path}/{part["filename"]}'
        path.write_bytes(pickle.dumps(samples))
    out = tool('disagreements', *options, f'{tmp_path}/.')
    error = capsys.readouterr().err.splitlines()
    assert len(error) == 7 and error[-1] == '6 videos were left out'
    assert 'g: cannot be read as a video' in error[1]
    rows = table(out / 'disagreements_all_videos.csv')
    assert [(row[0], path[-1]) for path, row in rows.items()][1:] == [
        ('only appearance-only is right', 'b'),
        ('only pose-only is right', 'i'),
        ('only IntegralAction is right', 'g'),
        ('only pose-only is wrong', 'c'),
        ('only appearance-only is wrong', 'd'),
        ('only appearance-only is wrong', 'e'),
        ('only IntegralAction is wrong', 'f'),
    ]
    assert rows[f'{tmp_path}/i'][1:] == [
        'class 2', 'class 0', 0.6, 'class 2', 0.6, 'class 0', 0.6,
    ]  # fmt: skip
    assert table(out / 'right.csv') == {
        'right': ['all videos'],
        'appearance-only, pose-only, IntegralAction': [1],
        'appearance-only, pose-only': [1],
        'appearance-only, IntegralAction': [1],
        'appearance-only': [1],
        'pose-only, IntegralAction': [2],
        'pose-only': [1],
        'IntegralAction': [1],
        'none': [1],
    }
    # what cannot be read is left out, and with it its kind's sheet
    sheets = [path.name for path in out.glob('*.png')]
    assert sheets == ['all_videos_only_pose-only_is_right.png']
    picture = np.asarray(Image.open(out / sheets[0]).convert('L')).astype(int)
    middle = picture[-12 - 32]  # below are the gap and half a frame
    shown = middle[(middle > 10) & (middle < 245)]
    values, numbers = np.unique(shown, return_counts=True)
    np.testing.assert_allclose(values, grey[::2], atol=2)
    assert (numbers == 96).all()
    assert (np.diff(shown) >= 0).all()


def random_dumps(folder, names, records, prefix):
    """Result files of some models: random, and a gate."""
    generator = np.random.default_rng(0)
    for name in names:
        samples = []
        for record in records:
            score = generator.dirichlet(np.full(12, 0.5))
            score[record['label']] += generator.random()
            samples.append(
                dict(
                    filename=f'{prefix}/{record["filename"]}',
                    pred_score=torch.tensor(score),
                    gt_label=torch.tensor([record['label']]),
                    gate=torch.tensor(generator.random((2, 4))),
                    context=record['context'],
                )
            )
        path = folder / name / 'test.pkl'
        path.parent.mkdir(parents=True)
        path.write_bytes(pickle.dumps(samples))


def test_commands_of_the_page_run(tool, puppets, tmp_path, monkeypatch):
    """On a small set; those of other data on files of the same name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data' / 'puppets').symlink_to(puppets)
    records = list(read_annotations(puppets / 'test.jsonl'))
    work = tmp_path / 'work_dirs' / 'demo'
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    demo = importlib.import_module('demo')
    names = demo.MODELS + demo.ABLATIONS
    random_dumps(work, names, records, 'data/puppets/videos')
    for name in ('a_kinetics', 'a_mimetics', 'i_kinetics', 'i_mimetics'):
        dump(tmp_path / f'{name}.pkl', PREDICTIONS['pose'])
    page = (ROOT / 'docs' / 'analysis.md').read_text()
    blocks = re.findall(r'```bash\n(.*?)```', page, re.DOTALL)
    ran = set()
    for block in blocks:
        python, script, *arguments = shlex.split(block.replace('\\\n', ''))
        path = ROOT / script
        assert python == 'python' and path.parent == TOOLS and path.is_file()
        out = tool(path.stem, *arguments)
        ran.add(path.stem)
    tools = {path.stem for path in TOOLS.glob('*.py')}
    elsewhere = {'compare_runs', 'context_report', 'get_flops'}
    helpers = {'analysis_arguments', 'analysis_common'}
    assert ran == tools - helpers - elsewhere

    listed = {
        context: table(out / f'disagreements_{context}.csv')
        for context in ('in', 'out')
    }
    kinds = {
        f'{context}_{row[0]}'.replace(' ', '_')
        for context, rows in listed.items()
        for row in list(rows.values())[1:]
    }
    sheets = {path.stem: path for path in out.glob('*_is_*.png')}
    assert set(sheets) == kinds and kinds
    for path in sheets.values():
        picture = np.asarray(Image.open(path)).reshape(-1, 3).astype(int)
        for colour in (LEFT, RIGHT):
            assert (np.abs(picture - colour).max(1) < 10).sum() > 100


def test_flops_of_a_config_that_leaves_the_classes_open(capsys, monkeypatch):
    from conftest import CONFIGS

    monkeypatch.syspath_prepend(str(TOOLS))
    name = 'integralaction-pose_r18w16_1xb16-8x8x1-60e_custom.py'
    printed = []
    for number in ('10', '400'):
        words = [str(CONFIGS / 'custom' / name), '--num-classes', number]
        monkeypatch.setattr(sys, 'argv', ['get_flops.py', *words])
        importlib.import_module('get_flops').main()
        printed.append(capsys.readouterr().out.splitlines())
    for lines in printed:
        assert lines[0] == 'heatmap_imgs: [55, 8, 28, 28]'
    # a class has 128 weights and a bias; the metafile has that of 400
    assert printed[1][2] == 'Parameters: 0.76 M'
    assert printed[0][2] == 'Parameters: 0.71 M'


def test_results_of_a_real_test(puppets, tmp_path):
    """What `--dump` writes and the metric says, of an untrained model; then
    a tool as users run it."""
    import json

    from conftest import CONFIGS
    from mmaction.registry import MODELS
    from mmengine.config import Config

    from integral_action.evaluation.results import Results

    config = CONFIGS / 'integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets.py'
    cfg = Config.fromfile(config)
    for stream in ('appearance', 'pose'):
        cfg.model.backbone[stream].init_cfg = None
    model = MODELS.build(cfg.model)
    checkpoint = dict(
        meta=dict(cfg=cfg.pretty_text), state_dict=model.state_dict()
    )
    torch.save(checkpoint, tmp_path / 'untrained.pth')
    records = list(read_annotations(puppets / 'test.jsonl'))[::6]
    write_annotations(tmp_path / 'some.jsonl', records)

    fork(
        'test.py', config, 'untrained.pth', '--dump', 'test.pkl', '--work-dir',
        'work', '--cfg-options',
        f'test_dataloader.dataset.data_root={puppets}/',
        f'test_dataloader.dataset.ann_file={tmp_path}/some.jsonl',
        cwd=tmp_path,
    )  # fmt: skip
    results = Results.load(tmp_path / 'test.pkl')
    assert [file.split('videos/')[1] for file in results.files] == [
        record['filename'] for record in records
    ]
    (log,) = (tmp_path / 'work').glob('*/*.json')
    metrics = json.loads(log.read_text())
    for group in ('in', 'out'):
        keep = results.meta('context') == group
        for k in (1, 5):
            assert results.accuracy(keep, k) == pytest.approx(
                100 * metrics[f'acc/{group}/top{k}']
            )
        assert results.gates[keep].mean() == pytest.approx(
            metrics[f'acc/{group}/gate'], rel=1e-5
        )
    tool = 'analysis_tools/gate.py'
    options = ['--model', 'untrained', 'test.pkl', *CONTEXT]
    printed = fork(tool, *options, cwd=tmp_path)
    folder = tmp_path / 'work_dirs' / 'analysis' / 'gate'
    assert (folder / 'gate.md').is_file()
    mean = results.gates[results.meta('context') == 'in'].mean()
    assert f'| in | {mean:.3f} |' in printed
