from .frame_average_head import FrameAverageHead
from .linear_discriminant import LinearDiscriminant
from .robust_product_head import RobustProductHead

__all__ = ['FrameAverageHead', 'LinearDiscriminant', 'RobustProductHead']
