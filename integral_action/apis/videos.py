"""The videos and poses that an inferencer is given."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, List, Tuple, Union

import numpy as np

from integral_action.datasets.conversion import video_files
from integral_action.datasets.video_reader import (
    ArrayReader,
    FrameReader,
    VideoReader,
)

VideoLike = Union[str, Path, np.ndarray]


@dataclass(frozen=True)
class VideoInput:
    """A video to predict.

    Args:
        source: a file, or frames, uint8 RGB [T, H, W, 3].
        poses: a pose file, ``(keypoint, keypoint_score)``, or None.
        name: what messages and predictions call it.
        out: names what is written of it: a relative path without an ending.
    """

    source: VideoLike
    poses: Any
    name: str
    out: Path

    def open(self, fps: float) -> FrameReader:
        """Return its frames.

        Args:
            fps: frames a second, of an array.

        Raises:
            SampleError: the file is missing, empty, or no video.
            ValueError: the array is none of frames.
        """
        if isinstance(self.source, np.ndarray):
            return ArrayReader(self.source, self.name, fps)
        return VideoReader(self.source)


def list_inputs(inputs: Any, poses: Any = None) -> List[VideoInput]:
    """Pair videos with their poses.

    Args:
        inputs: a video (a file, or frames), a folder of videos, or a list of
            these.
        poses: None; for one video a pose file or ``(keypoint,
            keypoint_score)``; for several a list of these, one a video; or a
            folder with a pose file a video: ``a/b.npz`` of ``a/b.mp4`` in a
            folder of videos, ``b.npz`` of any other ``b.mp4``; where several
            of a list have one name, ``a/b.npz`` of ``.../a/b.mp4``.

    Raises:
        ValueError: no videos, or poses that do not belong to them.
    """
    several = isinstance(inputs, (list, tuple))
    if several and any(
        isinstance(one, np.ndarray) and one.ndim == 3 for one in inputs
    ):
        raise ValueError(
            'inputs are a list of frames, expected a video as one array of '
            'RGB frames, such as np.stack(frames); if they are BGR, as '
            "OpenCV's are, np.stack(frames)[..., ::-1]"
        )
    found = []  # (source, name, out)
    for number, one in enumerate(inputs if several else [inputs]):
        if isinstance(one, np.ndarray):
            name = f'array {number}' if several else 'array'
            found.append((one, name, Path(name.replace(' ', '_'))))
            continue
        if not isinstance(one, (str, Path)):
            raise ValueError(
                f'a video is a path, or an array of frames, not a '
                f'{type(one).__name__}'
            )
        if Path(one).is_dir():
            several = True
            names = video_files(Path(one))
            if not names:
                raise ValueError(f'{one}: no videos in this folder')
            for name in names:
                out = Path(name).with_suffix('')
                found.append((Path(one, name), str(Path(one, name)), out))
        else:
            found.append((Path(one), str(one), Path(Path(one).stem)))
    if not found:
        raise ValueError('no videos')
    found = _apart(found)
    of_each = _poses_of_each(poses, [out for *_, out in found], several)
    return [
        VideoInput(source, of_one, name, out)
        for (source, name, out), of_one in zip(found, of_each)
    ]


def _apart(found: List[Tuple]) -> List[Tuple]:
    """Files of one name in several folders are told apart by these."""
    if len({out for *_, out in found}) == len(found):
        return found
    files = [one.absolute() for one, *_ in found if isinstance(one, Path)]
    if not files:
        return found
    common = os.path.commonpath([path.parent for path in files])
    return [
        (one, name, one.absolute().relative_to(common).with_suffix(''))
        if isinstance(one, Path)
        else (one, name, out)
        for one, name, out in found
    ]


def _poses_of_each(poses: Any, names: List[Path], several: bool) -> List:
    if isinstance(poses, (str, Path)) and Path(poses).is_dir():
        # names have no ending any more: with_suffix would take clip of clip.v2
        return [Path(poses, f'{name}.npz') for name in names]
    pair = _is_pair(poses)
    if isinstance(poses, (list, tuple)) and not pair:
        if len(poses) != len(names):
            raise ValueError(
                f'poses are a list of {len(poses)}, but there are '
                f'{len(names)} videos'
            )
        return list(poses)
    if poses is not None and several and len(names) > 1:
        what = 'arrays' if pair else str(poses)
        raise ValueError(
            f'poses of one video ({what}) for {len(names)} videos: give a '
            f'list, one a video, or a folder'
        )
    return [poses] * len(names)


def _is_pair(poses: Any) -> bool:
    return (
        isinstance(poses, (list, tuple))
        and len(poses) == 2
        and all(isinstance(one, np.ndarray) for one in poses)
    )
