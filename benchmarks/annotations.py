"""Cost of a long annotation list: time, memory, and time per sample.

    python benchmarks/annotations.py [--num 240000] [--workers 4]

Lists of 2,000 and of NUM videos are generated, each with pose files of their
own, opened by VideoPoseDataset, and read at random by the workers of a data
loader. Memory is what the workers have of their own and their share of what
they share (PSS), so that the sum over workers counts nothing twice; beside it
the same for a list of one video, which is the cost of Python and torch.
"""

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from pathlib import Path

from mmaction.registry import DATASETS, TRANSFORMS
from mmengine.registry import init_default_scope
from torch.utils.data import DataLoader

import integral_action  # noqa: F401


@TRANSFORMS.register_module()
class LabelOnly:
    """Nothing but the annotation is to be timed."""

    def __call__(self, results):
        return results['label']


def write_list(path: Path, num: int) -> None:
    """Names as long as those of Kinetics."""
    with open(path, 'w') as file:
        for i in range(num):
            name = f'class number {i % 400:03d}/video_{i:07d}_000012_000022'
            record = dict(
                filename=f'{name}.mp4',
                label=i % 400,
                total_frames=300,
                fps=29.97,
                img_shape=[256, 340],
                pose_file=f'{name}.npz',
            )
            file.write(json.dumps(record) + '\n')


def memory_mb(pid: int) -> float:
    """PSS of a process."""
    for line in Path(f'/proc/{pid}/smaps_rollup').read_text().splitlines():
        if line.startswith('Pss:'):
            return int(line.split()[1]) / 1000
    raise RuntimeError(f'no Pss of process {pid}')


def open_list(path: Path):
    """The dataset, and how many seconds it took to open."""
    start = time.perf_counter()
    dataset = DATASETS.build(
        dict(
            type='VideoPoseDataset',
            ann_file=str(path),
            data_prefix=dict(video='data/videos', pose='data/poses'),
            num_classes=400,
            check_files=False,
            pipeline=[dict(type='LabelOnly')],
        )
    )
    return dataset, time.perf_counter() - start


def workers_memory_mb(dataset, workers: int) -> float:
    """Return the memory of all workers together, while they read at random."""
    loader = DataLoader(dataset, 16, shuffle=True, num_workers=workers)
    batches = iter(loader)
    for _ in range(min(len(loader), 200)):
        next(batches)
    return sum(memory_mb(worker.pid) for worker in batches._workers)


def microseconds_a_read(datasets, reads: int = 5000, rounds: int = 5):
    """Return the median of the rounds for each dataset, read in turns."""
    times = [[] for _ in datasets]
    for _ in range(rounds):
        for dataset, mine in zip(datasets, times):
            places = [random.randrange(len(dataset)) for _ in range(reads)]
            start = time.perf_counter()
            for place in places:
                dataset[place]
            mine.append((time.perf_counter() - start) / reads * 1e6)
    return [statistics.median(mine) for mine in times]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--num', type=int, default=240_000)
    parser.add_argument('--workers', type=int, default=4)
    args = parser.parse_args()
    init_default_scope('mmaction')
    print(f'{os.cpu_count()} cores, {args.workers} workers')
    print('\n| videos | file, MB | opened in, s | workers, MB | a read, µs |')
    print('| ---: | ---: | ---: | ---: | ---: |')
    sizes = (1, 2_000, args.num)
    datasets, rows = [], []
    with tempfile.TemporaryDirectory() as folder:
        for num in sizes:
            path = Path(folder) / f'{num}.jsonl'
            write_list(path, num)
            dataset, seconds = open_list(path)
            memory = workers_memory_mb(dataset, args.workers)
            datasets.append(dataset)
            rows.append((num, path.stat().st_size / 1e6, seconds, memory))
        times = microseconds_a_read(datasets)
    for (num, size, seconds, memory), read in zip(rows, times):
        print(
            f'| {num:,} | {size:.1f} | {seconds:.2f} | {memory:.0f} '
            f'| {read:.0f} |'
        )
    print(
        f'\na read of {args.num:,} against one of 2,000: '
        f'{times[2] / times[1]:.2f} times'
    )


if __name__ == '__main__':
    main()
