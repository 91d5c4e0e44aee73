from .transforms import *  # noqa: F403
from .video_pose_dataset import VideoPoseDataset

__all__ = ['VideoPoseDataset']
