import numpy as np
import pytest
from PIL import Image

from integral_action.pose.layouts import KeypointLayout
from integral_action.pose.maps import render_pose_maps
from integral_action.visualization import (
    accuracy_figure,
    draw_poses,
    gate_figure,
    pose_maps_image,
    write_picture,
)

STICK = KeypointLayout('stick', ('left_a', 'right_a'), ((0, 1),), ((0, 1),))


def test_skeletons_are_drawn_over_the_frame():
    frame = np.zeros((40, 60, 3), np.uint8)
    keypoint = np.array([[(10, 20), (50, 20)]], np.float32)
    picture = draw_poses(frame, keypoint, np.ones((1, 2)), STICK)
    assert not frame.any()  # not in place
    assert picture[20, 10].any() and picture[20, 30].any()
    assert not picture[5].any()
    # left and right differ
    assert (picture[20, 10] != picture[20, 50]).any()


def test_persons_are_told_apart_by_their_keypoints():
    frame = np.zeros((60, 60, 3), np.uint8)
    rows = (10, 30, 50)
    keypoint = np.array([[(10, y), (50, y)] for y in rows], np.float32)
    picture = draw_poses(frame, keypoint, np.ones((3, 2)), STICK)
    left, middle = picture[rows, 10].tolist(), picture[rows, 30].tolist()
    assert len(set(map(tuple, left))) == 3
    assert len(set(map(tuple, middle))) == 1  # bones are of a side


def test_what_was_not_found_is_not_drawn():
    frame = np.zeros((40, 60, 3), np.uint8)
    keypoint = np.array([[(10, 20), (np.nan, 1e30)]], np.float32)
    assert not draw_poses(frame, keypoint, np.zeros((1, 2)), STICK).any()
    picture = draw_poses(frame, keypoint, np.ones((1, 2)), STICK)
    assert picture[20, 10].any() and not picture[20, 30].any()


def test_pose_maps_are_white_at_keypoints_and_coloured_by_direction():
    def image(points):
        keypoint = np.array([points], np.float32)
        maps = render_pose_maps(
            keypoint, np.ones((1, 2), np.float32), STICK.bones, (16, 16)
        )
        return pose_maps_image(maps, 2)

    right, down = image([(3, 8), (12, 8)]), image([(8, 3), (8, 12)])
    assert right.shape == (16, 16, 3) and right.dtype == np.uint8
    assert (right[8, 3] == 255).all() and not right[0, 0].any()
    assert right[8, 7].any() and (right[8, 7] != down[7, 8]).any()


def test_figures_hold_what_they_are_given():
    figure = accuracy_figure({'a': (90.0, 20.0), 'IntegralAction': (95, 70)})
    (axes,) = figure.axes
    offsets = [c.get_offsets()[0].tolist() for c in axes.collections]
    assert offsets == [[90, 20], [95, 70]]
    figure = gate_figure({'seen': [0.1, 0.2], 'missing': [0.3]})
    labels = [t.get_text() for t in figure.axes[0].get_legend().get_texts()]
    assert labels == [
        'seen: mean 0.15 (2 videos)',
        'missing: mean 0.30 (1 videos)',
    ]


@pytest.mark.parametrize('ending, most', [('.png', 0), ('.jpg', 3)])
def test_pictures_as_files(tmp_path, capfd, ending, most):
    """OpenCV warns on the terminal of options that are not the format's."""
    picture = np.full((8, 12, 3), (200, 100, 50), np.uint8)
    write_picture(tmp_path / f'a{ending}', picture)
    found = np.array(Image.open(tmp_path / f'a{ending}')).astype(int)
    assert np.abs(found - picture).max() <= most
    assert capfd.readouterr().err == ''
