"""Small videos of a red person on a plain scene, with poses."""

from pathlib import Path

import numpy as np

from integral_action.out_of_context import BodyShape, PersonMasks
from integral_action.pose.files import write_poses
from integral_action.pose.layouts import KeypointLayout
from integral_action.visualization import write_video

RED, SCENES = (200, 30, 30), dict(run=(30, 160, 30), walk=(30, 30, 180))
# fractions of the height of who stands
STANDING = dict(
    nose=(0, 0.05), eye=(0.02, 0.05), ear=(0.03, 0.05), shoulder=(0.09, 0.2),
    elbow=(0.12, 0.36), wrist=(0.13, 0.5), hip=(0.06, 0.49),
    knee=(0.06, 0.7), ankle=(0.06, 0.94),
)  # fmt: skip


def standing(centre, top, height):
    points = []
    for name in KeypointLayout.get('coco17').names:
        side = -1 if name.startswith('right') else 1
        x, y = STANDING[name.rpartition('_')[2]]
        points.append((centre + side * x * height, top + y * height))
    return np.array(points, np.float32)


def make_one(folder, name, frames=6, size=(120, 160), height=90, centre=60):
    """A red person who walks to the right; gives the record."""
    shape = BodyShape('coco17', -0.01)
    keypoint = np.zeros((1, frames, 17, 2), np.float32)
    score = np.full((1, frames, 17), 0.8 if height else 0, np.float32)
    pictures = np.empty((frames, *size, 3), np.uint8)
    pictures[:] = SCENES[name.split('/')[0]]
    for t in range(frames if height else 0):
        keypoint[0, t] = standing(centre + 3 * t, 115 - height, height)
        mask = np.zeros(size, np.uint8)
        shape.draw(mask, keypoint[0, t], np.ones(17, bool), height)
        pictures[t][mask > 0] = RED
    write_video(folder / 'videos' / name, pictures, 25)
    poses_name = Path(name).with_suffix('.npz').as_posix()
    write_poses(folder / 'poses' / poses_name, keypoint, score)
    return dict(
        filename=name,
        label=int(name.startswith('walk')),
        total_frames=frames,
        img_shape=list(size),
        pose_file=poses_name,
        camera=3,
    )


class RedMasks(PersonMasks):
    """A segmentation model of the user's, for ``--masks people:RedMasks``."""

    def __init__(self, layout, least=100, every=1):
        super().__init__(layout)
        self.least, self.every = least, every

    def __call__(self, frames, poses):
        keypoint, score = poses
        assert keypoint.shape[:3] == score.shape and score.any()
        red = frames[..., 0].astype(int) - frames[..., 1:].max(-1)
        return (red > self.least)[:: self.every]
