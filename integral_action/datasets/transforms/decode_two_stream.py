import warnings
from typing import Dict, List, Optional

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from integral_action.datasets.video_reader import VideoReader
from integral_action.fileio import SampleError
from integral_action.pose.poses import has_swapped_shape

from .load_poses import LoadPoses


@TRANSFORMS.register_module()
class DecodeTwoStream(BaseTransform):
    """Read a clip's frames, and the poses of its frames.

    Frames are those of :class:`VideoReader`. A frame that several clips share
    is decoded once; poses are loaded only where the pose stream asks for them;
    what is wrong with a file is said with its name.

    Annotated keypoints count from the centre of the top left pixel, as OpenCV
    and COCO results do. MMAction2's ``Resize``, ``Crop`` and ``Flip`` are
    exact for coordinates that count from the picture's edge, so half a pixel
    is added here and taken off where the maps are drawn; or neither, with
    ``half_pixel=False``.

    Required keys: ``modality``; ``filename`` and ``RGB_inds`` for frames;
    ``Pose_inds``, ``img_shape`` and what :class:`LoadPoses` requires for
    poses. ``video_reader``, where a sample brings an open one, is read instead
    of the file: it has ``len()``, and ``get_batch`` as decord's readers.
    Added or modified keys: ``imgs`` (uint8 RGB [H, W, 3], a list),
    ``keypoint`` [M, num_clips * clip_len, K, 2] in pixels from the edge,
    ``keypoint_score`` [M, num_clips * clip_len, K],
    ``keypoint_from_edge``, ``img_shape``, ``original_shape``.

    Args:
        num_threads: number of threads of the decoder.
        half_pixel: whether half a pixel is added; the release adds none.
        decoder: of configs of earlier versions, which chose ``'decord'`` or
            ``'pyav'``. It has no effect.
        backend_args: arguments of :func:`open_file`, for videos and pose
            files; None for the disk.
        io_backend: the older name of ``backend_args['backend']``, with its
            further arguments.

    Raises:
        SampleError: a file is missing, broken, or shorter than annotated.
    """

    def __init__(
        self,
        num_threads: int = 1,
        half_pixel: bool = True,
        decoder: Optional[str] = None,
        backend_args: Optional[Dict] = None,
        io_backend: str = 'disk',
        **kwargs,
    ) -> None:
        if decoder not in (None, 'pyav'):
            warnings.warn(
                f'decoder={decoder!r} of DecodeTwoStream has no effect: '
                f'videos are read by PyAV',
                stacklevel=2,
            )
        if io_backend != 'disk':
            backend_args = dict(kwargs, backend=io_backend)
        self.num_threads, self.half_pixel = num_threads, half_pixel
        self.backend_args = backend_args
        self.load_poses = LoadPoses(backend_args)

    def transform(self, results: Dict) -> Dict:
        """Read frames and poses."""
        if 'Pose' in results['modality']:
            results = self.load_poses(results)
            for key in ('keypoint', 'keypoint_score'):
                results[key] = results[key][:, results['Pose_inds']]
            offset = np.float32(0.5 * self.half_pixel)
            results['keypoint'] = results['keypoint'] + offset
            results['keypoint_from_edge'] = True
        else:
            results.pop('keypoint', None)
            results.pop('keypoint_score', None)
        if 'RGB' in results['modality']:
            results['imgs'] = self._frames(results)
            self._to_real_shape(results)
        return results

    def _frames(self, results: Dict) -> List[np.ndarray]:
        filename = results['filename']
        inds, total = results['RGB_inds'], results['total_frames']
        reader = results.pop('video_reader', None)
        if reader is None:
            reader = VideoReader(
                filename, self.num_threads, backend_args=self.backend_args
            )
        wanted, place = np.unique(inds, return_inverse=True)
        frames = reader.get_batch(wanted)
        if not isinstance(frames, np.ndarray):  # decord's own
            frames = frames.asnumpy()
        # some readers count frames by decoding: on from here
        length = len(reader)
        if length < total:
            raise SampleError(
                f'{filename}: annotated with total_frames '
                f'{total}, but the video has {length} frames'
            )
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
            f'{self.__class__.__name__}(num_threads={self.num_threads}, '
            f'half_pixel={self.half_pixel}, '
            f'backend_args={self.backend_args})'
        )
