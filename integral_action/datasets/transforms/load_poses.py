import warnings
from typing import Dict, Optional, Tuple

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from integral_action.fileio import SampleError
from integral_action.pose.files import read_poses
from integral_action.pose.layouts import KeypointLayout
from integral_action.pose.poses import (
    as_poses,
    found_points,
    looks_swapped,
    not_pixels,
    only_found,
)


@TRANSFORMS.register_module()
class LoadPoses(BaseTransform):
    """Load the poses of a whole video, and check them.

    Required keys: ``keypoint`` and ``keypoint_score``, or ``pose_file``.
    Without ``keypoint_score`` a third column of ``keypoint`` is it, or else it
    is 1. Added or modified keys: ``keypoint`` float32 [M, T, K, 2] in pixels,
    ``keypoint_score`` float32 [M, T, K], 0 where a keypoint is not found
    (:func:`is_found`). Coordinates that are not finite become (0, 0). Where
    MMAction2's own transforms follow, put this first; :class:`DecodeTwoStream`
    does it by itself.

    Args:
        backend_args: arguments of :func:`open_file`, for pose files; None for
            the disk.

    Raises:
        SampleError: no poses, poses of another layout than
            ``keypoint_layout`` or of another number of frames than
            ``total_frames``, or coordinates that are not pixels.
    """

    def __init__(self, backend_args: Optional[Dict] = None) -> None:
        self.backend_args = backend_args

    def transform(self, results: Dict) -> Dict:
        """Load the poses."""
        keypoint, score = self.read(results, self.backend_args)
        source = self._source(results)
        self._check(results, source, keypoint)
        keypoint, score = only_found(keypoint, score)
        points, shape = found_points(keypoint, score), results.get('img_shape')
        if reason := not_pixels(points, shape):
            raise SampleError(f'{source}: {reason}')
        if shape is not None and looks_swapped(points, shape):
            warnings.warn(
                f'{source}: its poses leave img_shape {list(shape)}, but not '
                f'{list(shape[::-1])}: it is (height, width)',
                stacklevel=2,
            )
        results['keypoint'], results['keypoint_score'] = keypoint, score
        return results

    @staticmethod
    def _source(results: Dict) -> str:
        return results.get('pose_file', results.get('filename', 'the poses'))

    @classmethod
    def read(
        cls, results: Dict, backend_args: Optional[Dict] = None
    ) -> Tuple[np.ndarray, np.ndarray]:
        """Read the poses as they are.

        Args:
            results: the sample, with the required keys.
            backend_args: arguments of :func:`open_file`.

        Returns:
            ``keypoint`` float32 [M, T, K, 2] and ``keypoint_score`` float32
            [M, T, K].

        Raises:
            SampleError: there are none, or they are no such arrays.
        """
        source = cls._source(results)
        try:
            if 'keypoint' in results:
                return as_poses(
                    results['keypoint'], results.get('keypoint_score')
                )
            if 'pose_file' in results:
                return read_poses(
                    source,
                    results.get('total_frames'),
                    _num_keypoints(results),
                    backend_args,
                )
        except (OSError, ValueError) as error:
            text = str(error)
            named = text if source in text else f'{source}: {text}'
            raise SampleError(named) from error
        raise SampleError(
            f'{source}: the annotation has neither "keypoint" nor "pose_file"'
        )

    @staticmethod
    def _check(results: Dict, source: str, keypoint: np.ndarray) -> None:
        _, frames, num_keypoints, _ = keypoint.shape
        if 'keypoint_layout' in results:
            layout = KeypointLayout.get(results['keypoint_layout'])
            if num_keypoints != layout.num_keypoints:
                raise SampleError(
                    f'{source}: its poses have {num_keypoints} keypoints, the '
                    f'layout {layout.name!r} has {layout.num_keypoints}'
                )
        total = results.get('total_frames', frames)
        if frames != total:
            raise SampleError(
                f'{source}: poses of {frames} frames, but '
                f'total_frames is {total}'
            )

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}(backend_args={self.backend_args})'


def _num_keypoints(results: Dict) -> Optional[int]:
    """Return the number of the layout's keypoints, where it is known."""
    layout = results.get('keypoint_layout')
    return layout and KeypointLayout.get(layout).num_keypoints
