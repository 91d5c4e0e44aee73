from typing import Dict

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform


def poses_as_fractions(results: Dict, half_pixel: bool = True) -> np.ndarray:
    """Return positions as fractions of the picture, from its edges.

    [M, T, K, 2], (x, y). ``half_pixel=False`` takes keypoints as they are, as
    the release does.
    """
    height, width = results['img_shape']
    keypoint = results['keypoint']
    # from a pixel's centre
    if half_pixel and not results.get('keypoint_from_edge', False):
        keypoint = keypoint + np.float32(0.5)
    return keypoint / np.array((width, height), np.float32)


@TRANSFORMS.register_module()
class FormatPoses(BaseTransform):
    """Let coordinates travel, for maps drawn on the model's device.

    What :class:`PoseMapPreprocessor` draws. The maps are those of
    :class:`GeneratePoseMaps`, for about a six-hundredth of the data.

    Required keys: ``keypoint`` [M, clips * T, K, 2] in pixels (of
    ``img_shape``), ``keypoint_score`` [M, clips * T, K], ``img_shape``,
    ``num_clips``. Added key: ``pose``, float32 [clips, T, num_person, K, 3]:
    x and y as fractions of the picture's width and height, and the score. Free
    places have score 0.

    Args:
        num_person: persons a frame; as of :class:`SelectTopPersons`, which
            comes before.

    Raises:
        ValueError: a sample has more persons.
    """

    def __init__(self, num_person: int = 5) -> None:
        self.num_person = num_person

    def transform(self, results: Dict) -> Dict:
        """Pack the poses into one array."""
        score = results['keypoint_score']
        persons, frames, num_keypoints = score.shape
        if persons > self.num_person:
            raise ValueError(
                f'FormatPoses(num_person={self.num_person}) got {persons} '
                f'persons; put SelectTopPersons before it'
            )
        pose = np.zeros(
            (frames, self.num_person, num_keypoints, 3), np.float32
        )
        pose[:, :persons, :, :2] = poses_as_fractions(results).swapaxes(0, 1)
        pose[:, :persons, :, 2] = score.swapaxes(0, 1)
        results['pose'] = pose.reshape(
            results['num_clips'], -1, *pose.shape[1:]
        )
        return results

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}(num_person={self.num_person})'
