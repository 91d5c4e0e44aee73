"""Persons of a film, each followed and cut out."""

import numpy as np
import pytest

from integral_action.apis.persons import PersonTracker, split_persons
from integral_action.apis.stream import PosedFrame

CORNERS = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)


def person(x, y, width, height):
    """Four keypoints, the corners of a box."""
    return CORNERS * (width, height) + (x, y)


def frames_of(people, persons, size=(100, 200)):
    """``people[t]`` has the boxes of frame t, ``persons[t]`` who it is."""
    picture = np.zeros((*size, 3), np.uint8)
    picture[..., 0] = np.arange(size[1])  # x
    picture[..., 1] = np.arange(size[0])[:, None]  # y
    return [
        PosedFrame(
            time,
            picture,
            (np.stack([person(*box) for box in boxes]), np.ones((2, 4))),
            np.array(ids),
        )
        for time, (boxes, ids) in enumerate(zip(people, persons))
    ]


def test_a_window_is_cut_round_each_person():
    """Round (20, 40) to (40, 60): 20 wide, and a quarter of it on each side.
    The other is at the edge."""
    people = [
        [(20, 40, 16, 20), (180, 0, 20, 40)],
        [(180, 0, 20, 40), (24, 40, 16, 20)],
    ]
    one, other = split_persons(frames_of(people, [(3, 5), (5, 3)]))
    assert (one.number, other.number) == (3, 5)
    assert one.box.tolist() == [24, 40, 40, 60]
    first, second = one.frames
    assert first.picture.shape == second.picture.shape == (30, 30, 3)
    assert first.picture[0, 0].tolist() == [15, 35, 0]
    assert first.poses[0][0, 0].tolist() == [5, 5]  # (20, 40) - (15, 35)
    assert second.poses[0][0, 0].tolist() == [9, 5]
    # round (190, 20), 40 high and 10 more: to the frame's edges
    picture = other.frames[0].picture
    assert picture[0, 0].tolist() == [160, 0, 0]
    assert picture[-1, -1].tolist() == [199, 49, 0]


def test_who_is_seen_too_little_is_no_person():
    people = [[(20, 40, 16, 20), (100, 0, 20, 40)]] * 4
    ids = [(-1, 7), (1, 7), (-1, 7), (-1, 7)]
    (one,) = split_persons(frames_of(people, ids))
    assert one.number == 7
    ids = [(-1, 7), (1, 7), (1, -1), (-1, -1)]
    two = list(split_persons(frames_of(people, ids)))
    assert [one.number for one in two] == [1, 7]
    # of frames without a pose, too
    assert [len(f.poses[1]) for f in two[0].frames] == [0, 1, 1, 0]


def test_persons_keep_their_numbers_whatever_their_order():
    pytest.importorskip('trackers')
    tracker, told = PersonTracker(30), []
    for time in range(20):
        poses = [person(20 + time, 40, 16, 40), person(150 - time, 40, 16, 40)]
        order = [0, 1] if time % 2 else [1, 0]
        keypoint = np.stack([poses[i] for i in order])
        numbers = tracker((keypoint, np.full((2, 4), 0.8)))
        told.append([numbers[order.index(i)] for i in (0, 1)])
    told = np.array(told[5:])
    assert (told >= 0).all() and (told == told[0]).all()
    assert told[0, 0] != told[0, 1]
    nobody = np.zeros((1, 4, 2)), np.zeros((1, 4))
    assert tracker(nobody).tolist() == [-1]


def test_each_person_has_labels_of_their_own(inferencer):
    pytest.importorskip('trackers')
    from inferencers import Middle

    class Two(Middle):
        def __call__(self, frames):
            (one,) = super().__call__(frames)
            keypoint, score = one
            return [
                (
                    np.concatenate([keypoint / 2, keypoint / 2 + (60, 0)]),
                    np.concatenate([score, score]),
                )
            ]

    frames = np.random.default_rng(0).integers(
        0, 255, (40, 56, 112, 3), np.uint8
    )
    fused = inferencer('fused', pose_estimator=Two())
    found = list(fused.stream(frames, 1, 0.3, per_person=True))
    assert len(found) == 2
    for one in found:
        left, right = one['persons']
        assert left['box'][2] < 60 < right['box'][0]
        assert left['rec_scores'] != right['rec_scores']
        assert 'gate' in left and 'rec_scores' not in one
    same = [[p['person'] for p in one['persons']] for one in found]
    assert same[0] == same[1]
    # what is cut out, alone
    posed = list(fused.add_poses(frames[:30], per_person=True))
    cut = list(split_persons(posed))
    alone = fused.predict_window(
        [frame._replace(persons=None) for frame in cut[0].frames]
    )
    again = fused.predict_window(posed)['persons'][0]
    assert alone['rec_scores'] == pytest.approx(again['rec_scores'])
