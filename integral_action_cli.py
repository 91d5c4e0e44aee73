"""The command ``integral-action``: every tool of the project by its name.

    integral-action predict VIDEO

runs ``tools/inference.py`` with the arguments that follow. Neither torch nor
the package is imported here, so that help answers at once. A tool runs in this
process, so that signals and exit statuses are its own. ``--import MODULE``
before the command registers components of your own, as ``custom_imports`` of
a config does.
"""

import argparse
import ast
import math
import os
import runpy
import sys
from difflib import get_close_matches
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Callable, Dict, List, NoReturn, Optional, Union

PROG = 'integral-action'
# a tool's file, or those of a group by their names
SECTIONS: Dict[str, Dict[str, Union[str, Dict[str, str]]]] = {
    'Use a model': {
        'demo': 'inference.py',
        'predict': 'inference.py',
        'live': 'live.py',
        'web': 'web_demo.py',
        'vis-cam': 'vis_cam.py',
    },
    'Prepare data': {
        'extract-poses': 'extract_poses.py',
        'convert': {
            name.replace('_', '-'): f'dataset_converters/{name}.py'
            for name in (
                'coco_results',
                'hold_out',
                'jhmdb',
                'kinetics_skeleton',
                'mimetics',
                'ntu_rgbd',
                'out_of_context',
                'puppets',
                'video_folder',
            )
        },
        'check': 'check_dataset.py',
        'browse': 'browse_dataset.py',
    },
    'Train and test': {
        'train': 'train.py',
        'test': 'test.py',
        'analyze': {
            name.replace('_', '-'): f'analysis_tools/{name}.py'
            for name in (
                'average_rank',
                'compare_runs',
                'confusion',
                'context_report',
                'disagreements',
                'gate',
                'get_flops',
                'per_class',
                'relative_difference',
                'score_average',
            )
        },
        'reproduce': 'reproduce.py',
        'puppets': 'demo.py',
    },
    'Share a model': {
        'publish': 'model_converters/publish_model.py',
        'export': {
            'onnx': 'deployment/export_onnx.py',
            'program': 'deployment/export_program.py',
        },
        'import-release': 'model_converters/release_to_integral_action.py',
    },
    'Installation': {
        'info': 'info.py',
    },
}
COMMANDS = {
    name: tool for part in SECTIONS.values() for name, tool in part.items()
}
# of groups, and of a command that is a special case of its tool
SUMMARIES = {
    'demo': 'Label a video with a model of the package; writes ./out.',
    'convert': 'Convert a dataset to lists and pose files, or make one.',
    'analyze': 'Make tables and figures of the results of tests.',
    'export': 'Export a model to ONNX, or as a program of torch.export.',
}
# names of before
ALIASES = {'look-inside': 'vis-cam'}
DEFAULTS = {'demo': ['--out-dir', 'out']}
TAKE_A_CONFIG = ('train', 'test', 'check', 'browse', 'analyze get-flops')
GPUS = """options of this command:
  --gpus N              processes, one per GPU, as with mim: 2 or more start
                        torchrun; 0 hides the GPUs
"""
HELP = {'-h', '--help'}


def main(arguments: Optional[List[str]] = None) -> None:
    """Run a command; ends as its tool does.

    Args:
        arguments: the command and its arguments; None takes ``sys.argv``.

    Raises:
        SystemExit: with the tool's status; 2 for a command that is not known.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] in HELP:
        print(overview())
        return
    if arguments[0] == '--version':
        print(version())
        return
    modules = []
    while arguments[:1] == ['--import'] and len(arguments) > 2:
        modules.append(arguments[1])
        del arguments[:2]
    prog, tool = PROG, COMMANDS
    while isinstance(tool, dict):
        if tool is not COMMANDS and (not arguments or arguments[0] in HELP):
            print(f'usage: {prog} NAME ...\n\n{table(tool)}')
            return
        name = arguments.pop(0)
        name = ALIASES.get(name, name)
        if name not in tool:
            near = get_close_matches(name, tool, 1, 0.5)
            hint = f'did you mean {near[0]!r}? ' if near else ''
            fail(f'{prog}: unknown command {name!r}; {hint}See {prog} --help')
        prog, tool = f'{prog} {name}', tool[name]
    name = prog.removeprefix(f'{PROG} ')
    arguments = DEFAULTS.get(name, []) + arguments
    if name in TAKE_A_CONFIG:
        arguments = [config_path(prog, argument) for argument in arguments]
    script = tools_folder() / tool
    if name in ('train', 'test'):
        arguments = launch(prog, script, arguments)
    sys.argv = [prog, *arguments]
    sys.path.insert(0, str(script.parent))  # where its helpers are
    if modules:
        sys.path.insert(0, os.getcwd())
    for module in modules:
        import_module(module)
    run_script(script)


def launch(prog: str, script: Path, arguments: List[str]) -> List[str]:
    """Take ``--gpus N`` from a tool's arguments.

    Args:
        prog: the command, for its messages.
        script: the tool; with two or more GPUs it is run here, by torchrun.
        arguments: the tool's, and ``--gpus``.

    Returns:
        The tool's own arguments, to run it with in this process.

    Raises:
        SystemExit: torchrun has ended; or there are fewer GPUs.
    """
    parser = argparse.ArgumentParser(
        prog, add_help=False, allow_abbrev=False, usage=f'{prog} --help'
    )
    parser.add_argument('--gpus', type=int)
    args, others = parser.parse_known_args(arguments)
    if not HELP.isdisjoint(others):
        print(GPUS)
    elif args.gpus == 0:
        os.environ['CUDA_VISIBLE_DEVICES'] = ''
    elif (args.gpus or 1) > 1:
        import torch
        from torch.distributed.run import main as torchrun

        found = torch.cuda.device_count()
        if args.gpus > found:
            parser.error(f'--gpus {args.gpus}: this machine has {found}')
        processes = ['--standalone', f'--nproc-per-node={args.gpus}']
        torchrun([*processes, str(script), '--launcher', 'pytorch', *others])
        sys.exit()
    return others


class _Help(
    argparse.RawDescriptionHelpFormatter,
    argparse.ArgumentDefaultsHelpFormatter,
):
    """A tool's docstring as it is, and defaults that a help does not tell."""

    def _get_help_string(self, action: argparse.Action) -> Optional[str]:
        told = 'default' in (action.help or '')
        if told or action.default in (None, False, '', [], {}):
            return action.help
        return super()._get_help_string(action)


def make_parser(doc: str) -> argparse.ArgumentParser:
    """Return a parser whose help begins with a tool's docstring."""
    return argparse.ArgumentParser(description=doc, formatter_class=_Help)


def number(
    least: float, most: float = math.inf, kind: Callable = int
) -> Callable:
    """Return the type of an argument that is a number of a range."""

    def parse(text: str):
        value = kind(text)
        if not least <= value <= most:
            bound = 'or more' if most == math.inf else f'to {most}'
            raise argparse.ArgumentTypeError(
                f'{text}: expected {least} {bound}'
            )
        return value

    parse.__name__ = 'number'  # in argparse's own words
    return parse


def command(
    *errors: type,
    status: int = 1,
    stopped: str = 'stopped; the same command goes on',
) -> Callable:
    """Make a function, such as a tool's ``main``, end as a command does.

    It returns the exit status: the function's own number, 0 for None; 130 for
    an interrupt; ``status`` for an ``OSError``, ``ValueError``,
    ``ImportError`` or one of ``errors``, which is said in one line.

    Args:
        errors: further errors of the user's.
        status: exit status where nothing could be done.
        stopped: what is said of an interrupt.
    """

    def decorate(function: Callable) -> Callable:
        @wraps(function)
        def run(*args, **kwargs) -> int:
            try:
                return int(function(*args, **kwargs) or 0)
            except (OSError, ValueError, ImportError, *errors) as error:
                # read alone: the package itself may be what cannot be imported
                text = runpy.run_path(str(package_folder() / 'text.py'))
                print(f'error: {text["one_line"](error)}', file=sys.stderr)
                return status
            except KeyboardInterrupt:
                print(stopped, file=sys.stderr)
                return 130

        return run

    return decorate


def run_script(path: Path) -> None:
    """Run a file as the main program, as ``runpy.run_path`` does, with
    ``sys.argv`` as it is: its usage says how it was called."""
    module = ModuleType('__main__')
    module.__file__ = str(path)
    sys.modules['__main__'] = module
    exec(compile(path.read_bytes(), path, 'exec'), vars(module))


def package_folder() -> Path:
    """The package's folder, found without importing it."""
    return Path(find_spec('integral_action').origin).parent


def tools_folder() -> Path:
    """The tools: of an installation, or through a link those of a checkout."""
    folder = package_folder() / '.mim' / 'tools'
    if not folder.is_dir():  # a checkout without links
        folder = package_folder().parent / 'tools'
    return folder.resolve()


def configs_folder() -> Path:
    return tools_folder().with_name('configs')


def config_path(prog: str, argument: str) -> str:
    """The path of a config that is given by its name, as ``mim`` finds it;
    every other argument as it is.

    Raises:
        SystemExit: the name of a file that is not here, and of no config.
    """
    if Path(argument).name != argument or Path(argument).exists():
        return argument
    configs = {
        path.stem: path
        for path in configs_folder().rglob('*.py')
        if '_base_' not in path.parts
    }
    name = argument.removesuffix('.py')
    if name in configs:
        return str(configs[name])
    meant = name != argument or name.startswith('integralaction')
    if meant and '=' not in argument:
        near = get_close_matches(name, configs, 1)
        hint = f'; did you mean {near[0]}.py?' if near else ''
        fail(
            f'{prog}: {argument}: there is no such file, nor such a config in '
            f'{configs_folder()}{hint}'
        )
    return argument


def version() -> str:
    return runpy.run_path(str(package_folder() / 'version.py'))['__version__']


def summary(name: str, tool: Union[str, Dict]) -> str:
    """The line of a command: the first of its tool's docstring."""
    if name in SUMMARIES:
        return SUMMARIES[name]
    text = (tools_folder() / tool).read_text(encoding='utf-8')
    return ast.get_docstring(ast.parse(text)).splitlines()[0]


def table(tools: Dict) -> str:
    width = max(map(len, tools))
    return '\n'.join(
        f'  {name:<{width}}  {summary(name, tool)}'
        for name, tool in tools.items()
    )


def overview() -> str:
    parts = '\n\n'.join(
        f'{title}:\n{table(tools)}' for title, tools in SECTIONS.items()
    )
    return (
        f'usage: {PROG} [--import MODULE] COMMAND ...\n\n{parts}\n\n'
        f'{PROG} COMMAND --help tells its options; --import registers what a '
        f'module\nof yours adds, as custom_imports of a config does.'
    )


def fail(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(2)


if __name__ == '__main__':
    main()
