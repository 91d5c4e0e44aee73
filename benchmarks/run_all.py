"""Run all benchmarks, and write their tables to benchmarks/RESULTS.md.

    python benchmarks/run_all.py [NAME...]

What `make bench` does. Each runs in a process of its own, one after the other,
with one thread (OMP_NUM_THREADS, if it is set). With names of scripts only
these run, and the others' tables stay. About a quarter of an hour on two
cores; the machine should have nothing else to do.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
SCRIPTS = {
    'pose_maps': [],
    'fused_step': [],
    'loading': [],
    'ten_clips': [],
    'inference': ['--compile'],
    'efficientnet_lite': [],
    'peers': [],
    'onnx_speed': ['--threads', '1'],
    'scaling': ['--out', str(FOLDER / 'scaling.png')],
    'annotations': [],
}
LOG = re.compile(r'^.* - mmengine - .*\n', re.M)  # which goes to stdout, too
PACKAGES = (
    'torch',
    'numpy',
    'numba',
    'mmaction2',
    'mmengine',
    'decord',
    'av',
    'onnxruntime',
    'opencv-python',
)


def machine() -> str:
    """Processor, cores, system, versions."""
    model = platform.processor() or platform.machine()
    info = Path('/proc/cpuinfo')
    if info.exists():
        found = re.search(r'model name\s*: (.+)', info.read_text())
        model = found[1] if found else model
    versions = ', '.join(f'{name} {version(name)}' for name in PACKAGES)
    return (
        f'{model}, {os.cpu_count()} cores, {platform.system()} '
        f'{platform.machine()}; Python {platform.python_version()}, '
        f'{versions}.'
    )


def run(name: str, options: list) -> str:
    """A script's section; a failure is said there."""
    command = ['python', f'benchmarks/{name}.py']
    command += [os.path.relpath(o) if '/' in o else o for o in options]
    threads = os.environ.get('OMP_NUM_THREADS', '1')
    print(f'{name} ...', flush=True)
    done = subprocess.run(
        [sys.executable, FOLDER / f'{name}.py', *options],
        env={
            'PYTHONPATH': str(FOLDER.parent),
            'PYTHONWARNINGS': 'ignore',
            **os.environ,
            'OMP_NUM_THREADS': threads,
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    text = LOG.sub('', done.stdout).strip()
    if done.returncode:
        text += f'\n\n**It failed, with exit status {done.returncode}.**'
        print(f'{name} failed', file=sys.stderr)
    return (
        f'## {name}\n\n`OMP_NUM_THREADS={threads} {" ".join(command)}`, '
        f'{date.today()}\n\n{text}\n'
    )


def main(arguments=None) -> int:
    """Run them; 1 if one fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('names', nargs='*', metavar='NAME')
    parser.add_argument('--out', type=Path, default=FOLDER / 'RESULTS.md')
    args = parser.parse_args(arguments)
    unknown = set(args.names) - set(SCRIPTS)
    if unknown:
        parser.error(f'no {sorted(unknown)}; there are {list(SCRIPTS)}')
    sections = {}
    if args.out.exists():
        parts = re.split(r'^(?=## )', args.out.read_text(), flags=re.M)
        sections = {part.split()[1]: part for part in parts[1:]}
    failed = False
    for name in args.names or SCRIPTS:
        sections[name] = run(name, SCRIPTS[name])
        failed |= '**It failed' in sections[name]
        # behind every script: a stop keeps what was measured
        head = (
            '# Benchmark results\n\nWritten by `make bench`; '
            '[README](README.md) says what is measured.\n\n'
            f'{machine()}\n\n'
        )
        body = [sections[n].strip() for n in SCRIPTS if n in sections]
        args.out.write_text(head + '\n\n'.join(body) + '\n')
    return int(failed)


if __name__ == '__main__':
    sys.exit(main())
