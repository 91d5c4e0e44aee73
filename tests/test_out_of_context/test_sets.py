"""Persons, masks, fillings and sets out of context, with numbers by hand."""

import cv2
import numpy as np
import pytest

from integral_action.out_of_context import (
    EDGES,
    SETS,
    BodyShape,
    Clip,
    PersonMasks,
    PoseMasks,
    cover,
    fill_gaps,
    fill_with_colour,
    find_masks,
    follow_persons,
    make_set,
    paste,
    remove_persons,
    same_times,
)
from integral_action.pose.layouts import KeypointLayout

RED, GREEN, BLUE = (200, 20, 20), (20, 180, 20), (20, 20, 200)
COCO = KeypointLayout.get('coco17').names
# who stands upright, 184 from nose to ankles, in the middle of x = 100
STANDING = dict(
    nose=(100, 10), left_eye=(104, 10), right_eye=(96, 10),
    left_ear=(106, 10), right_ear=(94, 10),
    left_shoulder=(118, 42), right_shoulder=(82, 42),
    left_elbow=(124, 75), right_elbow=(76, 75),
    left_wrist=(126, 105), right_wrist=(74, 105),
    left_hip=(112, 100), right_hip=(88, 100),
    left_knee=(112, 145), right_knee=(88, 145),
    left_ankle=(112, 194), right_ankle=(88, 194),
)  # fmt: skip


def standing(lift=0):
    points = np.array([STANDING[name] for name in COCO], np.float32)
    return points + (0, lift)


def limb(names=('a', 'b')):
    return dict(
        name='limb', names=list(names), bones=[(0, 1)], mirror_pairs=[]
    )


# ---------------------------------------------------------------- persons


def test_a_person_keeps_its_number_and_the_best_is_first():
    """Two stand apart; the detector numbers them anew in each frame."""
    keypoint = np.zeros((2, 4, 2, 2))
    score = np.zeros((2, 4, 2))
    first = [0, 1, 1, 0]  # where the better one is
    for t, i in enumerate(first):
        keypoint[i, t] = [(10 + t, 50), (20 + t, 70)]
        keypoint[1 - i, t] = [(110, 50), (120, 70)]
        score[i, t], score[1 - i, t] = 0.7, 0.6
    score[first[2], 2] = 0.5  # the other is surer, but somewhere else
    keypoint, score = follow_persons(keypoint, score, 0.1)
    assert keypoint[0, :, 0].tolist() == [[10 + t, 50] for t in range(4)]
    assert keypoint[1, :, 0].tolist() == [[110, 50]] * 4
    np.testing.assert_allclose(score[0, :, 0], [0.7, 0.7, 0.5, 0.7])


def test_everybody_is_there_once_and_what_is_unsure_is_nobody():
    keypoint = np.full((2, 3, 1, 2), 30.0)
    keypoint[1] = 40
    score = np.array([[0.9, 0.05, 0.9], [0.3, 0.3, 0]])[..., None]
    points, score = follow_persons(keypoint, score, 0.1)
    assert points[0, :, 0, 0].tolist() == [30, 40, 30]
    assert points[1, :, 0, 0].tolist() == [40, 0, 0]
    assert (score > 0)[..., 0].tolist() == [[True] * 3, [True, False, False]]


def test_gaps_get_what_their_neighbours_have():
    keypoint = np.zeros((9, 2, 2))
    keypoint[4, 0], keypoint[8, 0] = (0, 10), (8, 10)
    seen = np.zeros((9, 2), bool)
    seen[[4, 8], 0] = True  # the second keypoint never
    points, known = fill_gaps(keypoint, seen, 1, False)
    assert np.flatnonzero(known[:, 0]).tolist() == [3, 4, 5, 7, 8]
    assert not known[:, 1].any()
    assert points[[3, 4, 5, 7, 8], 0, 0].tolist() == [0, 0, 2, 6, 8]
    assert not points[[0, 6]].any()
    points, known = fill_gaps(keypoint, seen, 1, True)
    assert known[:, 0].all() and not known[:, 1].any()
    assert points[:, 0, 0].tolist() == [0, 0, 0, 0, 0, 2, 4, 6, 8]


def test_what_is_rarely_seen_is_not_carried_far():
    """A false detection does not stay for the whole video."""
    seen = np.ones((20, 2), bool)
    seen[:, 1] = False
    seen[10, 1] = True  # 1 of 20 frames
    _, known = fill_gaps(np.ones((20, 2, 2)), seen, 2, True)
    assert np.flatnonzero(known[:, 1]).tolist() == [8, 9, 10, 11, 12]


# ------------------------------------------------------------------ masks


def test_a_limb_is_a_capsule():
    """92 long, so of a person of 100: radius 5, the rim included."""
    shape = BodyShape(limb())
    points, seen = np.array([[40, 60], [132, 60]]), np.ones(2, bool)
    assert shape.heights(points[None], seen[None]) == pytest.approx([100])
    mask = np.zeros((120, 200), np.uint8)
    shape.draw(mask, points, seen, 100)
    assert mask.sum() == pytest.approx(92 * 11 + np.pi * 5.5**2, rel=0.02)
    assert mask[56:65, 40:133].all() and mask[60, [36, 136]].all()
    assert not mask[:54].any() and not mask[67:].any()
    assert not mask[:, :34].any() and not mask[:, 139:].any()
    thin = np.zeros_like(mask)
    BodyShape(limb(), growth=-0.03).draw(thin, points, seen, 100)
    assert thin.sum() == pytest.approx(92 * 5 + np.pi * 2.5**2, rel=0.02)
    assert (thin <= mask).all()


def test_a_person_is_as_tall_in_a_crouch():
    shape = BodyShape('coco17')
    points = np.stack([standing(), standing(), standing()])
    # upright: 184 of keypoints, 200 with the head and the feet
    seen = np.ones((3, 17), bool)
    assert shape.heights(points, seen) == pytest.approx([200] * 3, abs=5)
    legs = [i for i, n in enumerate(COCO) if 'knee' in n or 'ankle' in n]
    seen[:, legs] = False  # the torso tells: 58.3 of 0.29
    assert shape.heights(points, seen) == pytest.approx([201] * 3, abs=3)
    seen[1] = False
    assert shape.heights(points, seen)[1] == 0


def test_a_body_covers_its_person():
    masks = PoseMasks('coco17')
    frames = np.zeros((1, 240, 200, 3), np.uint8)
    found = masks(frames, (standing(20)[None, None], np.ones((1, 1, 17))))
    (mask,) = found
    assert found.dtype == bool and mask.shape == (240, 200)
    for x, y in standing(20).astype(int):
        assert mask[y, x]
    assert mask[62:120, 85:116].all()  # the torso is filled
    assert mask[20, 100]  # the forehead, 10 above the nose
    assert mask[217, 112]  # the foot, 3 below the ankle
    assert mask[120 + 12, 126] and mask[120 + 12, 74]  # hands
    assert not mask[100, 50] and not mask[5, 100] and not mask[:, 150:].any()
    assert not mask[200, 100]  # between the feet
    # a body of two keypoints is none
    score = np.zeros((1, 1, 17))
    score[..., :2] = 1
    assert not masks(frames, (standing(20)[None, None], score)).any()


def test_a_torso_that_is_cut_off_goes_on():
    """Shoulders at 200 of 240 rows, hips outside of the picture."""
    seen = np.array(['hip' not in n and 'knee' not in n and 'ankle' not in n
                     and 'elbow' not in n and 'wrist' not in n
                     for n in COCO])  # fmt: skip
    mask = np.zeros((240, 200), np.uint8)
    BodyShape('coco17').draw(mask, standing(158), seen, 200)
    assert mask[200:, 84:117].all()


def test_a_cut_follows_the_edges():
    """A dark person on a bright field; the body is wider than the person."""
    frame = np.full((240, 200, 3), (70, 200, 90), np.uint8)
    noise = np.random.default_rng(0).integers(-12, 12, frame.shape)
    frame = (frame + noise).astype(np.uint8)
    person = np.zeros((240, 200), np.uint8)
    BodyShape('coco17', -0.015).draw(
        person, standing(20), np.ones(17, bool), 200
    )
    frame[person > 0] = (40, 30, 50)
    poses = standing(20)[None, None], np.ones((1, 1, 17))
    drawn = find_masks('poses')('coco17')(frame[None], poses)[0]
    cut = find_masks('grabcut')('coco17')
    (mask,) = cut(frame[None], poses)
    rim = ~(person > 0)
    assert (mask & rim).sum() < 0.3 * (drawn & rim).sum()
    assert mask[person > 0].mean() > 0.95
    removed = cut.to_remove(frame[None], poses)[0]
    assert (removed >= drawn).all()


def test_a_cut_that_would_leave_too_little_is_none():
    """Person and scene look alike: the whole body stays."""
    frames = np.full((1, 240, 200, 3), 90, np.uint8)
    poses = standing(20)[None, None], np.ones((1, 1, 17))
    masks = find_masks('grabcut')('coco17', least=1.0)
    drawn = find_masks('poses')('coco17', growth=0.01)
    share = masks(frames, poses).sum() / drawn(frames, poses).sum()
    assert share == pytest.approx(1, abs=0.1)  # at half of the size


class Everything(PersonMasks):
    def __call__(self, frames, poses):
        return np.ones(frames.shape[:3], bool)


def test_masks_of_ones_own_have_a_name():
    assert find_masks(f'{__name__}:Everything') is Everything
    with pytest.raises(ValueError, match="unknown masks 'sam'.*'grabcut'"):
        find_masks('sam')
    with pytest.raises(ValueError, match='no_such_module'):
        find_masks('no_such_module:Masks')
    with pytest.raises(ValueError, match='no subclass of .*PersonMasks'):
        find_masks('pathlib:Path')


# --------------------------------------------------------------- pictures


def picture(colour, height=120, width=160):
    frame = np.empty((height, width, 3), np.uint8)
    frame[:] = colour
    return frame


def box(mask_or_frame, value=True):
    """Rows 40 to 99, columns 50 to 79."""
    mask_or_frame[40:100, 50:80] = value
    return mask_or_frame


def test_outside_the_mask_nothing_is_taken():
    mask = box(np.zeros((120, 160), bool))
    pasted = paste(picture(RED), mask, picture(BLUE))
    assert (pasted[~mask] == BLUE).all()
    assert (pasted[43:97, 53:77] == RED).all()
    only = fill_with_colour(picture(RED), mask, (124, 116, 104))
    assert (only[~mask] == (124, 116, 104)).all()
    assert (only[43:97, 53:77] == RED).all()


def test_edges_differ_at_the_rim():
    """A grey person before white, on a dark and a bright ground."""
    mask = box(np.zeros((120, 160), bool))
    frame = box(picture((250, 250, 250)), (120, 120, 120))
    hard = paste(frame, mask, picture((60, 60, 60)), 'hard')
    assert (hard[mask] == 120).all() and (hard[~mask] == 60).all()
    feather = paste(frame, mask, picture((60, 60, 60)))
    rim = mask.copy()
    rim[42:98, 52:78] = False
    assert ((feather > 60) & (feather < 120))[rim].any()
    # 130 darker than what is round it, as before
    cloned = paste(frame, mask, picture((220, 220, 220)), 'poisson')
    assert np.abs(cloned[45:95, 55:75].astype(int) - 90).max() < 8
    assert np.abs(cloned[~mask].astype(int) - 220).max() < 8
    with pytest.raises(ValueError, match="edge is 'soft'"):
        paste(frame, mask, frame, 'soft')


@pytest.mark.parametrize('edge', EDGES)
def test_masks_at_the_border_and_of_nothing(edge):
    ground, mask = picture(BLUE), np.zeros((120, 160), bool)
    assert (paste(picture(RED), mask, ground, edge) == ground).all()
    mask[100:, :30] = True
    pasted = paste(picture(RED), mask, ground, edge)
    assert pasted.shape == ground.shape and pasted.dtype == np.uint8
    assert (pasted[:90] == BLUE).all() and (pasted[:, 40:] == BLUE).all()
    whole = paste(picture(RED), np.ones_like(mask), ground, edge)
    assert whole.shape == ground.shape


def test_a_person_is_filled_with_what_is_round_it():
    frame = picture((90, 140, 60))
    frame[:20] = (200, 200, 250)  # the sky
    mask = box(np.zeros((120, 160), bool))
    filled = remove_persons(box(frame.copy(), RED), mask)
    assert np.abs(filled[41:99, 51:79].astype(int) - (90, 140, 60)).max() < 8
    # 2% of 120 rows round it go as well, and no more
    near = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert (filled[~near] == frame[~near]).all()
    assert (remove_persons(frame, np.zeros_like(mask)) == frame).all()


def test_a_scene_covers_the_picture():
    scene = np.zeros((50, 100, 3), np.uint8)
    scene[:, 25:75] = 255  # its middle half
    covered = cover(scene, (200, 200))
    assert covered.shape == (200, 200, 3)
    assert covered[:, 5:195].min() == 255  # 4 times as big
    assert cover(picture(RED), (120, 160)).shape == (120, 160, 3)
    assert cover(picture(RED, 121, 163), (60, 80)).shape == (60, 80, 3)


def test_the_same_relative_times():
    assert same_times(3, 5).tolist() == [0, 2, 4]
    assert same_times(5, 3).tolist() == [0, 0, 1, 2, 2]
    assert same_times(4, 1).tolist() == [0, 0, 0, 0]
    assert same_times(1, 4).tolist() == [0]


# ------------------------------------------------------------------- sets


def clip(person, scene, length, size, step=2):
    """A box walks to the right; posed at its two ends in every frame."""
    height, width = size
    frames, masks = [], []
    keypoint = np.zeros((1, length, 2, 2), np.float32)
    for t in range(length):
        frame, mask = picture(scene, *size), np.zeros(size, bool)
        left = width // 4 + step * t
        place = slice(height // 3, height - 20), slice(left, left + 20)
        frame[place], mask[place] = person, True
        frames.append(frame)
        masks.append(mask)
        keypoint[0, t] = (left, height // 3), (left + 19, height - 21)
    score = np.full((1, length, 2), 0.8, np.float32)
    masks = np.stack(masks)
    return Clip(np.stack(frames), keypoint, score, masks, masks)


@pytest.fixture
def two():
    """Of 9 frames of 120x160, and of 5 frames of 90x200 pixels."""
    person = clip(RED, BLUE, 9, (120, 160))
    scene = clip((250, 250, 250), GREEN, 5, (90, 200))
    scene.frames[:, :, :, 0] += (10 * np.arange(5, dtype=np.uint8))[
        :, None, None
    ]
    return person, scene


def made(name, two):
    frames, keypoint, score = make_set(name, *two, (124, 116, 104))
    return np.stack(list(frames)), keypoint, score


def close(frames, colour):
    return np.abs(frames.astype(int) - colour).max(-1) < 12


@pytest.mark.parametrize('name', SETS)
def test_every_set_has_as_many_frames(name, two):
    frames, keypoint, score = made(name, two)
    assert frames.shape == (9, 120, 160, 3) and frames.dtype == np.uint8
    assert keypoint.shape == (1, 9, 2, 2) and score.shape == (1, 9, 2)


@pytest.mark.parametrize(
    'name', ['person-only', 'scene-swap-still', 'scene-swap-moving']
)
def test_feet_and_scale_are_kept(name, two):
    """Though the scene has another size and length."""
    person, _ = two
    frames, keypoint, score = made(name, two)
    np.testing.assert_array_equal(keypoint, person.keypoint)
    np.testing.assert_array_equal(score, person.score)
    for t, frame in enumerate(frames):
        rows, columns = np.nonzero(close(frame, RED))
        left = 40 + 2 * t
        assert abs(rows.min() - 40) <= 1 and abs(rows.max() - 99) <= 1
        assert abs(columns.min() - left) <= 1
        assert abs(columns.max() - (left + 19)) <= 1
        assert not close(frame, BLUE).any()


def test_the_edge_is_of_the_person_before_another_scene(two):
    person, scene = two
    for name in ('scene-swap-still', 'scene-swap-moving', 'still-person'):
        frames, *_ = make_set(name, person, scene, (1, 2, 3), 'hard')
        frame = list(frames)[person.still]
        assert (frame[person.acting[person.still]] == RED).all()
    alone = [
        np.stack(list(make_set('person-only', person, None, GREEN, edge)[0]))
        for edge in ('hard', 'feather')
    ]
    assert (alone[0] == alone[1]).all()


def test_scenes_move_or_stand_still(two):
    # frames of the scene at the same times: 0 0 1 2 2 2 3 4 4, half to even
    times = np.round(np.linspace(0, 4, 9))
    moving, *_ = made('scene-swap-moving', two)
    still, *_ = made('scene-swap-still', two)
    np.testing.assert_allclose(moving[:, 5, 5, 0], 20 + 10 * times, atol=1)
    np.testing.assert_allclose(still[:, 5, 5, 0], 40, atol=1)
    # the scene's own person is gone
    for frames in (moving, still):
        assert not (frames.min(-1) > 200).any()


def test_a_still_person_is_one_frame(two):
    person, _ = two
    person.score[0, 4] = 0  # nobody in the middle: the nearest is taken
    frames, keypoint, score = made('still-person', two)
    still, *_ = made('scene-swap-still', two)
    assert person.still == 3
    assert (frames == still[3]).all()
    assert (keypoint == person.keypoint[:, [3]]).all()
    assert (score == person.score[:, [3]]).all() and score.all()


def test_nobody_is_in_the_background(two):
    frames, keypoint, score = made('background-only', two)
    assert close(frames, BLUE).all()
    assert not keypoint.any() and not score.any()


def test_odd_pictures_get_a_row_and_a_column():
    odd = clip(RED, BLUE, 2, (91, 101))
    frames, *_ = make_set('person-only', odd, odd, (1, 2, 3))
    frames = np.stack(list(frames))
    assert frames.shape == (2, 92, 102, 3)
    assert (frames[:, 91] == frames[:, 90]).all()


def test_what_a_person_covers():
    """20 x 60 of 120 x 160 pixels, and the box round its keypoints."""
    person = clip(RED, BLUE, 4, (120, 160))
    person.score[0, 3] = 0
    assert person.measure() == pytest.approx(
        dict(person_share=1200 / 19200, box_share=1.0, pose_share=0.75)
    )
    person.acting[:, 40:70] = False  # the upper half
    assert person.measure() == pytest.approx(
        dict(person_share=600 / 19200, box_share=0.5, pose_share=0.75)
    )
