from .load_model import load_model

__all__ = ['load_model']
