from .bad_samples_hook import BadSamplesHook
from .check_invalid_loss_hook import CheckInvalidLossHook
from .epoch_seed_hook import EpochSeedHook

__all__ = [
    'BadSamplesHook',
    'CheckInvalidLossHook',
    'EpochSeedHook',
]
