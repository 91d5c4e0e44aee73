"""What several tests share."""

import importlib.util
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from inferencers import inferencer, stages  # noqa: F401

import integral_action  # noqa: F401  registers everything
from integral_action.pose.maps import render_pose_maps

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ROOT / 'configs' / 'integral_action'
SHARED = ROOT.parent / 'shared'

torch.set_num_threads(2)


def load_config(path, num_classes=8):
    """Load a config; one that leaves the number of classes open gets
    ``num_classes``."""
    from mmengine.config import Config

    return _with_classes(Config.fromfile(path), num_classes)


def load_row(model, data='puppets', num_classes=8):
    """Load a row of the paper's tables, or a model on their data."""
    sys.path.append(str(ROOT / 'tools'))
    try:
        from reproduce.rows import load_config as load
    finally:
        sys.path.remove(str(ROOT / 'tools'))
    return _with_classes(load(model, data), num_classes)


def _with_classes(cfg, num_classes):
    if cfg.model.cls_head.num_classes is None:
        cfg.model.cls_head.num_classes = num_classes
    return cfg


def render_densely(*args, render=render_pose_maps, **kwargs):
    """Draw pose maps on the CPU as a GPU and an exported model do."""
    with mock.patch.object(torch.compiler, 'is_compiling', lambda: True):
        return render(*args, **kwargs)


def load_script(path):
    """Run a tool's file as a module, beside those that it imports."""
    sys.path.append(str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


@pytest.fixture(autouse=True)
def _scope():
    from mmengine.registry import init_default_scope

    init_default_scope('mmaction')


@pytest.fixture
def shared():
    """Real samples that are not part of the project."""
    if not SHARED.is_dir():
        pytest.skip('no ../shared')
    return SHARED


@pytest.fixture(scope='session')
def puppets(tmp_path_factory):
    """A small Puppets set: 2 videos a class in each split."""
    import subprocess

    out = tmp_path_factory.mktemp('data') / 'puppets'
    script = ROOT / 'tools' / 'dataset_converters' / 'puppets.py'
    subprocess.run(
        [sys.executable, script, out, '--num-train', '2', '--num-test', '2'],
        check=True,
        capture_output=True,
    )
    return out


@pytest.fixture
def make_video(tmp_path):
    """Write frames [T, H, W, 3] (RGB), losslessly by default; gives the
    path."""
    import cv2

    def make(frames, name='video.avi', codec='FFV1'):
        path = tmp_path / name
        height, width = frames.shape[1:3]
        writer = cv2.VideoWriter(
            str(path), cv2.VideoWriter_fourcc(*codec), 30, (width, height)
        )
        assert writer.isOpened()
        for frame in frames:
            writer.write(np.ascontiguousarray(frame[..., ::-1]))
        writer.release()
        return path

    return make


@pytest.fixture
def make_video_hiding(make_video):
    """Write frames [T, H, W, 3] (RGB), one of them not to be shown: it is
    counted, and never comes out of the decoder."""

    def make(frames, hidden, name='video.avi'):
        path = make_video(frames, name, 'VP80')
        data, place = bytearray(path.read_bytes()), 0
        for _ in range(hidden + 1):
            place = data.index(b'00dc', place) + 8  # behind name and length
        data[place] &= ~0x10  # show_frame: RFC 6386, 9.1
        path.write_bytes(data)
        return path

    return make
