"""Times, tables, a model and videos that the benchmarks share."""

import importlib.util
import statistics
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Sequence

import numpy as np
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from torch import nn

from integral_action.fileio import write_annotations
from integral_action.pose.files import write_poses

ROOT = Path(__file__).resolve().parents[1]
# Table 14
CONFIG = (
    ROOT
    / 'configs'
    / 'integral_action'
    / 'integralaction_r18-r18_4xb8-8x8x1-8x8x1-20e_kinetics50.py'
)


class Times(NamedTuple):
    """Seconds of one run, medians of several."""

    wall: float
    processor: float  # of all threads; what others do on the machine is not in


def measure(runs: Dict[str, Callable], rounds: int) -> Dict[str, Times]:
    """Time functions in turns, so that what else the machine does hits them
    alike."""
    times = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.perf_counter(), time.process_time()
            run()
            stop = time.perf_counter(), time.process_time()
            times[name].append([b - a for a, b in zip(start, stop)])
    return {
        name: Times(*map(statistics.median, zip(*mine)))
        for name, mine in times.items()
    }


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A Markdown table; all columns but the first are numbers."""
    print('\n| ' + ' | '.join(header) + ' |')
    print('| --- |' + ' ---: |' * (len(header) - 1))
    for row in rows:
        print('| ' + ' | '.join(row) + ' |')
    print()


def times_table(
    times: Dict[str, Times], unit: float = 1e3, digits: int = 0
) -> List[List[str]]:
    """Rows of name, wall and processor time, and both as multiples of the
    first's."""
    first = next(iter(times.values()))
    return [
        [
            name,
            f'{mine.wall * unit:.{digits}f}',
            f'{mine.processor * unit:.{digits}f}',
            f'{mine.wall / first.wall:.2f}',
            f'{mine.processor / first.processor:.2f}',
        ]
        for name, mine in times.items()
    ]


def require(name: str, difference: float, allowed: float) -> None:
    """Print how far two sides are from each other.

    Raises:
        SystemExit: too far.
    """
    if not difference <= allowed:
        raise SystemExit(f'{name}: {difference:.1e} off')
    print(f'Largest difference, {name}: {difference:.1e}.')


def read_config(**changes: Any) -> Config:
    """The fused model of Table 14, its streams without checkpoints.

    Args:
        **changes: as of ``Config.merge_from_dict``, ``__`` for the dot.
    """
    cfg = Config.fromfile(CONFIG)
    for stream in ('appearance', 'pose'):
        cfg.model.backbone[stream].pop('init_cfg')
    cfg.merge_from_dict(
        {key.replace('__', '.'): value for key, value in changes.items()}
    )
    return cfg


def build_model(cfg: Config) -> nn.Module:
    """Build the same model every time, its batch norms as if trained."""
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    for module in model.backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1)
            nn.init.normal_(module.bias, 0, 0.1)
            nn.init.normal_(module.running_mean, 0, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    model.cfg = cfg
    return model


def _puppets():
    path = ROOT / 'tools' / 'dataset_converters' / 'puppets.py'
    spec = importlib.util.spec_from_file_location('puppets', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_videos(
    folder: Path,
    number: int,
    size: int = 320,
    frames: int = 300,
    persons: int = 1,
) -> Path:
    """Puppets as long videos in H.264, as those of Kinetics are; gives the
    annotation file.

    Persons besides the first one do what that does, later and elsewhere; they
    are in the poses alone.
    """
    import av

    puppets = _puppets()
    records = []
    for index in range(number):
        pictures, keypoint, score = puppets.render(
            0, 'train', index, size, frames
        )
        video, poses = folder / f'{index}.mp4', folder / f'{index}.npz'
        with av.open(str(video), 'w') as container:
            options = dict(mbtree='0')  # with it, runs differ
            stream = container.add_stream('libx264', 30, options=options)
            stream.width = stream.height = size
            stream.pix_fmt = 'yuv420p'
            for picture in pictures:
                frame = av.VideoFrame.from_ndarray(
                    np.ascontiguousarray(picture), 'rgb24'
                )
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        others = range(persons)
        write_poses(
            poses,
            np.concatenate(
                [
                    np.roll(keypoint, 7 * i, 1) + 9 * (-1) ** i * i
                    for i in others
                ]
            ),
            np.concatenate([np.roll(score, 7 * i, 1) for i in others]),
        )
        records.append(
            dict(
                filename=video.name,
                pose_file=poses.name,
                label=index,
                total_frames=frames,
                img_shape=[size, size],
            )
        )
    write_annotations(folder / 'list.jsonl', records)
    return folder / 'list.jsonl'
