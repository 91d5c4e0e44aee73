"""The models of the paper's tables, and the jobs that train and test them."""

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

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
    'robust-product': 'robust product, G = 0.25',
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
    """

    configs: Tuple[str, ...]
    columns: Tuple[Tuple[str, str, str], ...]
    tests: Dict[str, List[str]] = field(default_factory=lambda: dict(test=[]))
    generated: bool = False
    swap: Tuple[str, ...] = ()


def mimetics(classes: str) -> List[str]:
    """Options that test on Mimetics, labelled with a model's classes."""
    dataset = 'test_dataloader.dataset'
    return [
        f'{dataset}.data_root=data/mimetics/',
        f'{dataset}.ann_file={classes}.jsonl',
    ]


PUPPETS = dict(
    columns=(('in context', 'test', 'in'), ('out of context', 'test', 'out')),
    generated=True,
    swap=('test_dataloader.dataset.ann_file=in_context.jsonl',),
)
DATA = {
    'puppets': Data(('{model}_r18w16*_puppets-*.py',), **PUPPETS),
    # another appearance stream; the pose stream is that of 'puppets'
    'puppets-slowonly': Data(
        ('{model}_slowonly-r18w16*_puppets-*.py',), **PUPPETS
    ),
    'puppets-uniformer': Data(
        ('{model}_uniformer-xxs*_puppets-*.py',), **PUPPETS
    ),
    'jhmdb': Data(
        ('{model}_r18w16*_jhmdb8-split1-*.py',), (('JHMDB', 'test', ''),)
    ),
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
        configs = DATA[data].configs
        if model == 'pose' and data.startswith('puppets-'):
            configs = DATA['puppets'].configs
        patterns = [p.format(model=name) for p in configs]
    found = [path for p in patterns for path in folder.rglob(p)]
    if len(found) != 1:
        raise ValueError(
            f'{data} has no config of {MODELS[model]!r}: {len(found)} files '
            f'are called {" or ".join(patterns)}'
        )
    return found[0]


def checkpoint_of(config: Path) -> str:
    """The file of a config's last epoch, whose number its name has."""
    return f'epoch_{re.search(r"-([0-9]+)e_", config.name)[1]}.pth'


def puppets_of(seed: int) -> Path:
    """The folder of the generated videos of a seed."""
    return Path('data/puppets' + (f'-seed{seed}' if seed else ''))


def plan(
    models: Sequence[str],
    data: str,
    seed: int,
    work: Path,
    launch: Sequence[str] = ('--gpus', '0'),
    swap_validation: bool = False,
) -> List[Job]:
    """The jobs that train and test models with a seed.

    Args:
        models: keys of :data:`MODELS`; the streams that they need are added.
        data: a key of :data:`DATA`.
        seed: of the training, and of generated data.
        work: the folder; each model gets its own in it.
        launch: where mim is to run a training or a test.
        swap_validation: whether to test with SwapAccuracy, too.

    Returns:
        The jobs, each behind those that it needs, trainings first.

    Raises:
        ValueError: a model has no config for these data.
    """
    if not set(models) <= set(ALONE):
        models = [*STREAMS, *(key for key in models if key not in STREAMS)]
    mim = str(Path(sys.executable).with_name('mim'))
    first, roots = [], {}
    if DATA[data].generated:
        folder = puppets_of(seed)
        script = HERE / 'dataset_converters' / 'puppets.py'
        command = [sys.executable, str(script), str(folder)]
        first = [
            Job(
                f'generate puppets, seed {seed}',
                work / 'data',
                [*command, '--seed', str(seed)],
            )
        ]
        roots = {
            part: f'{part}_dataloader.dataset.data_root={folder}/'
            for part in ('train', 'test')
        }
    trainings, tests = {}, []
    for model in models:
        config = config_of(model, data)
        folder = work / model
        options, needs = [], first
        if model not in ALONE:
            needs = [trainings[stream] for stream in STREAMS]
            options = [
                f'model.backbone.{stream}.init_cfg.checkpoint='
                f'{work / stream / checkpoint_of(config_of(stream, data))}'
                for stream in STREAMS
            ]
        options += [roots['train']] if roots else []
        train = Job(
            f'train {MODELS[model]}, seed {seed}',
            folder,
            [mim, 'train', 'integral_action', str(config), *launch]
            + ['--work-dir', str(folder), '--seed', str(seed)]
            + ['--no-validate', '--resume']
            + (['--cfg-options', *options] if options else []),
            needs,
            int(checkpoint_of(config)[6:-4]),
        )
        trainings[model] = train
        test = [mim, 'test', 'integral_action', str(config), *launch]
        test += ['--checkpoint', str(folder / checkpoint_of(config))]
        root = [roots['test']] if roots else []
        kinds = {
            name: (
                ['--work-dir', str(folder)]
                + ['--dump', str(folder / f'{name}.pkl')],
                [*options, *root],
            )
            for name, options in DATA[data].tests.items()
        }
        if swap_validation and model not in PEERS:
            kinds['swap'] = (
                ['--work-dir', str(folder / 'swap')],
                [*SWAP, *DATA[data].swap, *root],
            )
        for name, (output, options) in kinds.items():
            if options:
                output += ['--cfg-options', *options]
            tests.append(
                Job(
                    f'{name} {MODELS[model]}, seed {seed}',
                    folder,
                    [*test, *output],
                    [train],
                )
            )
    return [*first, *trainings.values(), *tests]
