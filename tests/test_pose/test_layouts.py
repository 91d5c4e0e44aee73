import dataclasses
import json
from pathlib import Path

import pytest

from integral_action.pose.layouts import KeypointLayout


@pytest.mark.parametrize(
    'name, keypoints, bones, channels',
    [
        ('openpose18', 18, 17, 52),
        ('coco17', 17, 19, 55),
        ('ntu25', 25, 24, 73),
        ('body25', 25, 24, 73),
        ('halpe26', 26, 27, 80),
        ('mediapipe33', 33, 35, 103),
        ('coco_wholebody133', 133, 65, 263),
        ('halpe136', 136, 67, 270),
        ('hand21', 21, 20, 61),
    ],
)
def test_sizes(name, keypoints, bones, channels):
    layout = KeypointLayout.get(name)
    assert (layout.num_keypoints, layout.num_bones) == (keypoints, bones)
    assert layout.num_channels == channels


BODIES = ['openpose18', 'coco17', 'ntu25', 'body25', 'halpe26', 'mediapipe33']


@pytest.mark.parametrize('name', BODIES)
def test_mirror_pairs_are_the_left_and_right_of_one_part(name):
    layout = KeypointLayout.get(name)
    for left, right in layout.mirror_pairs:
        assert 'left' in layout.names[left]
        assert layout.names[right] == layout.names[left].replace(
            'left', 'right'
        )
    assert len(layout.left) == sum('left' in n for n in layout.names)


ALL = [*BODIES, 'coco_wholebody133', 'halpe136']


@pytest.mark.parametrize('name', ALL)
def test_bones_mirror_onto_bones(name):
    layout = KeypointLayout.get(name)
    mirror = list(range(layout.num_keypoints))
    for left, right in layout.mirror_pairs:
        mirror[left], mirror[right] = right, left
    bones = {frozenset(bone) for bone in layout.bones}
    assert bones == {frozenset(mirror[i] for i in bone) for bone in bones}


@pytest.mark.parametrize('name', ['coco_wholebody133', 'halpe136'])
def test_whole_bodies_are_those_of_mmpose(name):
    """Names by their place; a hand's left is the other's right."""
    layout = KeypointLayout.get(name)
    names, face = layout.names, layout.names.index('face-0')
    assert names[:17] == KeypointLayout.get('coco17').names
    assert names[face + 67] == 'face-67'
    assert names[face + 68] == 'left_hand_root'
    assert names[-21] == 'right_hand_root'
    assert names[-1] == 'right_pinky_finger4'
    assert names[-16] == 'right_forefinger1'
    pairs = {(names[a], names[b]) for a, b in layout.mirror_pairs}
    assert ('left_ring_finger3', 'right_ring_finger3') in pairs
    # the corners of mouth and eyes, the middle of the chin in no pair
    assert {('face-48', 'face-54'), ('face-36', 'face-45')} <= pairs
    assert not any('face-8' in pair for pair in pairs)
    assert (
        len(pairs)
        == len(layout.mirror_pairs)
        == {133: 61, 136: 61}[len(names)]
    )


@pytest.mark.parametrize(
    'file, name',
    [
        ('coco_wholebody', 'coco_wholebody133'),
        ('halpe', 'halpe136'),
        ('halpe26', 'halpe26'),
        ('coco_wholebody_hand', 'hand21'),
    ],
)
def test_mmposes_own_files_say_the_same(file, name):
    mmpose = pytest.importorskip('mmpose')
    folder = Path(mmpose.__file__).parent / '.mim/configs/_base_/datasets'
    theirs = KeypointLayout.get(str(folder / f'{file}.py'))
    ours = KeypointLayout.get(name)
    assert (ours.names, ours.bones) == (theirs.names, theirs.bones)
    assert sorted(ours.mirror_pairs) == sorted(theirs.mirror_pairs)


@pytest.mark.parametrize(
    'name, bone',
    [
        ('body25', ('mid_hip', 'left_hip')),
        ('body25', ('right_big_toe', 'right_small_toe')),
        ('halpe26', ('head', 'neck')),
        ('halpe26', ('left_ankle', 'left_heel')),
        ('mediapipe33', ('right_wrist', 'right_thumb')),
        ('mediapipe33', ('mouth_left', 'mouth_right')),
    ],
)
def test_bones_by_name(name, bone):
    layout = KeypointLayout.get(name)
    bones = [tuple(layout.names[i] for i in pair) for pair in layout.bones]
    assert bones.count(bone) == 1


def test_groups_that_cannot_be():
    layout = dict(layout='coco_wholebody133')
    with pytest.raises(ValueError, match="'fingers' is the name of no keypoi"):
        KeypointLayout.get(layout | dict(merge=['fingers']))
    with pytest.raises(ValueError, match="'left_thumb1' matches both"):
        KeypointLayout.get(layout | dict(merge=['left_*', '*thumb*']))
    with pytest.raises(ValueError, match='got .*join'):
        KeypointLayout.get(layout | dict(join=['face-*']))


def test_groups_as_plain_values():
    """As a published checkpoint carries them."""
    layout = KeypointLayout.get(
        dict(layout='coco_wholebody133', merge=['face-*'])
    )
    values = json.loads(json.dumps(dataclasses.asdict(layout)))
    assert KeypointLayout.get(values) == layout
    for key in ('keypoint_groups', 'bone_groups'):
        values.pop(key)  # of a file from before there were groups
    assert KeypointLayout.get(values) == KeypointLayout.get(layout.name)


def test_unknown_layout_names_the_known_ones():
    with pytest.raises(ValueError, match="'coco18'.*'openpose18'.*'coco17'"):
        KeypointLayout.get('coco18')


def test_wrong_indices_are_refused():
    with pytest.raises(ValueError, match=r'bones has \(0, 2\)'):
        KeypointLayout('x', ('a', 'b'), ((0, 2),), ())
    with pytest.raises(ValueError, match='twice'):
        KeypointLayout('x', ('a', 'b', 'c'), (), ((0, 1), (1, 2)))


METAINFO = """
dataset_info = dict(
    dataset_name='stick',
    keypoint_info={
        0: dict(name='head', id=0, type='upper', swap=''),
        1: dict(name='left_hand', id=1, type='upper', swap='right_hand'),
        2: dict(name='right_hand', id=2, type='upper', swap='left_hand')},
    skeleton_info={
        0: dict(link=('head', 'left_hand'), id=0),
        1: dict(link=('head', '%s'), id=1)})
"""


def test_from_mmpose_metainfo(tmp_path):
    path = tmp_path / 'stick.py'
    path.write_text(METAINFO % 'right_hand')
    layout = KeypointLayout.get(str(path))
    assert layout == KeypointLayout(
        'stick',
        ('head', 'left_hand', 'right_hand'),
        ((0, 1), (0, 2)),
        ((1, 2),),
    )


@pytest.mark.parametrize(
    'first, second, left_is_first',
    [
        ('right_hand', 'left_hand', False),  # mpii, aic, jhmdb, openpose
        ('L_Hip', 'R_Hip', True),
        ('Eye_Right', 'Eye_Left', False),
        ('forelegR2', 'forelegL2', False),
        ('medial_right_shoulder', 'medial_left_shoulder', False),
        ('left collar', 'right collar', True),
        ('kpt-0', 'kpt-16', True),  # the names tell nothing
        ('kpt-9', 'kpt-10', True),
    ],
)
def test_the_names_tell_which_is_the_left_one(
    first, second, left_is_first, tmp_path
):
    points = {
        0: dict(name=first, id=0, swap=second),
        1: dict(name='head', id=1, swap=''),
        2: dict(name=second, id=2, swap=first),
    }
    path = tmp_path / 'pair.py'
    path.write_text(f'dataset_info = dict(keypoint_info={points})')
    expected = (0, 2) if left_is_first else (2, 0)
    assert KeypointLayout.from_metainfo(path).mirror_pairs == (expected,)


def test_metainfo_with_a_bone_to_nowhere(tmp_path):
    path = tmp_path / 'stick.py'
    path.write_text(METAINFO % 'tail')
    with pytest.raises(ValueError, match="stick.py: 'tail' is no keypoint"):
        KeypointLayout.from_metainfo(path)
    path.write_text('a = 1')
    with pytest.raises(ValueError, match='keypoint_info'):
        KeypointLayout.from_metainfo(path)


def test_of_plain_values_as_published_checkpoints_carry_them():
    values = dict(
        name='stick',
        names=['head', 'left_hand', 'right_hand'],
        bones=[[0, 1], [0, 2]],
        mirror_pairs=[[1, 2]],
    )
    layout = KeypointLayout.get(values)
    assert layout == KeypointLayout(
        'stick',
        ('head', 'left_hand', 'right_hand'),
        ((0, 1), (0, 2)),
        ((1, 2),),
    )
    hash(layout)
    with pytest.raises(ValueError, match="mirror_pairs.* got .*'name'"):
        KeypointLayout.get(dict(name='stick'))
