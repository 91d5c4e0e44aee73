import decord
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mmaction.registry import TRANSFORMS

from integral_action.fileio import SampleError
from integral_action.pose.files import write_poses
from integral_action.pose.layouts import KeypointLayout
from integral_action.pose.maps import render_pose_maps


def build(name, **kwargs):
    return TRANSFORMS.build(dict(type=name, **kwargs))


def sampler(**kwargs):
    kwargs = {
        **dict(
            clip_len=dict(RGB=8, Pose=32), frame_interval=dict(RGB=8, Pose=2)
        ),
        **kwargs,
    }
    return build('SampleTwoStreamFrames', **kwargs)


# ---- SampleTwoStreamFrames


@settings(max_examples=50, deadline=None)
@given(total=st.integers(1, 400), clips=st.integers(1, 10), test=st.booleans())
def test_streams_start_together_and_stay_inside(total, clips, test):
    results = sampler(num_clips=clips, test_mode=test)(
        dict(total_frames=total)
    )
    rgb = results['RGB_inds'].reshape(clips, 8)
    pose = results['Pose_inds'].reshape(clips, 32)
    assert (rgb[:, 0] == pose[:, 0]).all()
    # frame i of appearance is frame 4 i of the pose stream
    assert (rgb == pose[:, ::4]).all()
    for inds in (rgb, pose):
        assert inds.min() >= 0 and inds.max() < total
    if total >= 63:  # 31 * 2 + 1 frames: nothing is repeated
        assert (np.diff(rgb) == 8).all() and (np.diff(pose) == 2).all()


def test_ten_clips_are_spread_from_the_first_to_the_last_possible():
    results = sampler(num_clips=10, test_mode=True)(dict(total_frames=300))
    starts = results['RGB_inds'].reshape(10, 8)[:, 0]
    # the last possible start is 300 - 63 = 237
    assert starts.tolist() == [int(i * 237 / 9) for i in range(10)]
    one = sampler(test_mode=True)(dict(total_frames=300))
    assert one['RGB_inds'][0] == 118


def test_every_start_is_drawn():
    transform = sampler(clip_len=dict(RGB=2), frame_interval=dict(RGB=3))
    starts = {
        int(transform(dict(total_frames=7))['RGB_inds'][0]) for _ in range(200)
    }
    assert starts == {0, 1, 2, 3}  # 7 frames, a clip spans 4


def test_short_videos():
    options = dict(
        clip_len=dict(RGB=4), frame_interval=dict(RGB=2), test_mode=True
    )
    short = dict(total_frames=3)
    loop = sampler(**options)(dict(short))
    assert loop['RGB_inds'].tolist() == [0, 2, 1, 0]
    last = sampler(out_of_bound_opt='repeat_last', **options)(dict(short))
    assert last['RGB_inds'].tolist() == [0, 2, 2, 2]


def test_one_stream_alone_has_no_indices_of_the_other():
    results = sampler(clip_len=dict(Pose=8), frame_interval=dict(Pose=8))(
        dict(total_frames=99)
    )
    assert results['modality'] == ['Pose'] and 'RGB_inds' not in results


@pytest.mark.parametrize(
    'wrong, message',
    [
        (dict(clip_len=dict(RBG=8)), "'RBG'"),
        (dict(clip_len=dict(RGB=0, Pose=8)), "clip_len\\['RGB'\\].* 0"),
        (dict(frame_interval=dict(RGB=8)), "'Pose'"),
        (dict(num_clips=0), 'num_clips.* 0'),
        (dict(out_of_bound_opt='lop'), "'lop'"),
    ],
)
def test_wrong_sampling_is_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        sampler(**wrong)


def test_a_number_where_a_dict_is_due():
    with pytest.raises(TypeError, match='clip_len must be a dict.* 8'):
        sampler(clip_len=8)


# ---- LoadPoses, SelectTopPersons


def poses(persons=1, frames=3, keypoints=18):
    rng = np.random.default_rng(0)
    keypoint = rng.uniform(0, 50, (persons, frames, keypoints, 2))
    score = rng.uniform(0.5, 1, (persons, frames, keypoints))
    return keypoint.astype(np.float32), score.astype(np.float32)


def test_poses_from_a_file_are_the_poses_inside(tmp_path):
    keypoint, score = poses()
    path = tmp_path / 'a.npz'
    write_poses(path, keypoint, score)
    from_file = build('LoadPoses')(dict(pose_file=str(path), total_frames=3))
    inside = build('LoadPoses')(dict(keypoint=keypoint, keypoint_score=score))
    for results in (from_file, inside):
        np.testing.assert_array_equal(results['keypoint'], keypoint)
        np.testing.assert_array_equal(results['keypoint_score'], score)


def test_coordinates_that_are_no_numbers_count_as_not_found():
    keypoint, score = poses()
    keypoint[0, 1, 4] = np.nan
    score[0, 2, 5] = np.nan
    results = build('LoadPoses')(dict(keypoint=keypoint, keypoint_score=score))
    assert results['keypoint_score'][0, 1, 4] == 0
    assert results['keypoint_score'][0, 2, 5] == 0
    assert np.isfinite(results['keypoint']).all()
    assert (results['keypoint_score'] > 0).sum() == score.size - 2


def test_wrong_poses_are_named_with_their_file(tmp_path):
    path = tmp_path / 'a.npz'
    write_poses(path, *poses(keypoints=17))
    results = dict(
        pose_file=str(path), total_frames=3, keypoint_layout='openpose18'
    )
    load = build('LoadPoses')
    with pytest.raises(
        SampleError, match=r"a.npz: its poses have 17 .*'openpose18' has 18"
    ):
        load(dict(results))
    results.update(keypoint_layout='coco17', total_frames=2)
    with pytest.raises(
        SampleError, match=r'a.npz: poses of 3 frames, but total_frames is 2'
    ):
        load(dict(results))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(SampleError, match='a.npz: not a pose file'):
        load(dict(results))
    with pytest.raises(SampleError, match='gone.npz'):
        load(dict(pose_file=str(tmp_path / 'gone.npz')))
    with pytest.raises(SampleError, match='b.mp4: keypoint .* no array'):
        load(dict(filename='b.mp4', keypoint=[[1, 2], [3]]))
    with pytest.raises(SampleError, match='neither "keypoint" nor'):
        load(dict(filename='b.mp4'))


def test_the_best_persons_of_each_frame_are_kept():
    score = np.zeros((3, 2, 1), np.float32)
    score[:, 0, 0] = [0.2, 0.9, 0.5]
    score[:, 1, 0] = [0.9, 0.05, 0.3]
    keypoint = np.arange(12, dtype=np.float32).reshape(3, 2, 1, 2)
    results = build('SelectTopPersons', num_person=2)(
        dict(keypoint=keypoint.copy(), keypoint_score=score)
    )
    np.testing.assert_allclose(
        results['keypoint_score'][..., 0], [[0.9, 0.9], [0.5, 0.3]]
    )
    assert (results['keypoint'][:, 0] == keypoint[[1, 2], 0]).all()
    assert (results['keypoint'][:, 1] == keypoint[[0, 2], 1]).all()


def test_a_person_below_the_threshold_is_dropped():
    score = np.array([[[0.3, 0.01]], [[0.1, 0.05]]], np.float32)
    results = build('SelectTopPersons')(
        dict(keypoint=np.zeros((2, 1, 2, 2), np.float32), keypoint_score=score)
    )
    # means: 0.155 stays as it is, 0.075 goes with all its keypoints
    np.testing.assert_array_equal(results['keypoint_score'][0], score[0])
    assert not results['keypoint_score'][1].any()


# ---- keypoints and pixels stay together

SIDE, GRID = 128, 32  # maps of a quarter of the final picture
DOT = 2  # the layout's keypoint that carries the dot: left and right matter


def picture_with_dot(x, y, size):
    """A dark frame with a bright dot of 3 x 3 pixels round (x, y)."""
    height, width = size
    frame = np.zeros((height, width, 3), np.uint8)
    frame[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2] = 255
    return frame


def centre_of_brightness(frame):
    weight = frame[..., 0].astype(np.float64)
    rows, columns = np.mgrid[: frame.shape[0], : frame.shape[1]] + 0.5
    return (
        (columns * weight).sum() / weight.sum(),
        (rows * weight).sum() / weight.sum(),
    )


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    size=st.sampled_from([(240, 320), (120, 160), (256, 256), (200, 90)]),
    where=st.tuples(st.floats(0.05, 0.95), st.floats(0.05, 0.95)),
    seed=st.integers(0, 10**6),
    flip=st.booleans(),
)
def test_a_dot_at_a_keypoint_is_found_in_the_maps_cell(
    make_video, size, where, seed, flip
):
    import random

    height, width = size
    x, y = int(where[0] * width), int(where[1] * height)
    video = make_video(np.stack([picture_with_dot(x, y, size)] * 2))
    keypoint = np.zeros((1, 2, 18, 2), np.float32)
    score = np.zeros((1, 2, 18), np.float32)
    keypoint[0, :, DOT] = (x, y)
    score[0, :, DOT] = 1
    results = dict(
        filename=str(video),
        total_frames=2,
        img_shape=size,
        keypoint=keypoint,
        keypoint_score=score,
        keypoint_layout='openpose18',
    )
    np.random.seed(seed)
    random.seed(seed)
    for transform in (
        sampler(
            clip_len=dict(RGB=2, Pose=2), frame_interval=dict(RGB=1, Pose=1)
        ),
        build('DecodeTwoStream'),
        build('SelectTopPersons', score_thr=0),
        build('Resize', scale=(-1, 150)),
        build(
            'MultiScaleCrop',
            input_size=SIDE,
            scales=(1, 0.875, 0.75, 0.66),
            max_wh_scale_gap=1,
            num_fixed_crops=13,
        ),
        build('Resize', scale=(SIDE, SIDE), keep_ratio=False),
        build('FlipTwoStream', flip_ratio=float(flip)),
        build('GeneratePoseMaps', size=(GRID, GRID)),
    ):
        results = transform(results)

    layout = KeypointLayout.get('openpose18')
    channel = layout.left[layout.right.index(DOT)] if flip else DOT
    frame, maps = results['imgs'][0], results['heatmap_imgs'][0]
    assert maps.shape == (layout.num_channels, GRID, GRID)
    px, py = results['keypoint'][0, 0, channel]
    if not (4 <= px <= SIDE - 4 and 4 <= py <= SIDE - 4):
        return  # cropped away, or cut by the border
    dot = centre_of_brightness(frame)
    # the dot lies at the keypoint, to a fraction of a pixel ...
    assert np.hypot(px - dot[0], py - dot[1]) < 0.7
    # ... and the keypoint's peak in the cell that covers it
    row, column = np.unravel_index(maps[channel].argmax(), (GRID, GRID))
    cell = SIDE / GRID
    assert abs((column + 0.5) * cell - dot[0]) <= cell / 2 + 0.7
    assert abs((row + 0.5) * cell - dot[1]) <= cell / 2 + 0.7
    assert not maps[[k for k in range(18) if k != channel]].any()


def flip(keypoint, score, **kwargs):
    results = dict(
        modality=['Pose'],
        img_shape=(40, 50),
        keypoint=keypoint.copy(),
        keypoint_score=score.copy(),
        keypoint_layout='openpose18',
    )
    return build('FlipTwoStream', flip_ratio=1.0, **kwargs)(results)


def test_flip_mirrors_every_person_of_every_frame():
    keypoint, score = poses(persons=3, frames=4)
    keypoint[0, 0, 3] = (0, 7)  # at the border, which is no missing keypoint
    keypoint[0, 1, 3] = (50, 7)
    results = flip(keypoint, score)
    layout = KeypointLayout.get('openpose18')
    mirror = np.arange(18)
    mirror[list(layout.left)], mirror[list(layout.right)] = (
        layout.right,
        layout.left,
    )
    np.testing.assert_allclose(
        results['keypoint'][..., 0], 50 - keypoint[:, :, mirror, 0], atol=1e-5
    )
    np.testing.assert_array_equal(
        results['keypoint'][..., 1], keypoint[:, :, mirror, 1]
    )
    np.testing.assert_array_equal(
        results['keypoint_score'], score[:, :, mirror]
    )


def test_flipping_twice_changes_nothing():
    keypoint, score = poses(persons=2)
    once = flip(keypoint, score)
    twice = flip(once['keypoint'], once['keypoint_score'])
    np.testing.assert_allclose(twice['keypoint'], keypoint, atol=1e-4)


# ---- the two ways to draw


def test_coordinates_that_travel_give_the_same_maps():
    import torch
    from mmaction.registry import MODELS

    keypoint, score = poses(persons=3, frames=8)
    results = dict(
        modality=['Pose'],
        img_shape=(50, 60),
        keypoint=keypoint,
        keypoint_score=score,
        keypoint_layout='openpose18',
        keypoint_from_edge=True,
        num_clips=2,
    )
    maps = build('GeneratePoseMaps', size=(14, 14))(dict(results))['imgs']
    pose = build('FormatPoses')(dict(results))['pose']
    assert pose.shape == (2, 4, 5, 18, 3) and not pose[:, :, 3:].any()
    preprocessor = MODELS.build(
        dict(type='PoseMapPreprocessor', size=(14, 14))
    )
    batch = preprocessor(dict(inputs=dict(pose=[torch.from_numpy(pose)] * 2)))
    drawn = batch['inputs']['heatmap_imgs']
    assert drawn.shape == (2, 2, 52, 4, 14, 14)
    np.testing.assert_allclose(
        drawn[1].transpose(1, 2).flatten(0, 1).numpy(), maps, atol=1e-5
    )


def test_the_pose_stream_alone_from_maps_of_the_data_loader():
    """The same maps as where coordinates travel, batch and all."""
    import torch
    from mmaction.registry import MODELS

    keypoint, score = poses(frames=9)
    outputs = []
    for steps in (
        [build('GeneratePoseMaps', size=(14, 14))],
        [build('FormatPoses')],
    ):
        np.random.seed(0)
        results = dict(
            total_frames=9,
            img_shape=(50, 60),
            keypoint=keypoint,
            keypoint_score=score,
            keypoint_layout='openpose18',
        )
        key = 'pose' if 'FormatPoses' in str(steps) else 'heatmap_imgs'
        for step in (
            sampler(
                clip_len=dict(Pose=4), frame_interval=dict(Pose=1), num_clips=2
            ),
            build('DecodeTwoStream'),
            *steps,
            build('PackActionInputs', collect_keys=(key,)),
        ):
            results = step(results)
        preprocessor = MODELS.build(
            dict(type='PoseMapPreprocessor', size=(14, 14))
        )
        inputs = {k: [v] for k, v in results['inputs'].items()}
        batch = preprocessor(dict(inputs=inputs))['inputs']
        outputs.append(batch['heatmap_imgs'])
    assert outputs[0].shape == (1, 2, 52, 4, 14, 14)
    torch.testing.assert_close(*outputs, atol=1e-5, rtol=0)


def test_maps_of_a_pipeline_of_mmaction2s_own():
    """Keypoints that count from pixel centres are drawn where they are."""
    keypoint = np.full((1, 1, 18, 2), 3.0, np.float32)
    results = dict(
        img_shape=(8, 8),
        keypoint=keypoint,
        keypoint_score=np.ones((1, 1, 18), np.float32),
    )
    maps = build('GeneratePoseMaps', layout='openpose18', size=(8, 8))(results)
    expected = render_pose_maps(keypoint, np.ones((1, 1, 18)), (), (8, 8))
    np.testing.assert_allclose(maps['imgs'][:, :18], expected[0][None])
    assert maps['imgs'][0, 0, 3, 3] == 1


def test_more_persons_than_places_is_an_error():
    keypoint, score = poses(persons=6)
    with pytest.raises(ValueError, match='6 persons'):
        build('FormatPoses')(
            dict(
                keypoint=keypoint,
                keypoint_score=score,
                img_shape=(9, 9),
                num_clips=1,
            )
        )


def test_a_batch_of_another_layout_is_refused():
    import torch
    from mmaction.registry import MODELS

    preprocessor = MODELS.build(dict(type='PoseMapPreprocessor'))
    with pytest.raises(ValueError, match="17 keypoints.*'openpose18'"):
        preprocessor.draw(torch.zeros(1, 1, 8, 5, 17, 3))


def test_frames_are_normalised():
    import torch
    from mmaction.registry import MODELS

    preprocessor = MODELS.build(
        dict(type='PoseMapPreprocessor', mean=(1, 2, 3), std=(1, 2, 4))
    )
    imgs = torch.full((1, 3, 2, 4, 4), 7, dtype=torch.uint8)
    out = preprocessor(dict(inputs=dict(imgs=[imgs])))['inputs']['imgs']
    assert out[0, 0, :, 0, 0, 0].tolist() == [6, 2.5, 1]


def test_frames_are_left_as_they_are_without_a_mean():
    import torch
    from mmaction.registry import MODELS

    options = dict(type='PoseMapPreprocessor')
    preprocessor = MODELS.build({**options, 'mean': None, 'std': None})
    imgs = torch.full((1, 3, 2, 4, 4), 7, dtype=torch.uint8)
    out = preprocessor(dict(inputs=dict(imgs=[imgs])))['inputs']['imgs']
    assert out.dtype == torch.float32 and (out == 7).all()
    with pytest.raises(ValueError, match='both or none'):
        MODELS.build({**options, 'mean': None})
    with pytest.raises(ValueError, match='size must be .* 56'):
        MODELS.build({**options, 'size': 56})
    with pytest.raises(TypeError, match='collect_keys'):
        preprocessor(dict(inputs=[imgs]))


# ---- DecodeTwoStream


def counting_frames(number):
    """Frames of constant grey 10, 20, ..."""
    values = 10 * (1 + np.arange(number, dtype=np.uint8))
    return np.broadcast_to(
        values[:, None, None, None], (number, 64, 96, 3)
    ).copy()


def decode(path, inds, total=6, **kwargs):
    return build('DecodeTwoStream')(
        dict(
            filename=str(path),
            total_frames=total,
            modality=['RGB'],
            RGB_inds=np.array(inds),
            **kwargs,
        )
    )


def test_the_frames_asked_for_in_their_order(make_video):
    path = make_video(counting_frames(6))
    results = decode(path, [4, 0, 4, 2])
    assert [int(f[3, 3, 0]) for f in results['imgs']] == [50, 10, 50, 30]
    assert results['img_shape'] == (64, 96)
    results['imgs'][0][:] = 0  # a frame that stands twice is two frames
    assert results['imgs'][2].max() == 50


def test_poses_follow_the_frames_real_size(make_video):
    path = make_video(counting_frames(6))
    keypoint, score = poses(frames=6)
    keypoint[0, 2, 0] = (9.5, 19.5)
    results = decode(
        path,
        [0],
        img_shape=(128, 192),  # annotated at twice the size
        keypoint=keypoint,
        keypoint_score=score,
    )
    assert 'keypoint' not in results  # nobody asked for poses
    results = build('DecodeTwoStream')(
        dict(
            filename=str(path),
            total_frames=6,
            modality=['RGB', 'Pose'],
            RGB_inds=np.array([0]),
            Pose_inds=np.array([2, 5]),
            img_shape=(128, 192),
            keypoint=keypoint,
            keypoint_score=score,
        )
    )
    # half a pixel added, then halved
    assert results['keypoint'][0, 0, 0].tolist() == [5, 10]
    np.testing.assert_array_equal(results['keypoint_score'], score[:, [2, 5]])


def test_bad_videos_are_named(make_video, tmp_path):
    with pytest.raises(SampleError, match='gone.mp4: there is no such video'):
        decode(tmp_path / 'gone.mp4', [0])
    path = make_video(counting_frames(6))
    with pytest.raises(
        SampleError, match='total_frames 9, but the video has 6 frames'
    ):
        decode(path, [0], total=9)
    half = tmp_path / 'half.mp4'
    half.write_bytes(path.read_bytes()[:60])
    with pytest.raises(SampleError, match='half.mp4: cannot be read'):
        decode(half, [0])
    empty = tmp_path / 'empty.mp4'
    empty.write_bytes(b'')
    with pytest.raises(SampleError, match='empty.mp4: an empty file'):
        decode(empty, [0])


def faststart(data):
    """An mp4 with its index in front, as videos on the web have it."""
    import struct

    boxes, i = [], 0
    while i < len(data):
        size, kind = struct.unpack('>I4s', data[i : i + 8])
        boxes.append((kind, data[i : i + size]))
        i += size
    index = next(box for kind, box in boxes if kind == b'moov')
    front = next(box for kind, box in boxes if kind == b'ftyp')
    rest = [box for kind, box in boxes if kind not in (b'moov', b'ftyp')]
    index = bytearray(index)
    place = index.find(b'stco')
    while place >= 0:  # the index tells where the frames are
        (count,) = struct.unpack('>I', index[place + 8 : place + 12])
        for k in range(count):
            at = place + 12 + 4 * k
            (offset,) = struct.unpack('>I', index[at : at + 4])
            index[at : at + 4] = struct.pack('>I', offset + len(index))
        place = index.find(b'stco', place + 4)
    return front + bytes(index) + b''.join(rest)


@pytest.mark.parametrize('part', [0.3, 0.6, 0.9])
def test_frames_that_are_missing_inside_are_named(shared, tmp_path, part):
    source = shared / 'samples' / 'videos' / 'clean_and_jerk.mp4'
    data = faststart(source.read_bytes())
    whole = tmp_path / 'whole.mp4'
    whole.write_bytes(data)
    total = len(decord.VideoReader(str(whole)))
    inds = [0, total // 2, total - 1]
    assert len(decode(whole, inds, total=total)['imgs']) == 3
    cut = tmp_path / 'cut.mp4'
    cut.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(SampleError, match='cut.mp4: '):
        decode(cut, inds, total=total)


@pytest.mark.parametrize('part', [0.3, 0.6, 0.9])
def test_a_truncated_avi_is_named(shared, tmp_path, part):
    """decord crashes where it gets such a file as bytes."""
    videos = shared / 'samples' / 'jhmdb' / 'videos' / 'golf'
    source = sorted(videos.glob('*.avi'))[0]
    total = len(decord.VideoReader(str(source)))
    data = source.read_bytes()
    cut = tmp_path / 'cut.avi'
    cut.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(SampleError, match='cut.avi: '):
        decode(cut, [0, total - 1], total=total)


def test_a_truncated_real_video_is_named(shared, tmp_path):
    data = (shared / 'samples' / 'videos' / 'demo.mp4').read_bytes()
    path = tmp_path / 'truncated.mp4'
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(SampleError, match='truncated.mp4'):
        decode(path, [0], total=300)
