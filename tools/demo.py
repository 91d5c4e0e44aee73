"""The paper's experiment on Puppets, a generated benchmark, in minutes.

Generates the videos, trains the two streams and the fused models through
``mim train``, tests them in and out of context through ``mim test``, and
writes a report. Stopped and started again, it goes on where it was.

    python tools/demo.py [--seed 0] [--ablations]
"""

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import List

from demo_report import MODELS, STREAMS, write_report
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from integral_action.fileio import whole_file

HERE = Path(__file__).resolve().parent
STEP = re.compile(r'Epoch\((train|test)\)\s+(?:\[(\d+)\])?\[\s*(\d+)/(\d+)\]')


@dataclass
class Job:
    """One command. Its folder keeps its log, and ``done`` once it is."""

    name: str
    folder: Path
    command: List[str]
    after: List['Job'] = field(default_factory=list)
    epochs: int = 1  # of a training, for its progress

    @property
    def marker(self) -> Path:
        return self.folder / f'{self.name.split()[0]}.done'

    @property
    def log(self) -> Path:
        return self.marker.with_suffix('.log')

    def run(self, show, stopped: threading.Event) -> bool:
        """Run the command unless it is done; ``show`` gets 0..1.

        Returns:
            Whether it is done: not where it was stopped.

        Raises:
            SystemExit: the command failed; the message names its log.
        """
        command = ' '.join(self.command)
        if self.marker.is_file() and self.marker.read_text() == command:
            show(1)
            return True
        self.folder.mkdir(parents=True, exist_ok=True)
        # two jobs run side by side, so each has one thread
        env = os.environ | {
            'OMP_NUM_THREADS': '1',
            'PYTHONUNBUFFERED': '1',
            'PYTHONWARNINGS': 'ignore',
        }
        pid_file = self.marker.with_suffix('.pid')
        _end_left_over(pid_file, str(self.folder))
        with open(self.log, 'w') as log:
            process = subprocess.Popen(
                self.command,
                env=env,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # mim starts a process of its own
            )
            with whole_file(pid_file) as temporary:
                temporary.write_text(str(process.pid))
            threading.Thread(
                target=_end_with, args=(process, stopped), daemon=True
            ).start()
            for line in process.stdout:
                log.write(line)
                if step := STEP.search(line):
                    show(_fraction(self.epochs, *step.groups()))
        code = process.wait()
        if code and stopped.is_set():
            return False  # ended from here, not by itself
        if code:
            raise SystemExit(
                f'{self.name} failed: {_cause(self.log)}\n'
                f'See {self.log}; "make demo" goes on from here.'
            )
        self.marker.write_text(command)
        show(1)
        return True


def _cause(log: Path) -> str:
    """The line that tells why; mim puts its own error behind it."""
    lines = log.read_text().strip().splitlines() or ['no output']
    telling = [
        line
        for line in lines
        if re.match(r'[\w.]+(Error|Exception): ', line)
        and 'CalledProcessError' not in line
    ]
    return (telling or lines)[-1]


def _end_with(process: subprocess.Popen, stopped: threading.Event) -> None:
    while process.poll() is None:
        if stopped.wait(0.2) and process.poll() is None:
            _kill(process.pid, signal.SIGTERM)
            return


def _end_left_over(pid_file: Path, folder: str) -> None:
    """End what a demo that was killed has left running in this folder."""
    if not pid_file.is_file():
        return
    pid = int(pid_file.read_text())
    command = Path(f'/proc/{pid}/cmdline')
    if command.is_file() and folder in command.read_text():
        _kill(pid, signal.SIGKILL)


def _kill(pid: int, how: int) -> None:
    """End a process and those it started; it may have ended by itself."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, how)


def _fraction(
    epochs: int, phase: str, epoch: str, step: str, steps: str
) -> float:
    part = int(step) / int(steps)
    return (int(epoch) - 1 + part) / epochs if phase == 'train' else part


def plan(seed: int, data: Path, work: Path, ablations: bool) -> List[Job]:
    """The jobs, each behind those it needs."""
    mim = str(Path(sys.executable).with_name('mim'))
    generate = Job(
        'generate puppets',
        work / 'data',
        [
            sys.executable,
            str(HERE / 'dataset_converters' / 'puppets.py'),
            str(data),
            '--seed',
            str(seed),
        ],
    )
    streams = {model.key: model for model in MODELS if model.key in STREAMS}
    root = f'dataloader.dataset.data_root={data}/'
    jobs, trained = [generate], {}
    for model in MODELS:
        if model.ablation and not ablations:
            continue
        folder = work / model.key
        after, stages = [generate], []
        if model.key not in STREAMS:
            after = [trained[name] for name in STREAMS]
            stages = [
                f'model.backbone.{name}.init_cfg.checkpoint='
                f'{work / stream.checkpoint}'
                for name, stream in streams.items()
            ]
        common = ['--gpus', '0', '--work-dir', str(folder)]
        train = Job(
            f'train {model.name}',
            folder,
            [mim, 'train', 'integral_action', model.config, *common]
            + ['--seed', str(seed), '--no-validate', '--resume']
            + ['--cfg-options', f'train_{root}', *stages],
            after,
            model.epochs,
        )
        test = Job(
            f'test {model.name}',
            folder,
            [mim, 'test', 'integral_action', model.config, *common]
            + ['--checkpoint', str(work / model.checkpoint)]
            + ['--dump', str(folder / 'test.pkl')]
            + ['--cfg-options', f'test_{root}'],
            [train],
        )
        trained[model.key] = train
        jobs += [train, test]
    # what others wait for comes first
    return sorted(jobs, key=lambda job: job.name.startswith('test'))


def run_all(jobs: List[Job], console: Console) -> None:
    """Run the jobs, two at a time."""
    stopped, finished = threading.Event(), {id(job): False for job in jobs}
    change = threading.Condition()
    bars = Progress(
        TextColumn('{task.description:<28}'),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=console,
    )
    waiting = list(jobs)

    def next_job():
        for job in waiting:
            if all(finished[id(other)] for other in job.after):
                return job
        return None

    def show_part(bar, part: float) -> None:
        bars.update(bar, completed=part)

    def work() -> None:
        while not stopped.is_set():
            with change:
                while waiting and next_job() is None and not stopped.is_set():
                    change.wait(0.5)
                if not waiting or stopped.is_set():
                    return
                job = next_job()
                waiting.remove(job)
            bar = bars.add_task(job.name, total=1)
            show = partial(show_part, bar)
            try:
                if not job.run(show, stopped):
                    return
            except BaseException:
                stopped.set()
                raise
            with change:
                finished[id(job)] = True
                change.notify_all()
            if not console.is_terminal:
                console.print(f'{job.name}: done')

    with bars, ThreadPoolExecutor(2) as pool:
        workers = [pool.submit(work) for _ in range(2)]
        try:
            for worker in workers:
                worker.result()
        except BaseException:
            stopped.set()
            raise


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument(
        '--ablations',
        action='store_true',
        help='also: without gating, without L_gate, a constant gate of 0.1',
    )
    args = parser.parse_args()
    suffix = f'-seed{args.seed}' if args.seed else ''
    data, work = Path(f'data/puppets{suffix}'), Path(f'work_dirs/demo{suffix}')

    console = Console()
    work.mkdir(parents=True, exist_ok=True)
    console.print(
        'IntegralAction on Puppets (generated videos). Stop it at any time; '
        'started again, it goes on.'
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run_all(plan(args.seed, data, work, args.ablations), console)
    except KeyboardInterrupt:
        sys.exit('stopped; "make demo" goes on from here')
    write_report(data, work, console)


if __name__ == '__main__':
    main()
