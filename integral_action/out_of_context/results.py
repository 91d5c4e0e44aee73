"""Results on sets out of context: how far a model leans on the scene.

The sets are those of ``tools/dataset_converters/out_of_context.py``.
"""

from pathlib import Path
from typing import Dict, List, Optional, Sequence

import numpy as np

from integral_action.evaluation.results import Results
from integral_action.fileio import PathLike, read_annotations
from integral_action.out_of_context.names import endings

ORIGINAL = 'original'
ACCURACIES = {
    ORIGINAL: 'in context',
    'person-only': 'person only',
    'background-only': 'background only',
    'scene-swap-still': 'scene swap, still',
    'scene-swap-moving': 'scene swap, moving',
    'still-person': 'still person',
}
SWAPS = ('scene-swap-still', 'scene-swap-moving')
CONTRASTED = {name: f'contrasted, {name.split("-")[-1]}' for name in SWAPS}
FOLLOWING = {name: f'follows the scene, {name[11:]}' for name in SWAPS}
# what a metric is called, and what it is in SwapAccuracy
SWAP_METRICS = {
    'swap validation': 'swap/accuracy',
    'swap validation follows the scene': 'swap/context_following',
}
GATES = ('G, pose visible', 'G, pose missing')


class ContextSets:
    """The videos of the sets.

    Args:
        folder: that the converter wrote; its ``all.jsonl`` is read.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a record is of no set.
    """

    def __init__(self, folder: PathLike) -> None:
        self.path = Path(folder) / 'all.jsonl'
        self.records: Dict[str, Dict] = {}
        self.sources: Dict[str, Dict] = {}  # of the originals
        for number, record in enumerate(read_annotations(self.path), 1):
            missing = {'filename', 'set', 'source', 'pose_share'} - set(record)
            if missing:
                raise ValueError(
                    f'{self.path}, video {number}: no {min(missing)!r}; is it '
                    f'written by out_of_context.py?'
                )
            self.records[record['filename']] = record
            if record['set'] == ORIGINAL:
                self.sources[record['source']] = record

    def find(self, file: str) -> Optional[Dict]:
        """The record of a video; a path ends in its name. The originals may
        be those of the folder or of the list that it was made of."""
        for name in endings(file):
            record = self.records.get(name) or self.sources.get(name)
            if record:
                return record
        return None

    def split(self, many: Sequence[Results]) -> Dict[str, Results]:
        """A model's results on each set, from files of any of them.

        Videos of no set, such as those that were left out, are left out here.

        Returns:
            Of each set that there are results of; the samples carry the keys
            of the records (``source``, ``background_label``, ``pose_share``).

        Raises:
            ValueError: no video is of a set, one is there twice, or a set
                lacks some.
        """
        samples: Dict[str, Dict[str, Dict]] = {}
        for results in many:
            for sample, file in zip(results.samples, results.files):
                record = self.find(file)
                if record is None:
                    continue
                part = samples.setdefault(record['set'], {})
                if record['source'] in part:
                    raise ValueError(
                        f'{results.source}: {record["filename"]} stands there '
                        f'twice, or in two files'
                    )
                part[record['source']] = {**record, **sample}
        names = ', '.join(results.source for results in many)
        if not samples:
            raise ValueError(
                f'{names}: no video is of {self.path}; the first is '
                f'{many[0].files[0]}'
            )
        for record in self.records.values():
            part = samples.get(record['set'])
            if part is not None and record['source'] not in part:
                raise ValueError(
                    f'{names}: of {record["set"]}, {record["filename"]} is '
                    f'missing'
                )
        # all models in one order
        return {
            kind: Results([part[source] for source in sorted(part)], names)
            for kind, part in samples.items()
        }


def contrasted_right(swapped: Results, still: Results) -> np.ndarray:
    """Whether a video is right with the scene swapped, and its still person
    is not: what is right without the motion is no recognition of it.

    Args:
        swapped: n videos on other scenes.
        still: their still persons; both carry ``source``.

    Returns:
        bool [n].

    Raises:
        ValueError: a video has no still person.
    """
    right = dict(zip(still.meta('source').tolist(), still.right))
    sources = swapped.meta('source').tolist()
    for source in sources:
        if source not in right:
            raise ValueError(f'{still.source}: no still person of {source}')
    return swapped.right & ~np.array([right[source] for source in sources])


def follows_scene(results: Results) -> np.ndarray:
    """Whether the prediction is the class of the background; bool [n]."""
    return results.predictions == results.meta('background_label')


def context_row(
    parts: Dict[str, Results],
    metrics: Optional[Dict] = None,
    label: Optional[int] = None,
    visible: float = 0.5,
) -> Dict[str, Optional[float]]:
    """All that the sets say of a model.

    Args:
        parts: the results of each set.
        metrics: of ``mim test`` with :class:`SwapAccuracy`; from 0 to 1.
        label: of this class alone; None for all.
        visible: a pose is visible where it is found in this share of the
            frames or more; of the originals and of ``background-only``, where
            there is nobody.

    Returns:
        Percentages, of G as well; None where there are no results.
    """
    row: Dict[str, Optional[float]] = {}

    def share(values: List[np.ndarray]) -> Optional[float]:
        values = np.concatenate(values) if values else np.zeros(0)
        return 100 * float(values.mean()) if len(values) else None

    def of_label(results: Results, values: np.ndarray) -> np.ndarray:
        return values if label is None else values[results.labels == label]

    for kind, name in ACCURACIES.items():
        part = parts.get(kind)
        row[name] = share([of_label(part, part.right)] if part else [])
    still = parts.get('still-person')
    for kind, name in CONTRASTED.items():
        part = parts.get(kind)
        row[name] = share(
            [of_label(part, contrasted_right(part, still))]
            if part and still
            else []
        )
    for kind, name in FOLLOWING.items():
        part = parts.get(kind)
        # pictures that people go before are of no class
        labelled = part and 'background_label' in part.samples[0]
        row[name] = share(
            [of_label(part, follows_scene(part))] if labelled else []
        )
    for name, key in SWAP_METRICS.items():
        value = (metrics or {}).get(key) if label is None else None
        row[name] = None if value is None else 100 * float(value)
    for name, is_visible in zip(GATES, (True, False)):
        gates = []
        for kind in (ORIGINAL, 'background-only'):
            part = parts.get(kind)
            if part and part.gates is not None:
                shown = part.meta('pose_share') >= visible
                keep = of_label(part, shown == is_visible)
                gates.append(of_label(part, part.gates)[keep])
        row[name] = share(gates)
    return row
