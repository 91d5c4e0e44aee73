from .activation import ActivationView, activation_sheet, lay_activation
from .canvas import write_text
from .clips import Clip, clip_film, clip_sheet, heatmaps_image, lay_over
from .figures import accuracy_figure, gate_figure
from .files import write_picture, write_video
from .overlay import (
    GateCurve,
    gate_bar,
    label_heading,
    overlay_film,
    posed_frame,
)
from .poses import draw_poses, pose_maps_image

__all__ = [
    'GateCurve',
    'ActivationView',
    'Clip',
    'accuracy_figure',
    'activation_sheet',
    'clip_film',
    'clip_sheet',
    'draw_poses',
    'gate_bar',
    'gate_figure',
    'heatmaps_image',
    'label_heading',
    'lay_activation',
    'lay_over',
    'overlay_film',
    'pose_maps_image',
    'posed_frame',
    'write_picture',
    'write_text',
    'write_video',
]
