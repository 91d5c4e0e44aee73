"""Every file and option that a command of the documents names exists."""

import os
import re
import shlex
import subprocess
import sys
from functools import lru_cache

import pytest
from conftest import ROOT
from mmengine.config import Config

import integral_action_cli as cli

PAGES = sorted(
    page
    for page in ROOT.rglob('*.md')
    if '```bash' in page.read_text()
    and not {'work_dirs', 'site'} & set(page.relative_to(ROOT).parts)
    and not any(part[0] == '.' for part in page.relative_to(ROOT).parts)
)
CONFIGS = {
    path.stem: path
    for path in (ROOT / 'configs').rglob('*.py')
    if '_base_' not in path.parts
}
OWN = ('benchmarks', 'configs', 'demo', 'requirements', 'tests', 'tools')
MIM = {'--checkpoint', '--gpus', '--launcher'}  # of `mim train` and `test`


def commands(page):
    """The words of every command, without what is set before it."""
    for block in re.findall(r'```bash\n(.*?)```', page.read_text(), re.DOTALL):
        for line in block.replace('\\\n', ' ').splitlines():
            words = shlex.split(line, comments=True)
            while words and re.match(r'[A-Z_]+=', words[0]):
                words = words[1:]
            if words:
                yield words


def script_of(words):
    """The tool that a command runs, or None; and options of what runs it."""
    if words[0] == 'integral-action':
        tool, names = cli.COMMANDS, words[1:]
        while isinstance(tool, dict):
            if names[0] == '--help':
                return None, set()
            tool, *names = tool[names[0]], *names[1:]
        return ROOT / 'tools' / tool, {'--gpus', '--help'}
    if words[:3] == ['mim', 'run', 'integral_action'] and words[3] != '-h':
        (script,) = (ROOT / 'tools').rglob(f'{words[3]}.py')
        return script, set()
    if words[0] == 'mim' and words[1] in ('train', 'test'):
        return ROOT / 'tools' / f'{words[1]}.py', MIM
    scripts = [word for word in words if re.match(r'(tools|demo)/.*py$', word)]
    before = words[: words.index(scripts[0])] if scripts else []
    return scripts and ROOT / scripts[0], set(before)


@lru_cache
def options_of(script):
    done = subprocess.run(
        [sys.executable, script, '--help'],
        capture_output=True,
        text=True,
        env=os.environ | dict(PYTHONPATH=str(ROOT)),
    )
    assert done.returncode == 0, done.stderr
    return set(re.findall(r'--[\w-]+', done.stdout))


def has(config, key):
    """Whether a config has a key; its last part may be new in a dict."""
    *parts, last = key.split('.')
    for part in parts:
        if isinstance(config, list):
            config = config[int(part)]
        elif part in config:
            config = config[part]
        else:
            return False
    return True


@pytest.mark.parametrize('page', PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_options_exist(page):
    targets = re.findall(r'^([\w-]+):', (ROOT / 'Makefile').read_text(), re.M)
    for words in commands(page):
        script, known = script_of(words)
        if words[0] == 'make':
            assert set(words[1:]) <= set(targets), words
        options = {word.partition('=')[0] for word in words if '--' in word}
        options = {word for word in options if word.startswith('--')}
        if script:
            assert options <= options_of(script) | known, (words, script)
        for word in words:
            if word.split('/')[0] in OWN and '/CONFIG' not in word:
                assert (ROOT / word).exists(), word
            named = re.fullmatch(
                r'(?:work_dirs/)?(integralaction[-_][\w.-]+?)(?:\.py)?'
                r'(?:/epoch_(\d+)\.pth)?;?',
                word,
            )
            if named:
                cfg = Config.fromfile(CONFIGS[named[1]])
                if named[2]:
                    assert int(named[2]) == cfg.train_cfg.max_epochs, word
                if '--cfg-options' in words:
                    start = words.index('--cfg-options') + 1
                    for option in words[start:]:
                        if option.startswith('--'):
                            break
                        assert has(cfg, option.partition('=')[0]), option


def test_what_is_not_there_is_found(tmp_path):
    page = tmp_path / 'page.md'
    for command, error in (
        ('integral-action predict VIDEO --chekpoint a.pth', AssertionError),
        ('python tools/tain.py CONFIG', AssertionError),
        ('mim train integral_action integralaction-none.py', KeyError),
        ('integral-action conver jhmdb', KeyError),
        ('make tests', AssertionError),
        ('pip install -c requirements/none.txt .', AssertionError),
    ):
        page.write_text(f'```bash\n{command}  # a comment\n```\n')
        with pytest.raises(error):
            test_files_and_options_exist(page)
