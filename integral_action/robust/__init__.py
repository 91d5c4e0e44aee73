"""Beyond the paper: the robust product, and swaps of the scene."""

from .class_prior_hook import ClassPriorHook
from .linear_discriminant import LinearDiscriminant
from .robust_product_head import RobustProductHead
from .swap_accuracy import SwapAccuracy
from .swap_validation_hook import SwapValidationHook

__all__ = [
    'ClassPriorHook',
    'LinearDiscriminant',
    'RobustProductHead',
    'SwapAccuracy',
    'SwapValidationHook',
]
