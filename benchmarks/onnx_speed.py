"""Size and speed of ONNX models, beside the model in torch.

    python benchmarks/onnx_speed.py [CONFIG] [--batch 1] [--clips 1]

The config's model, with weights as they are drawn, takes frames and keypoints
and draws the pose maps: in torch as a test does, and exported in onnxruntime,
in float32 and in half precision, on the CPU. The three run in turns, so that
what else the machine does hits them alike; the median of the rounds is given.
Before, their outputs are compared.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import onnxruntime
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from integral_action.deployment import (
    DeployableRecognizer,
    export_onnx,
    verify,
)
from integral_action.deployment.metadata import describe

CONFIG = (
    Path(__file__).resolve().parents[1]
    / 'configs'
    / 'integral_action'
    / 'integralaction_r18-r18_4xb8-8x8x1-8x8x1-20e_kinetics50.py'
)


def build(path):
    """The config's model; the same one every time."""
    cfg = Config.fromfile(path)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).eval()
    model.cfg = cfg
    return model


def make_session(path, threads, provider='CPU'):
    """An onnxruntime session with as many threads as torch has."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(
        str(path), options, providers=[f'{provider}ExecutionProvider']
    )


def milliseconds(runs, rounds):
    """Return the median of the rounds for each function, run in turns."""
    times = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - start) * 1e3)
    return {name: statistics.median(mine) for name, mine in times.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', nargs='?', default=CONFIG)
    parser.add_argument('--batch', type=int, default=1)
    parser.add_argument('--clips', type=int, default=1)
    parser.add_argument('--rounds', type=int, default=11)
    parser.add_argument('--threads', type=int, default=os.cpu_count())
    args = parser.parse_args()
    init_default_scope('mmaction')
    torch.set_num_threads(args.threads)

    model = build(args.config)
    inputs = DeployableRecognizer(model).example_inputs(args.batch, args.clips)
    arrays = {name: value.numpy() for name, value in inputs.items()}
    expected = verify.predict(model, inputs)
    size = sum(v.nbytes for v in model.state_dict().values()) / 1e6
    rows = {'torch': (size, 0.0)}
    runs = {'torch': lambda: verify.predict(model, inputs)}
    with tempfile.TemporaryDirectory() as folder:
        for name, half in (
            ('onnxruntime', False),
            ('onnxruntime, fp16', True),
        ):
            path = Path(folder) / f'{len(runs)}.onnx'
            deployable = DeployableRecognizer(build(args.config), half=half)
            export_onnx(deployable, path, describe(deployable))
            session = make_session(path, args.threads)
            difference = max(
                float((torch.as_tensor(given) - value).abs().max())
                for given, value in zip(session.run(None, arrays), expected)
            )
            if difference > verify.TOLERANCES['fp16' if half else 'fp32']:
                raise SystemExit(f'{name}: {difference:.1e} off')
            rows[name] = path.stat().st_size / 1e6, difference
            runs[name] = lambda session=session: session.run(None, arrays)
        times = milliseconds(runs, args.rounds)
    shapes = ', '.join(f'{k} {list(v.shape)}' for k, v in inputs.items())
    print(f'{args.threads} threads; {shapes}')
    print('\n| | size, MB | ms a batch | largest difference |')
    print('| --- | ---: | ---: | ---: |')
    for name, (megabytes, difference) in rows.items():
        print(
            f'| {name} | {megabytes:.1f} | {times[name]:.0f} '
            f'| {difference:.1e} |'
        )


if __name__ == '__main__':
    main()
