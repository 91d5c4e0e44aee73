"""Train a model, by MMAction2's own tool with its faults mended.

integral-action train CONFIG [--work-dir DIR] [--resume] [--seed N] ...
"""

from run_mmaction_tool import run

if __name__ == '__main__':
    run('train.py')
