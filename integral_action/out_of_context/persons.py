"""The persons of a video, followed from frame to frame."""

from typing import Tuple

import numpy as np

from integral_action.pose.poses import is_found

JUMP = 1.0  # score that a step of the person's own size costs
OFTEN = 0.25  # of the frames with a pose


def follow_persons(
    keypoint: np.ndarray, score: np.ndarray, score_thr: float
) -> Tuple[np.ndarray, np.ndarray]:
    """Number the persons of a video alike in every frame, the best first.

    Detectors number each frame's persons anew. From the frame where a person
    is surest, the one that is near and sure is taken in the frames before and
    behind; then the next person, among those that are left.

    Args:
        keypoint: [M, T, K, 2], pixels.
        score: [M, T, K].
        score_thr: keypoints above it are seen.

    Returns:
        Both arrays with the persons of each frame in another order; keypoints
        that are not seen have (0, 0) and score 0.
    """
    seen = is_found(keypoint, score) & (score > score_thr)
    keypoint = np.where(seen[..., None], keypoint, 0).astype(np.float32)
    score = np.where(seen, score, 0).astype(np.float32)
    sure = score.mean(-1)
    number = seen.sum(-1).clip(1)[..., None]
    centre = keypoint.sum(2) / number
    away = np.abs(keypoint - centre[:, :, None]) * seen[..., None]
    size = 2 * away.max((2, 3)).clip(1)
    order = np.zeros(sure.shape, int)
    frames = np.arange(sure.shape[1])
    for person in range(len(sure)):
        start = int(sure.max(0).argmax())
        for steps in (frames[start:], frames[start::-1]):
            place = extent = None
            for t in steps:
                worth = sure[:, t].copy()
                if place is not None:
                    step = np.hypot(*(centre[:, t] - place).T) / extent
                    worth -= JUMP * np.minimum(step, 1)
                worth[order[:person, t]] = -np.inf
                worth[sure[:, t] == 0] -= 2 * JUMP  # nobody, or taken
                best = order[person, t] = int(worth.argmax())
                if sure[best, t] > 0:
                    place, extent = centre[best, t], size[best, t]
        sure[order[person], frames] = 0
    keypoint = np.take_along_axis(keypoint, order[..., None, None], 0)
    return keypoint, np.take_along_axis(score, order[..., None], 0)


def fill_gaps(
    keypoint: np.ndarray, seen: np.ndarray, reach: int, everywhere: bool
) -> Tuple[np.ndarray, np.ndarray]:
    """Give frames that lack a keypoint what their neighbours have.

    Args:
        keypoint: of one person, [T, K, 2].
        seen: bool [T, K].
        reach: how many frames a keypoint is carried on; between two frames it
            moves evenly.
        everywhere: whether every frame is to have the person: keypoints that
            are :data:`OFTEN` seen are carried on to all frames, and a frame
            that is still without any gets the nearest frame's.

    Returns:
        Both arrays, filled.
    """
    frames = np.arange(len(seen))
    filled, known = keypoint.copy(), np.zeros_like(seen)
    for k in range(seen.shape[1]):
        found = np.flatnonzero(seen[:, k])
        if not len(found):
            continue
        for axis in range(2):
            filled[:, k, axis] = np.interp(
                frames, found, keypoint[found, k, axis]
            )
        often = len(found) >= OFTEN * seen.any(1).sum()
        carried = len(seen) if everywhere and often else reach
        known[:, k] = np.abs(frames[:, None] - found).min(1) <= carried
    if everywhere and known.any():
        posed = np.flatnonzero(known.any(1))
        nearest = posed[np.abs(frames[:, None] - posed).argmin(1)]
        filled, known = filled[nearest], known[nearest]
    return filled * known[..., None], known
