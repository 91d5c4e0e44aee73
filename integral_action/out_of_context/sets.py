"""The sets that are made of a video: what is shown of it, and its poses."""

from typing import Callable, Dict, Iterator, Optional, Sequence, Tuple

import numpy as np

from integral_action.out_of_context.clip import Clip
from integral_action.out_of_context.pictures import (
    cover,
    fill_with_colour,
    paste,
    remove_persons,
    same_times,
    to_even,
)

Made = Tuple[Iterator[np.ndarray], np.ndarray, np.ndarray]


def person_only(clip: Clip, colour: Sequence[int]) -> Made:
    """The person on a plain colour."""
    frames = (
        fill_with_colour(frame, mask, colour)
        for frame, mask in zip(clip.frames, clip.acting)
    )
    return frames, clip.keypoint, clip.score


def background_only(clip: Clip) -> Made:
    """Nobody: all persons are filled, and there are no poses."""
    frames = map(remove_persons, clip.frames, clip.anybody)
    shape = (1, *clip.score.shape[1:])
    return frames, np.zeros((*shape, 2), np.float32), np.zeros(shape)


def scene_swap_still(clip: Clip, scene: Clip, edge: str) -> Made:
    """The person before the middle frame of another video, without its people
    (SCUBA)."""
    ground = _still_ground(clip, scene)
    frames = (
        paste(frame, mask, ground, edge)
        for frame, mask in zip(clip.frames, clip.acting)
    )
    return frames, clip.keypoint, clip.score


def scene_swap_moving(clip: Clip, scene: Clip, edge: str) -> Made:
    """The person before another video at the same relative times, without its
    people (HAT)."""
    times = same_times(len(clip.frames), len(scene.frames))

    def frames() -> Iterator[np.ndarray]:
        last = ground = None
        for frame, mask, t in zip(clip.frames, clip.acting, times):
            if t != last:
                last, ground = t, _ground(clip, scene, t)
            yield paste(frame, mask, ground, edge)

    return frames(), clip.keypoint, clip.score


def still_person(clip: Clip, scene: Clip, edge: str) -> Made:
    """One frame of :func:`scene_swap_still`, and its pose, all the time
    (SCUFO)."""
    t, length = clip.still, len(clip.frames)
    ground = _still_ground(clip, scene)
    picture = paste(clip.frames[t], clip.acting[t], ground, edge)
    return (
        iter([picture] * length),
        clip.keypoint[:, [t] * length],
        clip.score[:, [t] * length],
    )


def _still_ground(clip: Clip, scene: Clip) -> np.ndarray:
    return _ground(clip, scene, len(scene.frames) // 2)


def _ground(clip: Clip, scene: Clip, t: int) -> np.ndarray:
    """A frame without its people, in the size of the person's video, so that
    the person stays where it stood and as big as it was."""
    ground = remove_persons(scene.frames[t], scene.anybody[t])
    return cover(ground, clip.frames.shape[1:3])


SCENE_SETS: Dict[str, Callable[[Clip, Clip, str], Made]] = {
    'scene-swap-still': scene_swap_still,
    'scene-swap-moving': scene_swap_moving,
    'still-person': still_person,
}
SETS = ('person-only', 'background-only', *SCENE_SETS)


def make_set(
    name: str,
    clip: Clip,
    scene: Optional[Clip],
    colour: Sequence[int],
    edge: str = 'feather',
) -> Made:
    """One of :data:`SETS`.

    Args:
        name: of the set.
        clip: the person's video, of T frames.
        scene: the background's video; None where the set has none.
        colour: RGB, behind the person of ``person-only``.
        edge: of the person before another scene, as of :func:`paste`.

    Returns:
        T frames, uint8 RGB of even height and width, ``keypoint``
        [M, T, K, 2] and ``keypoint_score`` [M, T, K].
    """
    if name in SCENE_SETS:
        frames, *poses = SCENE_SETS[name](clip, scene, edge)
    elif name == 'person-only':
        frames, *poses = person_only(clip, colour)
    else:
        frames, *poses = background_only(clip)
    return map(to_even, frames), *poses
