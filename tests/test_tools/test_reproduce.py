"""The tables' jobs and what is written of their results."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT, load_script


@pytest.fixture
def tools(monkeypatch):
    """The modules with the jobs and with what is written of them."""
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    from reproduce import experiments, report

    return experiments, report


@pytest.fixture
def command(tools):
    return load_script(ROOT / 'tools' / 'reproduce.py')


def puppets_run(tools, folder, seed=3):
    return tools[0].Run('puppets', seed, folder)


def test_the_plan_trains_the_streams_first(tools, tmp_path):
    experiments, _ = tools
    jobs = experiments.plan(
        ['integral', 'tsm'], [puppets_run(tools, tmp_path)]
    )
    names = [job.name for job in jobs]
    assert names[0] == 'generate puppets, seed 3'
    assert 'data/puppets-seed3' in jobs[0].command
    fused = jobs[names.index('train IntegralAction, seed 3')]
    assert [job.name for job in fused.after] == [
        'train appearance-only, seed 3',
        'train pose-only, seed 3',
    ]
    assert (
        f'model.backbone.appearance.init_cfg.checkpoint={tmp_path}/appearance/'
        'epoch_12.pth' in fused.command
    )
    assert fused.epochs == 8
    alone = jobs[names.index('train TSM, seed 3')]
    assert alone.after == [jobs[0]]
    assert not any('init_cfg' in part for part in alone.command)
    test = jobs[names.index('test IntegralAction, seed 3')]
    assert test.after == [fused]
    assert f'{tmp_path}/integral/epoch_8.pth' in test.command


def test_a_model_of_kinetics50_is_tested_on_mimetics_too(tools, tmp_path):
    experiments, _ = tools
    launch = ['--gpus', '4', '--launcher', 'pytorch']
    run = experiments.Run('kinetics50', 0, tmp_path)
    jobs = experiments.plan(['lambda5'], [run], launch=launch)
    assert [job.name.split()[0] for job in jobs] == ['train'] * 3 + [
        'test',
        'mimetics',
    ] * 3
    mimetics = jobs[-1].command
    assert (
        'test_dataloader.dataset.data_root=data/mimetics/' in mimetics
        and str(tmp_path / 'lambda5' / 'mimetics.pkl') in mimetics
    )
    assert set(launch) <= set(mimetics) and set(launch) <= set(jobs[0].command)


def test_a_rows_config_is_written_beside_its_folder(tools, tmp_path):
    """The training writes what the test reads, too; streams have their own."""
    experiments, _ = tools
    run = experiments.Run('kinetics50', 0, tmp_path)
    jobs = {job.name: job for job in experiments.plan(['lambda5'], [run])}
    train, test = (
        jobs[f'{kind} lambda 5, seed 0'] for kind in ('train', 'test')
    )
    path = tmp_path / 'lambda5.py'
    (text,) = train.writes.values()
    assert list(train.writes) == [path] and 'gate_loss_weight=5' in text
    assert str(path) in train.command and str(path) in test.command
    assert not jobs['train pose-only, seed 0'].writes


@pytest.mark.parametrize(
    'data, tables',
    [
        ('puppets', 'table4 table6 table7 table8 table9 peers'),
        ('puppets', 'robust'),
        ('puppets-slowonly', 'mixing'),
        ('puppets-uniformer', 'mixing'),
        ('jhmdb', 'table4 table6 table7 table8 table9'),
        ('jhmdb', 'robust'),
        ('jhmdb-lite0', 'robust'),
        ('kinetics50', 'table4 table6 table7 table8 table9'),
        ('kinetics400', 'table1'),
        ('ntu60', 'table1'),
    ],
)
def test_every_row_has_its_config(tools, data, tables):
    """Each row's is another; those that stand on one do so by what changes."""
    from reproduce.rows import config_of, text_of

    _, report = tools
    found = set()
    for table in tables.split():
        for model in report.TABLES[table].models:
            found.add(text_of(model, data) or config_of(model, data))
    few = dict(table1=4, mixing=4, robust=11)
    assert len(found) == few.get(tables, 15 + 4 * ('peers' in tables))


def test_a_table_without_configs_is_refused(command):
    with pytest.raises(SystemExit, match="jhmdb has no config of 'TSM'"):
        command.main(['peers', '--data', 'jhmdb'])


def dump(path, rows):
    """Write a result file of (label, scores, context, gate)."""
    from mmengine.fileio import dump as write

    samples = []
    for number, (label, scores, context, gate) in enumerate(rows):
        sample = dict(
            filename=f'{number}.mp4',
            gt_label=torch.tensor([label]),
            pred_score=torch.tensor(scores),
            context=context,
        )
        if gate is not None:
            sample['gate'] = torch.full((1, 2), gate)
        samples.append(sample)
    path.parent.mkdir(parents=True, exist_ok=True)
    write(samples, str(path), file_format='pkl')


def scores(*order):
    """Six scores whose order is given, the best first."""
    values = np.zeros(6, np.float32)
    for place, number in enumerate(order):
        values[number] = 0.4 - 0.05 * place
    return values.tolist()


def test_the_table_is_what_was_tested(tools, tmp_path, monkeypatch):
    """Two seeds of one in context and one out of context, by hand."""
    _, report = tools
    runs = [puppets_run(tools, tmp_path / f'seed{n}', n) for n in (1, 2)]
    rows = (('mine', 'integral'), ('both', 'score-average'))
    monkeypatch.setitem(
        report.TABLES, 'table4', report.Rows(4, 'A title', rows)
    )
    for seed, right in ((1, 0), (2, 1)):
        folder = tmp_path / f'seed{seed}'
        dump(
            folder / 'integral' / 'test.pkl',
            [
                (0, scores(0, 1, 2, 3, 4), 'in', 0.2),
                (0, scores(1 - right, right, 2, 3, 4), 'out', 0.4),
            ],
        )
        for stream, order in (('appearance', (1, 0)), ('pose', (1, 0))):
            dump(
                folder / stream / 'test.pkl',
                [
                    (0, scores(0, 1, 2, 3, 4), 'in', None),
                    (0, scores(*order, 2, 3, 4), 'out', None),
                ],
            )
    file, table = report.write('table4', runs, tmp_path)
    mine = next(line for line in table.splitlines() if 'mine' in line)
    assert [cell.strip() for cell in mine.split('|')[2:-1]] == [
        '100.0 ± 0.0',
        '100.0 ± 0.0',
        '50.0 ± 70.7',  # 0 and 100
        '100.0 ± 0.0',
        '0.20 ± 0.00',
        '0.40 ± 0.00',
    ]
    # out of context mine has 0 and 100, both 0 and 0
    assert '| both | 0.0 ± 0.0 | -50.0 ± 70.7 |' in table
    assert '# A title' in file.read_text()
    assert 'generated data' in file.read_text()
    lines = list(csv.reader(open(tmp_path / 'table4.csv')))
    assert [line[0] for line in lines[1:]] == [
        'mine, seed 1',
        'mine, seed 2',
        'both, seed 1',
        'both, seed 2',
    ]
    out = lines[0].index('out of context top-1')
    assert [float(line[out]) for line in lines[1:3]] == [0, 100]
    assert lines[3][lines[0].index('in context mean G')] == ''


def test_the_papers_numbers_stand_beside_ours(tools, tmp_path, monkeypatch):
    _, report = tools
    for name in ('test', 'mimetics'):
        dump(
            tmp_path / 'seed0' / 'lambda5' / f'{name}.pkl',
            [(0, scores(0, 1, 2, 3, 4), 'in', 0.2)],
        )
    rows = (('5.0', 'lambda5'),)
    monkeypatch.setitem(
        report.TABLES, 'table7', report.Rows(7, 'A title', rows)
    )
    run = report.Run('kinetics50', 0, tmp_path / 'seed0')
    file, table = report.write('table7', [run], tmp_path)
    assert '| 5.0 | 100.0 (67.8) | 100.0 (89.7) | 100.0 (27.2) |' in table
    assert "the paper's" in file.read_text()


def test_every_row_of_the_papers_tables_is_a_row_here(tools):
    _, report = tools
    from integral_action.evaluation.tables import Table

    for table in report.TABLES.values():
        if table.number:
            mine = {row for row, _ in table.rows}
            assert set(Table.of_paper(table.number).rows) <= mine


def test_swap_validation_tests_on_videos_in_context(tools, tmp_path):
    experiments, _ = tools
    runs = [puppets_run(tools, tmp_path)]
    jobs = experiments.plan(['integral', 'tsm'], runs, swap_validation=True)
    swaps = [job for job in jobs if job.name.startswith('swap')]
    assert [job.name for job in swaps] == [
        'swap appearance-only, seed 3',
        'swap pose-only, seed 3',
        'swap IntegralAction, seed 3',  # MMAction2's own have no streams
    ]
    command = swaps[-1].command
    assert command[command.index('--work-dir') + 1] == str(
        tmp_path / 'integral' / 'swap'
    )
    assert 'test_dataloader.dataset.ann_file=in_context.jsonl' in command
    plain = experiments.plan(['integral', 'tsm'], runs)
    assert [job.command for job in jobs if job not in swaps] == [
        job.command for job in plain
    ]


def test_swap_validation_ranks_models(tools, tmp_path):
    """Out of context 30, 20, 10; swapped in another order, by one place."""
    import json

    from reproduce import swap_validation

    models = ('integral', 'lambda1', 'lambda5')
    out = dict(integral=30.0, lambda1=20.0, lambda5=10.0)
    swap = dict(integral=0.5, lambda1=0.75, lambda5=0.25)

    runs = [puppets_run(tools, tmp_path / f'seed{n}', n) for n in (0, 1)]

    def measure(model, run):
        return {
            'in context top-1': out[model] + (run.seed == 1),
            'out of context top-1': out[model],
            'in context mean G': 0.2,
        }

    for seed in (0, 1):
        for model in models:
            for time, value in (('20260102', swap[model]), ('20260101', 0)):
                folder = tmp_path / f'seed{seed}' / model / 'swap' / time
                folder.mkdir(parents=True)
                values = {'swap/accuracy': value}
                values['swap/context_following'] = 0.125
                values['swap/harmonic_mean'] = value / 2
                (folder / f'{time}.json').write_text(json.dumps(values))
    file, text = swap_validation.write(models, runs, tmp_path, measure)
    assert file.read_text().endswith(text)
    assert '| IntegralAction | 30.5 | 30.0 | 50.0 | 25.0 | 12.5 |' in text
    # ranks 1 2 3 and 2 1 3: 1 - 6 * 2 / (3 * 8)
    assert '- swap accuracy: 0.50 (run by run 0.50, 0.50)' in text
    assert '- harmonic mean: 0.50' in text
    assert '- in context top-1: 1.00' in text
    lines = list(csv.reader(open(tmp_path / 'swap.csv')))
    name, *cells = lines[2]
    assert name == 'IntegralAction, seed 1'
    assert cells == ['31.0', '30.0', '50.0', '25.0', '12.5']
    assert (tmp_path / 'swap.png').stat().st_size > 1000
    with pytest.raises(FileNotFoundError, match='no JSON of a test'):
        runs = [puppets_run(tools, tmp_path / 'seed2')]
        swap_validation.write(['integral'], runs, tmp_path, measure)


def test_splits_and_seeds_share_what_they_can(tools, tmp_path):
    """Sets out of context are of a split; a pose stream of all appearance."""
    experiments, _ = tools
    runs = [
        experiments.Run.below(tmp_path, 'jhmdb-lite0', seed, split)
        for seed in (4, 5)
        for split in (1, 2)
    ]
    jobs = experiments.plan(['integral'], runs)
    names = [job.name for job in jobs]
    assert names[:2] == [f'sets out of context, split {n}' for n in (1, 2)]
    assert sum(name.startswith('sets') for name in names) == 2
    assert 'data/jhmdb/split2_test.jsonl' in jobs[1].command
    name = 'split 2, seed 5'
    pose = jobs[names.index(f'train pose-only, {name}')]
    assert pose.folder == tmp_path / 'jhmdb' / 'split2-seed5' / 'pose'
    fused = jobs[names.index(f'train IntegralAction, {name}')]
    assert fused.folder == tmp_path / 'jhmdb-lite0/split2-seed5/integral'
    lists = 'train_dataloader.dataset.ann_file=split2_train.jsonl'
    assert lists in pose.command and lists in fused.command
    assert any(f'{pose.folder}/epoch_60.pth' in c for c in fused.command)
    context = jobs[names.index(f'context IntegralAction, {name}')]
    assert context.after == [fused, jobs[1]]
    root = 'test_dataloader.dataset.data_root=data/jhmdb-context/split2/'
    assert root in context.command
    test = jobs[names.index(f'test IntegralAction, {name}')]
    lists = 'test_dataloader.dataset.ann_file=split2_test.jsonl'
    assert lists in test.command and test.after == [fused]


def test_scenes_are_mixed_for_the_appearance_alone(tools, tmp_path):
    """The pose stream's jobs are those of the data without SceneMix."""
    experiments, _ = tools
    plain, mixed = (
        {
            job.name: job
            for job in experiments.plan(
                ['robust-product'],
                [experiments.Run.below(tmp_path, data, 3, 2)],
            )
        }
        for data in ('jhmdb-lite0', 'jhmdb-lite0-mix')
    )
    scenes = mixed['scenes, split 2']
    assert scenes.folder == Path('data/jhmdb-scenes/split2')
    assert 'data/jhmdb/split2_train.jsonl' in scenes.command
    assert ' --sets scenes ' in ' '.join(scenes.command)
    name = 'split 2, seed 3'
    pose = f'train pose-only, {name}'
    assert mixed[pose].command == plain[pose].command
    assert mixed[pose].after == plain[pose].after == []
    option = (
        'train_dataloader.dataset.pipeline.2.scenes=data/jhmdb-scenes/split2/'
        'scenes.jsonl'
    )
    appearance = mixed[f'train appearance-only, {name}']
    fused = mixed[f'train robust product, constant G, {name}']
    assert option in appearance.command and option in fused.command
    assert appearance.after == [scenes] and appearance in fused.after
    config = experiments.load_config('robust-product', 'jhmdb-lite0-mix')
    pipeline = config.train_dataloader.dataset.pipeline
    assert pipeline[2]['type'] == 'SceneMix'


def test_further_sets_are_tested_on(tools, tmp_path):
    experiments, _ = tools
    others = [Path('data/others')]
    run = experiments.Run.below(tmp_path, 'jhmdb', 0, 2, False, others)
    jobs = {job.name: job for job in experiments.plan(['pose'], [run])}
    other = jobs['others pose-only, split 2, seed 0']
    assert 'test_dataloader.dataset.data_root=data/others/split2/' in (
        other.command
    )
    assert other.after == [jobs['train pose-only, split 2, seed 0']]


def test_held_out_training_videos_stand_in_for_the_test(tools, tmp_path):
    """No job of a choice of settings reads the test's list."""
    experiments, report = tools
    run = experiments.Run.below(tmp_path, 'jhmdb', 0, 3, held_out=True)
    jobs = experiments.plan(['pose', 'integral'], [run])
    by_name = {job.name: job for job in jobs}
    part = 'split 3, held out'
    held_out = by_name[f'hold-out of {part}']
    assert 'data/jhmdb/split3_train.jsonl' in held_out.command
    sets = by_name[f'sets out of context, {part}']
    assert 'data/jhmdb/split3_train-held-out.jsonl' in sets.command
    assert sets.folder == Path('data/jhmdb-context/split3-held-out')
    training = by_name[f'train pose-only, {part}, seed 0']
    lists = 'train_dataloader.dataset.ann_file=split3_train-fit.jsonl'
    assert lists in training.command
    assert sets.after == training.after == [held_out]
    test = by_name[f'test IntegralAction, {part}, seed 0']
    lists = 'test_dataloader.dataset.ann_file=split3_train-held-out.jsonl'
    assert lists in test.command
    assert not any('split3_test' in c for job in jobs for c in job.command)
    other = experiments.Run.below(tmp_path, 'jhmdb', 0, 3)
    assert other.base != run.base
    assert report.names_of([run]).endswith('training videos held out')


def test_features_are_kept_by_the_first_for_the_others(tools, tmp_path):
    experiments, _ = tools
    models = ['integral', 'lambda5', 'not-fixed', 'robust-product-pose-gate']
    runs = [puppets_run(tools, tmp_path)]
    jobs = experiments.plan(models, runs, reuse_features=True)
    trainings, tests = (
        {job.folder.name: job for job in jobs if job.name.startswith(kind)}
        for kind in ('train', 'test')
    )

    def kept(some, option):
        """Where jobs keep features."""
        return {
            name: [
                Path(text.removeprefix(option))
                for text in job.command
                if text.startswith(option)
            ]
            for name, job in some.items()
        }

    own, shared = [tmp_path / 'features'], [tmp_path.parent / 'features']
    assert kept(trainings, 'train_cfg.folder=') == {
        'appearance': [],
        'pose': [],
        'integral': own,
        'lambda5': own,
        'not-fixed': [],
        'robust-product-pose-gate': own,
    }
    streams = [trainings['appearance'], trainings['pose']]
    assert trainings['integral'].after == streams
    for name in ('lambda5', 'robust-product-pose-gate'):
        assert trainings[name].after == [*streams, trainings['integral']]
    # streams that are frozen are tested once, on the data of all seeds
    assert kept(tests, 'test_cfg.folder=') == {
        'appearance': shared,
        'pose': shared,
        'integral': shared,
        'lambda5': shared,
        'not-fixed': [],
        'robust-product-pose-gate': shared,
    }
    assert tests['integral'].after == [trainings['integral']]
    assert tests['lambda5'].after == [trainings['lambda5'], tests['integral']]
    assert tests['not-fixed'].after == [trainings['not-fixed']]
    assert 'train_cfg.num_views=8' in trainings['lambda5'].command


def test_a_further_stream_is_trained_before_what_fuses_it(tools, tmp_path):
    experiments, report = tools
    run = puppets_run(tools, tmp_path)
    models = report.TABLES['motion'].models
    jobs = experiments.plan(models, [run], reuse_features=True)
    trainings = {j.folder.name: j for j in jobs if j.name.startswith('train')}
    names = ['appearance', 'pose', 'motion', 'robust-product']
    fused = trainings['robust-product-motion']
    assert fused.after == [trainings[name] for name in names]
    option = 'model.backbone.motion.init_cfg.checkpoint='
    checkpoint = trainings['motion'].folder / 'epoch_12.pth'
    assert f'{option}{checkpoint}' in fused.command
    product = trainings['robust-product'].command
    assert not any(text.startswith(option) for text in product)


def test_a_pose_stream_of_two_data_is_trained_and_tested_once(tools, tmp_path):
    experiments, _ = tools
    one, other = (
        [
            (job.name, job.folder, job.command)
            for job in experiments.plan(
                ['integral'],
                [experiments.Run.below(tmp_path, data, 0)],
                reuse_features=True,
            )
            if 'pose-only' in job.name
        ]
        for data in ('jhmdb', 'jhmdb-lite0')
    )
    assert one == other
    assert [name.split()[0] for name, *_ in one] == [
        'train',
        'test',
        'context',
    ]


def test_splits_are_of_data_that_have_them(command, capsys):
    with pytest.raises(SystemExit):
        command.main(['table4', '--splits', '2'])
    assert 'puppets has no --splits' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        command.main(['table4', '--held-out'])
    assert 'puppets has no --held-out' in capsys.readouterr().err


def test_what_sets_out_of_context_say_is_in_the_table(
    tools, tmp_path, monkeypatch
):
    """Two videos; one follows the still scene, neither the moving one."""
    from mmengine.fileio import dump as write

    from integral_action.fileio import write_annotations

    _, report = tools
    monkeypatch.chdir(tmp_path)
    others = Path('data/others')
    run = report.Run(
        'jhmdb', 0, tmp_path / 'run', split=2, further_sets=(others,)
    )
    assert run.sets == {
        'context': Path('data/jhmdb-context/split2'),
        'others': Path('data/others/split2'),
    }
    for folder in run.sets.values():
        folder.mkdir(parents=True)
    predictions = {
        'original': (0, 1),
        'person-only': (0, 0),
        'background-only': (1, 0),
        'scene-swap-still': (1, 1),
        'scene-swap-moving': (0, 2),
    }
    records, samples = [], []
    for kind, classes in predictions.items():
        for label, predicted in enumerate(classes):
            name = f'{kind}/{label}.mp4'
            records.append(
                dict(filename=name, label=label, set=kind, pose_share=1)
                | dict(source=f'{label}.mp4', background_label=1 - label)
            )
            samples.append(
                dict(
                    filename=f'data/videos/{name}',
                    gt_label=torch.tensor([label]),
                    pred_score=torch.eye(6)[predicted],
                )
            )
    folder = run.sets['context']
    write_annotations(folder / 'all.jsonl', records)
    # of another source's pictures, which have no labels
    swapped = [r for r in records if r['set'] == 'scene-swap-still']
    for record in swapped:
        del record['background_label']
    write_annotations(run.sets['others'] / 'all.jsonl', swapped)
    for name in ('test', 'context', 'others'):
        file = run.folder('appearance') / f'{name}.pkl'
        file.parent.mkdir(parents=True, exist_ok=True)
        some = dict(test=samples[:2], others=samples[6:8])
        write(some.get(name, samples), str(file))
    cells = report.measure('appearance', run)
    assert cells == {
        'in context top-1': 100,
        'in context top-5': 100,
        'of the sets, in context': 100,
        'scene swap, still': 50,
        'follows the still scene': 50,
        'scene swap, moving': 50,
        'follows the moving scene': 0,
        'person only': 50,
        'background only': 0,
        'scene swap, still (others)': 50,
    }
