"""Test a model: MMAction2's ``tools/test.py``, with upstream mended.

python tools/test.py CONFIG CHECKPOINT [--dump FILE.pkl] ...
"""

from run_mmaction_tool import run

if __name__ == '__main__':
    run('test.py')
