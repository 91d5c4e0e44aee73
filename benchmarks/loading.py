"""Loading training samples: mp4 and poses to frames and pose maps.

    OMP_NUM_THREADS=1 python benchmarks/loading.py [--rounds 5] [--persons 2]

Videos of 300 frames and 320 x 320 (Puppets in H.264, a key frame in at most
250 frames), the training pipeline of Table 14 (8 frames of each stream) and of
Table 13 (8 frames, and the poses of 32), frames of 224 x 224 and pose maps of
56 x 56, in one process without workers. MMAction2's side reads the same frames
by ``MMDecode`` and draws keypoints, or keypoints and limbs, by
``GeneratePoseTarget``; its poses are in memory, ours too. Random numbers are
the same on all sides, which crop and flip alike: the frames must be equal, and
keypoints within a pixel (MMAction2's count from another corner).

Then what reads the frames of a clip, and of ten clips, of such a video:
decord, PyAV, and torchcodec where it is installed, a thread each.
"""

import argparse
import copy
import random
import tempfile
from pathlib import Path

import common
import decord
import numpy as np
import torch
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from stock import stock, with_maps
from ten_clips import read_videos

from integral_action.datasets.video_reader import VideoReader


def seeded(run, seed):
    """A run that draws the same random numbers every time."""

    def start_over():
        np.random.seed(seed)
        random.seed(seed)
        return run()

    return start_over


def load(videos, pipeline):
    """A run: every video once."""
    pipeline = Compose(pipeline)
    return seeded(lambda: [pipeline(dict(v)) for v in videos], 0)


def before_maps(videos, pipeline):
    """Keypoints, where they are drawn."""
    names = [step['type'] for step in pipeline]
    stop = next(i for i, n in enumerate(names) if n.startswith('GeneratePose'))
    return [
        (sample['keypoint'], sample['keypoint_score'])
        for sample in load(videos, pipeline[:stop])()
    ]


def check(videos, ours, theirs):
    """Whether both sides give the same."""
    samples = load(videos, ours)(), load(videos, theirs)()
    difference = max(
        int((a['inputs']['imgs'].int() - b['inputs']['imgs']).abs().max())
        for a, b in zip(*samples)
    )
    common.require('frames', difference, 0)
    difference = 0.0
    for (keypoint, score), (other, _) in zip(
        before_maps(videos, ours), before_maps(videos, theirs)
    ):
        seen = (score > 0) & (other > 0).all(-1)
        difference = max(difference, float(abs(keypoint - other)[seen].max()))
    common.require('keypoints, pixels of 224', difference, 1)


# --------------------------------------------------------------- decoding


def read_decord(path, indices):
    """Decode as MMAction2's ``DecordDecode`` does."""
    reader = decord.VideoReader(path, num_threads=1)
    return reader.get_batch(indices).asnumpy()


def read_pyav(path, indices):
    """Decode as ``DecodeTwoStream`` does."""
    return VideoReader(path).get_batch(indices)


def read_torchcodec(path, indices):
    """Its exact mode."""
    from torchcodec.decoders import VideoDecoder

    decoder = VideoDecoder(path, num_ffmpeg_threads=1, dimension_order='NHWC')
    return decoder.get_frames_at(indices.tolist()).data.numpy()


def decoders():
    """By name, those that are installed."""
    readers = dict(decord=read_decord, PyAV=read_pyav)
    try:
        import torchcodec.decoders  # noqa: F401
    except (ImportError, RuntimeError, OSError) as error:
        print(f'No torchcodec here: {str(error).splitlines()[0]}')
    else:
        readers['torchcodec'] = read_torchcodec
    return readers


def compare_decoders(videos, pipeline, rounds):
    """A table of milliseconds a video."""
    (sampling,) = (s for s in pipeline if s['type'] == 'SampleTwoStreamFrames')
    samples = seeded(lambda: [Compose([sampling])(dict(v)) for v in videos], 0)
    clips = [(v['filename'], np.unique(v['RGB_inds'])) for v in samples()]
    readers = decoders()
    for name, read in readers.items():
        difference = max(
            int(abs(read(*clip).astype(int) - read_decord(*clip)).max())
            for clip in clips
        )
        # colours are converted by another version of the same library
        common.require(f'frames of {name}, of 255', difference, 3)
    times = common.measure(
        {
            name: lambda read=read: [read(*clip) for clip in clips]
            for name, read in readers.items()
        },
        rounds,
    )
    common.print_table(
        (
            f'{sampling["num_clips"] if "num_clips" in sampling else 1} clips',
            'ms a video',
            'processor, ms',
            "times decord's",
            'processor',
        ),
        common.times_table(times, 1e3 / len(videos), 1),
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--videos', type=int, default=4)
    parser.add_argument('--persons', type=int, default=2)
    parser.add_argument(
        '--list', type=Path, help='an annotation file of your own videos'
    )
    args = parser.parse_args()
    init_default_scope('mmaction')
    torch.set_num_threads(1)
    cfg = common.read_config()
    pipelines = {
        'Table 14': cfg.train_pipeline,
        'Table 13': copy.deepcopy(cfg.train_pipeline),
    }
    pipelines['Table 13'][0].update(
        clip_len=dict(RGB=8, Pose=32), frame_interval=dict(RGB=8, Pose=2)
    )
    with tempfile.TemporaryDirectory() as folder:
        list_file = args.list or common.make_videos(
            Path(folder), args.videos, persons=args.persons
        )
        videos = read_videos(list_file)[: args.videos]
        print(f'{len(videos)} videos.')
        for table, pipeline in pipelines.items():
            ours = with_maps(pipeline)
            check(videos, ours, stock(pipeline))
            times = common.measure(
                {
                    'ours': load(videos, ours),
                    'MMAction2, keypoints': load(videos, stock(pipeline)),
                    'MMAction2, keypoints and limbs': load(
                        videos, stock(pipeline, limbs=True)
                    ),
                },
                args.rounds,
            )
            rows = common.times_table(times, 1e3 / len(videos), 1)
            for row, mine in zip(rows, times.values()):
                row.append(f'{len(videos) / mine.wall:.1f}')
            common.print_table(
                (
                    f'a sample of {table}',
                    'ms',
                    'processor, ms',
                    'times ours',
                    'processor',
                    'samples a second',
                ),
                rows,
            )
        for pipeline in (cfg.train_pipeline, cfg.test_pipeline):
            compare_decoders(videos, pipeline, args.rounds)


if __name__ == '__main__':
    main()
