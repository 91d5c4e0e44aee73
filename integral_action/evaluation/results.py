"""Result files of ``mim test --dump FILE.pkl``."""

from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from mmaction.evaluation import top_k_accuracy

from integral_action.fileio import PathLike, load_pickle


class Results:
    """Predictions of one model for n videos.

    Args:
        samples: a dict a video, as :meth:`load` reads them: ``filename``,
            ``pred_score`` [classes], ``gt_label``, ``gate`` where the model
            has one, and the rest of ``meta_keys`` of ``PackActionInputs``.
        source: what to call them in errors.

    Attributes:
        files: the videos' names, n.
        scores: [n, classes], float64.
        labels: [n], int64.
        gates: [n], G averaged over a video's clips, time and channels; None
            of a model without a gate.

    Raises:
        ValueError: no samples, a key is missing or has a value that does not
            fit; the message tells source, sample and key.
    """

    def __init__(
        self, samples: Sequence[Dict], source: PathLike = 'results'
    ) -> None:
        self.source = str(source)
        if not isinstance(samples, (list, tuple)) or not samples:
            raise ValueError(f'{source}: not a list of predictions')
        self.samples = list(samples)
        self.files = [str(file) for file in self._values('filename')]
        self.scores = self._scores()
        self.labels = self._labels()
        self.gates = None
        if 'gate' in self.samples[0]:
            gates = self._values('gate')
            self.gates = np.array(
                [float(np.mean(np.asarray(g))) for g in gates]
            )
            self._expect(np.isfinite(self.gates), 'gate', 'numbers')

    @classmethod
    def load(cls, path: PathLike) -> 'Results':
        """Read a result file.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it cannot be read, or is something else.
        """
        return cls(load_pickle(path), path)

    def __len__(self) -> int:
        return len(self.files)

    def _values(self, key: str) -> List[Any]:
        for number, sample in enumerate(self.samples):
            if not isinstance(sample, dict):
                raise ValueError(
                    f'{self.source}, sample {number}: not a dict but '
                    f'{type(sample).__name__}'
                )
            if key not in sample:
                raise ValueError(
                    f'{self.source}, sample {number}: no {key!r}; is it '
                    f'among meta_keys of PackActionInputs?'
                )
        return [sample[key] for sample in self.samples]

    def _expect(self, well: np.ndarray, key: str, expected: str) -> None:
        for number in np.flatnonzero(~well)[:1]:
            raise ValueError(
                f'{self.source}, sample {number} ({self.files[number]}): '
                f'{key} is {self.samples[number][key]}, expected {expected}'
            )

    def _scores(self) -> np.ndarray:
        # of RGBPoseConv3D a dict of two, whose mean is MMAction2's "1:1"
        scores = [
            np.mean([np.asarray(s, np.float64) for s in score.values()], 0)
            if isinstance(score, dict)
            else np.asarray(score, np.float64)
            for score in self._values('pred_score')
        ]
        shape = (max(score.size for score in scores),)
        well = np.array([score.shape == shape for score in scores])
        self._expect(well, 'pred_score', f'{shape[0]} numbers')
        well = np.isfinite(scores).all(1)
        self._expect(well, 'pred_score', 'finite numbers')
        return np.stack(scores)

    def _labels(self) -> np.ndarray:
        labels = [np.asarray(label) for label in self._values('gt_label')]
        well = np.array([label.size == 1 for label in labels])
        self._expect(well, 'gt_label', 'one label')
        labels = np.array([int(label.item()) for label in labels], np.int64)
        number = self.scores.shape[1]
        self._expect(
            (labels >= 0) & (labels < number),
            'gt_label',
            f'0 to {number - 1}, the classes that pred_score has',
        )
        return labels

    @property
    def clip_gates(self) -> Optional[np.ndarray]:
        """G of each clip of each video, averaged over time and channels."""
        if self.gates is None:
            return None
        gates = [np.asarray(gate) for gate in self._values('gate')]
        return np.concatenate([gate.mean(-1).ravel() for gate in gates])

    @property
    def predictions(self) -> np.ndarray:
        """[n], the class of the highest score."""
        return self.scores.argmax(1)

    @property
    def right(self) -> np.ndarray:
        """[n], whether the prediction is the label."""
        return self.predictions == self.labels

    def meta(self, key: str) -> np.ndarray:
        """[n], what the samples carry under ``key``.

        Raises:
            ValueError: a sample does not; the message tells file and key.
        """
        return np.array(self._values(key))

    def accuracy(self, keep: Optional[np.ndarray] = None, k: int = 1) -> float:
        """Top-k accuracy, in percent of the videos.

        Args:
            keep: bool [n], of which videos; None for all.
            k: how many guesses a video has.

        Raises:
            ValueError: of no videos, or ``k`` is not positive.
        """
        if k < 1:
            raise ValueError(f'top-{k} accuracy: k must be positive')
        keep = np.ones(len(self), bool) if keep is None else np.asarray(keep)
        if not keep.any():
            raise ValueError(f'{self.source}: an accuracy of no videos')
        return 100 * float(
            top_k_accuracy(self.scores[keep], self.labels[keep], (k,))[0]
        )

    def select(self, keep: Sequence) -> 'Results':
        """The results of some videos.

        Args:
            keep: bool [n], or their numbers, in the order wanted.
        """
        numbers = np.arange(len(self))[keep]
        return Results([self.samples[i] for i in numbers], self.source)

    def ordered_as(self, other: 'Results') -> 'Results':
        """These results in the order of ``other``'s videos.

        Raises:
            ValueError: the two are not of the same videos, labels and
                classes; the message names the first that differs.
        """
        results = self
        if self.files != other.files:
            place = {file: i for i, file in enumerate(self.files)}
            for one, two in ((self, other), (other, self)):
                known = set(two.files)
                lacking = [file for file in one.files if file not in known]
                if lacking:
                    raise ValueError(
                        f'{one.source} and {two.source} are of different '
                        f'videos: the first alone has {len(lacking)}, as '
                        f'{lacking[0]}'
                    )
            if len(place) != len(self) or len(self) != len(other):
                raise ValueError(
                    f'{self.source} and {other.source} have videos twice, in '
                    f'a different order'
                )
            results = self.select([place[file] for file in other.files])
        if results.scores.shape != other.scores.shape:
            raise ValueError(
                f'{self.source} has {self.scores.shape[1]} classes, '
                f'{other.source} {other.scores.shape[1]}'
            )
        for i in np.flatnonzero(results.labels != other.labels)[:1]:
            raise ValueError(
                f'{other.files[i]}: gt_label is {results.labels[i]} in '
                f'{self.source}, {other.labels[i]} in {other.source}'
            )
        return results

    def average(self, other: 'Results', weight: float = 0.5) -> 'Results':
        """Score average: ``(1 - weight)`` of these scores and ``weight`` of
        ``other``'s, without a gate.

        Raises:
            ValueError: as of :meth:`ordered_as`.
        """
        other = other.ordered_as(self)
        scores = (1 - weight) * self.scores + weight * other.scores
        samples = [
            {**sample, 'pred_score': score}
            for sample, score in zip(self.samples, scores)
        ]
        for sample in samples:
            sample.pop('gate', None)
        return Results(samples, f'{self.source} and {other.source}')
