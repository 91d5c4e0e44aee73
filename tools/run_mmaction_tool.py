"""Run a tool that MMAction2 ships, with its own arguments."""

import runpy
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Callable, Optional


def run(name: str, prepare: Optional[Callable[[], None]] = None) -> None:
    """Run ``mmaction/.mim/tools/<name>`` as the main program.

    Importing integral_action first mends what upstream breaks (``compat``);
    then ``prepare`` is called.
    """
    if {'-h', '--help'}.isdisjoint(sys.argv):  # help need not wait for torch
        import integral_action  # noqa: F401

        if prepare:
            prepare()
    package = Path(find_spec('mmaction').submodule_search_locations[0])
    for tool in (
        package / '.mim' / 'tools' / name,
        package.parent / 'tools' / name,
    ):  # installed, or a checkout
        if tool.is_file():
            runpy.run_path(str(tool), run_name='__main__')
            return
    sys.exit(
        f'{name}: mmaction2 is installed without its tools in {package}; '
        f'reinstall it: pip install --force-reinstall mmaction2==1.2.0'
    )
