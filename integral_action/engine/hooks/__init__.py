from .bad_samples_hook import BadSamplesHook
from .class_prior_hook import ClassPriorHook
from .epoch_seed_hook import EpochSeedHook
from .swap_validation_hook import SwapValidationHook

__all__ = [
    'BadSamplesHook',
    'ClassPriorHook',
    'EpochSeedHook',
    'SwapValidationHook',
]
