import os
from importlib.util import find_spec
from typing import Optional

INSTALL = 'pip install onnxruntime'


def missing() -> Optional[str]:
    """Return how to install ONNX Runtime; None where it is installed."""
    return None if find_spec('onnxruntime') else INSTALL


def open_session(model: str, device: str = 'cpu'):
    """Open a model in ONNX Runtime.

    Args:
        model: the .onnx file.
        device: ``'cpu'`` (one thread: run one process per core), ``'cuda'`` or
            ``'cuda:1'``.

    Returns:
        The ``onnxruntime.InferenceSession``.

    Raises:
        ImportError: there is no onnxruntime.
        FileNotFoundError: there is no such file.
        ValueError: the file is no ONNX model, or the device is not there.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            f'ONNX Runtime is missing ({error}): run "{INSTALL}", or '
            f'"pip install onnxruntime-gpu" for a GPU'
        ) from error
    if not os.path.isfile(model):
        raise FileNotFoundError(f'{model}: there is no such model')
    kind, _, number = device.partition(':')
    providers = dict(
        cpu='CPUExecutionProvider',
        cuda=('CUDAExecutionProvider', dict(device_id=int(number or 0))),
    )
    if kind not in providers:
        raise ValueError(f'device is {device!r}, expected cpu or cuda')
    there = onnxruntime.get_available_providers()
    if kind == 'cuda' and 'CUDAExecutionProvider' not in there:
        raise ValueError(
            f'device is {device!r}, but this ONNX Runtime has only '
            f'{", ".join(there)}: run "pip install onnxruntime-gpu"'
        )
    options = onnxruntime.SessionOptions()
    # One thread: more would give less than as many processes do.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            str(model), options, providers=[providers[kind]]
        )
    except Exception as error:  # onnxruntime's have no common class
        raise ValueError(
            f'{model}: cannot be read as an ONNX model: '
            f'{str(error).splitlines()[0]}'
        ) from error
