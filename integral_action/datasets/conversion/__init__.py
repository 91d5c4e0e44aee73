"""Writing a dataset that :class:`VideoPoseDataset` reads: what the converters
share, and what a converter of your own needs.

A converter lists its :class:`Video` s and gives a function that reads the
poses of one; :func:`convert` measures the videos, brings the poses to their
length, and writes lists, pose files and a report of what could not be used.
"""

from .convert import convert, link_to
from .report import Finding, Report
from .video import (
    Video,
    VideoInfo,
    fit_length,
    is_video,
    probe_video,
    split_files,
    tidy_poses,
    video_files,
)

__all__ = [
    'Finding',
    'Report',
    'Video',
    'VideoInfo',
    'convert',
    'fit_length',
    'link_to',
    'is_video',
    'probe_video',
    'tidy_poses',
    'split_files',
    'video_files',
]
