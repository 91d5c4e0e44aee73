from .decode_two_stream import DecodeTwoStream
from .flip_two_stream import FlipTwoStream
from .format_poses import FormatPoses
from .generate_pose_maps import GeneratePoseMaps
from .load_poses import LoadPoses
from .sample_two_stream_frames import SampleTwoStreamFrames
from .select_top_persons import SelectTopPersons

__all__ = [
    'DecodeTwoStream',
    'FlipTwoStream',
    'FormatPoses',
    'GeneratePoseMaps',
    'LoadPoses',
    'SampleTwoStreamFrames',
    'SelectTopPersons',
]
