"""Test a model, by MMAction2's own tool with its faults mended.

    integral-action test CONFIG CHECKPOINT [--dump FILE.pkl] ...

A checkpoint with other weights than the model's is an error: upstream logs it
and tests with random ones.
"""

from functools import partialmethod

from run_mmaction_tool import run


def load_strictly() -> None:
    """Make the runner refuse a checkpoint of another model."""
    from mmengine.runner import Runner

    Runner.load_checkpoint = partialmethod(Runner.load_checkpoint, strict=True)


if __name__ == '__main__':
    run('test.py', load_strictly)
