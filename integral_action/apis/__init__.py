from .activation_maps import activation_maps, vis_cam
from .inferencer import IntegralActionInferencer
from .load_model import load_model

__all__ = [
    'IntegralActionInferencer',
    'activation_maps',
    'load_model',
    'vis_cam',
]
