from typing import Dict, List, Optional

import numpy as np

from integral_action.keypoints import LAYOUTS

from .base import PoseEstimator, Poses

MISSING = (
    'the estimator "mmpose" needs MMPose with all that it imports ({error}): '
    'run "pip install --no-deps mmpose mmdet" and "mim install mmcv==2.1.0" '
    '(the full one, not mmcv-lite); docs/extract_poses.md tells the rest'
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
        weights: its checkpoint, file or URL; None for those of the alias.
        det_model: alias, name or config file of the detector;
            ``'whole_image'`` takes the frame for a person; None for the
            default of the model's kind.
        det_weights: its checkpoint.
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
        ValueError: the model cannot be built; the message tells why.
    """

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
        except ImportError as error:
            raise ImportError(MISSING.format(error=error)) from error
        import torch

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
            text = str(error).strip() or type(error).__name__
            raise ValueError(
                f'MMPose cannot build {model!r} (weights {weights}, detector '
                f'{det_model}): {text.splitlines()[0]}'
            ) from error
        self.score_thr = score_thr
        self.nms_thr = nms_thr
        self.batched = device != 'cpu'
        self.inferencer.update_model_visualizer_settings()  # no heatmaps
        meta = self.inferencer.model.dataset_meta
        self.layout = _layout_of(meta)
        self.num_keypoints = meta['num_keypoints']

    def __call__(self, frames: np.ndarray) -> List[Poses]:
        """As of :class:`PoseEstimator`."""
        images = np.ascontiguousarray(frames[..., ::-1])  # it takes BGR
        step = len(images) if self.batched else 1
        poses = []
        for start in range(0, len(images), step):
            poses += self._estimate(images[start : start + step])
        return poses

    def _estimate(self, images: np.ndarray) -> List[Poses]:
        """Of frames that go through the pose model together."""
        tensors, samples, counts = [], [], []
        for image, (inputs, _) in zip(
            images,
            self.inferencer.preprocess(
                images, bbox_thr=self.score_thr, nms_thr=self.nms_thr
            ),
        ):
            # One a person, or, bottom-up, one a frame.
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
        detector = getattr(self.inferencer, 'detector', None)
        if detector is None or len(found) != 1:
            return False
        person = found[0].gt_instances
        height, width = image.shape[:2]
        return bool(
            np.all(person.bbox_scores == 1)
            and np.all(person.bboxes == (0, 0, width, height))
        )

    def _poses(self, found: List) -> Poses:
        """A frame's persons, out of one result an input."""
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


def _layout_of(meta: Dict) -> str:
    names = tuple(
        meta['keypoint_id2name'][i] for i in range(meta['num_keypoints'])
    )
    for name, layout in LAYOUTS.items():
        if layout.names == names:
            return name
    return meta['dataset_name']
