from .grouped_acc_metric import GroupedAccMetric
from .swap_accuracy import SwapAccuracy

__all__ = ['GroupedAccMetric', 'SwapAccuracy']
