"""Writing and reading exported models."""

import importlib.util
import io
import json
import warnings
from pathlib import Path
from typing import Any, Dict, Tuple, Union

import torch

from integral_action.fileio import atomic_write

from .deployable_recognizer import DeployableRecognizer
from .metadata import KEY

OPSETS = (17, 20)  # from LayerNormalization on; what torch can write
AXES = {0: 'batch', 1: 'clips'}
ONNX_MISSING = (
    'an export to ONNX needs the package onnx: '
    'pip install "integral_action[onnx]"'
)
METADATA_FILE = f'{KEY}.json'


def export_onnx(
    deployable: DeployableRecognizer,
    path: Union[str, Path],
    metadata: Dict[str, Any],
    opset: int = 17,
) -> None:
    """Write an ONNX model of any batch and any number of clips.

    By torch's exporter that traces, which needs no package but ``onnx``, and
    a tenth of the time of the other one.

    Args:
        deployable: the model.
        path: a file ending in ``.onnx``; it appears only whole.
        metadata: of :func:`describe`; ``metadata_props['integral_action']``.
        opset: of ONNX, 17 to 20.

    Raises:
        ImportError: there is no ``onnx``.
        ValueError: another opset.
    """
    if importlib.util.find_spec('onnx') is None:  # before all the work
        raise ImportError(ONNX_MISSING)
    if not OPSETS[0] <= opset <= OPSETS[1]:
        raise ValueError(
            f'opset must be from {OPSETS[0]} to {OPSETS[1]}, got {opset}'
        )
    names = deployable.input_names
    outputs = deployable.output_names
    with atomic_write(path) as temporary, warnings.catch_warnings():
        # of shapes that are checked while it is traced, and of the exporter
        warnings.simplefilter('ignore')
        with torch.no_grad():
            torch.onnx.export(
                deployable,
                tuple(deployable.example_inputs().values()),
                str(temporary),
                input_names=names,
                output_names=outputs,
                dynamic_axes={
                    **{name: AXES for name in names},
                    'scores': {0: 'batch'},
                    **({'gate': AXES} if 'gate' in outputs else {}),
                },
                opset_version=opset,
                dynamo=False,
            )
        _finish(temporary, deployable, metadata)


def _finish(path: Path, deployable: DeployableRecognizer, metadata: Dict):
    """Tell the outputs' shapes, which the exporter lost, and the metadata."""
    import onnx

    model = onnx.load(str(path))
    axes = {'scores': {0: 'batch'}, 'gate': AXES}
    with torch.no_grad():
        outputs = deployable(*deployable.example_inputs().values())
    for output, value in zip(model.graph.output, outputs):
        for i, dim in enumerate(output.type.tensor_type.shape.dim):
            if i not in axes[output.name]:
                dim.dim_value = value.shape[i]
    onnx.helper.set_model_props(model, {KEY: json.dumps(metadata)})
    onnx.save(model, str(path))


def export_program(
    deployable: DeployableRecognizer,
    path: Union[str, Path],
    metadata: Dict[str, Any],
) -> None:
    """Write a program of ``torch.export``, of any batch and clips.

    Args:
        deployable: the model.
        path: a file ending in ``.pt2``; it appears only whole.
        metadata: of :func:`describe`; an extra file of the program.
    """
    axes = {i: torch.export.Dim(name, min=1) for i, name in AXES.items()}
    # not 1, nor equal: torch.export would take them for always so
    inputs = tuple(deployable.example_inputs(batch=2, clips=3).values())
    with torch.no_grad():
        program = torch.export.export(
            deployable, inputs, dynamic_shapes=(tuple(axes for _ in inputs),)
        )
    stream = io.BytesIO()  # on a disk that is full, torch's writer aborts
    extra = {METADATA_FILE: json.dumps(metadata)}
    torch.export.save(program, stream, extra_files=extra)
    with atomic_write(path) as temporary:
        temporary.write_bytes(stream.getbuffer())


def load_program(
    path: Union[str, Path],
) -> Tuple[torch.nn.Module, Dict[str, Any]]:
    """Read what :func:`export_program` wrote.

    Returns:
        The model, which takes and gives what :class:`DeployableRecognizer`
        does; and its metadata.
    """
    extra = {METADATA_FILE: ''}
    program = torch.export.load(str(path), extra_files=extra)
    return program.module(), json.loads(extra[METADATA_FILE])
