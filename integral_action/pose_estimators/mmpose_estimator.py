import os
from pickle import UnpicklingError
from typing import Dict, List, Optional
from urllib.error import URLError

import numpy as np
import torch
from torch.nn.modules.utils import consume_prefix_in_state_dict_if_present

from integral_action.checkpoints import (
    check_weights,
    read_checkpoint,
    refused,
    some,
)
from integral_action.pose.layouts import LAYOUTS

from .base import PoseEstimator, Poses

MISSING = (
    'the estimator "mmpose" needs MMPose, mmdet, the full mmcv (not '
    f'mmcv-lite) and numpy < 2 (here is {np.__version__}); '
    'docs/extract_poses.md has the commands that install them. Importing '
    'MMPose failed with: {error}'
)


class MMPoseEstimator(PoseEstimator):
    """MMPose's inferencer for 2D poses, ``MMPoseInferencer``.

    Its own call takes one frame after another. Here its steps are called so
    that on a GPU the persons of all frames go through the pose model together;
    on the CPU, where that gains little, it takes a frame at a time, so that
    the result cannot depend on the others.

    A frame in which the detector finds nobody has nobody: the inferencer
    itself takes the whole frame for a person there.

    Args:
        model: alias (``'human'``), name or config file of the pose model.
        weights: its checkpoint, file or URL; a config file needs it, an alias
            or a name has one in MMPose's zoo, which is downloaded.
        det_model: alias, name or config file of the detector;
            ``'whole_image'`` takes the frame for a person; None for the
            default of the model's kind.
        det_weights: its checkpoint, likewise.
        det_cat_ids: the detector's categories that are taken for people.
        device: ``'cpu'`` (one thread: run one process a core), ``'cuda'`` or
            ``'cuda:1'``.
        score_thr: persons are left out whose score is not above this: of the
            detector, or, where there is none, of the model. The whole image
            has score 1.
        nms_thr: of two detections that overlap more (intersection over union)
            the better one is kept.

    Raises:
        ImportError: there is no MMPose, or it lacks what it imports.
        FileNotFoundError: there is no such config or checkpoint.
        ValueError: a config is given without weights or with those of another
            model, or a model cannot be built; the message tells why.

    Example::

        estimator = MMPoseEstimator('pose.py', 'pose.pth', 'whole_image')
        ((keypoint, score),) = estimator(frame[None])  # uint8 RGB
        assert keypoint.shape == (1, 17, 2) and score.shape == (1, 17)
    """

    follows = False

    def __init__(
        self,
        model: str = 'human',
        weights: Optional[str] = None,
        det_model: Optional[str] = None,
        det_weights: Optional[str] = None,
        det_cat_ids: int = 0,
        device: str = 'cpu',
        score_thr: float = 0.3,
        nms_thr: float = 0.3,
    ) -> None:
        try:
            from mmpose.apis import MMPoseInferencer
        except Exception as error:
            # Not ImportError alone: a numpy 2 makes it a ValueError, another
            # mmcv an AssertionError, another torchvision a RuntimeError.
            raise ImportError(MISSING.format(error=_reason(error))) from error

        if det_weights is not None and det_model in (None, 'whole_image'):
            raise ValueError(
                f'{det_weights}: det_weights without the det_model that takes '
                f'them; det_model is {det_model}'
            )
        state_dict = _read_state_dict(model, weights, 'weights')
        det_state_dict = _read_state_dict(
            det_model, det_weights, 'det_weights'
        )
        if device == 'cpu':
            torch.set_num_threads(1)
        try:
            self.inferencer = MMPoseInferencer(
                pose2d=model,
                pose2d_weights=weights,
                device=device,
                det_model=det_model,
                det_weights=det_weights,
                det_cat_ids=det_cat_ids,
            ).inferencer
        except Exception as error:  # whatever a config or a download raises
            raise ValueError(
                f'MMPose cannot build {model!r} (weights {weights}, detector '
                f'{det_model}): {_reason(error)}'
            ) from error
        self.detector = getattr(self.inferencer, 'detector', None)
        if state_dict:
            _load(self.inferencer.model, state_dict, model, weights)
        if det_state_dict and self.detector:
            _load(self.detector.model, det_state_dict, det_model, det_weights)
        self.score_thr = score_thr
        self.nms_thr = nms_thr
        self.batched = device != 'cpu'
        self.inferencer.update_model_visualizer_settings()  # no heatmaps
        meta = self.inferencer.model.dataset_meta
        self.layout = _layout_of(meta)
        self.num_keypoints = meta['num_keypoints']

    def __call__(self, frames: np.ndarray) -> List[Poses]:
        """Find the people in each frame, as :class:`PoseEstimator` says."""
        images = np.ascontiguousarray(frames[..., ::-1])  # it takes BGR
        step = len(images) if self.batched else 1
        poses = []
        for start in range(0, len(images), step):
            poses += self._estimate(images[start : start + step])
        return poses

    def _estimate(self, images: np.ndarray) -> List[Poses]:
        """Poses in frames that go through the pose model together."""
        tensors, samples, counts = [], [], []
        for image, (inputs, _) in zip(
            images,
            self.inferencer.preprocess(
                images, bbox_thr=self.score_thr, nms_thr=self.nms_thr
            ),
        ):
            # One per person, or, bottom-up, one per frame.
            found = inputs['data_samples']
            if self._made_up(found, image):
                counts.append(0)
                continue
            tensors += inputs['inputs']
            samples += found
            counts.append(len(found))
        results = []
        if samples:
            results = self.inferencer.forward(
                dict(inputs=tensors, data_samples=samples), merge_results=False
            )
        results = iter(results)
        return [
            self._poses([next(results).pred_instances for _ in range(count)])
            for count in counts
        ]

    def _made_up(self, found: List, image: np.ndarray) -> bool:
        """Whether the detector saw nobody, and the inferencer made up a
        person: the whole frame, with score 1."""
        if self.detector is None or len(found) != 1:
            return False
        person = found[0].gt_instances
        height, width = image.shape[:2]
        return bool(
            np.all(person.bbox_scores == 1)
            and np.all(person.bboxes == (0, 0, width, height))
        )

    def _poses(self, found: List) -> Poses:
        """Poses in a frame, from one result per input."""
        keypoint = [np.zeros((0, self.num_keypoints, 2))]
        keypoint_score = [np.zeros((0, self.num_keypoints))]
        score = [np.zeros(0)]
        for instances in found:
            keypoint.append(instances.keypoints)
            keypoint_score.append(instances.keypoint_scores)
            score.append(
                instances.bbox_scores
                if 'bbox_scores' in instances
                else np.mean(instances.keypoint_scores, -1)
            )
        keypoint, keypoint_score, score = (
            np.concatenate(arrays)
            for arrays in (keypoint, keypoint_score, score)
        )
        best = np.argsort(-score, kind='stable')
        best = best[score[best] > self.score_thr]
        return (
            keypoint[best, :, :2].astype(np.float32),
            keypoint_score[best].astype(np.float32),
        )


def _read_state_dict(
    model: Optional[str], weights: Optional[str], name: str
) -> Optional[Dict[str, torch.Tensor]]:
    """Read the weights that are given; None where MMPose's zoo has them.

    MMPose takes a config without weights, and goes on with random ones.
    """
    is_file = model is not None and os.path.isfile(model)
    if model is not None and model.endswith('.py') and not is_file:
        raise FileNotFoundError(
            f'{model}: there is no such config file; a model of the zoo is '
            f'named without .py'
        )
    if weights is None:
        if is_file:
            raise ValueError(
                f'{model}: a config holds no weights: give its checkpoint '
                f'as {name}'
            )
        return None
    content = read_checkpoint(weights)
    state_dict = content.get('state_dict', content)
    try:
        check_weights(state_dict)
    except ValueError as error:
        raise ValueError(f'{weights}: {error}') from error
    return state_dict


def _load(
    module: torch.nn.Module,
    state_dict: Dict[str, torch.Tensor],
    model: str,
    weights: str,
) -> None:
    """Load the weights of a model, every one of them.

    MMPose loads what fits, and leaves the rest random. Names are compared by
    loading: its modules rename those of older checkpoints.

    Raises:
        ValueError: they are of another model.
    """
    consume_prefix_in_state_dict_if_present(state_dict, 'module.')
    try:
        missing, unexpected = module.load_state_dict(state_dict, strict=False)
    except RuntimeError as error:  # other shapes
        wrong = str(error).splitlines()[1].strip()
    else:
        # Older torch did not save the counters; older mmengine saved the data
        # preprocessor's constants, which come from the config.
        missing = [
            key for key in missing if not key.endswith('num_batches_tracked')
        ]
        unexpected = [
            key
            for key in unexpected
            if not key.startswith('data_preprocessor.')
        ]
        if missing:
            wrong = f'missing key(s): {some(missing)}'
        elif unexpected:
            wrong = f'unexpected key(s): {some(unexpected)}'
        else:
            return
    raise ValueError(f'{weights}: not the weights of {model}: {wrong}')


def _reason(error: Exception) -> str:
    """Return the cause of an error, in a line."""
    if isinstance(error, URLError):
        return f'its weights cannot be downloaded ({error.reason})'
    if isinstance(error, UnpicklingError):  # torch advises to load unsafely
        return refused(error) or 'its checkpoint is damaged'
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]


def _layout_of(meta: Dict) -> str:
    names = tuple(
        meta['keypoint_id2name'][i] for i in range(meta['num_keypoints'])
    )
    for name, layout in LAYOUTS.items():
        if layout.names == names:
            return name
    return meta['dataset_name']
