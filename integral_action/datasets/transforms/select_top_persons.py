from typing import Dict, Tuple

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from integral_action.pose.poses import person_score


@TRANSFORMS.register_module()
class SelectTopPersons(BaseTransform):
    """Keep the best persons of every frame (section 3.2).

    The best have the highest sum of their keypoints' scores. Frames are taken
    one by one: person i of one frame need not be person i of the next.

    Required and modified keys: ``keypoint`` [M, T, K, 2] and
    ``keypoint_score`` [M, T, K], M at most ``num_person`` afterwards.

    Args:
        num_person: how many persons a frame keeps.
        score_thr: a person whose :func:`person_score`, the mean of the found
            keypoints, is below this gets score 0 at all keypoints, and so
            leaves no trace in the pose maps.
    """

    def __init__(self, num_person: int = 5, score_thr: float = 0.1) -> None:
        if num_person < 1:
            raise ValueError(f'num_person must be positive, got {num_person}')
        self.num_person = num_person
        self.score_thr = score_thr

    def transform(self, results: Dict) -> Dict:
        """Keep the best persons."""
        results['keypoint'], score = top_persons(
            results['keypoint'], results['keypoint_score'], self.num_person
        )
        results['keypoint_score'] = np.where(
            (person_score(score) >= self.score_thr)[..., None],
            score,
            np.float32(0),
        )
        return results

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(num_person={self.num_person}, '
            f'score_thr={self.score_thr})'
        )


def top_persons(
    keypoint: np.ndarray, score: np.ndarray, number: int
) -> Tuple[np.ndarray, np.ndarray]:
    """Return the persons of each frame that have the highest mean score.

    Args:
        keypoint: [M, T, K, 2].
        score: [M, T, K].
        number: how many persons a frame keeps.

    Returns:
        Both arrays with ``number`` persons, or M where that is less.
    """
    if len(score) > number:
        best = np.argsort(-score.mean(-1), axis=0, kind='stable')[:number]
        score = np.take_along_axis(score, best[..., None], 0)
        keypoint = np.take_along_axis(keypoint, best[..., None, None], 0)
    return keypoint, score
