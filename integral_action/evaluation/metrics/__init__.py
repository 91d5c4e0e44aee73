from .grouped_acc_metric import GroupedAccMetric

__all__ = ['GroupedAccMetric']
