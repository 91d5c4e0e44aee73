"""Jobs: in order, two at a time, and going on after a stop."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import ROOT
from rich.console import Console


@pytest.fixture
def jobs(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    from reproduce import jobs

    return jobs


@pytest.fixture
def job(jobs, tmp_path):
    """A job that adds its name to a file."""

    def make(name, after=(), code='', **options):
        line = f'open({str(tmp_path / "ran")!r}, "a").write("{name} "); {code}'
        command = [sys.executable, '-c', line]
        return jobs.Job(
            f'{name} it', tmp_path, command, list(after), **options
        )

    return make


def ran(tmp_path):
    return (tmp_path / 'ran').read_text().split()


def test_jobs_run_behind_those_they_need_and_once(jobs, job, tmp_path):
    def plan():
        first = job('a')
        second = job('b', [first])
        return [job('c', [second]), second, first]

    jobs.run_all(plan(), Console())
    assert ran(tmp_path) == ['a', 'b', 'c']
    jobs.run_all(plan(), Console())
    assert ran(tmp_path) == ['a', 'b', 'c']
    changed = job('b', code='pass')  # another command is another job
    jobs.run_all([changed], Console())
    assert ran(tmp_path) == ['a', 'b', 'c', 'b']


def test_a_failure_names_its_log_and_the_rest_goes_on_later(
    jobs, job, tmp_path
):
    failing = job('a', code='raise ValueError("no luck")')
    later = job('b', [failing])
    with pytest.raises(SystemExit, match=r'no luck\nSee .*a.log'):
        jobs.run_all([failing, later], Console())
    assert ran(tmp_path) == ['a']
    mended = job('a')
    jobs.run_all([mended, job('b', [mended])], Console())
    assert ran(tmp_path) == ['a', 'a', 'b']


def test_the_cause_is_not_mims_own_error(jobs, tmp_path):
    log = tmp_path / 'a.log'
    log.write_text(
        'Traceback\nValueError: no video a.mp4\nTraceback\n'
        "subprocess.CalledProcessError: Command '['x']' returned 1.\n"
    )
    assert jobs._cause(log) == 'ValueError: no video a.mp4'
    log.write_text('')
    assert jobs._cause(log) == 'no output'


def test_what_a_killed_run_left_running_is_ended(jobs, tmp_path):
    command = [
        sys.executable,
        '-c',
        f'import time; time.sleep(60); print({str(tmp_path)!r})',
    ]
    left = subprocess.Popen(command, start_new_session=True)
    started = Path(f'/proc/{left.pid}/cmdline')
    while not started.read_text():  # its program is being loaded
        time.sleep(0.01)
    (tmp_path / 'a.pid').write_text(str(left.pid))
    job = jobs.Job('a it', tmp_path, [sys.executable, '-c', 'pass'])
    job.run(lambda part: None, threading.Event())
    assert left.wait(10) == -9
    assert job.marker.is_file()


def test_a_stop_ends_the_process_and_leaves_the_job_undone(jobs, tmp_path):
    stopped = threading.Event()
    job = jobs.Job(
        'a it', tmp_path, [sys.executable, '-c', 'import time; time.sleep(60)']
    )
    thread = threading.Thread(
        target=job.run, args=(lambda part: None, stopped)
    )
    thread.start()
    deadline = time.time() + 20
    while not (tmp_path / 'a.pid').is_file() and time.time() < deadline:
        time.sleep(0.05)
    stopped.set()
    thread.join(20)
    assert not thread.is_alive() and not job.marker.exists()


def test_progress_is_read_from_the_log(jobs):
    line = (
        '11/23 - mmengine - INFO - Epoch(train)  [3][12/24]  lr: 1e-3  eta: 0'
    )
    assert jobs._fraction(8, *jobs.STEP.search(line).groups()) == 2.5 / 8
    line = '11/23 - mmengine - INFO - Epoch(test) [ 15/60]    eta: 0:00:01'
    assert jobs._fraction(1, *jobs.STEP.search(line).groups()) == 0.25


def test_a_job_is_run_again_after_what_it_needs(jobs, job, tmp_path):
    """And a training of another command starts anew."""

    def run(code=''):
        first = job('train', code=code)
        jobs.run_all([first, job('test', [first])], Console())

    run()
    assert ran(tmp_path) == ['train', 'test']
    (tmp_path / 'last_checkpoint').write_text('epoch_8.pth')
    run()
    assert ran(tmp_path) == ['train', 'test']
    assert (tmp_path / 'last_checkpoint').exists()
    run('pass')
    assert ran(tmp_path) == ['train', 'test', 'train', 'test']
    assert not (tmp_path / 'last_checkpoint').exists()


def test_a_training_that_was_stopped_is_resumed(jobs, job, tmp_path):
    failing = job('train', code='raise ValueError')
    with pytest.raises(SystemExit):
        jobs.run_all([failing], Console())
    (tmp_path / 'last_checkpoint').write_text('epoch_3.pth')
    with pytest.raises(SystemExit):
        jobs.run_all([failing], Console())
    assert (tmp_path / 'last_checkpoint').exists()


def test_a_job_writes_its_files_and_is_run_again_with_others(
    jobs, job, tmp_path
):
    config = tmp_path / 'config.py'

    def run(text):
        code = f'open({str(config)!r}).read()'
        jobs.run_all(
            [job('train', code=code, writes={config: text})], Console()
        )

    run('rate = 1')
    assert config.read_text() == 'rate = 1'
    run('rate = 1')
    assert ran(tmp_path) == ['train']
    (tmp_path / 'last_checkpoint').write_text('epoch_8.pth')
    run('rate = 2')
    assert config.read_text() == 'rate = 2'
    assert ran(tmp_path) == ['train', 'train']
    assert not (tmp_path / 'last_checkpoint').exists()
