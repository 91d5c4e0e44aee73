"""Train a model: MMAction2's ``tools/train.py``, with upstream mended.

python tools/train.py CONFIG [--work-dir DIR] [--resume] [--seed N] ...
"""

from run_mmaction_tool import run

if __name__ == '__main__':
    run('train.py')
