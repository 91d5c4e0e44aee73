from .pose_map_preprocessor import PoseMapPreprocessor

__all__ = ['PoseMapPreprocessor']
