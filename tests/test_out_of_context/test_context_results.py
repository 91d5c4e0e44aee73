"""How far a model leans on the scene, on four videos worked out by hand."""

import json

import numpy as np
import pytest

from integral_action.evaluation.results import Results
from integral_action.fileio import write_annotations
from integral_action.out_of_context.results import (
    ContextSets,
    context_row,
    contrasted_right,
    follows_scene,
)

SOURCES = ('run/a.avi', 'run/b.avi', 'walk/c.avi', 'walk/d.avi')
LABELS, BACKGROUNDS = (0, 0, 1, 1), (1, 2, 0, 2)
POSE_SHARES = (1, 0.5, 0.4, 0.9)
KINDS = ('original', 'person-only', 'background-only', 'scene-swap-still',
         'scene-swap-moving', 'still-person')  # fmt: skip
PREDICTIONS = {
    'original': (0, 0, 1, 0),  # 75%
    'person-only': (0, 1, 1, 2),  # 50%
    'background-only': (0, 0, 0, 0),  # 50%
    # right, the background's, right, another
    'scene-swap-still': (0, 2, 1, 0),
    'scene-swap-moving': (1, 0, 0, 1),
    'still-person': (0, 0, 2, 1),
}
GATES = {
    'original': (0.2, 0.4, 0.3, 0.6),
    'background-only': (0.5, 0.5, 0.7, 0.5),
}


def record(kind, i):
    suffix = 'avi' if kind == 'original' else 'mp4'
    line = dict(
        filename=f'{kind}/{SOURCES[i][:-4]}.{suffix}',
        label=LABELS[i],
        set=kind,
        source=SOURCES[i],
        pose_share=0 if kind == 'background-only' else POSE_SHARES[i],
    )
    if kind[:5] in ('scene', 'still'):
        line['background_label'] = BACKGROUNDS[i]
    return line


def sample(kind, i, prefix='data/ooc/videos/'):
    return dict(
        filename=prefix + record(kind, i)['filename'],
        pred_score=np.eye(3)[PREDICTIONS[kind][i]],
        gt_label=[LABELS[i]],
        **(dict(gate=[GATES[kind][i]]) if kind in GATES else {}),
    )


@pytest.fixture
def sets(tmp_path):
    lines = [record(kind, i) for kind in KINDS for i in range(4)]
    write_annotations(tmp_path / 'all.jsonl', lines)
    return ContextSets(tmp_path)


@pytest.fixture
def results():
    samples = [sample(kind, i) for kind in KINDS for i in (2, 0, 3, 1)]
    for one in samples:  # all of one file, as one model has them
        one.setdefault('gate', [0.1])
    return Results(samples)


def test_a_result_file_is_split_into_its_sets(sets, results):
    parts = sets.split([results])
    assert list(parts) == list(KINDS)
    for kind, part in parts.items():
        assert part.meta('source').tolist() == list(SOURCES)  # in one order
        assert part.predictions.tolist() == list(PREDICTIONS[kind])


def test_what_the_sets_say(sets, results):
    """Contrasted, still: a is right, but its still person is too; b and d are
    wrong; c is right and its still person wrong. Moving: b alone is right, and
    so is its still person."""
    parts = sets.split([results])
    metrics = {'swap/accuracy': 0.625, 'swap/context_following': 0.25}
    assert context_row(parts, metrics) == pytest.approx(
        {
            'in context': 75,
            'person only': 50,
            'background only': 50,
            'scene swap, still': 50,
            'scene swap, moving': 50,
            'still person': 75,
            'contrasted, still': 25,
            'contrasted, moving': 0,
            'follows the scene, still': 25,  # b
            'follows the scene, moving': 50,  # a and c
            'swap validation': 62.5,
            'swap validation follows the scene': 25,
            'G, pose visible': 40,  # a, b, d: .2 .4 .6
            'G, pose missing': 50,  # c: .3, and the backgrounds: 2.2 in all
        }
    )
    walking = context_row(parts, metrics, label=1)
    assert walking['in context'] == 50
    assert walking['contrasted, still'] == 50
    assert walking['follows the scene, moving'] == 50
    assert walking['swap validation'] is None
    assert walking['G, pose visible'] == pytest.approx(60)
    assert walking['G, pose missing'] == pytest.approx(50)
    assert context_row(parts, label=2)['in context'] is None
    strict = context_row(parts, visible=0.95)
    assert strict['G, pose visible'] == pytest.approx(20)


def test_what_is_not_given_is_empty(sets):
    """The originals as their own list has them, and one that was left out."""
    samples = [
        sample('original', i) | dict(filename=f'data/jhmdb/{SOURCES[i]}')
        for i in range(4)
    ]
    for one in samples:
        del one['gate']
    other = {**samples[0], 'filename': 'data/jhmdb/run/small.avi'}
    parts = sets.split([Results([other, *samples])])
    row = context_row(parts)
    assert row['in context'] == 75
    assert {key for key, value in row.items() if value is not None} == {
        'in context'
    }


def test_a_video_is_paired_with_its_own_still_person(sets, results):
    parts = sets.split([results])
    swapped, still = parts['scene-swap-still'], parts['still-person']
    expected = [False, False, True, False]
    assert contrasted_right(swapped, still).tolist() == expected
    backwards = still.select([3, 2, 1, 0])
    assert contrasted_right(swapped, backwards).tolist() == expected
    assert follows_scene(swapped).tolist() == [False, True, False, False]
    with pytest.raises(ValueError, match='no still person of walk/d.avi'):
        contrasted_right(swapped, still.select([0, 1, 2]))


def test_what_does_not_fit_is_named(sets, results, tmp_path):
    some = results.select(np.arange(len(results)) != 5)
    with pytest.raises(ValueError, match='person-only/run/a.mp4 is missing'):
        sets.split([some])
    with pytest.raises(ValueError, match='original/walk/c.avi .* twice'):
        sets.split([results, results])
    other = Results([{**results.samples[0], 'filename': 'elsewhere.avi'}])
    with pytest.raises(ValueError, match='no video is of .*elsewhere.avi'):
        sets.split([other])
    (tmp_path / 'all.jsonl').write_text(json.dumps(dict(filename='a')) + '\n')
    with pytest.raises(ValueError, match="all.jsonl, video 1: no 'pose_share"):
        ContextSets(tmp_path)
    with pytest.raises(FileNotFoundError):
        ContextSets(tmp_path / 'none')


def test_backgrounds_of_no_class_are_followed_by_nobody(sets, results):
    """People before pictures: right or wrong, and no background's class."""
    for line in sets.records.values():
        line.pop('background_label', None)
    parts = sets.split([results])
    row = context_row({'scene-swap-still': parts['scene-swap-still']})
    assert row['scene swap, still'] == 50
    assert row['follows the scene, still'] is None
    assert row['contrasted, still'] is None and row['in context'] is None
