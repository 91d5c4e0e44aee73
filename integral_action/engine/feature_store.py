"""Features of frozen streams, kept in files."""

import json
from pathlib import Path
from typing import Dict, Sequence, Tuple

import numpy as np
from mmengine.dist import barrier, is_main_process

from integral_action.fileio import PathLike, whole_file


class FeatureStore:
    """Features of V views of n videos, memory-mapped.

    A folder with ``key.json``, what the features were made from; an array
    [V, n, ...] a stream; the views' labels [V, n], and which of them are
    there. Processes may write different videos at a time.

    Args:
        folder: where it is, or is to be.
        key: what the features are made from, a text a part.
        num_views: V.
        num_videos: n.

    Raises:
        ValueError: the folder holds features that were made from something
            else; the message names which part of the key differs.
    """

    def __init__(
        self,
        folder: PathLike,
        key: Dict[str, str],
        num_views: int,
        num_videos: int,
    ) -> None:
        self.folder = Path(folder)
        self.shape = (num_views, num_videos)
        self.arrays: Dict[str, np.ndarray] = {}
        self._check(key)

    def _check(self, key: Dict[str, str]) -> None:
        file = self.folder / 'key.json'
        if is_main_process() and not file.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            with whole_file(file) as temporary:
                temporary.write_text(json.dumps(key, indent=1))
        barrier()
        try:
            kept = json.loads(file.read_text())
        except ValueError as error:
            raise ValueError(f'{file}: cannot be read ({error})') from error
        differs = sorted(
            part for part in {*kept, *key} if kept.get(part) != key.get(part)
        )
        if differs:
            raise ValueError(
                f'{self.folder}: its features were made from other '
                f'{", ".join(differs)} than this training has; give another '
                f'train_cfg.folder, or remove this one'
            )

    def _array(
        self, name: str, shape: Tuple[int, ...] = (), dtype: str = 'float32'
    ) -> np.ndarray:
        """An array [V, n, *shape], made where there is none."""
        if name not in self.arrays:
            file = self.folder / f'{name}.npy'
            if is_main_process() and not file.exists():
                # its zeros take no room until they are written
                with whole_file(file) as temporary:
                    np.lib.format.open_memmap(
                        temporary, 'w+', dtype, (*self.shape, *shape)
                    ).flush()
            barrier()
            self.arrays[name] = np.load(file, mmap_mode='r+')
        return self.arrays[name]

    def has(self, view: int, videos: Sequence[int]) -> bool:
        """Whether the features of all these videos are there."""
        return bool(self._array('done', (), 'bool')[view, videos].all())

    def write(
        self,
        view: int,
        videos: Sequence[int],
        features: Dict[str, np.ndarray],
        labels: np.ndarray,
    ) -> None:
        """Keep features [len(videos), ...], by name, and labels."""
        for name, feature in features.items():
            array = self._array(name, feature.shape[1:])
            array[view, videos] = feature
        self._array('label', (), 'int64')[view, videos] = labels
        # behind the rest: a stop in between leaves them to be made again
        self._array('done', (), 'bool')[view, videos] = True

    def read(
        self, view: int, videos: Sequence[int], names: Sequence[str]
    ) -> Tuple[Dict[str, np.ndarray], np.ndarray]:
        """Features [len(videos), ...], by name, and labels."""
        features = {name: self._array(name)[view, videos] for name in names}
        return features, self._array('label')[view, videos]
