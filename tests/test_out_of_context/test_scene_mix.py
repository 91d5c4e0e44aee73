"""Persons before other videos' scenes, in a training pipeline."""

import numpy as np
import pytest
from mmaction.registry import TRANSFORMS
from PIL import Image

from integral_action.fileio import SampleError, write_annotations
from integral_action.out_of_context import SceneMix, write_masks

RED, GREEN, BLUE, GREY = (200, 0, 0), (0, 160, 0), (0, 0, 240), (80, 80, 80)
COLOURS = {'run/a': GREEN, 'walk/b': BLUE, 'walk/c': GREY}


@pytest.fixture
def scenes(tmp_path):
    """Three videos of 4 frames, 20x30, whose person stands in a corner of 5x6
    pixels, in frame t moved t columns; and one without masks."""
    lines = []
    for name, colour in COLOURS.items():
        for kind in ('scenes', 'masks'):
            (tmp_path / kind / name).parent.mkdir(parents=True, exist_ok=True)
        picture = Image.new('RGB', (30, 20), colour)
        # lossless here: JPEG's own error is no matter of these tests
        picture.save(tmp_path / 'scenes' / f'{name}.jpg', 'PNG')
        masks = np.zeros((4, 20, 30), bool)
        for t in range(4):
            masks[t, :5, t : 6 + t] = True
        masks[:, 0, 29] = name == 'walk/c'  # one pixel more
        write_masks(tmp_path / 'masks' / f'{name}.npz', masks, masks)
        label = int(name.startswith('walk'))
        lines.append(dict(filename=f'{name}.mp4', label=label))
    nobody = dict(filename='run/d.mp4', label=0, problem='nobody')
    write_annotations(tmp_path / 'scenes.jsonl', [*lines, nobody])
    return str(tmp_path / 'scenes.jsonl')


def sample(name='run/a', label=0, inds=(0, 3), key='RGB_inds'):
    """Red frames."""
    imgs = [np.full((20, 30, 3), RED, np.uint8) for _ in inds]
    filename = f'/data/videos/{name}.mp4'
    return {'imgs': imgs, 'filename': filename, 'label': label, key: inds}


def mix(scenes, sample, **options):
    options = dict(prob=1, edge='hard') | options
    transform = TRANSFORMS.build(
        dict(type='SceneMix', scenes=scenes, **options)
    )
    return np.stack(transform(sample)['imgs'])


@pytest.mark.parametrize('key', ['RGB_inds', 'frame_inds'])
def test_person_stays_and_scene_is_another(scenes, key):
    imgs = mix(scenes, sample('walk/b', 1, np.array([3, 0]), key))
    expected = np.full((2, 20, 30, 3), GREEN, np.uint8)
    expected[0, :5, 3:9] = expected[1, :5, 0:6] = RED
    assert (imgs == expected).all()


def test_label_and_prob(scenes):
    changed, transform = 0, SceneMix(scenes, prob=0.25)
    np.random.seed(0)
    for _ in range(400):
        results = transform(sample())
        assert results['label'] == 0
        changed += (results['imgs'][0][19, 15] != RED).any()
    assert 70 < changed < 130  # 100, and three and a half deviations
    assert (mix(scenes, sample(), prob=0) == RED).all()


@pytest.mark.parametrize('other_class', [True, False])
def test_scenes_of_other_classes_or_of_any(scenes, other_class):
    np.random.seed(0)
    corner = {
        tuple(mix(scenes, sample(), other_class=other_class)[0, 19, 15])
        for _ in range(40)
    }
    assert corner == {BLUE, GREY, *([] if other_class else [GREEN])}


def test_same_seed_same_clip(scenes):
    def clips():
        np.random.seed(7)
        return [mix(scenes, sample(), prob=0.5) for _ in range(10)]

    assert all((a == b).all() for a, b in zip(clips(), clips()))


def test_scene_is_scaled_to_cover_the_frame(scenes):
    imgs = [np.full((40, 90, 3), RED, np.uint8)]
    results = sample(label=1) | dict(imgs=imgs)
    assert (mix(scenes, results, keep='nothing') == GREEN).all()


def test_box_stays(scenes):
    """The mask has a further pixel in the far corner: the box is between."""
    imgs = mix(scenes, sample('walk/c', 1), keep='box')
    expected = np.full((2, 20, 30, 3), GREEN, np.uint8)
    expected[0, :5, 0:], expected[1, :5, 3:] = RED, RED
    assert (imgs == expected).all()


def test_whole_picture_is_blended(scenes):
    results = sample('walk/b', 1)
    imgs = mix(scenes, results, keep='nothing', strength=0.25)
    assert (imgs == (150, 40, 0)).all()  # 3/4 red, 1/4 green
    imgs = mix(scenes, sample('walk/b', 1, (0,)), strength=0.25)
    assert (imgs[0, :5, :6] == RED).all() and (imgs[0, 5:] != RED).any(
        -1
    ).all()


def test_video_without_masks_stays(scenes):
    assert (mix(scenes, sample('run/d')) == RED).all()


@pytest.mark.parametrize('options, words', [
    (dict(prob=1.5), 'prob is 1.5'),
    (dict(strength=-1), 'strength is -1'),
    (dict(keep='hand'), "keep is 'hand'"),
    (dict(edge='soft'), 'soft'),
])  # fmt: skip
def test_wrong_arguments(scenes, options, words):
    with pytest.raises(ValueError, match=words):
        SceneMix(scenes, **options)


def test_scenes_of_one_class(scenes, tmp_path):
    path = tmp_path / 'one.jsonl'
    write_annotations(path, [dict(filename='walk/b.mp4', label=1)])
    with pytest.raises(ValueError, match='one.jsonl: .* 1 scenes are of 1'):
        SceneMix(str(path))
    SceneMix(str(path), other_class=False)


def test_scenes_that_are_not_made():
    with pytest.raises(FileNotFoundError, match='a.jsonl: .* --sets scenes'):
        SceneMix('a.jsonl')


def test_another_video(scenes):
    with pytest.raises(SampleError, match='new.mp4: not in .*scenes.jsonl'):
        mix(scenes, sample('run/new'))


def test_frames_that_were_cropped(scenes):
    results = sample() | dict(imgs=[np.zeros((10, 30, 3), np.uint8)] * 2)
    with pytest.raises(SampleError, match='20x30 pixels.* 10x30.*behind'):
        mix(scenes, results)


def test_broken_scene(scenes, tmp_path):
    for name in COLOURS:
        (tmp_path / 'scenes' / f'{name}.jpg').write_bytes(b'no picture')
    with pytest.raises(SampleError, match='.jpg: not a picture'):
        mix(scenes, sample())
