from .inferencer import IntegralActionInferencer
from .load_model import load_model

__all__ = ['IntegralActionInferencer', 'load_model']
