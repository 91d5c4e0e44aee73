from .activation_maps import activation_maps, look_inside
from .inferencer import IntegralActionInferencer
from .load_model import load_model

__all__ = [
    'IntegralActionInferencer',
    'activation_maps',
    'load_model',
    'look_inside',
]
