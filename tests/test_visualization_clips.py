import numpy as np
import pytest

from integral_action.pose.layouts import KeypointLayout
from integral_action.pose.maps import render_pose_maps
from integral_action.visualization import (
    Clip,
    clip_film,
    clip_sheet,
    heatmaps_image,
    lay_over,
)
from integral_action.visualization.clips import GAP, MARGIN
from integral_action.visualization.poses import LEFT, MIDDLE, RIGHT

STICK = KeypointLayout(
    'stick', ('left_a', 'right_a', 'top'), ((0, 1),), ((0, 1),)
)


def poses(frames):
    """Left at a quarter, right at three quarters, half way down."""
    pose = np.zeros((frames, 1, 3, 3), np.float32)
    pose[:, 0] = [(0.25, 0.5, 1), (0.75, 0.5, 1), (0, 0, 0)]
    return pose


def clip(frames=None, pose=None, **kwargs):
    maps = None
    if pose is not None:
        pixels = np.full((1, 3, 2), (3.5, 7.5), np.float32)
        score = np.ones((1, 3), np.float32)
        one = render_pose_maps(pixels, score, STICK.bones, (16, 16))
        maps = np.repeat(one[None], len(pose), 0)
    return Clip(frames, pose, maps, STICK, **kwargs)


BLACK = np.zeros((8, 16, 16, 3), np.uint8)


@pytest.mark.parametrize(
    'number, interval', [(32, (8, 2)), (29, (8, 2)), (32, None), (8, (8, 8))]
)
def test_a_frame_stands_with_the_pose_of_its_instant(number, interval):
    both = clip(BLACK, poses(number), frame_interval=interval)
    step = 1 if number == 8 else 4
    assert both.instants() == [(i, step * i) for i in range(8)]
    every = both.instants(every=True)
    assert [pose for _, pose in every] == list(range(number))
    # 2 frames from the middle of 8 on, the next frame is nearer
    assert [frame for frame, pose in every if pose % step == 0] == [*range(8)]
    if step == 4:
        assert every[5][0] == 1 and every[7][0] == 2


def test_one_stream_alone_has_its_own_instants():
    assert clip(BLACK).instants() == [(i, 0) for i in range(8)]
    assert clip(None, poses(5)).instants() == [(i, i) for i in range(5)]


def test_what_cannot_be_shown_is_an_error():
    with pytest.raises(ValueError, match='neither frames, poses nor'):
        Clip()
    with pytest.raises(ValueError, match='keypoint layout'):
        Clip(pose=poses(2))
    with pytest.raises(ValueError, match='2 poses, but 3 pose maps'):
        Clip(pose=poses(2), maps=np.zeros((3, 5, 4, 4)), layout=STICK)


def test_panels_hold_the_pose_where_it_lies():
    panels = clip(BLACK, poses(8)).panels(0, 0, 160)
    assert list(panels) == ['poses', 'heatmaps', 'PAFs']
    picture = panels['poses']
    assert picture.shape == (160, 160, 3)
    # fractions 1/4 and 3/4 of 160, from the edge, half way down
    assert tuple(picture[80, 39]) == tuple(picture[79, 40]) == LEFT
    assert tuple(picture[80, 120]) == RIGHT
    assert not picture[40].any() and picture[80, 80].any()


def test_a_pose_stream_alone_lies_on_a_canvas_of_the_pictures_shape():
    panels = clip(None, poses(2), shape=(120, 160)).panels(0, 0, 80)
    assert panels['poses'].shape == (60, 80, 3)
    assert tuple(panels['poses'][30, 20]) == LEFT
    assert len({tuple(colour) for colour in panels['poses'][10]}) == 1


def test_frames_alone_are_shown_as_they_are():
    frames = np.random.default_rng(0).integers(0, 256, BLACK.shape)
    panels = clip(frames.astype(np.uint8)).panels(3, 0, 48)
    assert list(panels) == ['frames']
    np.testing.assert_array_equal(panels['frames'][1::3, 1::3], frames[3])


def test_maps_of_one_kind_are_told_by_their_number():
    maps = np.zeros((1, 3, 4, 4), np.float32)
    assert list(Clip(maps=maps, layout=STICK).panels(0, 0, 16)) == ['heatmaps']
    pafs = Clip(maps=maps[:, :2], layout=STICK)
    assert list(pafs.panels(0, 0, 16)) == ['PAFs']
    assert list(Clip(maps=maps).panels(0, 0, 16)) == ['heatmaps']


def test_heatmaps_have_the_colours_of_the_skeletons():
    maps = np.zeros((3, 4, 4), np.float32)
    maps[0, 0, 0] = maps[1, 1, 1] = maps[2, 2, 2] = 1
    maps[2, 3, 3] = 0.5
    picture = heatmaps_image(maps, STICK)
    assert [tuple(picture[i, i]) for i in range(3)] == [LEFT, RIGHT, MIDDLE]
    np.testing.assert_allclose(picture[3, 3], np.array(MIDDLE) / 2, atol=1)
    assert not picture[0, 1].any()
    assert (heatmaps_image(maps)[0, 0] == 255).all()


def test_maps_lie_over_a_darkened_frame():
    frame = np.full((4, 8, 3), 200, np.uint8)
    picture = np.zeros((2, 4, 3), np.uint8)
    picture[1, 3] = (255, 0, 0)
    over = lay_over(frame, picture)
    assert (over[2:, 6:] == (255, 0, 0)).all()  # a cell is 2 x 2
    assert (over[:2] == 90).all()  # 0.45 x 200


def test_a_sheet_has_a_column_an_instant_and_a_row_a_picture():
    sheet = clip_sheet(clip(BLACK, poses(8)), 'a', 'b', 32)
    assert sheet.shape[1] == MARGIN + 8 * (GAP + 32)
    # heading, three rows; nothing has numbers, so there are no names
    assert sheet.shape[0] == 58 + 3 * (GAP + 32)
    x, y = MARGIN + GAP, 58 + GAP
    for i in range(8):
        panel = sheet[y : y + 32, x + 36 * i : x + 36 * i + 32]
        assert tuple(panel[16, 8]) == LEFT


def test_a_sheet_goes_on_below_and_names_instants():
    numbers = list(range(0, 20, 2))
    long = clip(BLACK[[0] * 10], None, frame_numbers=numbers)
    sheet = clip_sheet(long, 'a', panel_width=32)
    assert sheet.shape[1] == MARGIN + 8 * (GAP + 32)
    block = 20 + GAP + 32
    assert sheet.shape[0] == 34 + GAP + 2 * block + 3 * GAP
    assert long.name(3, 0) == 'frame 6'
    both = clip(
        BLACK,
        poses(8),
        frame_numbers=range(8),
        pose_numbers=[0, 2, 4, 6, 8, 10, 12, 14],
    )
    assert both.name(0, 0) == 'frame 0'
    assert both.name(1, 1) == 'RGB 1, pose 2'


def test_poses_between_frames_are_shown_in_small():
    plain = clip_sheet(clip(BLACK, poses(8)), 'a', panel_width=64)
    more = clip_sheet(clip(BLACK, poses(32)), 'a', panel_width=64)
    # four a frame: 2 x 2, 31 pixels each and 2 between
    assert more.shape[0] == plain.shape[0] + GAP + 31 + 2 + 31
    first = more[-64:, MARGIN + GAP :]
    for y in (15, 48):
        for x in (7, 40):
            # 8 of 31 from the left, half way down
            near = first[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3)
            assert LEFT in set(map(tuple, near.tolist()))


def test_a_long_title_keeps_its_end():
    """The file's name, not its folders."""

    def heading(title):
        return clip_sheet(clip(BLACK[:1]), title, panel_width=32)[:34]

    long = heading('x' * 60 + '/a.mp4')
    assert long.shape == (34, MARGIN + GAP + 32, 3)
    assert (long == heading('x' * 90 + '/a.mp4')).all()
    assert (long != heading('x' * 60 + '/b.mp4')).any()


def test_a_film_has_even_sides_and_an_instant_a_frame():
    film = list(clip_film(clip(BLACK, poses(32)), 'a', 'b', 33))
    assert len(film) == 32
    assert {picture.shape for picture in film} == {
        (58 + 4 + 20 + 4 + 34, 108, 3)
    }
    only = list(clip_film(clip(BLACK), 'a', '', 32))
    assert len(only) == 8 and only[0].shape == (34 + 4 + 20 + 4 + 32, 32, 3)
