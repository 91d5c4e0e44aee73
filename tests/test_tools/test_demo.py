"""The demo's jobs: in order, two at a time, and going on after a stop."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import ROOT
from rich.console import Console


@pytest.fixture
def demo(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    import demo

    return demo


@pytest.fixture
def job(demo, tmp_path):
    """A job that adds its name to a file."""

    def make(name, after=(), code=''):
        line = f'open({str(tmp_path / "ran")!r}, "a").write("{name} "); {code}'
        return demo.Job(
            f'{name} it', tmp_path, [sys.executable, '-c', line], list(after)
        )

    return make


def ran(tmp_path):
    return (tmp_path / 'ran').read_text().split()


def test_jobs_run_behind_those_they_need_and_once(demo, job, tmp_path):
    def plan():
        first = job('a')
        second = job('b', [first])
        return [job('c', [second]), second, first]

    demo.run_all(plan(), Console())
    assert ran(tmp_path) == ['a', 'b', 'c']
    demo.run_all(plan(), Console())
    assert ran(tmp_path) == ['a', 'b', 'c']
    changed = job('b', code='pass')  # another command is another job
    demo.run_all([changed], Console())
    assert ran(tmp_path) == ['a', 'b', 'c', 'b']


def test_a_failure_names_its_log_and_the_rest_goes_on_later(
    demo, job, tmp_path
):
    failing = job('a', code='raise ValueError("no luck")')
    later = job('b', [failing])
    with pytest.raises(SystemExit, match=r'no luck\nSee .*a.log'):
        demo.run_all([failing, later], Console())
    assert ran(tmp_path) == ['a']
    mended = job('a')
    demo.run_all([mended, job('b', [mended])], Console())
    assert ran(tmp_path) == ['a', 'a', 'b']


def test_the_cause_is_not_mims_own_error(demo, tmp_path):
    log = tmp_path / 'a.log'
    log.write_text(
        'Traceback\nValueError: no video a.mp4\nTraceback\n'
        "subprocess.CalledProcessError: Command '['x']' returned 1.\n"
    )
    assert demo._cause(log) == 'ValueError: no video a.mp4'
    log.write_text('')
    assert demo._cause(log) == 'no output'


def test_what_a_killed_demo_left_running_is_ended(demo, tmp_path):
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
    job = demo.Job('a it', tmp_path, [sys.executable, '-c', 'pass'])
    job.run(lambda part: None, threading.Event())
    assert left.wait(10) == -9
    assert job.marker.is_file()


def test_a_stop_ends_the_process_and_leaves_the_job_undone(demo, tmp_path):
    stopped = threading.Event()
    job = demo.Job(
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


def test_progress_is_read_from_the_log(demo):
    line = (
        '11/23 - mmengine - INFO - Epoch(train)  [3][12/24]  lr: 1e-3  eta: 0'
    )
    assert demo._fraction(8, *demo.STEP.search(line).groups()) == 2.5 / 8
    line = '11/23 - mmengine - INFO - Epoch(test) [ 15/60]    eta: 0:00:01'
    assert demo._fraction(1, *demo.STEP.search(line).groups()) == 0.25


def test_the_plan_trains_the_streams_first(demo, tmp_path):
    jobs = demo.plan(0, tmp_path / 'data', tmp_path / 'work', ablations=True)
    names = [job.name for job in jobs]
    assert len(names) == 1 + 2 * 7 and names[0] == 'generate puppets'
    fused = jobs[names.index('train IntegralAction')]
    assert [job.name for job in fused.after] == [
        'train appearance-only',
        'train pose-only',
    ]
    assert any(
        f'appearance.init_cfg.checkpoint={tmp_path}/work/appearance/'
        'epoch_12.pth' in part
        for part in fused.command
    )
    test = jobs[names.index('test IntegralAction')]
    assert test.after == [fused]
