"""Masks by MediaPipe: whose they are, by arrays; and on a real clip."""

import json

import numpy as np
import pytest

from integral_action.out_of_context import find_masks
from integral_action.out_of_context.mediapipe_masks import choose, window_of
from integral_action.pose_estimators.mediapipe_estimator import missing

WINDOW = slice(10, 50), slice(20, 80)


def test_the_window_is_grown_round_the_poses_and_inside_the_picture():
    points = np.array([[40, 30], [50, 70]])  # 40 high: 10 more, and 1
    assert window_of(points, (100, 200)) == (slice(19, 81), slice(29, 61))
    assert window_of(points, (75, 55)) == (slice(19, 75), slice(29, 55))
    # keypoints that were carried out of the picture
    rows, columns = window_of(np.array([[300, -50]]), (75, 55))
    assert (rows, columns) == (slice(0, 1), slice(54, 55))


def mask(*boxes, shape=(60, 90)):
    found = np.zeros(shape, bool)
    for top, bottom, left, right in boxes:
        found[top:bottom, left:right] = True
    return found


CORE = mask((20, 40, 30, 34))  # 80 pixels
BODY = mask((18, 42, 28, 36))
PERSON, OTHER = (19, 41, 29, 35), (15, 45, 60, 70)


def test_the_first_mask_of_the_person_without_others():
    both, other = mask(PERSON, OTHER)[WINDOW], mask(OTHER)[WINDOW]
    rest = iter([other, both, None])
    found = choose(rest, WINDOW, BODY, CORE, 0.4)
    assert (found == mask(PERSON)).all()
    assert next(rest) is None  # it was not looked at


@pytest.mark.parametrize(
    'bottom, least, is_taken', [(28, 0.4, True), (27, 0.4, False)]
)
def test_what_covers_too_little_is_somebody_else(bottom, least, is_taken):
    part = mask((19, bottom, 29, 35))  # 8 or 7 of the core's 20 rows
    found = choose([part[WINDOW]], WINDOW, BODY, CORE, least)
    assert (found == (part if is_taken else BODY)).all()


def test_without_masks_or_bones_it_is_the_body():
    assert choose([], WINDOW, BODY, CORE, 0.4) is BODY
    whole = np.ones((40, 60), bool)
    assert choose([whole], WINDOW, BODY, mask(), 0.4) is BODY


@pytest.mark.skipif(not missing(), reason='MediaPipe is here')
def test_without_mediapipe_it_says_how_to_install_it():
    with pytest.raises(ImportError, match='"mediapipe" need.* pip install'):
        find_masks('mediapipe')('coco17')


@pytest.mark.skipif(bool(missing()), reason='no MediaPipe with models here')
def test_a_real_clip(shared):
    """A mask is near the body of the pose, and is the same again."""
    import decord

    folder = shared / 'samples/jhmdb'
    path = sorted(folder.glob('videos/golf/*.avi'))[0]
    frames = decord.VideoReader(str(path))[:12].asnumpy()
    file = folder / f'poses/golf/{path.stem}.json'
    poses = np.zeros((1, 12, 17, 3), np.float32)
    for result in json.loads(file.read_text()):
        if result['image_id'] < 12:
            found = np.reshape(result['keypoints'], (17, 3))
            poses[0, result['image_id']] = found
    poses = poses[..., :2] - 0.5, poses[..., 2]
    masks = find_masks('mediapipe')('coco17')
    found = masks(frames, poses)
    assert found.shape == frames.shape[:3] and found.dtype == bool
    bodies = masks.to_remove(frames, poses)
    both, either = (found & bodies), (found | bodies)
    assert both.sum() / either.sum() > 0.5
    assert not (found == bodies).all((1, 2)).any()  # no body instead
    assert (masks(frames, poses) == found).all()
    nobody = poses[0], np.zeros_like(poses[1])
    assert not masks(frames, nobody).any()
