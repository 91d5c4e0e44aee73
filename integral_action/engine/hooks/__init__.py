from .class_prior_hook import ClassPriorHook
from .epoch_seed_hook import EpochSeedHook
from .swap_validation_hook import SwapValidationHook

__all__ = ['ClassPriorHook', 'EpochSeedHook', 'SwapValidationHook']
