"""Features of frozen streams, kept in files."""

import json
import os
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

import numpy as np
from mmengine.dist import barrier, is_main_process

from integral_action.fileio import PathLike


class FeatureStore:
    """A stream's features of V views of n videos, memory-mapped.

    A folder with an array [V, n, ...], the labels that came with them, which
    of them are there, and which stand for videos that could not be read.
    Processes may write different videos at a time.

    Args:
        folder: where it is, or is to be.
        num_views: V.
        num_videos: n.
    """

    def __init__(
        self, folder: PathLike, num_views: int, num_videos: int
    ) -> None:
        self.folder = Path(folder)
        self.shape = (num_views, num_videos)
        self.arrays: Dict[str, np.ndarray] = {}
        self.bad_file = self.folder / 'bad_samples.jsonl'

    def _array(
        self, name: str, shape: Tuple[int, ...] = (), dtype: str = 'float32'
    ) -> np.ndarray:
        """An array [V, n, *shape], made where there is none."""
        if name not in self.arrays:
            file = self.folder / f'{name}.npy'
            if is_main_process() and not file.exists():
                self.folder.mkdir(parents=True, exist_ok=True)
                self._make(file, (*self.shape, *shape), dtype)
            barrier()
            self.arrays[name] = np.load(file, mmap_mode='r+')
        return self.arrays[name]

    @staticmethod
    def _make(file: Path, shape: Tuple[int, ...], dtype: str) -> None:
        temporary = file.with_name(f'{file.name}.{os.getpid()}')
        # its zeros take no room until they are written
        np.lib.format.open_memmap(temporary, 'w+', dtype, shape).flush()
        # a program beside this one may have made it by now, and write in it
        try:
            os.link(temporary, file)
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            os.replace(temporary, file)
        temporary.unlink(missing_ok=True)

    def has(self, view: int, videos: Sequence[int]) -> bool:
        """Whether the features of all these videos are there."""
        return bool(self._array('done', (), 'bool')[view, videos].all())

    def write(
        self,
        view: int,
        videos: Sequence[int],
        features: np.ndarray,
        labels: np.ndarray,
        bad_samples: Sequence[List] = (),
    ) -> None:
        """Keep features and labels, [len(videos), ...] each.

        Args:
            bad_samples: for each video, what its sample carries under that
                name (:class:`VideoPoseDataset`); empty where it is good.
        """
        for video, bad in zip(videos, bad_samples):
            if bad:
                with self.bad_file.open('a') as file:
                    file.write(json.dumps([view, video, bad]) + '\n')
        self._array('features', features.shape[1:])[view, videos] = features
        self._array('label', labels.shape[1:], 'int64')[view, videos] = labels
        # behind the rest: a stop in between leaves them to be made again
        self._array('done', (), 'bool')[view, videos] = True

    def read(
        self, view: int, videos: Sequence[int]
    ) -> Tuple[np.ndarray, np.ndarray]:
        """Features and labels, [len(videos), ...] each."""
        names = ('features', 'label')
        return tuple(self._array(name)[view, videos] for name in names)

    def bad_samples(self, view: int) -> Dict[int, List]:
        """Return the videos of a view that could not be read, with what
        ``write`` was given."""
        if not self.bad_file.exists():
            return {}
        lines = self.bad_file.read_text().splitlines()
        known = map(json.loads, lines)
        return {video: bad for one, video, bad in known if one == view}
