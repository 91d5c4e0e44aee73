from typing import List, Optional, Tuple

import cv2
import numpy as np

from .base import PoseEstimator, Poses
from .onnx_session import open_session

_STRIDE = 32  # MoveNet takes sides that are multiples of it


class MoveNetEstimator(PoseEstimator):
    """MoveNet multipose in ONNX Runtime.

    The model takes int32 RGB [1, H, W, 3], 0 to 255, and gives [1, M, 56]: for
    each person 17 x (y, x, score), ymin, xmin, ymax, xmax, score, as fractions
    of its picture. Where its batch is free, frames go through together on a
    GPU; on the CPU it takes one at a time, so that the result cannot depend on
    the others.

    A frame is scaled with its aspect ratio kept, and padded with black at the
    right and at the bottom. A fraction f of a side of n pixels is f * n from
    the picture's edge, f * n - 1/2 from the centre of its first pixel.

    Args:
        model: the .onnx file, which is not part of the package.
        device: ``'cpu'`` (one thread: run one process per core), ``'cuda'`` or
            ``'cuda:1'``.
        score_thr: persons whose own score is below this are left out.
        input_size: pixels of the longer side of the frame that the model sees;
            of no meaning where the model's own size is fixed.

    Raises:
        ImportError: there is no onnxruntime.
        FileNotFoundError: there is no such model.
        ValueError: there is no model, the file is none, or the device is not
            there.
    """

    layout = 'coco17'
    follows = False

    def __init__(
        self,
        model: Optional[str] = None,
        device: str = 'cpu',
        score_thr: float = 0.1,
        input_size: int = 256,
    ) -> None:
        if model is None:
            raise ValueError(
                'the estimator "movenet" has no model of its own: give the '
                '.onnx file as model (--pose-model FILE, --model of '
                'extract_poses)'
            )
        if input_size < _STRIDE:
            raise ValueError(
                f'input_size is {input_size}, expected {_STRIDE} or more'
            )
        self.score_thr = score_thr
        self.input_size = input_size
        self.session = open_session(model, device)
        inputs = self.session.get_inputs()
        shape = inputs[0].shape if inputs else []
        if (
            len(inputs) != 1
            or inputs[0].type != 'tensor(int32)'
            or len(shape) != 4
            or shape[3] != 3
            or shape[0] != 1
            and isinstance(shape[0], int)
        ):
            takes = ', '.join(f'{i.type} {i.shape}' for i in inputs)
            raise ValueError(
                f'{model}: it takes {takes}, expected one tensor(int32) '
                f'[1, H, W, 3], as MoveNet multipose does'
            )
        self.model = model
        self.input_name = inputs[0].name
        fixed = isinstance(shape[1], int) and isinstance(shape[2], int)
        self.fixed_size = (shape[1], shape[2]) if fixed else None
        self.batched = shape[0] != 1 and device != 'cpu'

    def __call__(self, frames: np.ndarray) -> List[Poses]:
        """Find the people in each frame; see :class:`PoseEstimator`."""
        height, width = frames.shape[1:3]
        scaled, padded = self._sizes(height, width)
        images = np.zeros((len(frames), *padded, 3), np.int32)
        shrinks = scaled[0] < height
        for image, frame in zip(images, frames):
            if scaled != (height, width):
                frame = cv2.resize(
                    frame,
                    scaled[::-1],
                    interpolation=cv2.INTER_AREA
                    if shrinks
                    else cv2.INTER_LINEAR,
                )
            image[: scaled[0], : scaled[1]] = frame
        if self.batched:
            persons = self._run(images)
        else:
            persons = [
                self._run(images[i : i + 1])[0] for i in range(len(images))
            ]
        # From fractions of the padded picture to pixels of the frame.
        unit = np.array(padded) * (height, width) / scaled
        return [self._poses(found, unit) for found in persons]

    def _sizes(
        self, height: int, width: int
    ) -> Tuple[Tuple[int, int], Tuple[int, int]]:
        """(height, width) of the scaled and of the padded frame."""
        if self.fixed_size:
            scale = min(
                self.fixed_size[0] / height, self.fixed_size[1] / width
            )
        else:
            scale = self.input_size / max(height, width)
        scaled = tuple(max(1, round(side * scale)) for side in (height, width))
        padded = self.fixed_size or tuple(
            -(-side // _STRIDE) * _STRIDE for side in scaled
        )
        return scaled, padded

    def _run(self, images: np.ndarray) -> np.ndarray:
        output = self.session.run(None, {self.input_name: images})[0]
        if output.ndim != 3 or output.shape[2] != 56:
            raise ValueError(
                f'{self.model}: it gives {list(output.shape)}, expected '
                f'[1, M, 56], as MoveNet multipose does'
            )
        return output

    def _poses(self, persons: np.ndarray, unit: np.ndarray) -> Poses:
        """[M, 56] -> poses; ``unit`` (2) is pixels, down and right."""
        score = persons[:, 55]
        best = np.argsort(-score, kind='stable')
        best = best[score[best] >= self.score_thr]
        points = persons[best, :51].reshape(-1, 17, 3)
        keypoint = points[..., :2] * unit - 0.5
        return keypoint[..., ::-1].astype(np.float32), points[..., 2]
