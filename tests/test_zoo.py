"""The models that come with the package."""

import json

import pytest
from conftest import ROOT

from integral_action.apis import IntegralActionInferencer, load_model
from integral_action.zoo import FOLDER, find_model, list_models

MODELS = sorted(list_models())


def test_what_there_is():
    assert MODELS == ['jhmdb21', 'jhmdb21-pose']
    sizes = [path.stat().st_size for path in list_models().values()]
    assert sum(sizes) <= 8e6
    card = (FOLDER / 'README.md').read_text()
    for path in list_models().values():
        assert f'`{path.name}`' in card
    with pytest.raises(ValueError, match=r'no model .x.; it has jhmdb21, '):
        find_model('x')


@pytest.mark.parametrize('name', MODELS)
def test_loads(name):
    model = load_model(find_model(name))
    labels = ROOT / 'tools' / 'data' / 'jhmdb' / 'label_map_jhmdb.txt'
    classes = labels.read_text().split()
    assert model.dataset_meta['classes'] == classes
    assert 0 < model.dataset_meta['unknown_below'] < 1
    streams = {'jhmdb21': ['appearance', 'pose'], 'jhmdb21-pose': ['pose']}
    assert model.backbone.streams == streams[name]


@pytest.mark.parametrize('name', MODELS)
def test_real_clips(name, shared, tmp_path):
    """Clips of the test split with the poses that are given for them."""
    from integral_action.datasets.coco_results import read_coco_results

    samples = shared / 'samples' / 'jhmdb'
    inferencer = IntegralActionInferencer(
        find_model(name), device='cpu', show_progress=False
    )
    inferencer.pipeline.transforms[0].num_clips = 4  # of ten, for time
    right = 0
    for action in ('golf', 'pullup', 'shoot_bow', 'swing_baseball'):
        folder = samples / 'splits'
        if not (folder / f'{action}_test_split1.txt').is_file():
            folder = shared / 'samples' / 'jhmdb_more' / 'splits'
        lines = (folder / f'{action}_test_split1.txt').read_text().split('\n')
        clip = next(line.split()[0] for line in lines if line.endswith(' 2'))
        root = folder.parent
        video = root / 'videos' / action / clip
        poses = root / 'poses' / action / f'{clip[:-4]}.json'
        frames = 1 + max(
            one['image_id'] for one in json.loads(poses.read_text())
        )
        given = read_coco_results(poses, frames)
        (prediction,) = inferencer(str(video), given)['predictions']
        right += prediction['top'][0]['name'] == action
    assert right >= {'jhmdb21': 3, 'jhmdb21-pose': 2}[name]
