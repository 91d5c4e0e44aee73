from .efficientnet_lite import EfficientNetLite
from .pose_resnet_tsm import PoseResNetTSM
from .slim_resnet_tsm import SlimResNetTSM
from .two_stream_backbone import TwoStreamBackbone

__all__ = [
    'EfficientNetLite',
    'PoseResNetTSM',
    'SlimResNetTSM',
    'TwoStreamBackbone',
]
