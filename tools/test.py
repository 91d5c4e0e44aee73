"""Test a model, by MMAction2's own tool with its faults mended.

    integral-action test CONFIG CHECKPOINT [--dump FILE.pkl] ...

A checkpoint with other weights than the model's is an error: upstream logs it
and tests with random ones.
"""

import sys

from run_mmaction_tool import run


def use_strict_runner() -> None:
    """Run a config that names no runner by ours, which wants all weights."""
    from mmengine.config import Config

    config = next((arg for arg in sys.argv[1:] if arg.endswith('.py')), None)
    if config and 'runner_type' not in Config.fromfile(config):
        sys.argv += ['--cfg-options', 'runner_type=IntegralActionRunner']


if __name__ == '__main__':
    run('test.py', use_strict_runner)
