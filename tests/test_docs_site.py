"""The site of the documentation, as ``make docs`` builds it."""

import inspect
import json
import pkgutil
import re
import zlib
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import cv2
import mmaction.registry
import numpy as np
import pytest
from conftest import ROOT
from mmengine.registry import Registry
from sphinx.cmd.build import build_main

DOCS = ROOT / 'docs'


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    """The built site; a warning, as of a page in no toctree, is an error."""
    out = tmp_path_factory.mktemp('site')
    trees = tmp_path_factory.mktemp('trees')
    arguments = ['-q', '-W', '-d', trees, DOCS, out]
    assert build_main([str(argument) for argument in arguments]) == 0
    return out


class Page(HTMLParser):
    """Targets of links, and what can be linked to."""

    def __init__(self, path):
        super().__init__()
        self.links, self.ids = set(), set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids.add(attributes.get('id'))
        for key in ('href', 'src'):
            if attributes.get(key):
                self.links.add(attributes[key])


@pytest.fixture(scope='module')
def pages(site):
    return {path: Page(path) for path in site.rglob('*.html')}


def documented(site, role):
    """What an inventory, which other sites link by, has of a role."""
    content = (site / 'objects.inv').read_bytes().split(b'\n', 4)[4]
    rows = [row.split() for row in zlib.decompress(content).splitlines()]
    return {row[0].decode() for row in rows if row[1] == role.encode()}


def test_every_page_is_in_the_navigation(site, pages):
    links = pages[site / 'index.html'].links
    for path in (*DOCS.rglob('*.md'), *DOCS.glob('*.ipynb')):
        page = path.relative_to(DOCS).with_suffix('.html')
        if page.name != 'index.html':
            assert str(page) in links


def test_links_lead_somewhere(site, pages):
    assert len(pages) > 40
    for path, page in pages.items():
        for link in page.links:
            url = urlsplit(link)
            if url.scheme:
                assert url.scheme in ('https', 'data'), (path, link)
                continue
            target = (path.parent / unquote(url.path)).resolve()
            target = target if url.path else path
            assert target.is_file(), (path, link)
            if url.fragment and target in pages:
                assert unquote(url.fragment) in pages[target].ids, (path, link)


def test_links_to_pages_elsewhere_lead_to_the_site(site, pages):
    assert 'zoo/jhmdb.html' in pages[site / 'datasets.html'].links
    assert '../robust.html' in pages[site / 'zoo/integral_action.html'].links
    assert not list((site / '_downloads').rglob('*.md'))


def test_every_config_can_be_downloaded(site):
    downloads = {path.name for path in (site / '_downloads').rglob('*.py')}
    for path in (ROOT / 'configs').rglob('*.py'):
        assert path.name in downloads or '_base_' in path.parts


def test_every_registered_class_is_on_an_api_page(site):
    names = documented(site, 'py:class')
    classes = {pkgutil.resolve_name(name) for name in names}
    registered = {
        item
        for registry in vars(mmaction.registry).values()
        if isinstance(registry, Registry)
        for item in registry.module_dict.values()
        if item.__module__.startswith('integral_action.')
    }
    assert len(registered) > 20
    assert all(map(inspect.isclass, registered))
    assert registered <= classes


@pytest.mark.parametrize(
    'module',
    ['apis', 'live', 'out_of_context', 'datasets.conversion', 'deployment']
    + ['pose_estimators', 'visualization'],
)
def test_every_public_name_is_on_an_api_page(site, module):
    package = pkgutil.resolve_name(f'integral_action.{module}')
    names = documented(site, 'py:class') | documented(site, 'py:function')
    for name in package.__all__:
        item = getattr(package, name)
        if callable(item) and inspect.getdoc(item):
            assert f'{package.__name__}.{name}' in names


def test_the_notebook_ends_in_a_picture(site, pages):
    """Building the site has run it: an error in it is one of the build."""
    (link,) = (
        link
        for link in pages[site / 'video_to_gate.html'].links
        if link.startswith('_images/')
    )
    picture = cv2.imread(str(site / link))[..., ::-1].astype(int)
    assert picture.shape[1] == 3 * 640  # three frames side by side

    def number(colour):
        return (np.abs(picture - colour).max(-1) < 40).sum()

    assert number((200, 60, 40)) > 500  # the gate's curve
    assert number((255, 150, 30)) > 500  # the skeleton's left arm
    assert number((40, 160, 255)) > 500  # and its right one


def test_the_notebook_is_kept_without_outputs():
    book = json.loads((DOCS / 'video_to_gate.ipynb').read_text())
    assert not any(cell.get('outputs') for cell in book['cells'])


def test_install_has_the_tested_versions(site):
    text = (site / 'install.html').read_text()
    for name, versions in (
        ('numpy', ('2.3.5', '1.26.4')),
        ('pandas', ('3.1.1', '2.2.3')),
        ('torch', ('2.13.0', '2.13.0')),
    ):
        cells = '\n'.join(f'<td><p>{v}</p></td>' for v in (name, *versions))
        assert cells in text


def test_two_commands_of_the_readme_are_on_the_first_page(site):
    readme = (ROOT / 'README.md').read_text()
    part = '## Two commands'
    section = readme[readme.index(part) + len(part) : readme.index('## Inst')]
    shown = re.sub(r'\]\(.*?\)|```\w*', ' ', section)
    text = re.sub(r'<.*?>', '', (site / 'quick_start.html').read_text())
    assert len(shown.split()) > 30
    assert set(re.findall(r'\w+', shown)) <= set(re.findall(r'\w+', text))


def test_install_lines_are_those_of_the_readme():
    line = re.compile('^pip install .*', re.M)
    lines, page = (
        line.findall((ROOT / name).read_text())
        for name in ('README.md', 'docs/install.md')
    )
    assert len(lines) == 2 and page[:2] == lines
