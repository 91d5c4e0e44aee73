"""Commands as users run them, and our tools faster."""

import faulthandler
import os
import subprocess
import sys
import tempfile
from multiprocessing import get_context

import torch
from conftest import ROOT

import integral_action_cli

ENV = os.environ | {'OMP_NUM_THREADS': '1', 'PYTHONWARNINGS': 'ignore'}
# A server that has imported the package and runs no thread: a fork of the
# tests' own process inherits locks that other threads held.
CONTEXT = get_context('forkserver')
CONTEXT.set_forkserver_preload(['torch', 'integral_action'])


def run(*command, cwd, check=True):
    """Run a command, output and all; gives what it printed."""
    result = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=ENV,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if check:
        assert result.returncode == 0, result.stdout[-3000:]
    else:
        assert result.returncode != 0
    return result.stdout


def fork(script, *arguments, cwd, check=True):
    """As :func:`run`, one of our tools in a process that has imported torch
    and the package already."""
    script = ROOT / 'tools' / script
    with tempfile.NamedTemporaryFile('w+') as output:
        process = CONTEXT.Process(
            target=_run_script, args=(script, arguments, cwd, output.name)
        )
        process.start()
        process.join()
        text = output.read()
    assert (process.exitcode == 0) == check, text[-3000:]
    return text


def _run_script(script, arguments, cwd, output):
    os.chdir(cwd)
    os.environ.update(ENV)
    torch.set_num_threads(1)
    sys.stdout = sys.stderr = open(output, 'a', buffering=1)
    # one that hangs says where
    faulthandler.dump_traceback_later(600, exit=True, file=sys.stderr)
    sys.argv = list(map(str, (script, *arguments)))
    sys.path.insert(0, str(script.parent))
    integral_action_cli.run_script(script)
