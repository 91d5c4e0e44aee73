"""Time from a video to its labels, everything on the way, side by side.

    OMP_NUM_THREADS=1 python benchmarks/video_to_label.py MOVENET.onnx

Ten seconds of 340 x 256, 300 generated frames, unless a video is given. All
that want poses have MoveNet's. MMAction2's TSM (ResNet-50) sees 8 frames and
no poses; its demo for skeletons has poses of every frame and PoseC3D. Ours is
the model of the package, with poses of the frames that it looks at, or of
every frame, as a video is drawn with. Weights of MMAction2's models are
random: other models, whose labels are not compared.
"""

import argparse
import tempfile
from pathlib import Path

import common
import cv2
import numpy as np
from mmaction.apis import (
    inference_recognizer,
    inference_skeleton,
    init_recognizer,
)
from mmengine.config import Config
from peers import THEIRS, without_checkpoints

from integral_action.apis import IntegralActionInferencer
from integral_action.datasets.video_reader import VideoReader
from integral_action.pose_estimators import MoveNetEstimator, estimate_poses
from integral_action.visualization import write_video
from integral_action.zoo import find_model

TSM = (
    'recognition/tsm/tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_'
    'kinetics400-rgb.py'
)
POSEC3D = 'skeleton/posec3d/slowonly_r50_8xb16-u48-240e_ntu60-xsub-keypoint.py'


def make_video(path: Path) -> Path:
    """Write ten seconds of a square that moves over noise."""
    rng = np.random.default_rng(0)
    scene = cv2.resize(rng.integers(0, 255, (16, 21, 3), np.uint8), (340, 256))
    frames = []
    for time in range(300):
        frame = scene.copy()
        x, y = 150 + 60 * np.sin(time / 20), 100 + 20 * np.cos(time / 15)
        frame[int(y) : int(y) + 120, int(x) : int(x) + 40] = 220
        frames.append(frame)
    write_video(path, frames, 30)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('movenet', help='MoveNet multipose, .onnx')
    parser.add_argument('--video', type=Path)
    parser.add_argument('--rounds', type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        video = args.video or make_video(Path(folder) / 'video.mp4')
        compare(args.movenet, video, args.rounds)


def compare(movenet: str, video: Path, rounds: int) -> None:
    """Time all ways, and print them."""
    estimator = MoveNetEstimator(movenet)
    tsm, posec3d = (
        init_recognizer(
            without_checkpoints(Config.fromfile(THEIRS / name)), device='cpu'
        )
        for name in (TSM, POSEC3D)
    )
    ours = IntegralActionInferencer(
        find_model('jhmdb21'), estimator, 'cpu', show_progress=False, fuse=True
    )

    def skeletons():
        reader = VideoReader(video)
        poses = []
        for frames in reader.batches():
            poses += [
                dict(keypoints=keypoint, keypoint_scores=score)
                for keypoint, score in estimator(frames)
            ]
        return inference_skeleton(posec3d, poses, reader.shape)

    def predict(every: bool):
        estimator.follows = every
        return ours(video)['predictions'][0]

    one, other = predict(True), predict(False)
    common.require(
        'scores',
        max(np.abs(np.subtract(one['rec_scores'], other['rec_scores']))),
        1e-6,
    )
    reader = VideoReader(video)
    given = estimate_poses(reader.batches(), estimator, 'video')
    runs = {
        'ours': lambda: predict(False),
        'ours, poses of every frame': lambda: predict(True),
        "MMAction2's demo of skeletons": skeletons,
        "MMAction2's TSM, no poses": lambda: inference_recognizer(
            tsm, str(video)
        ),
        'of ours: decoding all frames': lambda: list(
            VideoReader(video).batches()
        ),
        'of ours: all but the poses': lambda: ours(video, given),
    }
    times = common.measure(runs, rounds)
    header = ['seconds', 'wall', 'processor', 'times ours', 'processor']
    common.print_table(header, common.times_table(times, 1, 2))


if __name__ == '__main__':
    main()
