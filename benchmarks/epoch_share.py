"""Share of an epoch that is waited for data.

    python benchmarks/epoch_share.py

Trains the pose stream of Puppets, on a GPU by torchrun with one process over
NCCL, as several GPUs would be, and reads mmengine's ``data_time`` and ``time``
of each iteration of the second epoch.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import common
import numpy as np
import torch

CONFIG = (
    common.ROOT
    / 'configs/integral_action'
    / 'integralaction-pose_r18w16_1xb32-8x1x1-8e_puppets.py'
)


def main() -> None:
    tools = common.ROOT / 'tools'
    with tempfile.TemporaryDirectory() as folder:
        data, work = Path(folder) / 'puppets', Path(folder) / 'work'
        run(
            tools / 'dataset_converters' / 'puppets.py', data,
            '--num-train', '16', '--num-test', '1',
        )  # fmt: skip
        launched = ()
        if torch.cuda.is_available():  # mmengine's launcher wants one
            launched = (
                '-m', 'torch.distributed.run', '--standalone',
                '--nproc-per-node=1',
            )  # fmt: skip
        launcher = 'pytorch' if launched else 'none'
        run(
            *launched, tools / 'train.py', CONFIG, '--launcher', launcher,
            '--work-dir', work, '--cfg-options',
            *(
                f'{split}_dataloader.dataset.data_root={data}/'
                for split in ('train', 'val', 'test')
            ),
            'train_cfg.max_epochs=2', 'default_hooks.logger.interval=1',
        )  # fmt: skip
        (path,) = work.glob('*/vis_data/scalars.json')
        lines = map(json.loads, path.read_text().splitlines())
        steps = [one for one in lines if one.get('epoch') == 2]
    steps = [one for one in steps if 'data_time' in one]
    loading = np.mean([one['data_time'] for one in steps])
    whole = np.mean([one['time'] for one in steps])
    how = 'of torchrun, over NCCL' if launched else 'without a GPU'
    print(f'One process {how}; {len(steps)} iterations of 32 clips.')
    common.print_table(
        ['an iteration', 'ms', 'share'],
        [
            [
                'waiting for data',
                f'{loading * 1e3:.0f}',
                f'{loading / whole:.0%}',
            ],
            ['all', f'{whole * 1e3:.0f}', '100%'],
        ],
    )


def run(*command) -> None:
    """Run Python; what it prints goes to stderr."""
    subprocess.run(
        [sys.executable, *map(str, command)],
        check=True,
        stdout=sys.stderr,
        env=os.environ | {'PYTHONPATH': str(common.ROOT)},
    )


if __name__ == '__main__':
    main()
