"""A window on a CPU: what each setting costs, and which labels it changes.

    python benchmarks/cpu_settings.py DATA_ROOT

The package's model, in torch (batch norms folded) and exported, on one thread.
The 8-bit models are quantised by ONNX Runtime: weights per channel,
activations by their least and greatest values on ``--calibrate`` training
clips; all convolutions, or those of 1 x 1 alone. DATA_ROOT is JHMDB as
``integral-action convert jhmdb`` writes it: calibrated on its training list,
labels compared on its test list. They are of 21 classes, whatever it has.
"""

import argparse
import random
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict, Iterator, List

import common
import numpy as np
import onnx
import onnxruntime
import torch
from onnx_speed import make_session
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from integral_action.apis import load_model
from integral_action.datasets.wrappers import innermost
from integral_action.deployment import (
    DeployableRecognizer,
    export_onnx,
    verify,
)
from integral_action.deployment.metadata import describe
from integral_action.zoo import find_model

Arrays = Dict[str, np.ndarray]


class Clips(CalibrationDataReader):
    """Clips that ONNX Runtime calibrates on."""

    def __init__(self, clips: List[Arrays]) -> None:
        self._clips = iter(clips)

    def get_next(self):
        return next(self._clips, None)


def read(model, deployable, data_root: str, name: str) -> Iterator[Arrays]:
    """Yield the clips of a list, as an exported model takes them."""
    dataset = next(innermost(model.cfg.test_dataloader.dataset))
    dataset.ann_file = name
    dataset.pop('class_file', None)
    clips = verify.real_clips(model, deployable, data_root, 10**6, (1,))
    for one in clips:
        yield {name: value.numpy() for name, value in one.items()}


def quantise(path: Path, out: Path, clips: List[Arrays], small: bool) -> None:
    """Write a model of eight bits.

    Args:
        small: whether of the convolutions only those of 1 x 1 are.
    """
    graph = onnx.load(str(path)).graph
    shapes = {one.name: tuple(one.dims) for one in graph.initializer}
    nodes = [
        node.name
        for node in graph.node
        if node.op_type == 'Conv'
        and (not small or shapes.get(node.input[1], ())[2:] == (1, 1))
    ]
    quantize_static(
        str(path),
        str(out),
        Clips(clips),
        nodes_to_quantize=nodes,
        op_types_to_quantize=['Conv'],
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )


def session(path: Path, provider: str = 'CPU') -> Callable:
    made = make_session(path, 1, provider)
    return lambda arrays: made.run(['scores'], arrays)[0][0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('data_root')
    parser.add_argument('--train', default='split1_train.jsonl')
    parser.add_argument('--test', default='split1_test.jsonl')
    parser.add_argument('--calibrate', type=int, default=32)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model(find_model('jhmdb21'), 'cpu', fuse=True)
    deployable = DeployableRecognizer(load_model(find_model('jhmdb21'), 'cpu'))

    def eager(arrays: Arrays) -> np.ndarray:
        inputs = {k: torch.as_tensor(v) for k, v in arrays.items()}
        return verify.predict(model, inputs)[0][0].float().numpy()

    def bf16(arrays: Arrays) -> np.ndarray:
        with torch.autocast('cpu', torch.bfloat16):
            return eager(arrays)

    runs = {'torch': eager, 'torch, bfloat16': bf16}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'model.onnx'
        export_onnx(deployable, path, describe(deployable))
        runs['onnxruntime'] = session(path)
        if 'OpenVINOExecutionProvider' in (
            onnxruntime.get_available_providers()
        ):
            runs['onnxruntime, OpenVINO'] = session(path, 'OpenVINO')
        clips = list(read(model, deployable, args.data_root, args.train))
        clips = random.Random(0).sample(clips, args.calibrate)
        ready = path.with_name('ready.onnx')
        quant_pre_process(str(path), str(ready), skip_symbolic_shape=True)
        for name, small in (('int8', False), ('int8, 1 x 1 alone', True)):
            out = path.with_name(f'{name}.onnx')
            quantise(ready, out, clips, small)
            runs[f'onnxruntime, {name}'] = session(out)
        del clips
        compare(runs, read(model, deployable, args.data_root, args.test))


def compare(runs: Dict[str, Callable], clips: Iterator[Arrays]) -> None:
    """Run all settings in turns on each clip, and print the table."""
    times = {name: [] for name in runs}
    changed = dict.fromkeys(runs, 0)
    largest = dict.fromkeys(runs, 0.0)
    for arrays in clips:
        scores = {}
        for name, run in runs.items():
            start = time.perf_counter()
            scores[name] = run(arrays)
            times[name].append(time.perf_counter() - start)
        for name, score in scores.items():
            first = scores['torch']
            changed[name] += int(score.argmax() != first.argmax())
            difference = float(np.abs(score - first).max())
            largest[name] = max(largest[name], difference)
    number = len(times['torch'])
    first = np.median(times['torch'])
    print(f'{number} videos of three clips, one thread.')
    common.print_table(
        ['setting', 'ms', 'times faster', 'labels changed', 'largest diff.'],
        [
            [
                name,
                f'{np.median(mine) * 1e3:.0f}',
                f'{first / np.median(mine):.2f}',
                str(changed[name]),
                f'{largest[name]:.1e}',
            ]
            for name, mine in times.items()
        ],
    )


if __name__ == '__main__':
    main()
