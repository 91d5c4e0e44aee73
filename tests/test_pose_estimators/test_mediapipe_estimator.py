import json

import numpy as np
import pytest

from integral_action.pose.layouts import KeypointLayout
from integral_action.pose_estimators import (
    MediaPipeEstimator,
    estimate_poses,
    missing,
)

if missing()['mediapipe']:
    pytest.skip('no MediaPipe with models here', allow_module_level=True)


def estimate(estimator, frames, batch=16):
    starts = range(0, len(frames), batch)
    batches = (frames[start : start + batch] for start in starts)
    return estimate_poses(batches, estimator, 'video')


@pytest.fixture
def clip(shared):
    """Frames of a JHMDB clip, and MoveNet's poses of them."""
    import decord

    folder = shared / 'samples/jhmdb'
    path = sorted(folder.glob('videos/pullup/*.avi'))[0]
    reader = decord.VideoReader(str(path), num_threads=1)
    stored = json.loads(
        (folder / f'poses/pullup/{path.stem}.json').read_text()
    )
    return reader.get_batch(range(len(reader))).asnumpy(), stored


def test_nobody_is_nobody():
    ((keypoint, score),) = MediaPipeEstimator()(
        np.zeros((1, 48, 64, 3), np.uint8)
    )
    assert keypoint.shape == (0, 17, 2) and score.shape == (0, 17)


def test_a_real_clip(clip):
    """In every frame a person, whom MoveNet sees in the same place."""
    frames, stored = clip
    keypoint, score = estimate(MediaPipeEstimator(), frames)
    assert keypoint.shape == (1, len(frames), 17, 2)
    assert (score.max(-1) > 0.9).all()
    near = []
    for result in stored:
        expected = np.reshape(result['keypoints'], (17, 3))
        sure = expected[:, 2] > 0.3
        if sure.sum() < 10:
            continue
        size = np.ptp(expected[sure, :2], axis=0).max()
        distance = keypoint[0, result['image_id']] + 0.5 - expected[:, :2]
        near += (np.linalg.norm(distance, axis=1)[sure] < size / 10).tolist()
    assert len(near) > 300
    assert np.mean(near) > 0.85


def test_a_video_does_not_depend_on_batches_or_on_the_video_before(clip):
    frames = clip[0][:20]
    estimator = MediaPipeEstimator()
    keypoint, score = estimate(estimator, frames)
    for other in (estimator, MediaPipeEstimator()):
        estimate(other, frames[::-1, :, ::-1])
        again, again_score = estimate(other, frames, batch=7)
        assert np.array_equal(again, keypoint)
        assert np.array_equal(again_score, score)
    # it does follow people: alone, a frame gives something else
    ((alone, _),) = MediaPipeEstimator()(frames[-1:])
    assert not np.array_equal(alone[0], keypoint[0, -1])


def test_both_layouts_are_of_the_same_keypoints(clip):
    frames = clip[0][:3]
    body, _ = estimate(MediaPipeEstimator(), frames)
    whole, score = estimate(MediaPipeEstimator(layout='mediapipe33'), frames)
    assert whole.shape == (1, 3, 33, 2) and score.shape == (1, 3, 33)
    names = KeypointLayout.get('mediapipe33').names
    for i, name in enumerate(KeypointLayout.get('coco17').names):
        assert np.array_equal(body[:, :, i], whole[:, :, names.index(name)])


def test_wrong_arguments():
    with pytest.raises(ValueError, match="device is 'cuda'"):
        MediaPipeEstimator(device='cuda')
    with pytest.raises(ValueError, match="layout is 'halpe26'"):
        MediaPipeEstimator(layout='halpe26')
