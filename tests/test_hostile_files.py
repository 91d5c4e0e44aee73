"""Files that would run code, through every door by which files come in."""

import builtins
import functools
import importlib
import io
import os
import pickle
import runpy
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from integral_action.apis import load_model
from integral_action.checkpoints import read_checkpoint
from integral_action.evaluation.results import Results
from integral_action.fileio import load_pickle, read_annotations
from integral_action.pose.files import read_poses

SCRIPT = 'open("ran", "w").close()'


class Calls:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Sets(Calls):
    """Pickles as a state that code makes."""

    def __reduce__(self):
        return dict, (), None, None, iter([('a', Calls(*self.of))])

    def __init__(self, function, *arguments):
        self.of = function, *arguments


HOSTILE = dict(
    system=Calls(os.system, 'touch ran'),
    popen=Calls(os.popen, 'touch ran'),
    process=Calls(subprocess.call, ['touch', 'ran']),
    evaluate=Calls(builtins.eval, SCRIPT),
    execute=Calls(builtins.exec, SCRIPT),
    file=Calls(io.open, 'ran', 'w'),
    copy=Calls(shutil.copy, 'x.py', 'ran'),
    folder=Calls(os.mkdir, 'ran'),
    remove=Calls(os.remove, 'precious'),
    module=Calls(importlib.import_module, 'x'),
    script=Calls(runpy.run_path, 'x.py'),
    config=Calls(Config.fromfile, 'x.py'),
    attribute=Calls(getattr, Path, 'unlink'),
    partial=functools.partial(os.system, 'touch ran'),
    pickled=Calls(pickle.loads, pickle.dumps(Calls(os.system, 'touch ran'))),
    unsafe=Calls(torch.load, 'x.pth'),
    array=Calls(np.load, 'x.npy', None, True),
    inside=Sets(os.system, 'touch ran'),
    listed=[dict(keypoint=Calls(os.system, 'touch ran'))],
)


def save_pickle(path, content):
    path.write_bytes(pickle.dumps(content))


def save_archive(path, content):
    torch.save(dict(state_dict=dict(a=torch.ones(1)), meta=content), path)


def save_old(path, content):
    torch.save(content, path, _use_new_zipfile_serialization=False)


def save_array(path, content):
    array = np.empty(1, object)
    array[0] = content
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    with zipfile.ZipFile(path, 'w') as archive:
        for name in ('keypoint', 'keypoint_score'):
            archive.writestr(f'{name}.npy', file.getvalue())


DOORS = [
    ('a.pkl', save_pickle, load_pickle),
    ('b.pkl', save_pickle, read_annotations),
    ('c.pkl', save_pickle, Results.load),
    ('d.pth', save_pickle, read_checkpoint),
    ('e.pth', save_archive, read_checkpoint),
    ('f.pth', save_old, read_checkpoint),
    ('g.pth', save_archive, load_model),
    ('h.npz', save_array, read_poses),
    ('i.npz', save_pickle, read_poses),
]


@pytest.mark.parametrize('name', HOSTILE)
def test_nothing_runs_and_one_sentence_says_so(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / 'x.py').write_text(SCRIPT)
    (tmp_path / 'precious').write_text('years')
    for file, save, read in DOORS:
        path = tmp_path / file
        save(path, HOSTILE[name])
        before = sorted(os.listdir(tmp_path))
        with pytest.raises(ValueError) as error:
            read(path)
        text = str(error.value)
        assert text.startswith(str(path)) and '\n' not in text, text
        for advice in ('weights_only', 'allow_pickle=True', 'safe_globals'):
            assert advice not in text
        assert sorted(os.listdir(tmp_path)) == before
