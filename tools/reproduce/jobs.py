"""Commands that need each other: run in order, some at a time, resumable."""

import contextlib
import os
import re
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Dict, List

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

STEP = re.compile(r'Epoch\((train|test)\)\s+(?:\[(\d+)\])?\[\s*(\d+)/(\d+)\]')


@dataclass
class Job:
    """One command. Its folder keeps its log, and ``done`` once it is.

    It is run again where its command or a file that it writes is another, or
    where a job that it needs has been run since; a training then starts anew
    and is not resumed.
    """

    name: str
    folder: Path
    command: List[str]
    after: List['Job'] = field(default_factory=list)
    epochs: int = 1  # of a training, for its progress
    writes: Dict[Path, str] = field(default_factory=dict)  # before it runs

    @property
    def marker(self) -> Path:
        return self.folder / f'{self.name.split()[0]}.done'

    @property
    def begun(self) -> Path:
        return self.marker.with_suffix('.command')

    @property
    def log(self) -> Path:
        return self.marker.with_suffix('.log')

    @property
    def recipe(self) -> str:
        return '\n\n'.join([' '.join(self.command), *self.writes.values()])

    @property
    def current(self) -> bool:
        """Whether the results are of this command and of what it needs."""
        if not self.begun.is_file():
            return False
        time = self.begun.stat().st_mtime
        return self.begun.read_text() == self.recipe and all(
            job.marker.stat().st_mtime <= time for job in self.after
        )

    def run(self, show, stopped: threading.Event) -> bool:
        """Run the command unless it is done; ``show`` gets 0..1.

        Returns:
            Whether it is done: not where it was stopped.

        Raises:
            SystemExit: the command failed; the message names its log.
        """
        if self.marker.is_file() and self.current:
            show(1)
            return True
        if not self.current:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.marker.unlink(missing_ok=True)
            if self.marker.stem == 'train':  # where mmengine finds its last
                (self.folder / 'last_checkpoint').unlink(missing_ok=True)
            for path, text in self.writes.items():
                path.write_text(text)
            self.begun.write_text(self.recipe)
        from integral_action.fileio import atomic_write  # imports torch

        # jobs run side by side, so each has one thread
        env = os.environ | {
            'OMP_NUM_THREADS': '1',
            # glibc hands big tensors back to the system and has it clear new
            # ones: up to a fifth of a step's time on the CPU
            'MALLOC_MMAP_THRESHOLD_': '2000000000',
            'MALLOC_TRIM_THRESHOLD_': '4000000000',
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
            with atomic_write(pid_file) as temporary:
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
                f'See {self.log}; started again, it goes on from here.'
            )
        self.marker.touch()
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
    """End what a run that was killed has left running in this folder."""
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


def run_all(jobs: List[Job], console: Console, at_a_time: int = 2) -> None:
    """Run the jobs, some at a time, each behind those it needs."""
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

    with bars, ThreadPoolExecutor(at_a_time) as pool:
        workers = [pool.submit(work) for _ in range(at_a_time)]
        try:
            for worker in workers:
                worker.result()
        except BaseException:
            stopped.set()
            raise
