from .pose_graph_preprocessor import PoseGraphPreprocessor
from .pose_map_preprocessor import PoseMapPreprocessor

__all__ = ['PoseGraphPreprocessor', 'PoseMapPreprocessor']
