"""Pose files that are small on the disk, and large in memory."""

import io
import resource
import struct
import zipfile

import numpy as np
import pytest

from integral_action.datasets.transforms import LoadPoses
from integral_action.fileio import SampleError
from integral_action.pose.files import read_poses, write_poses


def bomb(path, shape, score=None, kind='<f8', member='keypoint.npy'):
    """Write arrays of zeros by their headers, packed a thousand times."""
    size = np.dtype(kind).itemsize * int(np.prod(shape))
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            header, dict(descr=kind, fortran_order=False, shape=shape)
        )
        with archive.open(member, 'w', force_zip64=True) as file:
            file.write(header.getvalue())
            for _ in range(min(size, 2**27) >> 20):
                file.write(bytes(2**20))
        score = np.zeros(shape[:3] if score is None else score)
        file = io.BytesIO()
        np.save(file, score[:1])
        archive.writestr('keypoint_score.npy', file.getvalue())
    assert path.stat().st_size < 2**21
    return path


@pytest.mark.parametrize(
    'shape, kind',
    [
        ((1, 10**7, 18, 2), '<f8'),  # 2.9 GB
        ((10**7, 1, 18, 2), '<f4'),
        ((1, 10, 18, 2), '<U1000000'),
        ((2**62, 2, 2, 2), '<f8'),
    ],
)
def test_refused_before_it_is_unpacked(tmp_path, shape, kind):
    path = bomb(tmp_path / 'a.npz', shape, score=(1, 1, 1), kind=kind)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match='a.npz: not a pose file: keypoint'):
        read_poses(path)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 50_000  # KB


def test_what_the_video_explains(tmp_path):
    """256 persons in 40 frames of 18 keypoints take 4 MB; 16 MB more are
    let through, to errors that say what does not fit."""
    path = bomb(tmp_path / 'a.npz', (100, 40 * 100, 18, 2))  # 115 MB
    sample = dict(
        filename='a.mp4',
        pose_file=str(path),
        total_frames=40,
        keypoint_layout='openpose18',
    )
    with pytest.raises(SampleError, match='109 MB, expected 20 MB .*40 fra'):
        LoadPoses().transform(dict(sample))
    write_poses(path, np.full((2, 41, 18, 2), 9), np.ones((2, 41, 18)))
    with pytest.raises(SampleError, match='41 frames, but total_frames is 40'):
        LoadPoses().transform(dict(sample))
    write_poses(path, np.full((256, 40, 18, 2), 9), np.ones((256, 40, 18)))
    assert LoadPoses().transform(dict(sample))['keypoint'].shape[0] == 256


def test_a_member_that_is_no_array_or_has_a_long_header(tmp_path):
    path = tmp_path / 'a.npz'
    for content in (
        bytes(2**20),
        b'\x93NUMPY\x02\x00' + struct.pack('<I', 2**31) + b' ' * 2**20,
    ):
        with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
            archive.writestr('keypoint.npy', content)
            archive.writestr('keypoint_score.npy', content)
        with pytest.raises(ValueError, match='a.npz: not a pose file'):
            read_poses(path)
