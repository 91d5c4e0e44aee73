"""Names of files that are made of videos."""

from pathlib import Path, PurePath
from typing import Iterator

from integral_action.storage import PathLike


def file_of(folder: PathLike, name: str, suffix: str) -> Path:
    """Return the path of what is made of a video.

    Args:
        folder: of such files.
        name: of the video, relative to the folder of the videos.
        suffix: ending of the file.

    Example:
        >>> file_of('masks', 'run/a.avi', '.npz').as_posix()
        'masks/run/a.npz'
    """
    return Path(folder, name).with_suffix(suffix)


def endings(file: PathLike) -> Iterator[str]:
    """Yield the names that a path may end in, the longest first.

    Example:
        >>> list(endings('videos/run/a.avi'))
        ['videos/run/a.avi', 'run/a.avi', 'a.avi']
    """
    parts = PurePath(file).parts
    for start in range(len(parts)):
        yield '/'.join(parts[start:])
