from typing import Dict, Optional, Tuple

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from integral_action.fileio import SampleError, read_poses
from integral_action.keypoints import KeypointLayout


@TRANSFORMS.register_module()
class LoadPoses(BaseTransform):
    """Load the poses of a whole video, and check them.

    Required keys: ``keypoint`` and ``keypoint_score``, or ``pose_file``.
    Added or modified keys: ``keypoint`` float32 [M, T, K, 2] in pixels,
    ``keypoint_score`` float32 [M, T, K]. Coordinates that are not finite
    become (0, 0) with score 0. Where MMAction2's own transforms follow, put
    this first; :class:`DecodeTwoStream` does it by itself.

    Raises:
        SampleError: no poses, poses of another layout than
            ``keypoint_layout``, or of another number of frames than
            ``total_frames``.
    """

    def transform(self, results: Dict) -> Dict:
        """Load the poses."""
        keypoint, score = self.read(results)
        self._check(results, self._source(results), keypoint)

        keypoint = keypoint[..., :2]
        lost = ~np.isfinite(keypoint).all(-1) | ~np.isfinite(score)
        keypoint[lost] = 0
        score[lost] = 0
        results['keypoint'], results['keypoint_score'] = keypoint, score
        return results

    @staticmethod
    def _source(results: Dict) -> str:
        return results.get('pose_file', results.get('filename', 'the poses'))

    @classmethod
    def read(cls, results: Dict) -> Tuple[np.ndarray, np.ndarray]:
        """Read the poses as they are.

        Args:
            results: the sample, with the required keys.

        Returns:
            ``keypoint`` float32 [M, T, K, 2 or more] and ``keypoint_score``
            float32 [M, T, K].

        Raises:
            SampleError: there are none, or they are no such arrays.
        """
        source = cls._source(results)
        if 'keypoint' in results:
            score = results.get('keypoint_score')
            try:
                keypoint = np.array(results['keypoint'], np.float32)
                if score is None:
                    score = np.ones(keypoint.shape[:-1])
                score = np.array(score, np.float32)
            except (TypeError, ValueError) as error:  # ragged, or no numbers
                raise SampleError(
                    f'{source}: keypoint or keypoint_score is no array of '
                    f'numbers ({error})'
                ) from error
        elif 'pose_file' in results:
            try:
                keypoint, score = read_poses(
                    source,
                    results.get('total_frames'),
                    _num_keypoints(results),
                )
            except (OSError, ValueError) as error:
                raise SampleError(str(error)) from error
        else:
            raise SampleError(
                f'{source}: the annotation has neither '
                f'"keypoint" nor "pose_file"'
            )
        if (
            keypoint.ndim != 4
            or keypoint.shape[-1] < 2
            or (score.shape != keypoint.shape[:-1])
        ):
            raise SampleError(
                f'{source}: keypoint has shape {list(keypoint.shape)} and '
                f'keypoint_score {list(score.shape)}, expected [M, T, K, 2] '
                f'and [M, T, K]'
            )
        return keypoint, score

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
        return f'{self.__class__.__name__}()'


def _num_keypoints(results: Dict) -> Optional[int]:
    """Return the number of the layout's keypoints, where it is known."""
    layout = results.get('keypoint_layout')
    return layout and KeypointLayout.get(layout).num_keypoints
