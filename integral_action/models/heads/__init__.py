from .frame_average_head import FrameAverageHead
from .robust_product_head import RobustProductHead

__all__ = ['FrameAverageHead', 'RobustProductHead']
