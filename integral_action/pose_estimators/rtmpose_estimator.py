import os
from importlib.util import find_spec
from typing import Dict, List, Optional

import numpy as np

from . import onnx_session
from .base import PoseEstimator, Poses
from .rtmlib_weights import fetch

INSTALL = 'pip install rtmlib onnxruntime'
_LAYOUTS = {17: 'coco17', 26: 'halpe26', 133: 'coco_wholebody133'}


def missing() -> Optional[str]:
    """Return how to install what it needs; None where it is installed."""
    there = find_spec('rtmlib') and not onnx_session.missing()
    return None if there else INSTALL


class RTMPoseEstimator(PoseEstimator):
    """RTMPose, RTMW and RTMO by `rtmlib <https://github.com/Tau-J/rtmlib>`_.

    A detector (YOLOX) finds the people of a frame, and the pose model the
    keypoints of each; RTMO does both at once. They run in ONNX Runtime, frame
    by frame and person by person.

    Args:
        model: ``'body'`` (17 keypoints), ``'halpe26'``, ``'wholebody'`` (133)
            or ``'rtmo'`` (17), whose weights are downloaded once and kept; or
            a .onnx file of RTMPose, RTMW or RTMO, as MMDeploy exports them.
        det_model: the detector's .onnx file, a YOLOX with non-maximum
            suppression inside, as MMDeploy exports it; None for the one of
            ``mode``, which is downloaded once. RTMO takes none.
        mode: which weights to download: ``'lightweight'``, ``'balanced'`` or
            ``'performance'``.
        device: ``'cpu'`` (one thread: run one process per core), ``'cuda'`` or
            ``'cuda:1'``.
        score_thr: persons are left out whose score, the detector's or RTMO's,
            is not above this.

    Raises:
        ImportError: there is no rtmlib or no onnxruntime.
        ConnectionError: the weights cannot be downloaded.
        FileNotFoundError: there is no such file.
        ValueError: a file is no such model, or the device is not there.
    """

    follows = False

    def __init__(
        self,
        model: str = 'body',
        det_model: Optional[str] = None,
        mode: str = 'balanced',
        device: str = 'cpu',
        score_thr: float = 0.3,
    ) -> None:
        try:
            from . import rtmlib_models
        except ImportError as error:
            raise ImportError(
                f'the estimator "rtmpose" needs rtmlib ({error}): run '
                f'"{INSTALL}"'
            ) from error
        files = dict(model=model, det_model=det_model)
        weights = _weights(model, mode)
        if det_model:
            weights.pop('det_model', None)
        if 'model' in weights:
            files.update(fetch(weights))
        self.pose_model = rtmlib_models.open_pose_model(files['model'], device)
        number = self.pose_model.num_keypoints
        if number not in _LAYOUTS:
            raise ValueError(
                f'{model}: it gives {number} keypoints, expected '
                f'{", ".join(map(str, _LAYOUTS))}'
            )
        self.layout = _LAYOUTS[number]
        self.score_thr = score_thr
        self.detector = None
        if isinstance(self.pose_model, rtmlib_models.TopDown):
            if not files['det_model']:
                files.update(fetch(weights))
            self.detector = rtmlib_models.open_detector(
                files['det_model'], device
            )
        elif det_model:
            raise ValueError(f'{model} is of RTMO, which takes no det_model')

    def __call__(self, frames: np.ndarray) -> List[Poses]:
        """Find the people in each frame; see :class:`PoseEstimator`."""
        return [self._find(frame) for frame in frames]

    def _find(self, frame: np.ndarray) -> Poses:
        image = np.ascontiguousarray(frame[..., ::-1])
        if self.detector is None:
            poses = self.pose_model.find(image, self.score_thr)
        else:
            boxes = self.detector.find(image, self.score_thr)
            poses = self.pose_model.find(frame, boxes)
        return tuple(array.astype(np.float32) for array in poses)


def _weights(model: str, mode: str) -> Dict[str, str]:
    """Return the URLs of what is downloaded, by option; of a file's detector
    alone."""
    from rtmlib import Body, BodyWithFeet, Wholebody

    if mode not in Body.MODE:
        raise ValueError(f'mode is {mode!r}, expected {", ".join(Body.MODE)}')
    models = dict(
        body=Body.MODE,
        halpe26=BodyWithFeet.MODE,
        wholebody=Wholebody.MODE,
        rtmo=Body.RTMO_MODE,
    )
    if model in models:
        found = models[model][mode]
        urls = dict(model=found['pose'], det_model=found.get('det'))
        return {option: url for option, url in urls.items() if url}
    if not os.path.isfile(model):
        raise FileNotFoundError(
            f'{model}: there is no such model; there are {", ".join(models)}, '
            f'or give a .onnx file'
        )
    return dict(det_model=Body.MODE[mode]['det'])
