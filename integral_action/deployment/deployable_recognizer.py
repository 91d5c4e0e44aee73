from typing import Dict, List, Optional, Sequence, Tuple

import torch
from torch import Tensor, nn

from integral_action.models.data_preprocessors import PoseMapPreprocessor
from integral_action.models.recognizers import TwoStreamRecognizer

POSE_INPUTS = ('keypoints', 'maps')


class DeployableRecognizer(nn.Module):
    """A recognizer as one function of arrays: what is exported.

    Takes, in this order, what the model's streams read:

    - ``imgs`` uint8 [N, clips, 3, T, H, W], RGB; they are normalised inside;
    - ``pose`` float32 [N, clips, T', M, K, 3]: x and y as fractions of the
      picture's width and height (of what is left of it where it is cropped),
      and the score, 0 in free places, as :class:`FormatPoses` packs them; the
      maps are drawn inside. Or, with ``pose_input='maps'``, ``heatmap_imgs``
      float32 [N, clips, K + 2B, T', H', W'].

    Gives ``scores`` float32 [N, num_classes], averaged over clips as the
    model's head does (probabilities, unless ``average_clips='score'``); and
    of a model with a gate, ``gate`` float32 [N, clips, T], averaged over
    channels; T is 1 where it is of a clip (:class:`RobustProductHead`).

    Args:
        model: a :class:`TwoStreamRecognizer` as ``load_model`` builds it; its
            test pipeline tells the inputs' shapes. With ``half`` it is
            changed.
        pose_input: ``'keypoints'`` or ``'maps'``.
        half: compute the streams and the fusion in float16; pose maps,
            softmax, inputs and outputs stay what they are.
        size: (H, W) of ``imgs``, where the test pipeline does not tell.

    Raises:
        ValueError: another kind of model or preprocessor, no size, or a head
            that does not average clips.
    """

    def __init__(
        self,
        model: TwoStreamRecognizer,
        pose_input: str = 'keypoints',
        half: bool = False,
        size: Optional[Tuple[int, int]] = None,
    ) -> None:
        super().__init__()
        if pose_input not in POSE_INPUTS:
            raise ValueError(
                f'pose_input must be one of {POSE_INPUTS}, got {pose_input!r}'
            )
        _check_model(model)
        self.model = model
        self.dtype = torch.float16 if half else torch.float32
        if half:
            for part in ('backbone', 'neck', 'cls_head'):
                if hasattr(model, part):
                    getattr(model, part).half()
        self.preprocessor = model.data_preprocessor
        self.pipeline = [
            dict(step) for step in model.cfg.test_dataloader.dataset.pipeline
        ]
        self.shapes = self._shapes(pose_input, size)
        self.eval()

    @property
    def input_names(self) -> List[str]:
        """Names of the inputs, in the order of :meth:`forward`."""
        return list(self.shapes)

    @property
    def output_names(self) -> List[str]:
        """Names of the outputs, in the order of :meth:`forward`."""
        model = self.model
        last = model.neck if model.with_neck else model.cls_head
        gated = getattr(last, 'has_gate', False)
        return ['scores', 'gate'] if gated else ['scores']

    def example_inputs(
        self, batch: int = 2, clips: int = 2, seed: int = 0
    ) -> Dict[str, Tensor]:
        """Noise of the inputs' shapes and kinds, with people in the poses."""
        generator = torch.Generator().manual_seed(seed)
        inputs = {}
        for name, shape in self.shapes.items():
            value = torch.rand((batch, clips, *shape), generator=generator)
            if name == 'imgs':
                value = (value * 256).to(torch.uint8)
            inputs[name] = value
        return inputs

    def forward(self, *inputs: Tensor) -> Tuple[Tensor, ...]:
        """Predict; see the class."""
        batch, clips = inputs[0].shape[:2]
        streams = {}
        for name, value in zip(self.input_names, inputs):
            value = value.flatten(0, 1)
            if name == 'imgs':
                value = (value - self.preprocessor.mean) / (
                    self.preprocessor.std
                )
            elif name == 'pose':
                maps = self.preprocessor.draw(value[None])
                name, value = 'heatmap_imgs', maps.flatten(0, 1)
            streams[name] = value.to(self.dtype)
        features, aux = self.model.integrate(self.model.backbone(**streams))
        logits = self.model.cls_head(features)
        # by view from one dimension: torch.export would take the batch for
        # one that is never a multiple of itself
        logits = logits.flatten().view(batch, clips, -1)
        if self.model.cls_head.average_clips == 'prob':
            logits = logits.softmax(-1)
        outputs = [logits.mean(1)]
        if 'gate' in self.output_names:
            outputs.append(aux['gate'].flatten().view(batch, clips, -1))
        return tuple(outputs)

    def _shapes(
        self, pose_input: str, size: Optional[Tuple[int, int]]
    ) -> Dict[str, Tuple[int, ...]]:
        """Return the shape of each input, behind batch and clips."""
        clip_len = self._option('SampleTwoStreamFrames', 'clip_len')
        shapes = {}
        if set(self.model.backbone.streams) != {'pose'}:
            height, width = size or self._frame_size()
            shapes['imgs'] = (3, clip_len['RGB'], height, width)
        if 'pose' in self.model.backbone.streams:
            layout, frames = self.preprocessor.layout, clip_len['Pose']
            if any(one['type'] == 'GeneratePoseMaps' for one in self.pipeline):
                raise ValueError(
                    'its test pipeline draws the pose maps by itself '
                    '(GeneratePoseMaps); let the model draw them (FormatPoses)'
                )
            if pose_input == 'maps':
                options = self.preprocessor.options
                channels = layout.num_heatmaps * options.heatmap
                channels += 2 * layout.num_pafs * options.paf
                size = self.preprocessor.options.size
                shapes['heatmap_imgs'] = (channels, frames, *size)
            else:
                persons = self._option('FormatPoses', 'num_person', 5)
                shapes['pose'] = (frames, persons, layout.num_keypoints, 3)
        return shapes

    def _option(self, step: str, option: str, default=None):
        """Return an option of a step of the test pipeline."""
        for one in self.pipeline:
            if one['type'] == step and option in one:
                return one[option]
        if default is None:
            raise ValueError(f'its test pipeline has no {step} with {option}')
        return default

    def _frame_size(self) -> Tuple[int, int]:
        train = self.model.cfg.get('train_dataloader', {}).get('dataset', {})
        # the test's own steps first; a test of small videos may have none
        for pipeline in (self.pipeline, train.get('pipeline', [])):
            for step in reversed(pipeline):
                size = _size_after(step)
                if size:
                    return size
        raise ValueError(
            'its pipelines do not tell the size of frames; give --size'
        )


def _size_after(step: Dict) -> Optional[Tuple[int, int]]:
    """(height, width) that a step leaves, where it is always the same."""
    if step['type'] == 'CenterCrop':
        crop = step['crop_size']
        width, height = crop if isinstance(crop, Sequence) else (crop, crop)
        return height, width
    if step['type'] == 'Resize' and not step.get('keep_ratio', True):
        width, height = step['scale']
        return height, width
    return None


def _check_model(model: nn.Module) -> None:
    if not isinstance(model, TwoStreamRecognizer):
        raise ValueError(
            f'the model is a {type(model).__name__}; what is exported is a '
            f'TwoStreamRecognizer'
        )
    if not isinstance(model.data_preprocessor, PoseMapPreprocessor):
        raise ValueError(
            f'its data_preprocessor is a '
            f'{type(model.data_preprocessor).__name__}, not a '
            f'PoseMapPreprocessor'
        )
    if model.cls_head.average_clips is None:
        raise ValueError(
            "its head does not average clips; give it average_clips='prob'"
        )
