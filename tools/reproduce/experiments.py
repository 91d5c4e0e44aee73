"""The jobs that train and test the models of the tables."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from .datasets import DATA, TEST
from .jobs import Job
from .rows import config_of, load_config, mixes_scenes, text_of
from .tables import ALONE, FURTHER, MODELS, PEERS, STREAMS, UNFROZEN

TOOLS = Path(__file__).resolve().parents[1]
MIX = 'train_dataloader.dataset.pipeline.2'  # SceneMix, as rows.py has it
SWAP = ('test_evaluator._delete_=True', 'test_evaluator.type=SwapAccuracy')


@dataclass(frozen=True)
class Run:
    """All models of some data, trained with a seed, on a split.

    Attributes:
        data: a key of :data:`DATA`.
        seed: the seed of the training, and of generated data.
        base: the folder; each model gets its own in it.
        split: the split of the data, where they have several.
        held_out: whether a share of the training videos is held out and
            tested on, in place of the test videos: to choose settings by.
        further_sets: folders of other sets out of context of the test
            videos, which are there; each has a folder for each split.
        pose_base: the folder of the pose stream, where it is other data's.
    """

    data: str
    seed: int
    base: Path
    split: int = 1
    pose_base: Optional[Path] = None
    held_out: bool = False
    further_sets: Tuple[Path, ...] = ()

    @classmethod
    def below(
        cls,
        work: Path,
        data: str,
        seed: int,
        split: int = 1,
        held_out: bool = False,
        further_sets: Sequence[Path] = (),
    ) -> 'Run':
        """Return a run with a place of its own in the folder of all runs."""
        name = f'seed{seed}'
        if DATA[data].splits:
            name = f'split{split}{"-held-out" * held_out}-{name}'
        pose = work / (DATA[data].pose_of or data) / name
        base, further = work / data / name, tuple(further_sets)
        return cls(data, seed, base, split, pose, held_out, further)

    @property
    def part(self) -> str:
        """Name of the videos that are tested on."""
        return f'split {self.split}' + ', held out' * self.held_out

    @property
    def name(self) -> str:
        seed = f'seed {self.seed}'
        return f'{self.part}, {seed}' if DATA[self.data].splits else seed

    @property
    def root(self) -> Path:
        """Folder of the data."""
        data = DATA[self.data]
        return puppets_of(self.seed) if data.generated else data.root

    @property
    def train_list(self) -> str:
        """File name of the list of training videos."""
        if not DATA[self.data].splits:
            return 'train.jsonl'
        return f'split{self.split}_train{"-fit" * self.held_out}.jsonl'

    @property
    def test_list(self) -> str:
        """File name of the list of test videos."""
        part = 'train-held-out' if self.held_out else 'test'
        return f'split{self.split}_{part}.jsonl'

    @property
    def _split(self) -> str:
        return f'split{self.split}{"-held-out" * self.held_out}'

    @property
    def sets(self) -> Dict[str, Path]:
        """Folders of the sets out of context of the test videos, by the name
        of the results; ``context`` is the one that is made here."""
        if not DATA[self.data].sets:
            return {}
        own = Path(f'{DATA[self.data].root}-context')
        return {
            name: folder / self._split
            for name, folder in [
                ('context', own),
                *((folder.name, folder) for folder in self.further_sets),
            ]
        }

    @property
    def scenes(self) -> Path:
        """Folder of the training videos' masks and scenes, for SceneMix."""
        if DATA[self.data].splits:
            return Path(f'{self.root}-scenes', self._split)
        return Path(f'{self.root}-scenes')

    def folder(self, model: str) -> Path:
        """Return the folder of a model, or of the generated ``data``."""
        shared = model in ('pose', 'data') and self.pose_base
        return (shared or self.base) / model

    @property
    def tests(self) -> Dict[str, List[str]]:
        """Options of each test, by the name of its results."""
        data = DATA[self.data]
        tests = dict(data.tests)
        if data.splits:
            tests['test'] = [
                f'{TEST}.data_root={data.root}/',
                f'{TEST}.ann_file={self.test_list}',
            ]
        for name, folder in self.sets.items():
            tests[name] = [
                f'{TEST}.data_root={folder}/',
                f'{TEST}.ann_file=all.jsonl',
            ]
        return tests


def epochs_of(model: str, run: Run) -> int:
    """Return the epochs of a model's training."""
    return load_config(model, run.data).train_cfg.max_epochs


def last_checkpoint(model: str, run: Run) -> Path:
    """Return the file of a model's last epoch."""
    return run.folder(model) / f'epoch_{epochs_of(model, run)}.pth'


def puppets_of(seed: int) -> Path:
    """Return the folder of the generated videos of a seed."""
    return Path('data/puppets' + (f'-seed{seed}' if seed else ''))


def plan(
    models: Sequence[str],
    runs: Sequence[Run],
    launch: Sequence[str] = ('--gpus', '0'),
    swap_validation: bool = False,
    reuse_features: bool = False,
) -> List[Job]:
    """Return the jobs that train and test models.

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
    lists = {
        run.part: [_hold_out(run)] if run.held_out else [] for run in runs
    }
    sets = {
        run.part: _sets(run, lists[run.part])
        for run in runs
        if DATA[run.data].sets
    }
    jobs = [*sum(lists.values(), []), *sets.values()]
    scenes = {}
    for run in runs:
        generate = _generate(run)
        made = generate + lists[run.part]
        jobs += generate
        if DATA[run.data].scenes and run.scenes not in scenes:
            scenes[run.scenes] = _scenes(run, made)
            jobs.append(scenes[run.scenes])
        mix = [scenes[run.scenes]] if run.scenes in scenes else []
        trainings = _trainings(models, run, made, mix, launch, reuse_features)
        jobs += trainings.values()
        jobs += _tests(
            run, trainings, sets, launch, swap_validation, reuse_features
        )
    return jobs


def _convert(name: str, *arguments: object) -> List[str]:
    """Return the command of a converter."""
    script = TOOLS / 'dataset_converters' / f'{name}.py'
    return [sys.executable, str(script), *map(str, arguments)]


def _hold_out(run: Run) -> Job:
    """Return the job that holds out training videos of a split."""
    data = DATA[run.data]
    source = data.root / f'split{run.split}_train.jsonl'
    options = ['--share', '0.3', '--group', data.group]
    return Job(
        f'hold-out of {run.part}',
        run.sets['context'],
        _convert('hold_out', source, *options),
    )


def _out_of_context(
    run: Run, file: str, folder: Path, *options: str
) -> List[str]:
    """Return the command of ``out_of_context.py`` on a list of a run's."""
    root = run.root
    prefixes = ['--video-prefix', root / 'videos']
    prefixes += ['--pose-prefix', root / 'poses']
    return _convert('out_of_context', root / file, folder, *prefixes, *options)


def _sets(run: Run, needs: List[Job]) -> Job:
    """Return the job that makes the sets out of context of a split."""
    folder, options = run.sets['context'], DATA[run.data].sets
    return Job(
        f'sets out of context, {run.part}',
        folder,
        _out_of_context(run, run.test_list, folder, *options),
        needs,
    )


def _scenes(run: Run, needs: List[Job]) -> Job:
    """Return the job that makes SceneMix's scenes, of training videos."""
    folder, options = run.scenes, DATA[run.data].scenes
    return Job(
        f'scenes, {run.part if DATA[run.data].splits else run.name}',
        folder,
        _out_of_context(
            run, run.train_list, folder, '--sets', 'scenes', *options
        ),
        needs,
    )


def _generate(run: Run) -> List[Job]:
    """Return the job that generates a seed's data, where it has its own."""
    if not DATA[run.data].generated:
        return []
    return [
        Job(
            f'generate puppets, {run.name}',
            run.folder('data'),
            _convert('puppets', puppets_of(run.seed), '--seed', run.seed),
        )
    ]


def _config_file(model: str, run: Run) -> Path:
    """Return a model's config, or where its training writes its row."""
    if text_of(model, run.data):
        return run.folder(model).with_suffix('.py')
    return config_of(model, run.data)


def _mim(
    command: str, model: str, run: Run, launch: Sequence[str]
) -> List[str]:
    """Return ``mim train`` or ``mim test`` with a model's config."""
    mim = str(Path(sys.executable).with_name('mim'))
    config = str(_config_file(model, run))
    return [mim, command, 'integral_action', config, *launch]


def _with_options(command: List[str], options: Sequence[str]) -> List[str]:
    return [*command, '--cfg-options', *options] if options else command


def _trainings(
    models: Sequence[str],
    run: Run,
    made: List[Job],
    scenes: List[Job],
    launch: Sequence[str],
    reuse_features: bool,
) -> Dict[str, Job]:
    """Return the trainings of a run, by model.

    Args:
        made: jobs that make the data.
        scenes: those of SceneMix, which the pose stream has no use for.
    """
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
        epochs = epochs_of(model, run)
        mixes = scenes if mixes_scenes(model, run.data) else []
        options, needs = [], made + mixes
        text = text_of(model, run.data)
        if model not in ALONE:
            backbone = load_config(model, run.data).model.backbone
            streams = [name for name in STREAMS + FURTHER if name in backbone]
            needs = [trainings[stream] for stream in streams]
            options = [
                f'model.backbone.{stream}.init_cfg.checkpoint='
                f'{last_checkpoint(stream, run)}'
                for stream in streams
            ]
        options += data_options
        if mixes:
            options.append(f'{MIX}.scenes={run.scenes}/scenes.jsonl')
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
            {_config_file(model, run): text} if text else {},
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
    """Return the tests of the models of a run."""
    data, jobs, keepers = DATA[run.data], [], {}
    tests = run.tests
    if swap_validation:
        tests['swap'] = [*SWAP, *tests['test'], *data.swap]
    data_options = []
    if data.generated:
        data_options = [f'{TEST}.data_root={puppets_of(run.seed)}/']
    for model, train in trainings.items():
        test = _mim('test', model, run, launch)
        test += ['--checkpoint', str(last_checkpoint(model, run))]
        fused = model not in UNFROZEN
        for name, options in tests.items():
            if name == 'swap' and model in PEERS:
                continue
            folder, needs = run.folder(model), [train]
            options = [*options, *data_options]
            if name == 'context':
                needs.append(sets[run.part])
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
