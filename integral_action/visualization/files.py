"""Pictures and videos as files. They appear only whole."""

from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Callable, Iterable, Optional, Tuple

import cv2
import numpy as np

from integral_action.fileio import PathLike, atomic_write


def write_picture(path: PathLike, picture: np.ndarray) -> None:
    """Write a picture, as PNG or JPEG.

    Args:
        path: a file ending in ``.png`` or ``.jpg``.
        picture: RGB, uint8 [H, W, 3].

    Raises:
        OSError: it cannot be written.
    """
    picture = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    options = [cv2.IMWRITE_JPEG_QUALITY, 95]
    if Path(path).suffix == '.png':  # OpenCV warns of the other's option
        options = [cv2.IMWRITE_PNG_COMPRESSION, 9]
    with atomic_write(path) as temporary:
        if not cv2.imwrite(str(temporary), picture, options):
            raise OSError(f'{path}: OpenCV cannot write this picture')


def write_video(
    path: PathLike,
    pictures: Iterable[np.ndarray],
    fps: float,
    codec: Optional[str] = None,
) -> str:
    """Write pictures as a video.

    Args:
        path: a file ending in ``.mp4``.
        pictures: RGB, uint8 [H, W, 3], all of one size, H and W even.
        fps: pictures a second.
        codec: ``'mp4v'`` for that one wherever it runs; None for the best.

    Returns:
        The codec: ``'h264'``, which browsers play, where PyAV is installed
        (``pip install av``), or else OpenCV's ``'mp4v'``, which they do not.
        The H.264 encoders that some builds of OpenCV have are not asked for:
        where there is none it complains on the terminal.

    Raises:
        ValueError: there are no pictures.
        OSError: it cannot be written.
    """
    pictures = iter(pictures)
    first = next(pictures, None)
    if first is None:
        raise ValueError(f'{path}: a video of no pictures')
    encode = _encode_mp4v
    if codec is None:
        codec, encode = _encoder()
    with atomic_write(path) as temporary:
        encode(temporary, chain([first], pictures), fps, first.shape[1::-1])
    return codec


def _encoder() -> Tuple[str, Callable]:
    try:
        import av

        av.Codec('libx264', 'w')  # some builds of PyAV are without
    except (ImportError, ValueError):
        return 'mp4v', _encode_mp4v
    return 'h264', _encode_h264


def _encode_h264(path: Path, pictures: Iterable, fps: float, size) -> None:
    import av

    rate = Fraction(fps).limit_denominator(1001)
    # x264's macroblock tree gives other films of the same pictures
    options = dict(preset='veryfast', mbtree='0')
    # the index in front: browsers start before all of it is there
    with av.open(str(path), 'w', options=dict(movflags='faststart')) as file:
        stream = file.add_stream('libx264', rate=rate, options=options)
        stream.width, stream.height = size
        stream.pix_fmt = 'yuv420p'  # browsers play no other
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format='rgb24')
            # here and by one thread, not by as many as the encoder has
            frame = frame.reformat(format='yuv420p', threads=1)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())


def _encode_mp4v(path: Path, pictures: Iterable, fps: float, size) -> None:
    codec = cv2.VideoWriter_fourcc(*'mp4v')
    writer = cv2.VideoWriter(str(path), codec, fps, size)
    if not writer.isOpened():
        raise OSError(f'{path}: OpenCV cannot write this video')
    for picture in pictures:
        writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    writer.release()
