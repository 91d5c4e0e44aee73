import json
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integral_action.pose.layouts import KeypointLayout
from integral_action.pose_estimators import MoveNetEstimator, find_estimator

pytest.importorskip('onnxruntime')
onnx = pytest.importorskip('onnx')
from spot_model import write_spot_model  # noqa: E402


@pytest.fixture(scope='module')
def spot(tmp_path_factory):
    return write_spot_model(tmp_path_factory.mktemp('model') / 'spot.onnx')


def write_constant_model(path, persons, size=('H', 'W')):
    """Gives the same ``persons`` [M, 56] whatever it sees."""
    from onnx import TensorProto, helper, numpy_helper

    persons = np.asarray(persons, np.float32)[None]
    graph = helper.make_graph(
        [
            helper.make_node(
                'Constant',
                [],
                ['persons'],
                value=numpy_helper.from_array(persons),
            )
        ],
        'constant',
        [
            helper.make_tensor_value_info(
                'image', TensorProto.INT32, [1, *size, 3]
            )
        ],
        [
            helper.make_tensor_value_info(
                'persons', TensorProto.FLOAT, persons.shape
            )
        ],
    )
    model = helper.make_model(
        graph, ir_version=8, opset_imports=[helper.make_opsetid('', 17)]
    )
    onnx.save(model, str(path))
    return str(path)


def person(points, score):
    """{keypoint: (y, x, score)} -> [56]."""
    values = np.zeros(56)
    for i, point in points.items():
        values[3 * i : 3 * i + 3] = point
    values[55] = score
    return values


def black(height, width, count=1):
    return np.zeros((count, height, width, 3), np.uint8)


@pytest.mark.parametrize(
    'frame, options, size, expected',
    [
        # 64 x 128 -> 128 x 256, no padding: 0.25 * 256 / 2 - 0.5
        ((64, 128), {}, None, (31.5, 31.5)),
        # 240 x 320 -> 192 x 256, no padding: 0.25 * 320, 0.5 * 240
        ((240, 320), {}, None, (79.5, 119.5)),
        # seen as it is, padded to 256 x 320: 0.5 * 256 - 0.5
        ((240, 320), dict(input_size=320), None, (79.5, 127.5)),
        # 48 x 100 -> 31 x 64, padded to 32 x 64: 0.5 * 32 * 48 / 31 - 0.5
        ((48, 100), dict(input_size=64), None, (24.5, 24.2742)),
        # 48 x 24 -> 96 x 48 in 96 x 160: 0.25 * 160 / 2, 0.5 * 96 / 2
        ((48, 24), {}, (96, 160), (19.5, 23.5)),
    ],
)
def test_fractions_become_pixels(tmp_path, frame, options, size, expected):
    found = [person({0: (0.5, 0.25, 0.75)}, 1)]
    model = write_constant_model(
        tmp_path / 'constant.onnx', found, size or ('H', 'W')
    )
    ((keypoint, score),) = MoveNetEstimator(model, **options)(black(*frame))
    assert keypoint.dtype == score.dtype == np.float32
    assert keypoint.shape == (1, 17, 2) and score.shape == (1, 17)
    np.testing.assert_allclose(keypoint[0, 0], expected, atol=1e-4)
    assert score[0].tolist() == [0.75] + [0] * 16
    # A corner of the picture is half a pixel from the corner pixel's centre.
    np.testing.assert_allclose(keypoint[0, 1], (-0.5, -0.5))


def test_weak_persons_are_left_out_and_the_best_is_first(tmp_path):
    found = [person({0: (0, 0, s / 2)}, s) for s in (0.3, 0.1, 0.9, 0.09375)]
    model = write_constant_model(tmp_path / 'constant.onnx', found)

    def scores(**options):
        ((_, score),) = MoveNetEstimator(model, **options)(black(32, 32))
        return score[:, 0].tolist()

    np.testing.assert_allclose(scores(), [0.45, 0.15, 0.05])
    np.testing.assert_allclose(scores(score_thr=0.5), [0.45])
    assert scores(score_thr=0.95) == []
    ((keypoint, score),) = MoveNetEstimator(model, score_thr=1)(black(32, 32))
    assert keypoint.shape == (0, 17, 2) and score.shape == (0, 17)


@settings(max_examples=30, deadline=None)
@given(
    height=st.integers(20, 300),
    width=st.integers(20, 300),
    place=st.tuples(st.floats(0.1, 0.9), st.floats(0.1, 0.9)),
    input_size=st.sampled_from([64, 100, 256]),
)
def test_scaling_and_padding_leave_things_where_they_are(
    spot, height, width, place, input_size
):
    """A bright square is found at its own centre, whatever the sizes."""
    seen = max(1, max(height, width) / input_size)  # a pixel of the model's
    side = 2 + int(3 * seen)
    top = int(place[0] * (height - side))
    left = int(place[1] * (width - side))
    frame = black(height, width)
    frame[:, top : top + side, left : left + side] = 255
    ((keypoint, score),) = MoveNetEstimator(spot, input_size=input_size)(frame)
    centre = (left + (side - 1) / 2, top + (side - 1) / 2)
    # A pixel that is lit in part counts at its own centre: 1/8 pixel over 3 is
    # the most that it makes, and rounded colours some more.
    np.testing.assert_allclose(keypoint[0], [centre] * 17, atol=0.1 * seen)
    np.testing.assert_allclose(score, 0.9)


def test_frames_do_not_depend_on_each_other(tmp_path, spot):
    frames = black(40, 60, 5)
    for i in (0, 1, 3):
        frames[i, 5 * i : 5 * i + 4, 7 * i : 7 * i + 6] = 200
    alone = [MoveNetEstimator(spot)(frame[None])[0] for frame in frames]
    assert [len(score) for _, score in alone] == [1, 1, 0, 1, 0]
    free = MoveNetEstimator(
        write_spot_model(tmp_path / 'free.onnx', 'N', (64, 64))
    )
    assert not free.batched  # on the CPU
    one_by_one = free(frames)
    free.batched = True  # as on a GPU
    for (keypoint, score), expected in zip(free(frames), one_by_one):
        np.testing.assert_allclose(keypoint, expected[0], atol=1e-4)
        np.testing.assert_array_equal(score, expected[1])
    for (keypoint, score), expected in zip(
        MoveNetEstimator(spot)(frames), alone
    ):
        np.testing.assert_array_equal(keypoint, expected[0])
        np.testing.assert_array_equal(score, expected[1])


def test_wrong_models(tmp_path, spot):
    broken = tmp_path / 'broken.onnx'
    broken.write_bytes(b'<html>')
    broken = str(broken)
    other = write_spot_model(tmp_path / 'other.onnx', dtype='float')
    short = write_constant_model(tmp_path / 'short.onnx', np.zeros((2, 51)))
    for make, message in (
        (
            lambda: MoveNetEstimator('no.onnx'),
            'no.onnx: there is no such model',
        ),
        (lambda: MoveNetEstimator(spot, input_size=31), 'input_size is 31'),
        (lambda: MoveNetEstimator(spot, device='tpu'), "device is 'tpu'"),
        (lambda: MoveNetEstimator(broken), 'cannot be read as an ONNX model'),
        (
            lambda: MoveNetEstimator(other),
            r'takes tensor\(float\) \[1, .*expected one tensor\(int32\)',
        ),
        (
            lambda: MoveNetEstimator(
                write_spot_model(tmp_path / 'many.onnx', 8)
            ),
            r'takes tensor\(int32\) \[8',
        ),
        (
            lambda: MoveNetEstimator(short)(black(32, 32)),
            r'gives \[1, 2, 51\], expected \[1, M, 56\]',
        ),
    ):
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            make()


def test_cuda_is_asked_for_where_there_is_none(spot):
    import onnxruntime

    if 'CUDAExecutionProvider' in onnxruntime.get_available_providers():
        pytest.skip('this ONNX Runtime has CUDA')
    with pytest.raises(ValueError, match='pip install onnxruntime-gpu'):
        MoveNetEstimator(spot, device='cuda')


def test_a_model_has_to_be_given():
    with pytest.raises(ValueError, match='"movenet" .*--pose-model FILE'):
        find_estimator('movenet')()


@pytest.mark.parametrize(
    'name, module, message',
    [
        ('movenet', 'onnxruntime', 'pip install onnxruntime'),
        ('mmpose', 'mmpose', 'docs/extract_poses.md'),
    ],
)
def test_what_is_missing_is_named(monkeypatch, spot, name, module, message):
    for loaded in [key for key in sys.modules if key.startswith(module)]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=message) as error:
        find_estimator(name)(model=spot)
    assert '\n' not in str(error.value)


def test_the_real_model_finds_what_it_has_found_before(shared):
    """Against poses of the same model on the same frames, found and stored by
    other code: unscaled frames, and no half pixel taken off."""
    import decord

    poses = shared / 'samples/jhmdb/poses/pullup'
    name = sorted(poses.glob('*.json'))[0].stem
    reader = decord.VideoReader(
        str(shared / f'samples/jhmdb/videos/pullup/{name}.avi'), num_threads=1
    )
    frames = reader.get_batch(range(0, len(reader), 6)).asnumpy()
    stored = json.loads((poses / f'{name}.json').read_text())
    model = shared / 'samples/models/movenet-multipose.onnx'
    found = MoveNetEstimator(str(model), input_size=320)(frames)
    count = 0
    for i, (keypoint, score) in enumerate(found):
        there = [p for p in stored if p['image_id'] == 6 * i]
        there.sort(key=lambda result: -result['score'])
        assert len(there) == len(score)
        for points, confidence, result in zip(keypoint, score, there):
            expected = np.reshape(result['keypoints'], (17, 3))
            distance = points + 0.5 - expected[:, :2]
            # Stored with one decimal.
            assert np.abs(distance).max() < 0.5
            assert np.median(np.abs(distance)) < 0.06
            np.testing.assert_allclose(confidence, expected[:, 2], atol=0.01)
            count += 1
    assert count >= 5
    assert KeypointLayout.get(MoveNetEstimator.layout).num_keypoints == 17
