"""The site of the documentation: ``make docs``, or ``sphinx-build docs site``.

The pages are Markdown that reads on its own as well; MyST renders it.
"""

import re
from pathlib import Path

import integral_action

ROOT = Path(__file__).resolve().parents[1]

project = 'IntegralAction for MMAction2'
author = 'the IntegralAction for MMAction2 authors'
release = version = integral_action.__version__

extensions = [
    'myst_parser',
    'sphinx.ext.autodoc',
    'sphinx.ext.napoleon',
    'sphinx.ext.viewcode',
]
source_suffix = {'.md': 'markdown'}
html_theme = 'furo'
html_title = f'{project} {release}'

myst_enable_extensions = ['colon_fence', 'substitution']
myst_heading_anchors = 3  # links to headings, as GitHub makes them


def tested_versions() -> str:
    """``requirements/constraints.txt`` as a table."""
    rows = ['| package | version |', '| --- | --- |']
    text = (ROOT / 'requirements' / 'constraints.txt').read_text()
    for line in text.splitlines():
        found = re.fullmatch(r'([\w.-]+)([=<>].*)', line)
        if found:
            name, pinned = found.groups()
            rows.append(f'| {name} | {pinned.removeprefix("==")} |')
    return '\n'.join(rows)


myst_substitutions = dict(tested_versions=tested_versions())

# A module's `__all__` is its public interface. Methods that MMAction2 or
# PyTorch document are not repeated here.
autodoc_default_options = {'members': True, 'show-inheritance': True}
autodoc_inherit_docstrings = False
autodoc_member_order = 'bysource'
autodoc_typehints = 'description'
autodoc_typehints_description_target = 'documented_params'
napoleon_numpy_docstring = False
