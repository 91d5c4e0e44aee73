"""Poses and pose maps as pictures."""

from typing import Optional, Union

import cv2
import numpy as np

from integral_action.pose.layouts import KeypointLayout

# RGB of a person's left, right and middle
LEFT, RIGHT, MIDDLE = (255, 150, 30), (40, 160, 255), (90, 230, 90)
# of the keypoints of the second person, the third, and so on
OTHERS = ((255, 60, 220), (255, 255, 90), (250, 80, 80), (255, 255, 255))


def draw_poses(
    frame: np.ndarray,
    keypoint: np.ndarray,
    score: np.ndarray,
    layout: Union[str, KeypointLayout],
    score_thr: float = 0.1,
    line_width: Optional[int] = None,
) -> np.ndarray:
    """Draw the skeletons of a frame's persons over it.

    Bones have the colour of their side. So have the keypoints of the first
    person; those of every other person have a colour of their own.

    Args:
        frame: RGB, uint8 [H, W, 3]; not changed.
        keypoint: [M, K, 2], (x, y) in pixels of the frame, the centre of the
            top left one (0, 0).
        score: [M, K]; only keypoints above ``score_thr`` are drawn.
        layout: as of :meth:`KeypointLayout.get`.
        score_thr: see ``score``.
        line_width: of a bone, pixels; None for what fits the frame.

    Returns:
        RGB, uint8 [H, W, 3].
    """
    layout = KeypointLayout.get(layout)
    side = {i: LEFT for i in layout.left} | {i: RIGHT for i in layout.right}
    picture = np.ascontiguousarray(frame).copy()
    width = line_width or max(1, round(max(frame.shape[:2]) / 200))
    fraction = 4  # cv2 takes fixed-point coordinates
    for person, (points, scores) in enumerate(zip(keypoint, score)):
        own = OTHERS[(person - 1) % len(OTHERS)] if person else None
        seen = (scores > score_thr) & np.isfinite(points).all(-1)
        place = np.where(seen[:, None], points, 0).clip(-1e4, 1e4)
        place = np.round(place * 2**fraction).astype(int).tolist()
        for bone in layout.bones:
            if seen[list(bone)].all():
                colour = side.get(bone[1], side.get(bone[0], MIDDLE))
                ends = (place[i] for i in bone)
                cv2.line(picture, *ends, colour, width, cv2.LINE_AA, fraction)
        for i in np.flatnonzero(seen):
            cv2.circle(
                picture,
                place[i],
                int((width + 0.5) * 2**fraction),
                own or side.get(i, MIDDLE),
                -1,
                cv2.LINE_AA,
                fraction,
            )
    return picture


def pose_maps_image(maps: np.ndarray, num_keypoints: int) -> np.ndarray:
    """Show the pose maps of a frame as one picture.

    The bones are coloured by their direction, the keypoints white.

    Args:
        maps: [K + 2B, H, W], as :func:`render_pose_maps` draws them.
        num_keypoints: K.

    Returns:
        RGB, uint8 [H, W, 3].
    """
    heatmap = maps[:num_keypoints].max(0, initial=0)
    x, y = maps[num_keypoints::2], maps[num_keypoints + 1 :: 2]
    length = np.hypot(x, y)
    # the strongest bone of each cell
    best = length.argmax(0)[None] if len(length) else None
    hsv = np.zeros((*maps.shape[1:], 3), np.float32)
    if best is not None:
        angle = np.arctan2(
            np.take_along_axis(y, best, 0)[0],
            np.take_along_axis(x, best, 0)[0],
        )
        hsv[..., 0] = np.degrees(angle) % 360
        hsv[..., 1] = 0.8
        hsv[..., 2] = 0.8 * np.take_along_axis(length, best, 0)[0].clip(0, 1)
    picture = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    picture = np.maximum(picture, heatmap[..., None])
    return np.round(picture * 255).astype(np.uint8)
