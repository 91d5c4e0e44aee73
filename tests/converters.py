"""What the tests of the converters share."""

import importlib.util
import io
import json
import re
import sys
from contextlib import redirect_stderr

import cv2
import numpy as np
import pytest
import torch
from conftest import ROOT
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from integral_action.fileio import read_annotations
from integral_action.pose.files import read_poses
from integral_action.pose.layouts import KeypointLayout

TOOLS = ROOT / 'tools' / 'dataset_converters'
sys.path.append(str(TOOLS))  # they import each other


def load_tool(name):
    """A converter as a module; worker processes find it by its name, so all
    tests share one."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, TOOLS / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def make_video(path, frames=10, fps=30, size=(64, 48)):
    """A grey video; size is (width, height)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter_fourcc(*'mp4v'), fps, size
    )
    assert writer.isOpened()
    for i in range(frames):
        writer.write(np.full((size[1], size[0], 3), 5 * i % 255, np.uint8))
    writer.release()
    return path


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def run_tool(module, *arguments):
    """The exit status: a number, or the line that says what is wrong."""
    with redirect_stderr(io.StringIO()) as errors:
        try:
            status = module.main([*map(str, arguments), '--workers', '0'])
        except SystemExit as error:  # of the arguments
            status = error.code
    print(errors.getvalue(), end='', file=sys.stderr)
    said = re.search(r'^error: (.*)', errors.getvalue(), re.MULTILINE)
    return said[1] if said else status


def problems(out, group='left_out'):
    """File name -> kind of what the report says."""
    report = json.loads((out / 'problems.json').read_text())
    return {one['filename']: one['kind'] for one in report[group]}


def records(out, name):
    """File name -> line of a list."""
    lines = read_annotations(out / f'{name}.jsonl')
    return {line['filename']: line for line in lines}


def poses(out, record):
    return read_poses(out / 'poses' / record['pose_file'])


def read_back(out, name, layout, num_classes, pipeline='rgb-8x8_pose-8x8'):
    """The dataset as the configs build it, with the validation pipeline."""
    base = ROOT / 'configs' / '_base_'
    cfg = Config.fromfile(base / 'datasets' / 'kinetics400.py')
    pipelines = Config.fromfile(base / 'pipelines' / f'{pipeline}.py')
    return DATASETS.build(
        {
            **cfg.val_dataloader.dataset,
            'data_root': str(out),
            'ann_file': f'{name}.jsonl',
            'layout': layout,
            'num_classes': num_classes,
            'pipeline': pipelines.val_pipeline,
        }
    )


def assert_forward(out, name, layout, num_classes):
    """The first and the last video go through a small pose stream."""
    dataset = read_back(out, name, layout, num_classes, 'pose-8x8')
    base = ROOT / 'configs' / '_base_' / 'models'
    cfg = Config.fromfile(base / 'integralaction-pose_r18w16.py').model
    cfg.data_preprocessor.layout = layout
    cfg.backbone.pose.in_channels = KeypointLayout.get(layout).num_channels
    cfg.cls_head.num_classes = num_classes
    model = MODELS.build(cfg).eval()
    with torch.no_grad():
        predictions = model.test_step(
            pseudo_collate([dataset[0], dataset[len(dataset) - 1]])
        )
    for prediction in predictions:
        assert prediction.pred_score.shape == (num_classes,)
        assert prediction.pred_score.sum() == pytest.approx(1, abs=1e-4)
