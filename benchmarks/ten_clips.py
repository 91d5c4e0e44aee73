"""Testing with ten clips: from mp4 to the model's input, and to the label.

    OMP_NUM_THREADS=1 python benchmarks/ten_clips.py [--rounds 5]

Videos of 300 frames and 320 x 320 (Puppets in H.264, a key frame in at most
250 frames), the test pipeline of Table 14: ten clips of 8 frames, one in 8, of
224 x 224, and pose maps of 56 x 56. The same frames are read by MMAction2's
``MMDecode``, and go through the same ``Resize`` and ``CenterCrop``. One thread
decodes on both sides.

To the input: ours draws heatmaps and part affinity fields, MMAction2's
``GeneratePoseTarget`` keypoints, or keypoints and limbs; frames are normalised
by each side's preprocessor. The frames must be equal. To the label: the poses
that ours draws are given to MMAction2's side too, so that one model can take
both, which is as ``load_model`` gives it; ours is that of
``load_model(fuse=True)``. The scores must be the same to 1e-5. The row between
changes the transforms alone; bf16 is the fused model under torch's autocast,
whose labels must be the same. To the label it is done for frames of 112 x 112
and pose maps of 28 x 28, too: the less the network takes, the more decoding
counts.
"""

import argparse
import copy
import tempfile
from pathlib import Path

import common
import numpy as np
import torch
from mmaction.registry import MODELS
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope
from stock import stock
from torch import nn

from integral_action.fileio import read_annotations
from integral_action.models.fuse_conv_bn import fuse_model
from integral_action.pose.files import read_poses


def read_videos(list_file):
    """Read videos as a data set does; poses are in memory on either side."""
    videos = []
    for record in read_annotations(list_file):
        video = dict(record)
        for key in ('filename', 'pose_file'):
            video[key] = str(list_file.parent / video[key])
        poses = read_poses(video.pop('pose_file'))
        video['keypoint'], video['keypoint_score'] = poses
        video['img_shape'] = tuple(video['img_shape'])
        videos.append(video | dict(keypoint_layout='openpose18'))
    return videos


def mmaction2_to_label(pipeline):
    """Our pipeline with MMAction2's decoding."""
    steps = copy.deepcopy(pipeline)
    for i, step in enumerate(steps):
        if step['type'] == 'DecodeTwoStream':
            steps[i] = dict(type='MMDecode')
    return Compose([from_edge, *steps])


def from_edge(video):
    """Add what ``DecodeTwoStream`` adds to poses."""
    video['keypoint'] = video['keypoint'] + np.float32(0.5)
    video['keypoint_from_edge'] = True
    return video


def mmaction2_preprocessor(model):
    """Return the preprocessor of its config of RGBPoseConv3D."""
    frames = dict(
        type='ActionDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        format_shape='NCTHW',
    )
    preprocessors = dict(
        imgs=frames, heatmap_imgs=dict(type='ActionDataPreprocessor')
    )
    return MODELS.build(
        dict(type='MultiModalDataPreprocessor', preprocessors=preprocessors)
    )


def over(videos, pipeline, then):
    """A run: all videos through a pipeline, and what comes then."""
    pipeline = pipeline if isinstance(pipeline, Compose) else Compose(pipeline)

    def run():
        return [then(pseudo_collate([pipeline(dict(v))])) for v in videos]

    return run


def print_times(what, times, videos):
    """Print the times of one video, and as multiples of the last, ours."""
    ours = times[list(times)[-1]]
    common.print_table(
        (what, 'ms a video', 'processor, ms', 'times ours', 'processor'),
        [
            [
                name,
                f'{mine.wall / videos * 1e3:.0f}',
                f'{mine.processor / videos * 1e3:.0f}',
                f'{mine.wall / ours.wall:.2f}',
                f'{mine.processor / ours.processor:.2f}',
            ]
            for name, mine in times.items()
        ],
    )


def config_of(size):
    """Table 14's, for frames of another size."""
    cfg = common.read_config(model__data_preprocessor__size=(size // 4,) * 2)
    for step in cfg.test_pipeline:
        if step['type'] == 'Resize':
            step['scale'] = (-1, size * 8 // 7)
        if step['type'] == 'CenterCrop':
            step['crop_size'] = size
    return cfg


def in_bf16(step):
    """A model's test step under autocast."""

    def run(batch):
        with torch.autocast('cpu', torch.bfloat16):
            return step(batch)

    return run


def time_to_input(videos, rounds):
    """Check and print."""
    cfg = config_of(224)
    pipeline, model = cfg.test_pipeline, common.build_model(cfg)
    theirs = mmaction2_preprocessor(model)
    runs = {
        'MMAction2, keypoints': over(videos, stock(pipeline), theirs),
        'MMAction2, keypoints and limbs': over(
            videos, stock(pipeline, limbs=True), theirs
        ),
        'ours': over(videos, pipeline, model.data_preprocessor),
    }
    inputs = [[x['inputs'] for x in run()] for run in runs.values()]
    common.require(
        'frames',
        max(
            float((a['imgs'] - b['imgs']).abs().max())
            for a, b in zip(inputs[0], inputs[-1])
        ),
        1e-5,
    )
    del inputs
    print_times('mp4 to input', common.measure(runs, rounds), len(videos))


def time_to_label(videos, size, rounds):
    """Check and print."""
    cfg = config_of(size)
    pipeline = cfg.test_pipeline
    model = common.build_model(cfg).eval()
    nn.init.normal_(model.cls_head.fc_cls.weight, std=0.3)
    fused = fuse_model(copy.deepcopy(model))
    half = in_bf16(fused.test_step)
    runs = {
        "MMAction2's transforms": over(
            videos, mmaction2_to_label(pipeline), model.test_step
        ),
        'our transforms': over(videos, pipeline, model.test_step),
        'ours, fused, bf16': over(videos, pipeline, half),
        'ours, fused': over(videos, pipeline, fused.test_step),
    }
    scores = {
        name: torch.stack([sample.pred_score for (sample,) in run()])
        for name, run in runs.items()
    }
    expected = scores["MMAction2's transforms"]
    for name, mine in scores.items():
        difference = float((mine - expected).abs().max())
        allowed = 0.05 if 'bf16' in name else 1e-5
        common.require(f'scores, {name}', difference, allowed)
        if not torch.equal(mine.argmax(1), expected.argmax(1)):
            raise SystemExit(f'{name}: other labels')
    print(f'Labels of all: {expected.argmax(1).tolist()}.')
    print_times(
        f'mp4 to label, {size} x {size}',
        common.measure(runs, rounds),
        len(videos),
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--videos', type=int, default=2)
    parser.add_argument(
        '--list', type=Path, help='an annotation file of your own videos'
    )
    args = parser.parse_args()
    init_default_scope('mmaction')
    with tempfile.TemporaryDirectory() as folder:
        list_file = args.list or common.make_videos(Path(folder), args.videos)
        videos = read_videos(list_file)[: args.videos]
        print(f'{torch.get_num_threads()} threads, {len(videos)} videos.')
        time_to_input(videos, args.rounds)
        for size in (224, 112):
            time_to_label(videos, size, args.rounds)


if __name__ == '__main__':
    main()
