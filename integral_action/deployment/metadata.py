"""Metadata of an exported model: all that is needed to run it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, Optional, Sequence, Union

import torch

from integral_action.checkpoints import installed_versions

from .deployable_recognizer import DeployableRecognizer

KEY = 'integral_action'  # of ONNX's metadata_props


def describe(
    deployable: DeployableRecognizer, classes: Optional[Sequence[str]] = None
) -> Dict[str, Any]:
    """Labels, inputs and preprocessing, as plain values.

    Args:
        deployable: what is exported.
        classes: their names, in the order of the labels.

    Raises:
        ValueError: another number of classes than the model's.
    """
    preprocessor = deployable.preprocessor
    layout = preprocessor.layout
    number = deployable.model.cls_head.num_classes
    if classes is not None and len(classes) != number:
        raise ValueError(
            f'{len(classes)} names of classes, but the model has {number}'
        )
    metadata = dict(
        classes=None if classes is None else list(classes),
        num_classes=number,
        inputs={
            name: ['batch', 'clips', *shape]
            for name, shape in deployable.shapes.items()
        },
        outputs=deployable.output_names,
        precision='fp16' if deployable.dtype == torch.float16 else 'fp32',
        # the model's own, step by step
        test_pipeline=deployable.pipeline,
        normalization=dict(
            mean=preprocessor.mean.flatten().tolist(),
            std=preprocessor.std.flatten().tolist(),
            inside=True,
        ),
        keypoints=dict(
            layout=layout.name,
            names=layout.names,
            bones=layout.bones,
            mirror_pairs=layout.mirror_pairs,
            keypoint_groups=layout.keypoint_groups,
            bone_groups=layout.bone_groups,
        ),
        pose_maps=asdict(preprocessor.options),
        versions=installed_versions(),
    )
    return json.loads(json.dumps(metadata))  # tuples are lists, as when read


def read_onnx_metadata(path: Union[str, Path]) -> Dict[str, Any]:
    """Read what :func:`describe` wrote.

    Raises:
        ValueError: the model was not exported by this package.
    """
    import onnx

    model = onnx.load(str(path), load_external_data=False)
    for prop in model.metadata_props:
        if prop.key == KEY:
            return json.loads(prop.value)
    raise ValueError(f'{path}: its metadata has no {KEY!r}')
