from .add_fusion import AddFusion
from .concat_fusion import ConcatFusion
from .pose_driven_integration import PoseDrivenIntegration
from .stream_fusion import StreamFusion

__all__ = [
    'AddFusion',
    'ConcatFusion',
    'PoseDrivenIntegration',
    'StreamFusion',
]
