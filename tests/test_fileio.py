"""Files appear whole, or the error names them."""

import multiprocessing
import os
import resource
import subprocess
import sys

import numpy as np
import pytest

from integral_action.fileio import (
    atomic_write,
    remove_unfinished,
    write_annotations,
)
from integral_action.pose.files import write_poses


def fill(folder, pipe):
    """Write files on what is like a full disk; sends the errors."""
    os.chdir(folder)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
    noise = np.random.default_rng(0).random((1, 99, 17, 2))
    for name, write, *content in (
        ('a.npz', write_poses, noise, noise[..., 0]),
        ('a.jsonl', write_annotations, 999 * [dict(label=1)]),
    ):
        try:
            write(name, *content)
        except OSError as error:
            pipe.send(str(error))
    pipe.close()


def test_a_full_disk_names_the_file(tmp_path):
    context = multiprocessing.get_context('fork')
    here, there = context.Pipe()
    process = context.Process(target=fill, args=(tmp_path, there))
    process.start()
    process.join(60)
    errors = [here.recv(), here.recv()]
    assert [text.split(': ')[-1] for text in errors] == [
        "'a.npz'",
        "'a.jsonl'",
    ]
    assert all('File too large' in text for text in errors)
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_removed(tmp_path):
    process = subprocess.Popen([sys.executable, '-c', ''])
    process.wait()
    folder = tmp_path / 'a'
    folder.mkdir()
    left = folder / f'.film.v2.{process.pid}.mp4'
    others = [folder / '.hidden', folder / '.film.mp4', folder / 'b.1.mp4']
    for path in (left, *others):
        path.write_bytes(b'half')
    with atomic_write(folder / 'film.mp4') as mine:
        mine.write_bytes(b'whole')
        remove_unfinished(tmp_path)  # this process goes on
    names = {path.name for path in folder.iterdir()}
    assert names == {'film.mp4', *(path.name for path in others)}


@pytest.mark.parametrize('error', [ValueError('no'), OSError(28, 'full')])
def test_nothing_is_left_of_what_breaks_off(tmp_path, error):
    with pytest.raises(type(error)), atomic_write(tmp_path / 'a.npy') as path:
        np.save(path, np.zeros(3))
        raise error
    assert not list(tmp_path.iterdir())
