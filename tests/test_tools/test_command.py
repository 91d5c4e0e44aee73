"""The command ``integral-action``, in processes of its own."""

import json
import os
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
from conftest import CONFIGS, ROOT

import integral_action
import integral_action_cli as cli

# what each command's help has to tell
OPTIONS = {
    'demo': '--out-dir',
    'predict': '--checkpoint',
    'live': '--pose-every',
    'web': '--port',
    'vis-cam': '--alone',
    'extract-poses': '--batch-size',
    'convert coco-results': '--to-openpose18',
    'convert hold-out': '--share',
    'convert jhmdb': 'splits',
    'convert kinetics-skeleton': '--classes',
    'convert mimetics': '--labels',
    'convert ntu-rgbd': 'skeletons',
    'convert out-of-context': '--masks',
    'convert puppets': '--num-train',
    'convert video-folder': '--test-share',
    'check': '--decode',
    'browse': '--split',
    'train': '--gpus',
    'test': '--gpus',
    'analyze average-rank': '--topk',
    'analyze compare-runs': '--key',
    'analyze confusion': '--num',
    'analyze context-report': '--visible',
    'analyze disagreements': '--annotations',
    'analyze gate': '--classes',
    'analyze get-flops': 'config',
    'analyze per-class': '--group-key',
    'analyze relative-difference': '--ours',
    'analyze score-average': '--num',
    'reproduce': '--seeds',
    'puppets': '--ablations',
    'publish': '--classes',
    'export onnx': '--opset',
    'export program': '--verify',
    'import-release': '--config',
    'info': '--json',
}
GROUPS = [name for name, tool in cli.COMMANDS.items() if type(tool) is dict]
# of each command its help, its status, and the heavy modules imported by then
HELPS = """
import contextlib, io, json, sys, integral_action_cli
heavy, found = {'torch', 'integral_action', 'cv2', 'matplotlib', 'numba'}, {}
for name in sys.argv[1:]:
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        try:
            integral_action_cli.main([*name.split(), '--help'])
        except SystemExit as error:
            status = error.code
    imported = sorted(heavy & set(sys.modules))
    found[name] = dict(text=text.getvalue(), status=status, imported=imported)
print(json.dumps(found))
"""
# the same of a command that fails
HELP = """
import sys, integral_action_cli
try:
    integral_action_cli.main(sys.argv[1:])
finally:
    heavy = {'torch', 'integral_action', 'cv2', 'matplotlib', 'numba'}
    print('imported:', sorted(heavy & set(sys.modules)), file=sys.stderr)
"""
ENV = os.environ | dict(COLUMNS='100')


def call(*arguments, code=0, **options):
    """Run the command, as installed where it is; gives output and errors."""
    command = [sys.executable, '-m', 'integral_action_cli', *arguments]
    done = subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        env=ENV,
        **options,
    )
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


@pytest.fixture
def tool_info(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    import info

    return info


def names(tools, prefix=''):
    for name, tool in tools.items():
        if isinstance(tool, dict):
            yield from names(tool, f'{prefix}{name} ')
        else:
            yield prefix + name, tool


def test_every_tool_is_a_command():
    commands = dict(names(cli.COMMANDS))
    assert set(commands) == set(OPTIONS)
    tools = {
        str(path.relative_to(ROOT / 'tools'))
        for path in (ROOT / 'tools').rglob('*.py')
        if "if __name__ == '__main__'" in path.read_text()
    }
    # the report is the last step of `puppets`
    assert set(commands.values()) == tools - {'demo_report.py'}


@pytest.fixture(scope='module')
def helps():
    """Help of every command, in as few processes as can be."""
    alone = ('train', 'test')  # they put mocks in the place of mmengine
    found = {}
    for group in ([*set(OPTIONS) - set(alone)], *([name] for name in alone)):
        done = subprocess.run(
            [sys.executable, '-c', HELPS, *group],
            capture_output=True,
            text=True,
            env=ENV,
        )
        assert done.returncode == 0, done.stderr
        found |= json.loads(done.stdout)
    return found


@pytest.mark.parametrize('name', OPTIONS)
def test_help_tells_the_options_without_torch(helps, name):
    found = helps[name]
    assert not found['status'] and found['imported'] == []
    assert f'usage: integral-action {name} ' in found['text']
    assert OPTIONS[name] in found['text']


def test_the_page_has_every_command():
    page = (ROOT / 'docs' / 'commands.md').read_text()
    rows = re.findall(r'^\| `(.+)` \| (.+) \| \[(.+)\]', page, re.M)
    assert rows == [
        (name, cli.summary(name, tool).removesuffix('.'), tool)
        for name, tool in names(cli.COMMANDS)
    ]


def test_mistakes_are_told_without_torch():
    done = subprocess.run(
        [sys.executable, '-c', HELP, 'convert', 'jhmdb', '/none', '.', '.'],
        capture_output=True,
        text=True,
        env=ENV,
    )
    assert done.returncode == 2
    assert '/none: there is no such folder' in done.stderr
    assert done.stderr.splitlines()[-1] == 'imported: []'


def test_a_module_of_ones_own_is_imported_first(tmp_path):
    (tmp_path / 'mine.py').write_text("print('mine is here')\n")
    output, _ = call(
        '--import', 'mine', 'convert', 'jhmdb', '-h', cwd=tmp_path
    )
    assert output.startswith('mine is here\nusage: integral-action convert')


def test_overview_has_a_line_for_every_command(tmp_path):
    output, _ = call('--help', cwd=tmp_path)
    assert output == call(cwd=tmp_path)[0]
    lines = re.findall(r'^  ([\w-]+) +(\S.+)$', output, re.M)
    assert [name for name, _ in lines] == list(cli.COMMANDS)
    assert all(text[0].isupper() and text[-1] == '.' for _, text in lines)
    for group in GROUPS:
        output, _ = call(group, '-h')
        lines = re.findall(r'^  ([\w-]+) +\S', output, re.M)
        assert lines == list(cli.COMMANDS[group])
    assert call('--version')[0] == f'{integral_action.__version__}\n'


@pytest.mark.parametrize(
    'arguments, message',
    [
        (['predct'], "unknown command 'predct'; did you mean 'predict'?"),
        (['xyz'], "unknown command 'xyz'; See integral-action --help"),
        (
            ['convert', 'jhmbd'],
            "integral-action convert: unknown command 'jhmbd'; did you mean "
            "'jhmdb'?",
        ),
        (['train', 'none.py'], 'train: none.py: there is no such file'),
        (
            ['test', 'integralaction_r18w16-r18w16.py', 'a.pth'],
            'did you mean integralaction_r18w16-r18w16',
        ),
        (
            ['train', 'integralaction_r18w16-r18w16', '--seed', '0'],
            'did you mean integralaction_r18w16-r18w16',
        ),
        (['train', 'a', '--gpus', 'x'], "invalid int value: 'x'"),
    ],
)
def test_mistakes_are_one_line(arguments, message):
    output, errors = call(*arguments, code=2)
    assert message in errors and 'Traceback' not in errors
    assert len(errors.splitlines()) <= 2 and not output


def test_choices_are_those_of_the_package():
    """Help does not import the package, so its choices are written twice."""
    from integral_action.deployment.deployable_recognizer import POSE_INPUTS
    from integral_action.deployment.export import OPSETS
    from integral_action.out_of_context import MASKS

    text, _ = call('export', 'onnx', '-h')
    opsets = map(str, range(OPSETS[0], OPSETS[1] + 1))
    for choices in (POSE_INPUTS, opsets):
        assert f'{{{",".join(choices)}}}' in text
    assert f'(default: {OPSETS[0]})' in text
    text, _ = call('convert', 'out-of-context', '-h')
    assert f"{', '.join(MASKS)}, or a 'module:Class'" in ' '.join(text.split())


def test_a_config_goes_by_its_name_as_with_mim(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = min(CONFIGS.glob('integralaction_*_puppets.py'))
    for name in (path.stem, path.name):
        found = Path(cli.config_path('train', name))
        assert found.read_text() == path.read_text()
    for other in ('kinetics400', '--resume', 'a=b.py', str(path), ''):
        assert cli.config_path('train', other) == other
    Path(path.name).touch()  # a file that is here comes first
    assert cli.config_path('train', path.name) == path.name


def test_exit_status_and_errors_are_the_tools(tmp_path):
    _, errors = call('analyze', 'compare-runs', 'none', code=1, cwd=tmp_path)
    assert errors.startswith('error: ') and 'none' in errors
    assert len(errors.splitlines()) == 1


def test_workers_find_the_tool(tmp_path):
    """Its processes import it by its path, wherever it was started."""
    call(
        'convert', 'puppets', 'out', '--num-train', 1, '--num-test', 1,
        '--workers', 2, cwd=tmp_path,
    )  # fmt: skip
    assert len(list(tmp_path.rglob('*.mp4'))) == 3 * 12


def test_two_gpus_are_two_processes(tmp_path, monkeypatch, capfd):
    """torchrun starts them; the processes write how they were called."""
    import torch

    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    script = tmp_path / 'tool.py'
    script.write_text(
        'import os, sys\n'
        'path = os.path.join(os.path.dirname(__file__), os.environ["RANK"])\n'
        'open(path, "w").write(" ".join([os.environ["WORLD_SIZE"]] '
        '+ sys.argv[1:]))\n'
    )
    # in a process of its own, whose signal handlers torchrun may change
    code = (
        'import sys, torch\n'
        'from pathlib import Path\n'
        'import integral_action_cli as cli\n'
        'torch.cuda.device_count = lambda: 2\n'
        'cli.launch("train", Path(sys.argv[1]), sys.argv[2:])\n'
    )
    arguments = ['a.py', '--gpus', '2', '--cfg-options', 'a.b=1']
    command = [sys.executable, '-c', code, str(script), *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    with pytest.raises(SystemExit):
        cli.launch('train', script, ['a.py', '--gpus', '3'])
    assert '--gpus 3: this machine has 2' in capfd.readouterr().err
    for rank in '01':
        assert (tmp_path / rank).read_text() == (
            '2 --launcher pytorch a.py --cfg-options a.b=1'
        )
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '0')
    assert cli.launch('train', script, ['a.py', '--gpus', '1']) == ['a.py']
    assert os.environ['CUDA_VISIBLE_DEVICES'] == '0'
    assert cli.launch('train', script, ['--gpus=0', 'a.py']) == ['a.py']
    assert os.environ['CUDA_VISIBLE_DEVICES'] == ''


def test_info_tells_what_is_here_and_what_is_missing(tool_info):
    import torch

    info = json.loads(call('info', '--json')[0])
    assert info['integral_action']['version'] == integral_action.__version__
    assert info['packages']['torch'] == f'torch {torch.__version__}'
    assert 'mmcv' in info['packages']['mmcv']
    assert info['environment']['PyTorch'] == torch.__version__
    for use, found in info['optional'].items():
        assert re.fullmatch(r'missing: pip install ".+"|[\w, .+-]+', found), (
            use
        )
    text = tool_info.describe(info)
    assert f'mmaction: {info["packages"]["mmaction"]}' in text
    assert 'compiling' not in text
    info['packages']['numpy'] = 'numpy 1.26.4'
    info['optional']['web'] = 'missing: pip install "integral_action[web]"'
    expected = '(with -c requirements/constraints-numpy1.txt of the checkout)'
    assert expected in tool_info.describe(info)


def test_what_info_says_to_install_is_an_extra(tool_info):
    config = ConfigParser()
    config.read(ROOT / 'setup.cfg')
    extras = {extra for _, _, extra in tool_info.PARTS}
    assert extras <= set(config['options.extras_require'])


def test_the_installed_command_is_this_one(tmp_path):
    """Of the environment that the tests run in, if it is there."""
    command = shutil.which('integral-action', path=Path(sys.executable).parent)
    if command is None:
        pytest.skip('the package is not installed')
    done = subprocess.run(
        [command, 'publish', '--help'],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert 'usage: integral-action publish ' in done.stdout


def test_every_command_ends_alike(capsys):
    """A number, an error that is the user's, an interrupt."""

    def end(result, **options):
        @cli.command(KeyError, **options)
        def work(first, second=0):
            if isinstance(result, BaseException):
                raise result
            return result

        return work(1, second=2), capsys.readouterr().err

    assert end(None) == end(False) == end(0) == (0, '')
    assert end(True) == (1, '') and end(3) == (3, '')
    text = 'a.mp4:  no\nvideo\x1b[2J'
    assert end(ValueError(text)) == (1, 'error: a.mp4: no video\ufffd[2J\n')
    assert end(OSError(), status=2) == (2, 'error: OSError\n')
    assert end(KeyError('key')) == (1, "error: 'key'\n")
    assert end(KeyboardInterrupt(), stopped='later') == (130, 'later\n')
    with pytest.raises(ZeroDivisionError):  # a fault of the program's
        end(ZeroDivisionError())
