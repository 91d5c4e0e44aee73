"""The package as a whole: what imports what, and the examples of its docs."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest
from conftest import ROOT

import integral_action

MODULES = [
    module.name
    for module in pkgutil.walk_packages(
        integral_action.__path__, 'integral_action.'
    )
]


def source(module):
    return Path(importlib.util.find_spec(module).origin).read_text()


def test_imports_run_one_way(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'docs'))
    import draw_imports

    assert draw_imports.upward() == []
    rooms = {name for edge in draw_imports.edges() for name in edge}
    assert rooms <= set(draw_imports.floor_of())


@pytest.mark.parametrize(
    'module', [name for name in MODULES if '>>>' in source(name)]
)
def test_examples_of_docstrings(module, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(
        importlib.import_module(module), optionflags=doctest.ELLIPSIS
    )
    assert result.attempted and not result.failed
