import os
from typing import Dict, List, Union

import numpy as np
from mmaction.datasets.transforms import DecordInit
from mmaction.registry import TRANSFORMS
from mmengine.fileio import FileClient

from integral_action.datasets.decord_reader import (
    DECORD_ERRORS,
    DecordReader,
)
from integral_action.datasets.pyav_reader import PyAVReader
from integral_action.fileio import SampleError
from integral_action.poses import has_swapped_shape

from .load_poses import LoadPoses

DECODERS = ('decord', 'pyav')


@TRANSFORMS.register_module()
class DecodeTwoStream(DecordInit):
    """Read a clip's frames, and the poses of its frames.

    What MMAction2's ``MMDecode`` does, and besides: a frame that several clips
    share is decoded once; poses are loaded only where the pose stream asks for
    them; what is wrong with a file is said with its name.

    Annotated keypoints count from the centre of the top left pixel, as OpenCV
    and COCO results do. MMAction2's ``Resize``, ``Crop`` and ``Flip`` are
    exact for coordinates that count from the picture's edge, so half a pixel
    is added here and taken off where the maps are drawn.

    Required keys: ``modality``; ``filename`` and ``RGB_inds`` for frames;
    ``Pose_inds``, ``img_shape`` and what :class:`LoadPoses` requires for
    poses. ``video_reader``, where a sample brings an open one, is read instead
    of the file: it has ``len()`` and decord's ``get_batch``.
    Added or modified keys: ``imgs`` (uint8 RGB [H, W, 3], a list),
    ``keypoint`` [M, num_clips * clip_len, K, 2] in pixels from the edge,
    ``keypoint_score`` [M, num_clips * clip_len, K],
    ``keypoint_from_edge``, ``img_shape``, ``original_shape``.

    Args:
        io_backend: as of ``DecordInit``, with its further arguments.
        num_threads: of decord.
        decoder: ``'decord'``, or ``'pyav'``: the same frames in about half of
            the time where a clip is short and key frames are rare. It needs
            the package ``av``, and files on a disk.

    Raises:
        ValueError: another decoder, or ``'pyav'`` with another ``io_backend``.
        SampleError: a file is missing, broken, or shorter than annotated.
    """

    def __init__(
        self,
        io_backend: str = 'disk',
        num_threads: int = 1,
        decoder: str = 'decord',
        **kwargs,
    ) -> None:
        super().__init__(io_backend, num_threads, **kwargs)
        if decoder not in DECODERS:
            raise ValueError(
                f'decoder must be one of {DECODERS}, got {decoder!r}'
            )
        if decoder == 'pyav' and io_backend != 'disk':
            raise ValueError(
                f"decoder='pyav' reads files, not io_backend={io_backend!r}"
            )
        self.decoder = decoder
        self.load_poses = LoadPoses()

    def transform(self, results: Dict) -> Dict:
        """Read frames and poses."""
        if 'Pose' in results['modality']:
            results = self.load_poses(results)
            for key in ('keypoint', 'keypoint_score'):
                results[key] = results[key][:, results['Pose_inds']]
            results['keypoint'] = results['keypoint'] + np.float32(0.5)
            results['keypoint_from_edge'] = True
        else:
            results.pop('keypoint', None)
            results.pop('keypoint_score', None)
        if 'RGB' in results['modality']:
            results['imgs'] = self._frames(results)
            self._to_real_shape(results)
        return results

    def _get_video_reader(
        self, filename: str
    ) -> Union[DecordReader, PyAVReader]:
        if self.decoder == 'pyav':
            return PyAVReader(filename)
        if self.io_backend == 'disk':
            return DecordReader(filename, self.num_threads)
        # there is no other way; decord crashes on some truncated files so
        if self.file_client is None:
            self.file_client = FileClient(self.io_backend, **self.kwargs)
        return DecordReader(self.file_client.get(filename), self.num_threads)

    def _frames(self, results: Dict) -> List[np.ndarray]:
        filename = results['filename']
        inds, total = results['RGB_inds'], results['total_frames']
        reader = results.pop('video_reader', None)
        if (
            reader is None
            and self.io_backend == 'disk'
            and not os.path.isfile(filename)
        ):
            raise SampleError(f'{filename}: there is no such video')
        try:
            if reader is None:
                reader = self._get_video_reader(filename)
            length = len(reader)
        except DECORD_ERRORS as error:
            raise SampleError(
                f'{filename}: cannot be read as a video, is it '
                f'truncated? ({_first_line(error)})'
            ) from error
        if length < total:
            raise SampleError(
                f'{filename}: annotated with total_frames '
                f'{total}, but the video has {length} frames'
            )
        wanted, place = np.unique(inds, return_inverse=True)
        try:
            frames = reader.get_batch(wanted)
            if not isinstance(frames, np.ndarray):  # decord's own
                frames = frames.asnumpy()
        except DECORD_ERRORS as error:
            raise SampleError(
                f'{filename}: frames cannot be decoded, is it '
                f'truncated? ({_first_line(error)})'
            ) from error
        # A copy where a frame stands twice: Flip works in place.
        seen = set()
        imgs = []
        for i in place:
            imgs.append(frames[i].copy() if i in seen else frames[i])
            seen.add(i)
        return imgs

    @staticmethod
    def _to_real_shape(results: Dict) -> None:
        """Poses may have been annotated on frames of another size."""
        height, width = results['imgs'][0].shape[:2]
        annotated = tuple(results.get('img_shape', (height, width)))
        if 'keypoint' in results and annotated != (height, width):
            if has_swapped_shape(annotated, (height, width)):
                raise SampleError(
                    f'{results["filename"]}: img_shape is {list(annotated)}, '
                    f'but its frames are {[height, width]}: img_shape is '
                    f'(height, width)'
                )
            results['keypoint'] *= np.array(
                (width / annotated[1], height / annotated[0]), np.float32
            )
        results['img_shape'] = results['original_shape'] = (height, width)

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(io_backend={self.io_backend!r}, '
            f'num_threads={self.num_threads}, decoder={self.decoder!r})'
        )


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
