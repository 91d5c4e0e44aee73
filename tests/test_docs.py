"""What the documents say runs."""

import re
import runpy
from importlib.metadata import PackageNotFoundError, metadata

import pytest
import torch
from conftest import CONFIGS, ROOT
from mmaction.registry import MODELS
from mmengine.config import Config

ALL = sorted(
    path
    for path in (ROOT / 'configs').rglob('*.py')
    if '_base_' not in path.parts
)
PAGES = [
    ROOT / 'README.md',
    *sorted((ROOT / 'docs').glob('*.md')),
    *sorted((ROOT / 'configs').rglob('README.md')),
]
PUPPETS = CONFIGS / 'integralaction-pose_r18w16_1xb32-8x1x1-8e_puppets.py'
BLOCK = re.compile(r'```python\n(.*?)```', re.DOTALL)
CONFIG = re.compile(r'integralaction[-_][\w.-]+\.py')


def page_name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize('page', PAGES, ids=page_name)
def test_examples_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    model = MODELS.build(Config.fromfile(PUPPETS).model)
    meta = dict(cfg=Config.fromfile(PUPPETS).pretty_text)
    checkpoint = dict(meta=meta, state_dict=model.state_dict())
    torch.save(checkpoint, 'checkpoint.pth')  # what examples load
    names = {}
    for text in BLOCK.findall(page.read_text()):
        if not text.startswith('# config'):
            exec(text, names)
            continue
        path = tmp_path / 'config.py'
        path.write_text(text)
        cfg = Config.fromfile(path)
        model = MODELS.build(cfg.model)
        assert model.with_cls_head


def test_mixing_in_the_readme_is_a_config():
    """Which tests/test_mixing_configs.py trains and tests."""
    readme = (ROOT / 'README.md').read_text()
    (block,) = (b for b in BLOCK.findall(readme) if b.startswith('# config'))
    name = re.search(r'configs/mixing/\S+\.py', readme)[0]
    assert block == '# config\n' + (ROOT / name).read_text()


@pytest.mark.parametrize('page', PAGES, ids=page_name)
def test_links_and_configs_are_there(page):
    text = page.read_text()
    for target in re.findall(r'\]\((?!http)([^)#]+)\)', text):
        assert (page.parent / target).exists(), target
    for name in CONFIG.findall(text):
        assert name in {path.name for path in ALL}


def test_links_of_the_package_lead_somewhere():
    """A package index has no files beside the README."""
    try:
        description = metadata('integral_action')['Description']
    except PackageNotFoundError:
        pytest.skip('the package is not installed')
    assert '## Install' in description
    assert not re.search(r'\]\((?!https?:|#)|src="(?!https?:)', description)


def test_absolute_links():
    absolute_links = runpy.run_path(ROOT / 'setup.py')['absolute_links']
    text = '![a\nb](docs/a.png) [c](docs/c.md#d) [e](#f) [g](https://h)'
    rest = '[e](#f) [g](https://h)'
    assert absolute_links(text, 'https://u') == (
        '![a\nb](https://u/raw/HEAD/docs/a.png) '
        f'[c](https://u/blob/HEAD/docs/c.md#d) {rest}'
    )
    assert absolute_links(text, '') == f' c {rest}'


@pytest.mark.parametrize(
    'folder', sorted({path.parent for path in ALL}), ids=page_name
)
def test_every_config_is_in_its_readme_and_in_the_metafile(folder):
    import yaml

    readme = (folder / 'README.md').read_text()
    models = yaml.safe_load((folder / 'metafile.yml').read_text())['Models']
    configs = {path.stem: path for path in folder.glob('*.py')}
    assert {model['Name'] for model in models} == set(configs)
    for name in configs:
        assert f'({name}.py)' in readme
    for model in models:
        assert ROOT / model['Config'] == configs[model['Name']]


def test_model_index_is_valid(monkeypatch):
    from modelindex.load_model_index import load

    monkeypatch.chdir(ROOT)
    index = load(str(ROOT / 'model-index.yml'))
    index.build_models_with_collections()
    assert len(index.models) == len(ALL)
    for part in (*index.collections, *index.models):
        named = [part.readme] if part.readme else []
        for file in (*named, *_configs_of(part)):
            assert (ROOT / file).is_file(), file
    (collection,) = index.collections
    assert all(m.in_collection == collection.name for m in index.models)


def _configs_of(part):
    config = getattr(part, 'config', None) or []
    return [config] if isinstance(config, str) else config


@pytest.mark.parametrize('path', ALL, ids=page_name)
def test_a_config_is_short(path):
    """``_base_`` lines and what is other than there."""
    assert len(path.read_text().strip().splitlines()) <= 25


def test_nothing_is_left_to_fill_in():
    for page in PAGES:
        assert not re.search(r'@[A-Z]+@|TODO|FIXME', page.read_text()), page
