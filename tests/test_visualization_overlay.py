"""Overlays show poses, labels and gate where and when they are."""

import numpy as np
import pytest

from integral_action.pose.layouts import KeypointLayout
from integral_action.visualization import (
    ActivationView,
    Clip,
    GateCurve,
    activation_sheet,
    lay_activation,
    overlay_film,
    write_video,
)
from integral_action.visualization.overlay import CURSOR, GATE
from integral_action.visualization.poses import MIDDLE

HEAD = 58  # pixels of the labels above a frame
FRAMES = np.full((10, 24, 32, 3), 90, np.uint8)


def film(**options):
    options = dict(captions=[(0, [('walk', 0.9), ('run', 0.1)])]) | options
    return list(overlay_film(FRAMES, np.arange(11) / 5, width=640, **options))


def where(picture, colour):
    """(x, y) of the pixels of a colour."""
    return np.argwhere((picture == colour).all(-1))[:, ::-1]


def test_a_keypoint_is_where_it_was_found():
    """The centre of pixel (8, 6) of 32 x 24, frame 3 alone; 20 times as big:
    (8.5 * 20, 6.5 * 20) from the edge."""
    layout = KeypointLayout('dot', ('dot',), (), ())
    keypoint = np.zeros((1, 10, 1, 2))
    score = np.zeros((1, 10, 1))
    keypoint[0, 3, 0], score[0, 3, 0] = (8, 6), 1
    pictures = film(poses=(keypoint, score), layout=layout)
    assert len(pictures) == 10
    assert {picture.shape for picture in pictures} == {(HEAD + 480, 640, 3)}
    for number, picture in enumerate(pictures):
        found = where(picture, MIDDLE)
        assert bool(len(found)) == (number == 3)
    centre = where(pictures[3], MIDDLE).mean(0) + 0.5
    np.testing.assert_allclose(centre, (170, HEAD + 130), atol=0.51)


def test_the_cursor_keeps_in_step():
    """2 s are 588 pixels from 40 on."""
    pictures = film(gate=([0, 2], [0.0, 1.0]))
    for number, picture in enumerate(pictures):
        strip = picture[HEAD + 480 + 24 : HEAD + 480 + 88]
        columns = np.bincount(where(strip, CURSOR)[:, 0], minlength=640)
        x = int(columns.argmax())
        assert x == pytest.approx(40 + 588 * number / 5 / 2, abs=0.51)
        # the dot's height: G rises from 0 to 1
        if not number:
            continue  # half of it is below
        disc = where(strip, CURSOR)
        disc = disc[np.abs(disc[:, 0] - x) == 2]
        assert disc[:, 1].mean() == pytest.approx(
            64 * (1 - number / 10), abs=1.5
        )


def test_values_of_one_time_are_averaged_and_the_scale_fits():
    curve = GateCurve(
        [[0, 1, 2], [1, 2, 3]], [[0.1, 0.1, 0.2], [0.3, 0.4, 0]], 4
    )
    assert curve.times.tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(curve.values, [0.1, 0.2, 0.3, 0])
    assert curve.top == 0.5
    # t = 2 is at 40 + 588 / 2, G = 0.3 at 24 + 64 * 0.4
    found = where(curve.paper, GATE).tolist()
    assert [334, 50] in found
    # beyond the last time nothing is known: no dot
    late = where(curve.at(3.9)[24:88], CURSOR)
    assert len(set(late[:, 0].tolist())) == 1


def test_between_windows_nothing_was_seen():
    """Two windows, of 0 to 1 s and of 3 to 4 s; 588 pixels are 4 s."""
    curve = GateCurve([[0, 1], [3, 4]], [[0.5, 0.5], [0.5, 0.5]], 4)
    assert curve.joined.tolist() == [True, False, True]
    columns = set(where(curve.paper, GATE)[:, 0].tolist())
    assert {50, 180, 490, 620} <= columns  # 40 + 588 * time / 4
    assert not columns & set(range(195, 475))
    seen = where(curve.at(0.5)[24:88], CURSOR)
    unseen = where(curve.at(2)[24:88], CURSOR)
    assert len(set(seen[:, 0])) > 1 == len(set(unseen[:, 0]))  # a dot, or none
    # windows that overlap leave no gap
    assert GateCurve([[0, 2], [1, 3]], [[0, 1], [0, 1]], 4).joined.all()


def test_labels_change_when_they_do():
    captions = [(0, [('a', 1.0)]), (1, [('b', 1.0)])]
    heads = [picture[:HEAD] for picture in film(captions=captions)]
    for number in range(10):  # 5 a second
        first = 0 if number < 5 else 5
        assert np.array_equal(heads[number], heads[first])
    assert not np.array_equal(heads[0], heads[5])


def test_timeline_by_hand():
    """a to 1.5 s, then b: 588 pixels are 2 s."""
    timeline = [
        dict(start=0, end=1.5, name='a'),
        dict(start=1.5, end=2, name='b'),
    ]
    row = film(timeline=timeline)[0][HEAD + 480 + 3]
    a, b = row[60], row[500]
    assert not np.array_equal(a, b)
    assert (row[45:478] == a).all()  # 40 + 441 = 481
    assert (row[482:625] == b).all()
    assert (row[630:] == 255).all()


def test_video_that_browsers_play(tmp_path):
    av = pytest.importorskip('av')
    pictures = film(gate=([0, 2], [0.1, 0.2]))
    path = tmp_path / 'new' / 'a.mp4'
    assert write_video(path, iter(pictures), 29.97) == 'h264'
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        assert stream.codec_context.name == 'h264'
        assert stream.codec_context.pix_fmt == 'yuv420p'
        assert float(stream.average_rate) == pytest.approx(29.97, abs=1e-3)
        frames = [f.to_ndarray(format='rgb24') for f in file.decode(stream)]
    assert len(frames) == 10
    for frame, picture in zip(frames, pictures):
        assert np.abs(frame.astype(int) - picture).mean() < 4
    assert [p.name for p in path.parent.iterdir()] == ['a.mp4']


def test_the_same_pictures_are_the_same_film(tmp_path):
    """A disc that moves over one colour: x264 is not sure of these."""
    row, column = np.mgrid[:240, :320]
    pictures = np.full((40, 240, 320, 3), (124, 116, 104), np.uint8)
    for i, picture in enumerate(pictures):
        disc = np.hypot(row - 120, column - 60 - 5 * i) < 50
        noise = np.random.default_rng(i).integers(0, 256, (240, 320, 3))
        picture[disc] = noise[disc]
    for i in range(10):
        write_video(tmp_path / f'{i}.mp4', pictures, 25)
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


def test_without_pyav_opencv_writes(tmp_path, monkeypatch):
    import sys

    import decord

    monkeypatch.setitem(sys.modules, 'av', None)
    assert write_video(tmp_path / 'a.mp4', film(), 25) == 'mp4v'
    assert len(decord.VideoReader(str(tmp_path / 'a.mp4'))) == 10


def test_nothing_is_left_of_a_film_that_breaks_off(tmp_path):
    def broken():
        yield FRAMES[0]
        raise ValueError('no more')

    with pytest.raises(ValueError, match='no more'):
        write_video(tmp_path / 'a.mp4', broken(), 25)
    with pytest.raises(ValueError, match='no pictures'):
        write_video(tmp_path / 'a.mp4', [], 25)
    assert not list(tmp_path.iterdir())


def test_activation_is_bright_where_it_is_high():
    ground = np.full((30, 30, 3), 100, np.uint8)
    activation = np.array([[4.0, 0], [0, -4.0]])
    picture = lay_activation(ground, activation, 4).astype(int).sum(-1)
    assert picture[2, 2] > 600  # inferno's bright end
    assert picture[27, 27] == picture[2, 27] < 3 * 60  # the ground, darker
    dark = lay_activation(ground, -activation.clip(0), 0)
    assert np.ptp(dark.reshape(-1, 3), 0).max() == 0


def test_sheet_has_a_row_a_map_and_a_scale_a_model():
    """16 frames of poses, 8 of pictures; the pose stream adds little."""
    rng = np.random.default_rng(0)
    clip = Clip(
        frames=rng.integers(0, 255, (8, 20, 20, 3), np.uint8),
        maps=np.zeros((16, 52, 14, 14), np.float32),
        layout=KeypointLayout.get('openpose18'),
    )
    maps = dict(
        appearance=np.full((8, 2, 2), 4.0), pose=np.full((16, 4, 4), 0.04)
    )
    fused = ActivationView(clip, maps, 'golf 0.9', 0.2)
    alone = ActivationView(clip, dict(pose=maps['pose']), 'wave 0.5')
    sheet = activation_sheet(fused, [alone], 'video', panel_width=40)
    rows = 2 + 1 + 3  # frames, pose maps; pose alone; the fused model's
    bars = 2 * (22 + 4)  # a scale below each model's rows
    height = 58 + rows * (22 + 40 + 2 * 4) + bars
    assert sheet.shape == (height, 8 * 44 - 4, 3)
    brightness = [
        sheet[58 + 4 + 70 * row + 26 * (row > 2) + 26 :][:40, :40]
        .max(-1)
        .mean()
        for row in range(rows)
    ]
    for end in (58 + 4 + 3 * 70 + 11, height - 11):
        bar = sheet[end, 20:180] @ (0.299, 0.587, 0.114)  # luminance
        assert (np.diff(bar) > -2).all() and bar[-1] - bar[0] > 100
    assert brightness[2] > 200  # of its own scale
    assert brightness[3] > 200 and brightness[5] > 200
    assert brightness[4] < 100  # of the fused model's
