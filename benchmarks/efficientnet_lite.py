"""Frames of EfficientNet-Lite0 on the CPU: all at once, or few at a time.

    OMP_NUM_THREADS=1 python benchmarks/efficientnet_lite.py

The stream of JHMDB's configs predicts clips of 8 frames of 224 x 224, with its
ImageNet weights: one clip, the three clips of a video that a test averages,
and a batch of 16 clips, as a training with the stream frozen has it; in turns,
medians.
"""

import argparse

import common
import torch

from integral_action.models.backbones import EfficientNetLite

CLIPS = (1, 3, 16)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=5)
    args = parser.parse_args()
    stream = EfficientNetLite(pretrained='package').eval()
    stream.init_weights()
    rows, difference = [], 0.0
    for clips in CLIPS:
        generator = torch.Generator().manual_seed(0)
        frames = torch.randn(8 * clips, 3, 224, 224, generator=generator)
        runs = dict(
            few=lambda x=frames: stream(x),
            all=lambda x=frames: stream.net.extract_features(
                x.contiguous(memory_format=torch.channels_last)
            ),
        )
        with torch.no_grad():
            few, every = (run() for run in runs.values())
            difference = max(difference, float((few - every).abs().max()))
            few, every = common.measure(runs, args.rounds).values()
        rows.append(
            [
                str(clips),
                f'{few.wall * 1e3 / len(frames):.1f}',
                f'{every.wall * 1e3 / len(frames):.1f}',
                f'{every.wall / few.wall:.2f}',
                f'{every.processor / few.processor:.2f}',
            ]
        )
    common.require('maps', difference, 1e-4)
    header = ['clips', 'ours, ms a frame', 'all at once', 'times ours']
    common.print_table([*header, 'processor'], rows)


if __name__ == '__main__':
    main()
