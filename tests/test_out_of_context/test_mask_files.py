"""Mask files: what is written is read, and what is no mask file is named."""

import numpy as np
import pytest

from integral_action.fileio import SampleError
from integral_action.out_of_context import load_masks, write_masks

MASKS = np.random.default_rng(0).random((2, 6, 5, 7)) > 0.5


@pytest.mark.parametrize('frames', [None, [0], [4, 1, 1, 5], []])
def test_frames_are_unpacked_as_asked(tmp_path, frames):
    path = tmp_path / 'run' / 'a.npz'
    write_masks(path, *MASKS)
    for found, expected in zip(load_masks(path, frames), MASKS):
        assert found.dtype == bool
        wanted = expected if frames is None else expected[np.int64(frames)]
        np.testing.assert_array_equal(found, wanted)
    with np.load(path) as arrays:  # 35 pixels are 5 bytes a frame
        assert arrays['acting'].shape == (6, 5)


@pytest.mark.parametrize('frame', [6, -1])
def test_frames_that_are_not_there(tmp_path, frame):
    write_masks(tmp_path / 'a.npz', *MASKS)
    with pytest.raises(SampleError, match='a.npz: .* 0 to 5, but .* asked'):
        load_masks(tmp_path / 'a.npz', [0, frame])


def packed(**changes):
    arrays = dict(
        shape=np.array([6, 5, 7]),
        acting=np.zeros((6, 5), np.uint8),
        anybody=np.zeros((6, 5), np.uint8),
    )
    return {k: v for k, v in {**arrays, **changes}.items() if v is not None}


@pytest.mark.parametrize(
    'changes, message',
    [
        (dict(anybody=None), 'no anybody'),
        (dict(shape=np.array([6, 5])), 'three positive'),
        (dict(shape=np.array([6.0, 5, 7])), 'three positive'),
        (dict(shape=np.array([6, 500000, 700000])), r'\(6, 43750000000\)'),
        (dict(shape=np.array([6, -5, -7])), 'three positive'),
        (dict(acting=np.zeros((6, 4), np.uint8)), r'shape \(6, 4\)'),
        (dict(acting=np.zeros((6, 5))), 'float64'),
        (dict(acting=np.zeros(30, np.uint8)), r'shape \(30,\)'),
        (dict(acting=np.array([None])), 'acting: Object arrays'),
    ],
)
def test_a_wrong_file_is_named(tmp_path, changes, message):
    path = tmp_path / 'a.npz'
    np.savez_compressed(path, **packed(**changes))
    with pytest.raises(SampleError, match=f'a.npz: .*({message})'):
        load_masks(path)


def test_no_file_and_no_arrays(tmp_path):
    path = tmp_path / 'a.npz'
    with pytest.raises(SampleError, match='a.npz'):
        load_masks(path)
    path.write_bytes(b'PK, but no more')
    with pytest.raises(SampleError, match='a.npz: not a mask file'):
        load_masks(path)
