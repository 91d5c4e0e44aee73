"""The models of the paper's tables, and the jobs that train and test them."""

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from jobs import Job

HERE = Path(__file__).resolve().parent
STREAMS = ('appearance', 'pose')

# the rows of the tables: a model's key, which its config's name has too
MODELS = {
    'appearance': 'appearance-only',
    'pose': 'pose-only',
    'feature-fuse': 'feature fuse',
    'no-gating': 'without gating',
    'no-gate-loss': 'without L_gate',
    'constant-gate': 'constant gate 0.1',
    'integral': 'IntegralAction',
    'appearance-driven': 'appearance-driven',
    'both-driven': 'both-driven',
    'lambda1': 'lambda 1',
    'lambda5': 'lambda 5',
    'from-scratch': 'not pre-trained, not fixed',
    'not-fixed': 'pre-trained, not fixed',
    'pose-heatmap': 'heatmap-only',
    'pose-paf': 'PAF-only',
    'appearance-swap': 'appearance swap',
    'robust-product': 'robust product, constant G',
    'robust-product-lda': 'robust product, LDA of appearance',
    'robust-product-pose-gate': 'robust product, pose-driven G',
    'tsm': 'TSM',
    'stgcn': 'ST-GCN',
    'posec3d': 'PoseC3D',
    'rgbpose-conv3d': 'RGBPoseConv3D',
}
# MMAction2's own
PEERS = ('tsm', 'stgcn', 'posec3d', 'rgbpose-conv3d')
# trained from nothing that another model has learnt
ALONE = (*STREAMS, 'from-scratch', 'pose-heatmap', 'pose-paf', *PEERS)
# whose streams are not frozen
UNFROZEN = (*ALONE, 'not-fixed')
SWAP = ('test_evaluator._delete_=True', 'test_evaluator.type=SwapAccuracy')


@dataclass(frozen=True)
class Data:
    """A data set to train and test on.

    Attributes:
        configs: patterns of the file name of a model's config, with
            ``{model}``.
        tests: for each result file, the options of the test that writes it.
        columns: what the results are of: a title, the result file, and, where
            a file has several, the ``context`` of the videos that count.
        generated: whether a seed has data of its own, drawn from it.
        swap: options that test on videos in context alone, for the swap
            validation.
        splits: whether there are several: lists ``split1_train.jsonl``,
            ``split1_test.jsonl`` in ``root``.
        root: the folder of the lists.
        group: regular expression of what ``hold_out.py`` keeps together.
        sets: options of ``out_of_context.py``, where models are tested on
            sets out of context that are made of the test videos.
        pose_of: the data whose pose stream is this one's.
    """

    configs: Tuple[str, ...]
    columns: Tuple[Tuple[str, str, str], ...]
    tests: Dict[str, List[str]] = field(default_factory=lambda: dict(test=[]))
    generated: bool = False
    swap: Tuple[str, ...] = ()
    splits: bool = False
    root: Path = Path()
    group: str = ''
    sets: Tuple[str, ...] = ()
    pose_of: str = ''

    @property
    def results(self) -> Dict[str, List[str]]:
        """Result files, and the options of the tests that write them; a
        run's list and sets are to be filled in."""
        tests = dict(self.tests)
        if self.splits:
            tests['test'] = [
                f'{TEST}.data_root={self.root}/',
                f'{TEST}.ann_file={{test_list}}',
            ]
        if self.sets:
            tests['context'] = [
                f'{TEST}.data_root={{sets}}/',
                f'{TEST}.ann_file=all.jsonl',
            ]
        return tests


TEST = 'test_dataloader.dataset'


def mimetics(classes: str) -> List[str]:
    """Options that test on Mimetics, labelled with a model's classes."""
    return [
        f'{TEST}.data_root=data/mimetics/',
        f'{TEST}.ann_file={classes}.jsonl',
    ]


PUPPETS = dict(
    columns=(('in context', 'test', 'in'), ('out of context', 'test', 'out')),
    generated=True,
    swap=(f'{TEST}.ann_file=in_context.jsonl',),
)


def jhmdb(configs: Tuple[str, ...], root: str, pose_of: str = '') -> Data:
    """JHMDB in a folder, with the classes that are there."""
    return Data(
        configs,
        columns=(('in context', 'test', ''),),
        splits=True,
        root=Path(root),
        group='(.+)_[a-z]+_[cn]m_np',  # clips of one source video
        sets=tuple(
            f'--layout coco17 --video-prefix {root}/videos --pose-prefix '
            f'{root}/poses'.split()
        ),
        pose_of=pose_of,
    )


JHMDB_SMALL = ('{model}_r18w16*_jhmdb8-split1-*.py',)
JHMDB_LITE0 = (
    '{model}_lite0*_jhmdb8-split1-*.py',
    '{model}_imagenet-pretrained-lite0*_jhmdb8-split1-*.py',
)
DATA = {
    'puppets': Data(('{model}_r18w16*_puppets-*.py',), **PUPPETS),
    # another appearance stream
    'puppets-slowonly': Data(
        ('{model}_slowonly-r18w16*_puppets-*.py',),
        pose_of='puppets',
        **PUPPETS,
    ),
    'puppets-uniformer': Data(
        ('{model}_uniformer-xxs*_puppets-*.py',),
        pose_of='puppets',
        **PUPPETS,
    ),
    'jhmdb': jhmdb(JHMDB_SMALL, 'data/jhmdb'),
    'jhmdb-lite0': jhmdb(JHMDB_LITE0, 'data/jhmdb', 'jhmdb'),
    # all 21 classes
    'jhmdb21': jhmdb(JHMDB_SMALL, 'data/jhmdb21'),
    'jhmdb21-lite0': jhmdb(JHMDB_LITE0, 'data/jhmdb21', 'jhmdb21'),
    # section 4.3: ResNet-18 8x8 in both streams
    'kinetics50': Data(
        (
            '{model}_imagenet-pretrained-r18_4xb8-8x8x1-*_kinetics50-[rk]*.py',
            '{model}_*r18-r18_*_kinetics50-[rk]*.py',
        ),
        (('Kinetics50', 'test', ''), ('Mimetics', 'mimetics', '')),
        dict(test=[], mimetics=mimetics('kinetics50')),
    ),
    # section 4.2: ResNet-50 8x8, ResNet-18 32x2
    'kinetics400': Data(
        (
            '{model}_*r50*_kinetics400-[rk]*.py',
            '{model}_*_4xb8-32x2x1-*_kinetics400-[rk]*.py',
        ),
        (('Kinetics', 'test', ''), ('Mimetics', 'mimetics', '')),
        dict(test=[], mimetics=mimetics('kinetics400')),
    ),
    'ntu60': Data(
        (
            '{model}_*r50*_ntu60-xsub-[rk]*.py',
            '{model}_*_4xb8-32x2x1-*_ntu60-xsub-[rk]*.py',
        ),
        (('NTU-RGBD', 'test', ''),),
    ),
}


@dataclass(frozen=True)
class Run:
    """All models of some data, trained with a seed, on a split.

    Attributes:
        data: a key of :data:`DATA`.
        seed: of the training, and of generated data.
        base: the folder; each model gets its own in it.
        split: of the data, where they have several.
        held_out: whether a share of the training videos is held out and
            tested on, in place of the test videos: to choose settings by.
        pose_base: of the pose stream, where it is other data's.
    """

    data: str
    seed: int
    base: Path
    split: int = 1
    pose_base: Optional[Path] = None
    held_out: bool = False

    @classmethod
    def below(
        cls,
        work: Path,
        data: str,
        seed: int,
        split: int = 1,
        held_out: bool = False,
    ) -> 'Run':
        """A run whose place in the folder of all runs is its own."""
        name = f'seed{seed}'
        if DATA[data].splits:
            name = f'split{split}{"-held-out" * held_out}-{name}'
        pose = work / (DATA[data].pose_of or data) / name
        return cls(data, seed, work / data / name, split, pose, held_out)

    @property
    def part(self) -> str:
        """What is tested on, of data that have several."""
        return f'split {self.split}' + ', held out' * self.held_out

    @property
    def name(self) -> str:
        seed = f'seed {self.seed}'
        return f'{self.part}, {seed}' if DATA[self.data].splits else seed

    @property
    def train_list(self) -> str:
        """Of data that have splits, in their folder."""
        return f'split{self.split}_train{"-fit" * self.held_out}.jsonl'

    @property
    def test_list(self) -> str:
        """Likewise."""
        part = 'train-held-out' if self.held_out else 'test'
        return f'split{self.split}_{part}.jsonl'

    @property
    def sets(self) -> Path:
        """The folder of the sets out of context of the test videos."""
        name = f'split{self.split}{"-held-out" * self.held_out}'
        return Path(f'{DATA[self.data].root}-context', name)

    def folder(self, model: str) -> Path:
        """A model's."""
        own = self.pose_base if model == 'pose' else None
        return (own or self.base) / model

    def fill(self, options: Sequence[str]) -> List[str]:
        """Options with the list and the sets to test on."""
        return [
            option.format(test_list=self.test_list, sets=self.sets)
            for option in options
        ]


def config_of(model: str, data: str) -> Path:
    """The config of a model on a data set.

    Raises:
        ValueError: there is none.
    """
    folder = HERE.parent / 'configs'
    if model in PEERS:
        folder, patterns = folder / 'peers', [f'{model}_*_{data}-*.py']
    else:
        folder = folder / 'integral_action'
        name = f'integralaction-{model}'.removesuffix('-integral')
        if model == 'pose':
            data = DATA[data].pose_of or data
        patterns = [p.format(model=name) for p in DATA[data].configs]
    found = [path for p in patterns for path in folder.rglob(p)]
    if len(found) != 1:
        raise ValueError(
            f'{data} has no config of {MODELS[model]!r}: {len(found)} files '
            f'are called {" or ".join(patterns)}'
        )
    return found[0]


def epochs_of(config: Path) -> int:
    """The epochs of a config, which its name has."""
    return int(re.search(r'-([0-9]+)e_', config.name)[1])


def last_checkpoint(model: str, run: Run) -> Path:
    """The file of a model's last epoch."""
    epochs = epochs_of(config_of(model, run.data))
    return run.folder(model) / f'epoch_{epochs}.pth'


def puppets_of(seed: int) -> Path:
    """The folder of the generated videos of a seed."""
    return Path('data/puppets' + (f'-seed{seed}' if seed else ''))


def plan(
    models: Sequence[str],
    runs: Sequence[Run],
    launch: Sequence[str] = ('--gpus', '0'),
    swap_validation: bool = False,
    reuse_features: bool = False,
) -> List[Job]:
    """The jobs that train and test models.

    Args:
        models: keys of :data:`MODELS`; the streams that they need are added.
        runs: what to train them with.
        launch: where mim is to run a training or a test.
        swap_validation: whether to test with SwapAccuracy, too.
        reuse_features: whether frozen streams run once for all models.

    Returns:
        The jobs, each behind those that it needs, trainings first.

    Raises:
        ValueError: a model has no config for these data.
    """
    if not set(models) <= set(ALONE):
        models = [*STREAMS, *(key for key in models if key not in STREAMS)]
    # one for all seeds
    lists = {run.part: [_hold_out(run)] * run.held_out for run in runs}
    sets = {
        run.part: _sets(run, lists[run.part])
        for run in runs
        if DATA[run.data].sets
    }
    jobs = [*sum(lists.values(), []), *sets.values()]
    for run in runs:
        generate = _generate(run)
        trainings = _trainings(
            models, run, generate + lists[run.part], launch, reuse_features
        )
        jobs += [*generate, *trainings.values()]
        jobs += _tests(
            run, trainings, sets, launch, swap_validation, reuse_features
        )
    return jobs


def _hold_out(run: Run) -> Job:
    """Hold out training videos of a split."""
    script = HERE / 'dataset_converters' / 'hold_out.py'
    data = DATA[run.data]
    source = str(data.root / f'split{run.split}_train.jsonl')
    options = ['--share', '0.3', '--group', data.group]
    return Job(
        f'hold-out of {run.part}',
        run.sets,
        [sys.executable, str(script), source, *options],
    )


def _sets(run: Run, lists: List[Job]) -> Job:
    """Make the sets out of context of a split."""
    script = HERE / 'dataset_converters' / 'out_of_context.py'
    data = DATA[run.data]
    source = str(data.root / run.test_list)
    return Job(
        f'sets out of context, {run.part}',
        run.sets,
        [sys.executable, str(script), source, str(run.sets), *data.sets],
        lists,
    )


def _generate(run: Run) -> List[Job]:
    """Generate a seed's data, where it has its own."""
    if not DATA[run.data].generated:
        return []
    folder = puppets_of(run.seed)
    script = HERE / 'dataset_converters' / 'puppets.py'
    command = [sys.executable, str(script), str(folder)]
    return [
        Job(
            f'generate puppets, {run.name}',
            run.folder('data'),
            [*command, '--seed', str(run.seed)],
        )
    ]


def _mim(
    command: str, model: str, run: Run, launch: Sequence[str]
) -> List[str]:
    """``mim train`` or ``mim test`` with a model's config."""
    mim = str(Path(sys.executable).with_name('mim'))
    config = str(config_of(model, run.data))
    return [mim, command, 'integral_action', config, *launch]


def _with_options(command: List[str], options: Sequence[str]) -> List[str]:
    return [*command, '--cfg-options', *options] if options else command


def _trainings(
    models: Sequence[str],
    run: Run,
    made: List[Job],
    launch: Sequence[str],
    reuse_features: bool,
) -> Dict[str, Job]:
    """The trainings of a run, by model."""
    data_options = []
    if DATA[run.data].generated:
        root = f'{puppets_of(run.seed)}/'
        data_options = [f'train_dataloader.dataset.data_root={root}']
    elif DATA[run.data].splits:
        data_options = [
            f'train_dataloader.dataset.data_root={DATA[run.data].root}/',
            f'train_dataloader.dataset.ann_file={run.train_list}',
        ]
    trainings, keeper = {}, None
    for model in models:
        epochs = epochs_of(config_of(model, run.data))
        options, needs = [], made
        if model not in ALONE:
            needs = [trainings[stream] for stream in STREAMS]
            options = [
                f'model.backbone.{stream}.init_cfg.checkpoint='
                f'{last_checkpoint(stream, run)}'
                for stream in STREAMS
            ]
        options += data_options
        reuses = reuse_features and model not in UNFROZEN
        if reuses:
            options += [
                'train_cfg.type=FeatureReuseTrainLoop',
                f'train_cfg.num_views={epochs}',
                f'train_cfg.folder={run.folder("features")}',
            ]
            if keeper:  # whose features the others read
                needs = [*needs, keeper]
        command = _mim('train', model, run, launch)
        command += ['--work-dir', str(run.folder(model))]
        command += ['--seed', str(run.seed), '--no-validate', '--resume']
        trainings[model] = Job(
            f'train {MODELS[model]}, {run.name}',
            run.folder(model),
            _with_options(command, options),
            needs,
            epochs,
        )
        if reuses:
            keeper = keeper or trainings[model]
    return trainings


def _tests(
    run: Run,
    trainings: Dict[str, Job],
    sets: Dict[str, Job],
    launch: Sequence[str],
    swap_validation: bool,
    reuse_features: bool,
) -> List[Job]:
    """The tests of the models of a run."""
    data, jobs, keepers = DATA[run.data], [], {}
    results = dict(data.results)
    if swap_validation:
        results['swap'] = [*SWAP, *data.results['test'], *data.swap]
    data_options = []
    if data.generated:
        data_options = [f'{TEST}.data_root={puppets_of(run.seed)}/']
    for model, train in trainings.items():
        test = _mim('test', model, run, launch)
        test += ['--checkpoint', str(last_checkpoint(model, run))]
        fused = model not in UNFROZEN
        for name, options in results.items():
            if name == 'swap' and model in PEERS:
                continue
            folder, needs = run.folder(model), [train]
            options = [*run.fill(options), *data_options]
            if name == 'context':
                needs = [train, sets[run.part]]
            if reuse_features and (fused or model in STREAMS):
                # beside the model's run, which of a pose stream may be others'
                kept = folder.parents[1] / 'features'
                options += [
                    'test_cfg.type=FeatureReuseTestLoop',
                    f'test_cfg.folder={kept}',
                ]
                if fused and name in keepers:  # the first computes them
                    needs.append(keepers[name])
            if name == 'swap':
                output = ['--work-dir', str(folder / 'swap')]
            else:
                output = ['--work-dir', str(folder)]
                output += ['--dump', str(folder / f'{name}.pkl')]
            job = Job(
                f'{name} {MODELS[model]}, {run.name}',
                folder,
                _with_options([*test, *output], options),
                needs,
            )
            if fused:
                keepers.setdefault(name, job)
            jobs.append(job)
    return jobs
