"""Beyond the paper: the robust product, and swaps of the scene."""

from .appearance_swap import AppearanceSwap
from .class_prior_hook import ClassPriorHook
from .robust_product_head import RobustProductHead
from .robust_product_lda_head import RobustProductLDAHead
from .swap_accuracy import SwapAccuracy
from .swap_validation_hook import SwapValidationHook

__all__ = [
    'AppearanceSwap',
    'ClassPriorHook',
    'RobustProductHead',
    'RobustProductLDAHead',
    'SwapAccuracy',
    'SwapValidationHook',
]
