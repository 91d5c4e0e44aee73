"""Models outside of MMAction2: ONNX, and programs of ``torch.export``."""

from .deployable_recognizer import DeployableRecognizer
from .export import export_onnx, export_program, load_program
from .metadata import read_onnx_metadata

__all__ = [
    'DeployableRecognizer',
    'export_onnx',
    'export_program',
    'load_program',
    'read_onnx_metadata',
]
