from typing import Dict

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

MODALITIES = ('RGB', 'Pose')


@TRANSFORMS.register_module()
class SampleTwoStreamFrames(BaseTransform):
    """Choose the frames of a clip: one start, each stream its own interval.

    A clip starts at one frame for both streams and spans the longer of them,
    so that the streams see the same moment (section 3.1).

    Required keys: ``total_frames``. Added keys: ``RGB_inds`` and ``Pose_inds``
    (int64 [num_clips * clip_len], as MMAction2's ``MMDecode`` reads them),
    ``clip_len``, ``frame_interval``, ``num_clips``, ``modality``.

    Args:
        clip_len: frames a clip, T, of each stream, such as
            ``dict(RGB=8, Pose=32)``. A stream that is not named is not read.
        frame_interval: frames from one to the next, tau, of each stream.
        num_clips: clips a video.
        out_of_bound_opt: what follows the last frame of a video that is
            shorter than a clip: ``'loop'`` its first frame again,
            ``'repeat_last'`` the last one.
        test_mode: spread the starts evenly from the first frame to the last
            possible one (a single clip takes the middle) instead of drawing
            them.

    Raises:
        ValueError: a stream that is neither ``RGB`` nor ``Pose``, or a number
            that is not positive.
    """

    def __init__(
        self,
        clip_len: Dict[str, int],
        frame_interval: Dict[str, int],
        num_clips: int = 1,
        out_of_bound_opt: str = 'loop',
        test_mode: bool = False,
    ) -> None:
        for name, value in (
            ('clip_len', clip_len),
            ('frame_interval', frame_interval),
        ):
            if not isinstance(value, dict):
                raise TypeError(
                    f'{name} must be a dict such as dict(RGB=8, Pose=32), got '
                    f'{value!r}'
                )
            unknown = set(value) - set(MODALITIES)
            if unknown or not value:
                raise ValueError(
                    f'{name} names {sorted(unknown)}, the '
                    f'streams are {MODALITIES}'
                )
            for stream, number in value.items():
                if number < 1:
                    raise ValueError(
                        f'{name}[{stream!r}] must be positive, got {number}'
                    )
        if set(clip_len) != set(frame_interval):
            raise ValueError(
                f'clip_len is for {sorted(clip_len)} and '
                f'frame_interval for {sorted(frame_interval)}'
            )
        if num_clips < 1:
            raise ValueError(f'num_clips must be positive, got {num_clips}')
        if out_of_bound_opt not in ('loop', 'repeat_last'):
            raise ValueError(
                f"out_of_bound_opt must be 'loop' or "
                f"'repeat_last', got {out_of_bound_opt!r}"
            )
        self.modalities = [name for name in MODALITIES if name in clip_len]
        self.clip_len = dict(clip_len)
        self.frame_interval = dict(frame_interval)
        self.num_clips = num_clips
        self.out_of_bound_opt = out_of_bound_opt
        self.test_mode = test_mode
        self.span = max(
            (clip_len[name] - 1) * frame_interval[name] + 1
            for name in clip_len
        )

    def _starts(self, total_frames: int) -> np.ndarray:
        last = max(total_frames - self.span, 0)
        if not self.test_mode:
            return np.random.randint(0, last + 1, self.num_clips)
        if self.num_clips == 1:
            return np.array([last // 2])
        return np.linspace(0, last, self.num_clips).astype(np.int64)

    def transform(self, results: Dict) -> Dict:
        """Choose the frames of every clip."""
        total_frames = results['total_frames']
        starts = self._starts(total_frames)
        for name in self.modalities:
            steps = np.arange(self.clip_len[name]) * self.frame_interval[name]
            inds = (starts[:, None] + steps).reshape(-1)
            if self.out_of_bound_opt == 'loop':
                inds = inds % total_frames
            else:
                inds = np.minimum(inds, total_frames - 1)
            results[f'{name}_inds'] = inds
        results['clip_len'] = self.clip_len
        results['frame_interval'] = self.frame_interval
        results['num_clips'] = self.num_clips
        results['modality'] = list(self.modalities)
        return results

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(clip_len={self.clip_len}, '
            f'frame_interval={self.frame_interval}, '
            f'num_clips={self.num_clips}, '
            f'out_of_bound_opt={self.out_of_bound_opt!r}, '
            f'test_mode={self.test_mode})'
        )
