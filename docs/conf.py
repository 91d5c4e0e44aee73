"""The site of the documentation: ``make docs``, or ``sphinx-build docs site``.

The pages are Markdown that reads on its own as well; MyST renders it.
"""

import os
import re
from pathlib import Path

from sphinx import addnodes

import integral_action

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent

project = 'IntegralAction for MMAction2'
author = 'the IntegralAction for MMAction2 authors'
release = version = integral_action.__version__

extensions = [
    'myst_nb',  # MyST, and notebooks
    'sphinx.ext.autodoc',
    'sphinx.ext.napoleon',
    'sphinx.ext.viewcode',
]
source_suffix = {'.md': 'myst-nb', '.ipynb': 'myst-nb'}
html_theme = 'furo'
html_title = f'{project} {release}'

myst_enable_extensions = ['substitution']
# notebooks are kept without outputs, and run when the site is built
nb_execution_mode = 'force'
nb_execution_raise_on_error = True
nb_execution_timeout = 300  # seconds a cell
myst_heading_anchors = 3  # links to headings, as GitHub makes them


def tested_versions() -> str:
    """The constraints of both sets as a table."""
    sets = []
    for name in ('constraints', 'constraints-numpy1'):
        text = (ROOT / 'requirements' / f'{name}.txt').read_text()
        sets.append(dict(re.findall(r'^([\w.-]+)==([^;\s]+)', text, re.M)))
    rows = ['| package | numpy 2 | numpy 1.26 |', '| --- | --- | --- |']
    for package in sorted(set().union(*sets)):
        versions = [pins.get(package, '') for pins in sets]
        rows.append(f'| {package} | {versions[0]} | {versions[1]} |')
    return '\n'.join(rows)


myst_substitutions = dict(tested_versions=tested_versions())

# A module's `__all__` is its public interface. Methods that MMAction2 or
# PyTorch document are not repeated here.
autodoc_default_options = {
    'members': True,
    'special-members': '__call__',
    'show-inheritance': True,
}
autodoc_inherit_docstrings = False
autodoc_member_order = 'bysource'
autodoc_typehints = 'description'
autodoc_typehints_description_target = 'documented_params'
napoleon_numpy_docstring = False

# Pages that lie elsewhere in the repository are included by pages of the site;
# links to them lead there. Other files of the repository can be downloaded.
PAGES = {
    'README.md': 'quick_start',
    'benchmarks/README.md': 'benchmarks',
    'benchmarks/RESULTS.md': 'benchmark_results',
    'configs/integral_action/README.md': 'zoo/integral_action',
    'configs/integral_action/custom/README.md': 'zoo/custom',
    'configs/integral_action/jhmdb/README.md': 'zoo/jhmdb',
    'configs/integral_action/release/README.md': 'zoo/release',
    'configs/mixing/README.md': 'zoo/mixing',
    'configs/peers/README.md': 'zoo/peers',
    'integral_action/zoo/README.md': 'zoo/package',
}


def move_links(app, included, docname, content):
    """Links of an included file, from the top of ``docs/``."""

    def move(link):
        return f'](/{os.path.normpath(included.parent / link[1])})'

    content[0] = re.sub(r'\]\((?!https?:|#)([^)]+)\)', move, content[0])


def find_pages(app, document):
    """Links to a file that a page includes lead to the page."""
    pages = {
        str((ROOT / path).with_suffix('')): page
        for path, page in PAGES.items()
    }
    for link in document.findall(addnodes.pending_xref):
        target = link.get('reftarget')
        link['reftarget'] = pages.get(target, target)


def setup(app):
    app.connect('include-read', move_links)
    app.connect('doctree-read', find_pages)
