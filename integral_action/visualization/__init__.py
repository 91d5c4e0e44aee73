from .figures import accuracy_figure, gate_figure
from .poses import draw_poses, pose_maps_image

__all__ = ['accuracy_figure', 'draw_poses', 'gate_figure', 'pose_maps_image']
