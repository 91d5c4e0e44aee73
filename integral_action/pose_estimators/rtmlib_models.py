"""rtmlib's models, in a session of our own and without what is made up.

rtmlib opens a model with as many threads as there are cores, drops the
detector's scores, and where it finds nobody it answers with a person.
"""

from pathlib import Path
from typing import Union

import numpy as np
from rtmlib import RTMO, YOLOX, RTMPose
from rtmlib.tools.base import BaseTool
from rtmlib.tools.object_detection.post_processings import multiclass_nms

from .base import Poses
from .onnx_session import open_session

_FREE_SIZE = 640  # what rtmlib gives models that take any size


class _Opened(BaseTool):
    """Stand in for ``BaseTool.__init__``, which opens the file."""

    def __init__(
        self, onnx_model, model_input_size, mean=None, std=None, *_, **__
    ) -> None:
        self.session = onnx_model
        self.model_input_size = model_input_size
        self.mean, self.std = mean, std
        self.backend = 'onnxruntime'

    def _unit(self, image: np.ndarray) -> np.ndarray:
        """Return the image's pixels per pixel (x, y) of its letterbox."""
        height, width = image.shape[:2]
        ratio = min(np.divide(self.model_input_size, (height, width)))
        return np.divide(
            (width, height), (int(width * ratio), int(height * ratio))
        )


class Detector(YOLOX, _Opened):
    """YOLOX with non-maximum suppression inside, as MMDeploy exports it."""

    def find(self, image: np.ndarray, score_thr: float) -> np.ndarray:
        """Find people.

        Args:
            image: uint8 BGR [H, W, 3].
            score_thr: those whose score is not above this are left out.

        Returns:
            Boxes [M, 4] (left, top, right, bottom) in pixels from the image's
            corner, the best first.
        """
        padded, _ = self.preprocess(image)
        dets, labels = self.inference(padded)
        dets = dets[0][labels[0] == 0]  # people, of detectors with more
        dets = dets[np.argsort(-dets[:, 4], kind='stable')]
        dets = dets[dets[:, 4] > score_thr]
        return dets[:, :4] * np.tile(self._unit(image), 2)


class TopDown(RTMPose, _Opened):
    """RTMPose or RTMW: the pose of the person in a box."""

    def __init__(self, *args, num_keypoints: int) -> None:
        super().__init__(*args)
        self.num_keypoints = num_keypoints

    def find(self, image: np.ndarray, boxes: np.ndarray) -> Poses:
        """Find the keypoints of the people in boxes.

        Args:
            image: uint8 RGB [H, W, 3], as the models were trained; rtmlib's
                own solutions give them BGR (its issue 48).
            boxes: [M, 4], as of :class:`Detector`.
        """
        if not len(boxes):  # rtmlib takes the whole image for a person then
            nobody = np.zeros((0, self.num_keypoints, 3))
            return nobody[..., :2], nobody[..., 2]
        return self(image, boxes)


class OneStage(RTMO, _Opened):
    """RTMO: boxes and keypoints at once."""

    def __init__(self, *args, num_keypoints: int) -> None:
        super().__init__(*args)
        self.num_keypoints = num_keypoints

    def find(self, image: np.ndarray, score_thr: float) -> Poses:
        """Find people.

        Args:
            image: uint8 BGR [H, W, 3].
            score_thr: those whose score is not above this are left out.
        """
        padded, _ = self.preprocess(image)
        dets, points = (output[0] for output in self.inference(padded))
        _, keep = multiclass_nms(
            dets[:, :4], dets[:, 4:], self.nms_thr, score_thr
        )
        points = points[[] if keep is None else keep]
        # from the centre of the first pixel, before and after
        keypoint = (points[..., :2] + 0.5) * self._unit(image) - 0.5
        return keypoint, points[..., 2]


def open_detector(path: Union[str, Path], device: str) -> Detector:
    """Open a detector.

    Raises:
        FileNotFoundError, ValueError: the file is none.
    """
    session, size, shapes = _open(path, device)
    if list(map(len, shapes)) != [3, 2] or shapes[0][2] != 5:
        raise ValueError(
            f'{path}: it gives {shapes}, expected [1, M, 5] and [1, M], boxes '
            f'with scores and labels, as YOLOX of MMDeploy does'
        )
    return Detector(session, size)


def open_pose_model(
    path: Union[str, Path], device: str
) -> Union[TopDown, OneStage]:
    """Open a pose model of either kind.

    Raises:
        FileNotFoundError, ValueError: the file is none.
    """
    session, size, shapes = _open(path, device)
    ranks = list(map(len, shapes))
    if ranks == [3, 3] and shapes[0][1] == shapes[1][1]:
        return TopDown(session, size[::-1], num_keypoints=shapes[0][1])
    if ranks == [3, 4] and shapes[1][3] == 3:
        return OneStage(session, size, num_keypoints=shapes[1][2])
    raise ValueError(
        f'{path}: it gives {shapes}, expected [1, K, 2W] and [1, K, 2H] of '
        f'RTMPose, or [1, M, 5] and [1, M, K, 3] of RTMO'
    )


def _open(path: Union[str, Path], device: str):
    """Return a session, its picture's (height, width), its outputs' shapes."""
    session = open_session(str(path), device)
    inputs = session.get_inputs()
    takes = [(one.type, list(one.shape)) for one in inputs]
    kind, shape = takes[0]
    if (
        len(takes) != 1
        or kind != 'tensor(float)'
        or len(shape) != 4
        or shape[1] != 3
    ):
        raise ValueError(
            f'{path}: it takes {takes}, expected one tensor(float) [N, 3, H, '
            f'W]'
        )
    size = tuple(
        side if isinstance(side, int) else _FREE_SIZE for side in shape[2:]
    )
    blank = np.zeros((1, 3, *size), np.float32)  # shapes may be names
    outputs = session.run(None, {inputs[0].name: blank})
    return session, size, [list(output.shape) for output in outputs]
