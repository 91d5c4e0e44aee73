"""Run a tool that MMAction2 ships, with its own arguments."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Callable, List, Optional
from unittest.mock import MagicMock

from integral_action_cli import run_script


def _run_and_say(tool: Path) -> None:
    """Run it; a checkpoint that cannot be used, and a training that stops for
    its losses, are a sentence."""
    try:
        run_script(tool)
    except (ValueError, FloatingPointError) as error:
        from integral_action.checkpoints import CheckpointError
        from integral_action.text import one_line

        if not isinstance(error, (CheckpointError, FloatingPointError)):
            raise
        sys.exit(f'error: {one_line(error)}')


def run(name: str, prepare: Optional[Callable[[], None]] = None) -> None:
    """Run ``mmaction/.mim/tools/<name>`` as the main program.

    Importing integral_action first mends what upstream breaks (``compat``);
    then ``prepare`` is called.
    """
    package = Path(find_spec('mmaction').submodule_search_locations[0])
    if {'-h', '--help'}.isdisjoint(sys.argv):
        import integral_action  # noqa: F401

        check_cfg_options(sys.argv)
        if prepare:
            prepare()
    else:  # the tool imports these, and torch, before it reads its arguments
        for module in ('mmengine.runner', 'mmaction', 'mmaction.registry'):
            sys.modules[module] = MagicMock()
    for tool in (
        package / '.mim' / 'tools' / name,
        package.parent / 'tools' / name,
    ):  # installed, or a checkout
        if tool.is_file():
            _run_and_say(tool)
            return
    sys.exit(
        f'{name}: mmaction2 is installed without its tools in {package}; '
        f'reinstall it: pip install --force-reinstall mmaction2==1.2.0'
    )


def check_cfg_options(arguments: List[str]) -> None:
    """Stop at a ``--cfg-options`` that nothing reads.

    A config file's own variables, such as ``train_pipeline``, have been put
    where they are used when options are set.

    Raises:
        SystemExit: with a message that names the option.
    """
    from difflib import get_close_matches
    from inspect import signature

    from mmengine.runner import Runner

    known = {
        *signature(Runner.__init__).parameters,
        'compile',
        'custom_imports',
        'model_wrapper_cfg',
        'runner_type',
    }
    option = ''
    for argument in arguments:
        if argument.startswith('--'):
            option, _, argument = argument.partition('=')
        key = argument.partition('=')[0]
        name, _, rest = key.partition('.')
        if option != '--cfg-options' or not name or name in known:
            continue
        split = name.removesuffix('_pipeline')
        near = get_close_matches(name, known, 1, 0.8)
        if split in ('train', 'val', 'test'):
            near = [f'{split}_dataloader.dataset.pipeline.{rest}'.strip('.')]
        hint = f'; is {near[0]} meant?' if near else ''
        sys.exit(
            f'--cfg-options {key}: nothing reads {name!r} of a config that '
            f'has been read{hint}'
        )
