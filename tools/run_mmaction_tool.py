"""Run a tool that MMAction2 ships, with its own arguments."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Callable, Optional
from unittest.mock import MagicMock

from integral_action_cli import run_script


def _run_and_say(tool: Path) -> None:
    """Run it; a checkpoint that cannot be used, and a training that stops for
    its losses, are a sentence."""
    try:
        run_script(tool)
    except (ValueError, FloatingPointError) as error:
        from integral_action.checkpoints import CheckpointError
        from integral_action.text import printable

        if not isinstance(error, (CheckpointError, FloatingPointError)):
            raise
        sys.exit(f'error: {printable(str(error))}')


def run(name: str, prepare: Optional[Callable[[], None]] = None) -> None:
    """Run ``mmaction/.mim/tools/<name>`` as the main program.

    Importing integral_action first mends what upstream breaks (``compat``);
    then ``prepare`` is called.
    """
    package = Path(find_spec('mmaction').submodule_search_locations[0])
    if {'-h', '--help'}.isdisjoint(sys.argv):
        import integral_action  # noqa: F401

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
