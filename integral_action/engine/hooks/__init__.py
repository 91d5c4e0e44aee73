from .bad_samples_hook import BadSamplesHook
from .check_invalid_loss_hook import CheckInvalidLossHook
from .class_prior_hook import ClassPriorHook
from .epoch_seed_hook import EpochSeedHook
from .swap_validation_hook import SwapValidationHook

__all__ = [
    'BadSamplesHook',
    'CheckInvalidLossHook',
    'ClassPriorHook',
    'EpochSeedHook',
    'SwapValidationHook',
]
