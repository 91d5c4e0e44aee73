"""The fused stage: what frozen streams and kept features save.

    OMP_NUM_THREADS=1 python benchmarks/fused_step.py [--rounds 5]

Two ResNet-18, 8 frames of 112 x 112, batches of 8. On the CPU, with as many
threads as OMP_NUM_THREADS says.

1. A training step with frozen streams, as our configs have them, beside one of
   the same model with ``frozen=()``; in turns, medians of wall and processor
   time. Both compute the same loss and the same gradients of what stands on
   the streams, which is checked where the trained streams, too, take their
   batch norms' statistics as they are.
2. Memory of such a step, each in a process of its own: what autograd keeps for
   the backward pass (parameters are not counted), and how far two steps make
   the process grow beyond the model (Linux).
3. A training with ``FeatureReuseTrainLoop`` and one view, beside
   one with mmengine's ``EpochBasedTrainLoop``, from mp4 files and poses: the
   epochs after the first. Their first epochs have the same losses.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import common
import torch
from mmaction.registry import HOOKS
from mmaction.structures import ActionDataSample
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

import integral_action  # noqa: F401

BATCH, FRAMES, SIZE = 8, 8, 112
FROZEN = dict(frozen=('appearance', 'pose'))
BACKBONES = {
    'frozen': FROZEN,
    'frozen, channels-last': dict(FROZEN, channels_last=True),
    'unfrozen': dict(frozen=()),
}


def build(name):
    """The model, in training."""
    cfg = common.read_config(
        model__backbone=BACKBONES[name],
        model__data_preprocessor__size=(SIZE // 4, SIZE // 4),
    )
    return common.build_model(cfg).train()


def make_batch():
    """Return a batch like a data loader's."""
    generator = torch.Generator().manual_seed(1)
    imgs = torch.rand(BATCH, 1, 3, FRAMES, SIZE, SIZE, generator=generator)
    pose = torch.rand(BATCH, 1, FRAMES, 5, 18, 3, generator=generator)
    labels = torch.randint(50, (BATCH,), generator=generator).tolist()
    return dict(
        inputs=dict(imgs=list((imgs * 256).to(torch.uint8)), pose=list(pose)),
        data_samples=[ActionDataSample().set_gt_label(y) for y in labels],
    )


def make_step(name):
    """A training step."""
    model, batch = build(name), make_batch()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = OptimWrapper(torch.optim.SGD(trained, lr=1e-3, momentum=0.9))
    return lambda: model.train_step(batch, optimizer)


def losses_and_gradients(name):
    """Return those of a step; trained streams keep their batch norms."""
    model, batch = build(name), make_batch()
    model.backbone.eval()
    losses = model(**model.data_preprocessor(batch, True), mode='loss')
    model.parse_losses(losses)[0].backward()
    parts = list(model.neck.parameters()) + list(model.cls_head.parameters())
    values = [losses['loss_cls'].detach(), losses['loss_gate'].detach()]
    return values + [part.grad for part in parts]


def check():
    """Whether both sides compute the same."""
    ours, *others = map(losses_and_gradients, BACKBONES)
    difference = max(
        float((a - b).abs().max() / b.abs().max().clamp(min=1e-8))
        for other in others
        for a, b in zip(ours, other)
    )
    common.require('losses and gradients of neck and head', difference, 1e-4)


# ----------------------------------------------------------------- memory


def process_memory(key):
    """MB of this process: ``VmRSS`` now, ``VmHWM`` the most so far."""
    for line in Path('/proc/self/status').read_text().splitlines():
        if line.startswith(key + ':'):
            return int(line.split()[1]) / 1e3
    raise SystemExit(f'/proc/self/status has no {key}')


def measure_memory(name):
    """MB kept for the backward pass, and MB that steps add."""
    step, kept = make_step(name), {}
    before = process_memory('VmRSS')
    Path('/proc/self/clear_refs').write_text('5')  # VmHWM from now on
    for _ in range(2):  # the second has the optimizer's state besides
        step()
    grown = process_memory('VmHWM') - before

    def keep(tensor):
        storage = tensor.untyped_storage()
        if not tensor.is_leaf:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        step()
    return dict(kept=sum(kept.values()) / 1e6, grown=grown)


def memory_in_a_process(name):
    """:func:`measure_memory`, where nothing has run before."""
    run = subprocess.run(
        [sys.executable, __file__, '--memory-of', name],
        check=True,
        stdout=subprocess.PIPE,
    )
    return json.loads(run.stdout.splitlines()[-1])


# ----------------------------------------------------------------- epochs


@HOOKS.register_module()
class NoteEpochs(Hook):
    """Note each epoch's seconds, and each step's loss."""

    def __init__(self):
        self.seconds, self.losses = [], []

    def before_train_epoch(self, runner):
        self.start = time.perf_counter()

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ):
        self.losses.append(float(outputs['loss']))

    def after_train_epoch(self, runner):
        self.seconds.append(time.perf_counter() - self.start)


def train(folder, name, epochs, **loop):
    """Train with frozen streams on the videos of a folder; the notes."""
    cfg = common.read_config(
        model__data_preprocessor__size=(SIZE // 4, SIZE // 4)
    )
    pipeline = cfg.train_dataloader.dataset.pipeline
    sizes = iter((dict(scale=(-1, 128)), dict(scale=(SIZE, SIZE))))
    for step in pipeline:
        if step.type == 'Resize':
            step.update(next(sizes))
        elif step.type == 'MultiScaleCrop':
            step.input_size = SIZE
    cfg.train_dataloader.update(
        batch_size=BATCH, num_workers=0, persistent_workers=False
    )
    cfg.train_dataloader.dataset.update(
        data_root=f'{folder}/',
        ann_file='list.jsonl',
        data_prefix=dict(video='', pose=''),
    )
    cfg.merge_from_dict(
        dict(
            work_dir=str(folder / name),
            experiment_name=name,
            randomness=dict(seed=0),
            log_level='ERROR',
            train_cfg=dict(max_epochs=epochs, val_begin=epochs + 1, **loop),
            default_hooks=dict(checkpoint=None),
        )
    )
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.custom_hooks.append(dict(type='NoteEpochs'))
    runner = Runner.from_cfg(cfg)
    runner.train()
    return next(hook for hook in runner.hooks if isinstance(hook, NoteEpochs))


def compare_epochs(videos, epochs):
    """Rows of the third table."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        common.make_videos(folder, videos, size=128, frames=64)
        without = train(folder, 'without', epochs)
        reuse = train(
            folder, 'reuse', epochs, type='FeatureReuseTrainLoop', num_views=1
        )
    steps = len(without.losses) // epochs
    difference = max(
        abs(a / b - 1)
        for a, b in zip(reuse.losses[:steps], without.losses[:steps])
    )
    common.require('losses of the first epoch', difference, 1e-5)
    ordinary = statistics.median(without.seconds[1:])
    rows = {
        'without': ordinary,
        'feature reuse, the first': reuse.seconds[0],
        'feature reuse, those after': statistics.median(reuse.seconds[1:]),
    }
    return [
        [name, f'{seconds:.3f}', f'{ordinary / seconds:.1f}']
        for name, seconds in rows.items()
    ]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--epochs', type=int, default=6)
    parser.add_argument('--videos', type=int, default=24)
    parser.add_argument('--memory-of', help=argparse.SUPPRESS)
    args = parser.parse_args()
    init_default_scope('mmaction')
    if args.memory_of:
        print(json.dumps(measure_memory(args.memory_of)))
        return
    print(f'{torch.get_num_threads()} threads, {args.rounds} rounds.')
    check()

    steps = {name: make_step(name) for name in BACKBONES}
    times = common.measure(steps, args.rounds)
    common.print_table(
        ('a step', 'ms', 'processor, ms', 'times ours', 'processor'),
        common.times_table(times),
    )
    memory = {name: memory_in_a_process(name) for name in BACKBONES}
    ours = memory['frozen']
    common.print_table(
        ('memory', 'kept, MB', 'steps add, MB', 'times ours'),
        [
            [
                name,
                f'{mine["kept"]:.0f}',
                f'{mine["grown"]:.0f}',
                f'{mine["grown"] / ours["grown"]:.2f}',
            ]
            for name, mine in memory.items()
        ],
    )
    common.print_table(
        (f'an epoch of {args.videos} videos', 's', 'times faster'),
        compare_epochs(args.videos, args.epochs),
    )


if __name__ == '__main__':
    main()
