"""The pose extractor: tools/extract_poses.py."""

import importlib.util
import json
import multiprocessing
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
from conftest import ROOT

from integral_action.datasets import VideoPoseDataset
from integral_action.fileio import read_annotations
from integral_action.pose.files import read_poses
from integral_action.pose_estimators import MoveNetEstimator, PoseEstimator

pytest.importorskip('onnxruntime')
pytest.importorskip('onnx')
from spot_model import write_spot_model

SCRIPT = ROOT / 'tools' / 'extract_poses.py'
FRAMES = 12


def load_tool():
    spec = importlib.util.spec_from_file_location('extract_poses', SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules['extract_poses'] = module  # dataclasses look it up
    spec.loader.exec_module(module)
    return module


tool = load_tool()


def square(index, frame):
    """Where the square of a video is, (left, top); None: it is not."""
    if frame == 5:
        return None
    return 3 * frame, (5 * index + 2 * frame) % 40


def write_video(path, index, frames=FRAMES, size=(48, 64)):
    """Losslessly, a white square of 6 x 6 that moves."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter_fourcc(*'FFV1'), 30, size[::-1]
    )
    assert writer.isOpened()
    for i in range(frames):
        picture = np.zeros((*size, 3), np.uint8)
        place = square(index, i)
        if place:
            left, top = place
            picture[top : top + 6, left : left + 6] = 255
        writer.write(picture)
    writer.release()


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return write_spot_model(tmp_path_factory.mktemp('model') / 'spot.onnx')


@pytest.fixture(scope='module')
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp('videos')
    for index in range(12):
        write_video(folder / f'{"ab"[index % 2]}/{index:02d}.avi', index)
    return folder


@pytest.fixture(scope='module')
def once(videos, model, tmp_path_factory):
    """The poses of ``videos``, made in one go."""
    out = tmp_path_factory.mktemp('once') / 'poses'
    assert tool.main(arguments(videos, out, model)) == 0
    return out


def arguments(source, out, model, *more):
    return [
        str(source),
        str(out),
        *('--poses', 'movenet', '--model', str(model)),
        *('--options', 'input_size=64', *map(str, more)),
    ]


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


def failures(out, name='failed.json'):
    failed = json.loads((out / name).read_text())
    return {failure['filename']: failure['reason'] for failure in failed}


def test_pose_files(once):
    files = contents(once)
    assert {name for name in files if not name.endswith('.npz')} == {
        'videos.jsonl',
        'failed.json',
        'extract_poses.json',
    }
    assert len(files) == 12 + 3
    for index in range(12):
        keypoint, score = read_poses(
            once / f'{"ab"[index % 2]}/{index:02d}.npz'
        )
        assert keypoint.shape == (1, FRAMES, 17, 2)
        for frame in range(FRAMES):
            place = square(index, frame)
            if place:
                centre = np.add(place, 2.5)
                assert np.abs(keypoint[0, frame] - centre).max() < 0.01
                assert np.allclose(score[0, frame], 0.9)
            else:
                assert not keypoint[0, frame].any()
                assert not score[0, frame].any()
    assert failures(once) == {}
    note = json.loads(files['extract_poses.json'])
    assert note['layout'] == 'coco17' and note['score_thr'] == 0.1


def test_the_list_of_a_folder(once):
    assert read_annotations(once / 'videos.jsonl') == [
        dict(
            filename=f'{folder}/{index:02d}.avi',
            pose_file=f'{folder}/{index:02d}.npz',
            total_frames=FRAMES,
            img_shape=[48, 64],
        )
        for first, folder in enumerate('ab')
        for index in range(first, 12, 2)
    ]


def test_videos_that_are_done_are_not_done_again(
    videos, model, once, tmp_path, capsys
):
    out = tmp_path / 'poses'
    shutil.copytree(once, out)
    before = contents(out)
    (out / 'a/04.npz').unlink()
    times = {path: path.stat().st_mtime_ns for path in out.rglob('*.npz')}
    assert tool.main(arguments(videos, out, model, '--batch-size', 5)) == 0
    printed = capsys.readouterr()
    assert f'{out}: 1 videos done (12 frames, ' in printed.out
    assert '11 already there, 0 failed' in printed.out
    assert contents(out) == before
    for path, changed in times.items():
        assert path.stat().st_mtime_ns == changed


def test_a_video_that_was_replaced_is_done_again(
    videos, model, once, tmp_path, capsys
):
    out, source = tmp_path / 'poses', tmp_path / 'videos'
    shutil.copytree(once, out)
    shutil.copytree(videos, source)
    write_video(source / 'a/04.avi', 7, frames=5)
    later = (out / 'a/04.npz').stat().st_mtime + 10
    for path in source.rglob('*.avi'):
        os.utime(path, (0, 0))
    os.utime(source / 'a/04.avi', (later, later))
    assert tool.main(arguments(source, out, model)) == 0
    assert '1 videos done (5 frames, ' in capsys.readouterr().out
    assert read_poses(out / 'a/04.npz')[0].shape[1] == 5


def test_what_killed_runs_left_is_removed(videos, model, once, tmp_path):
    out = tmp_path / 'poses'
    (out / 'a').mkdir(parents=True)
    stale = [out / 'a/.02.777.npz', out / 'a/.02.778.npz']
    other = out / 'a/.other.777.npz'  # of no video of this run
    for path in (*stale, other):
        path.write_bytes(b'half a file')
    assert tool.main(arguments(videos, out, model)) == 0
    assert other.exists()
    other.unlink()
    assert contents(out) == contents(once)


# ----------------------------------------------------------- interruptions


def run_tool(options, environ):
    """What a process of its own does."""
    os.environ.update(environ)
    sys.exit(tool.main(options))


@pytest.fixture(scope='module')
def start():
    """Start the tool in a process of its own, without the seconds that
    importing torch takes."""
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(
        ['integral_action.pose_estimators', 'onnxruntime', 'onnx', 'pytest']
    )
    processes = []

    def start(options, **environ):
        process = context.Process(target=run_tool, args=(options, environ))
        process.start()
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.join()


class Slow(MoveNetEstimator):
    """Leaves time to be interrupted."""

    def __call__(self, frames):
        time.sleep(0.03)
        return super().__call__(frames)


def wait_for_a_video(process, out):
    """Until one more is done."""
    there = len(list(out.rglob('[!.]*.npz')))
    while process.is_alive() and there == len(list(out.rglob('[!.]*.npz'))):
        time.sleep(0.001)


def test_killed_five_times(videos, model, once, tmp_path, start):
    out, whole = tmp_path / 'poses', tmp_path / 'whole'
    slow = ('--poses', f'{__name__}:Slow')
    assert tool.main(arguments(videos, whole, model, *slow)) == 0
    options = arguments(videos, out, model, '--batch-size', 3, *slow)
    for _ in range(5):
        process = start(options)
        wait_for_a_video(process, out)
        time.sleep(random.uniform(0, 0.1))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert process.exitcode == -signal.SIGKILL, 'it was done before'
        for path in out.rglob('[!.]*.npz'):  # whole at any time
            read_poses(path)
    assert len(list(out.rglob('[!.]*.npz'))) < 12
    process = start(options)
    process.join()
    assert process.exitcode == 0
    assert contents(out) == contents(whole)
    for name, data in contents(once).items():
        if name != 'extract_poses.json':
            assert (out / name).read_bytes() == data


def test_interrupted(videos, model, tmp_path, start):
    out = tmp_path / 'poses'
    process = start(
        arguments(videos, out, model, '--poses', f'{__name__}:Slow')
    )
    wait_for_a_video(process, out)
    os.kill(process.pid, signal.SIGINT)
    process.join()
    assert process.exitcode == 130
    left = {path.name for path in out.rglob('*.npz')}
    assert 0 < len(left) < 12 and not any(n.startswith('.') for n in left)


def test_two_processes_under_torchrun(videos, model, once, tmp_path):
    """And one video fails: the workers say so together, once."""
    folder = tmp_path / 'videos'
    shutil.copytree(videos, folder)
    (folder / 'a/broken.mp4').write_bytes(b'no video')
    out = tmp_path / 'poses'
    result = subprocess.run(
        [
            *(sys.executable, '-m', 'torch.distributed.run'),
            *('--standalone', '--nproc-per-node', '2', SCRIPT),
            *arguments(folder, out, model, '--batch-size', 7),
        ],
        capture_output=True,
        text=True,
        env=os.environ | {'PYTHONWARNINGS': 'ignore'},
    )
    assert result.returncode == 1
    assert result.stdout.count('videos done') == 1
    assert '12 videos done (144 frames, ' in result.stdout
    assert '0 already there, 1 failed (see ' in result.stdout
    assert list(failures(out)) == ['a/broken.mp4']
    made = contents(out)
    del made['failed.json']
    expected = contents(once)
    del expected['failed.json']
    assert made == expected


def test_three_workers_of_srun(videos, model, once, tmp_path, start):
    """srun is not here: its environment is, and its command for the nodes."""
    scontrol = tmp_path / 'bin' / 'scontrol'
    scontrol.parent.mkdir()
    scontrol.write_text(
        '#!/bin/sh\n'
        '[ "$*" = "show hostnames localhost,other" ] || exit 1\n'
        'echo localhost; echo other\n'
    )
    scontrol.chmod(stat.S_IRWXU)
    out = tmp_path / 'poses'
    workers = [
        start(
            arguments(videos, out, model),
            PATH=f'{scontrol.parent}:{os.environ["PATH"]}',
            SLURM_JOB_ID=str(os.getpid()),
            SLURM_NTASKS='3',
            SLURM_STEP_NUM_TASKS='3',
            SLURM_STEP_NODELIST='localhost,other',
            SLURM_PROCID=str(rank),
            SLURM_LOCALID=str(rank),
        )
        for rank in range(3)
    ]
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert contents(out) == contents(once)


def test_jobs_that_start_one_by_one(
    videos, model, once, tmp_path, monkeypatch, capsys
):
    """A job array; and SLURM_NTASKS alone, as a batch script has it, means
    nothing."""
    monkeypatch.setenv('SLURM_NTASKS', '8')
    monkeypatch.setenv('SLURM_PROCID', '0')
    out = tmp_path / 'poses'
    for part in (2, 0, 1):
        assert (
            tool.main(arguments(videos, out, model, '--shard', f'{part}/3'))
            == 0
        )
        assert ': 4 videos done' in capsys.readouterr().out
        there = read_annotations(out / f'videos-{part}-of-3.jsonl')
        assert len(there) == 4
        assert failures(out, f'failed-{part}-of-3.json') == {}
    assert tool.main(arguments(videos, out, model)) == 0
    assert '12 already there' in capsys.readouterr().out
    for path in out.glob('*-of-3.json*'):
        path.unlink()
    assert contents(out) == contents(once)


# -------------------------------------------------------------- bad videos


def test_bad_videos_are_counted_and_the_rest_is_done(model, tmp_path, capsys):
    folder, out = tmp_path / 'videos', tmp_path / 'poses'
    write_video(folder / 'good.avi', 0)
    write_video(folder / 'better.avi', 1)
    (folder / 'empty.mp4').write_bytes(b'')
    (folder / 'text.mp4').write_text('no video\n' * 1000)
    writer = cv2.VideoWriter(
        str(folder / 'half.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), 30, (64, 48)
    )
    for value in range(60):
        writer.write(np.full((48, 64, 3), value, np.uint8))
    writer.release()
    data = (folder / 'half.mp4').read_bytes()
    (folder / 'half.mp4').write_bytes(data[: len(data) // 2])
    names = 'good.avi empty.mp4 text.mp4 half.mp4 gone.mp4 better.avi'.split()
    (tmp_path / 'list.txt').write_text('\n'.join(names) + '\n\n')

    options = arguments(
        tmp_path / 'list.txt', out, model, '--video-prefix', folder
    )
    assert tool.main(options) == 1
    printed = capsys.readouterr()
    assert '2 videos done (24 frames, ' in printed.out
    assert '0 already there, 4 failed (see ' in printed.out
    failed = failures(out)
    assert list(failed) == ['empty.mp4', 'gone.mp4', 'half.mp4', 'text.mp4']
    for name, reason in failed.items():
        assert reason.startswith(f'{folder / name}: ')
        assert f'failed: {reason}\n' in printed.err
    assert failed['gone.mp4'].endswith('there is no such video')
    assert 'cannot be read as a video' in failed['text.mp4']
    assert [r['filename'] for r in read_annotations(out / 'list.jsonl')] == [
        'good.avi',
        'better.avi',
    ]
    assert {path.name for path in out.iterdir()} == {
        *('good.npz', 'better.npz', 'list.jsonl', 'failed.json'),
        'extract_poses.json',
    }

    # Failed videos are tried again; done ones are not.
    shutil.copy(folder / 'good.avi', folder / 'gone.mp4')
    assert tool.main(options) == 1
    printed = capsys.readouterr().out
    assert '1 videos done (12 frames, ' in printed
    assert '2 already there, 3 failed' in printed


class Fragile(PoseEstimator):
    """An estimator of one's own. It fails at pictures that are all black."""

    layout = 'two'

    def __init__(self, device, persons=1):
        self.persons = persons

    def __call__(self, frames):
        if not frames.any((1, 2, 3)).all():
            raise RuntimeError('too dark\nsecond line')
        keypoint = np.arange(2 * self.persons * 2, dtype=np.float32)
        keypoint = keypoint.reshape(self.persons, 2, 2)
        return [(keypoint, np.ones((self.persons, 2)))] * len(frames)


def test_rtmpose(once, videos, tmp_path):
    """Models of its inputs and outputs find the squares where they are."""
    pytest.importorskip('rtmlib')
    from rtm_models import write_detector, write_pose_model

    out = tmp_path / 'poses'
    options = [str(videos), str(out), '--poses', 'rtmpose', '--model']
    options += [write_pose_model(tmp_path / 'pose.onnx'), '--options']
    detector = write_detector(tmp_path / 'detector.onnx', (320, 320))
    options += [f'det_model={detector}']
    assert tool.main(options) == 0
    keypoint, score = read_poses(out / 'a/02.npz')
    expected, there = read_poses(once / 'a/02.npz')
    assert there.any() and np.array_equal(score > 0, there > 0)
    assert np.abs(keypoint - expected)[there > 0].max() < 0.5
    note = json.loads((out / 'extract_poses.json').read_text())
    assert (note['estimator'], note['layout']) == ('rtmpose', 'coco17')


def test_no_estimator_is_named_and_none_installed(
    videos, tmp_path, monkeypatch, capsys
):
    for module in ('rtmlib', 'mediapipe'):
        monkeypatch.setitem(sys.modules, module, None)
    assert tool.main([str(videos), str(tmp_path / 'poses')]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('error: no pose estimator is installed: pip inst')


def test_an_estimator_of_ones_own(tmp_path, capsys):
    write_video(tmp_path / 'videos/dark.avi', 0)
    write_video(tmp_path / 'videos/light.avi', 0, frames=5)
    out = tmp_path / 'poses'
    options = [str(tmp_path / 'videos'), str(out), '--poses']
    own = f'{__name__}:Fragile'
    assert (
        tool.main([*options, own, '--options', 'persons=3', '--max-persons=2'])
        == 1
    )
    assert failures(out) == {
        'dark.avi': f'{tmp_path}/videos/dark.avi: the estimator fails '
        f'(RuntimeError: too dark second line)'
    }
    keypoint, score = read_poses(out / 'light.npz')
    assert keypoint.shape == (2, 5, 2, 2) and score.shape == (2, 5, 2)
    assert keypoint[:, 4].tolist() == [[[0, 1], [2, 3]], [[4, 5], [6, 7]]]
    note = json.loads((out / 'extract_poses.json').read_text())
    assert note == dict(estimator=own, layout='two', persons=3, max_persons=2)
    capsys.readouterr()
    assert tool.main([*options, own, '--model', 'a.onnx']) == 1
    assert capsys.readouterr().err == (
        f"error: estimator {own}: got an unexpected keyword argument 'model'; "
        f'it takes device, persons\n'
    )


# ------------------------------------------------------------------- lists


def test_lists(model, tmp_path):
    """Labels and further keys travel; a video of two lists is done once."""
    write_video(tmp_path / 'v/a b/1.avi', 0)
    write_video(tmp_path / 'v/c.avi', 1, frames=4, size=(60, 50))
    write_video(tmp_path / 'v/a.mp4 (1).avi', 1, frames=4, size=(60, 50))
    (tmp_path / 'train.txt').write_text('a b/1.avi 3\nc.avi\n')
    (tmp_path / 'all.txt').write_text('c.avi 0\na.mp4 (1).avi 5\n')
    (tmp_path / 'test.jsonl').write_text(
        '{"filename": "c.avi", "label": 2, "total_frames": 9, "who": "me"}\n'
    )
    out = tmp_path / 'poses'
    options = arguments(
        tmp_path / 'train.txt', out, model, '--video-prefix', tmp_path / 'v'
    )
    options[1:1] = [str(tmp_path / 'test.jsonl'), str(tmp_path / 'all.txt')]
    assert tool.main(options) == 0
    c = dict(pose_file='c.npz', total_frames=4, img_shape=[60, 50])
    train = read_annotations(out / 'train.jsonl')
    assert train == [
        dict(
            filename='a b/1.avi',
            label=3,
            pose_file='a b/1.npz',
            total_frames=12,
            img_shape=[48, 64],
        ),
        dict(c, filename='c.avi'),
    ]
    assert read_annotations(out / 'test.jsonl') == [
        dict(c, filename='c.avi', label=2, who='me')
    ]
    assert read_annotations(out / 'all.jsonl') == [
        dict(c, filename='c.avi', label=0),
        dict(
            c,
            filename='a.mp4 (1).avi',
            label=5,
            pose_file='a.mp4 (1).npz',
        ),
    ]


def test_what_is_written_is_read_by_the_dataset(videos, model, tmp_path):
    (tmp_path / 'train.txt').write_text('a/04.avi 3\nb/05.avi 0\n')
    out = tmp_path / 'poses'
    options = arguments(
        tmp_path / 'train.txt', out, model, '--video-prefix', videos
    )
    assert tool.main(options) == 0
    dataset = VideoPoseDataset(
        str(out / 'train.jsonl'),
        [
            dict(
                type='SampleTwoStreamFrames',
                clip_len=dict(RGB=FRAMES, Pose=FRAMES),
                frame_interval=dict(RGB=1, Pose=1),
                test_mode=True,
            ),
            dict(type='DecodeTwoStream'),
        ],
        layout='coco17',
        num_classes=4,
        data_prefix=dict(video=str(videos), pose=str(out)),
        test_mode=True,
    )
    for label, sample in zip((3, 0), dataset):
        assert sample['label'] == label
        for i, frame in enumerate(sample['RGB_inds']):
            lit = np.argwhere(sample['imgs'][i].any(-1))
            assert len(lit) == (0 if frame == 5 else 36)
            if len(lit):  # from the edge: the middle of the lit pixels
                middle = lit.mean(0)[::-1] + 0.5
                found = sample['keypoint'][0, i]
                assert np.abs(found - middle).max() < 0.01


def test_hidden_files_and_other_files_are_no_videos(model, tmp_path, capsys):
    folder, out = tmp_path / 'v', tmp_path / 'poses'
    for name in ('a.AVI', '._a.avi', '.cache/b.avi', 'c.txt'):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b'')
    write_video(tmp_path / 'other' / 'd.avi', 0)
    (folder / 'link').symlink_to(tmp_path / 'other')
    assert tool.main(arguments(folder, out, model)) == 1
    assert list(failures(out)) == ['a.AVI']
    assert (out / 'link/d.npz').exists()
    # A video by itself.
    capsys.readouterr()
    assert tool.main(arguments(folder / 'link/d.avi', out, model)) == 0
    assert (out / 'd.npz').read_bytes() == (out / 'link/d.npz').read_bytes()


def test_wrong_input(videos, model, once, tmp_path, capsys):
    def check(message, source, *more, out=tmp_path / 'poses', model=model):
        assert tool.main(arguments(source, out, model, *more)) == 1
        error = capsys.readouterr().err
        assert error.startswith('error: ') and error.count('\n') == 1, error
        assert message in error
        assert not list(tmp_path.rglob('*.npz'))

    def write(name, text):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    (tmp_path / 'nothing').mkdir()
    check('nothing: no videos', tmp_path / 'nothing')
    check('gone: there is no such file or folder', tmp_path / 'gone')
    check('no videos', write('empty.txt', '\n'))
    for line in ('a.avi 0 3', 'a 3', '3'):
        check(
            f'list.txt, line 2: {line.removesuffix(" 3")!r}, expected'
            if line != 'a.avi 0 3'
            else f'list.txt, line 2: {line!r}, expected a path and perhaps',
            write('list.txt', f'b.avi 1\n{line}\n'),
        )
    check(
        'bad.jsonl, line 2: not JSON',
        write('bad.jsonl', '{"filename": "a.avi"}\n{\n'),
    )
    check(
        "key.jsonl, video 1: no \"filename\" in {'frame_dir': 'a'}",
        write('key.jsonl', '{"frame_dir": "a"}\n'),
    )
    (tmp_path / 'data.pkl').write_bytes(b'\x80\x04\x95')
    check('data.pkl: not UTF-8 text', tmp_path / 'data.pkl')
    check(
        'two.txt: ../a.avi lies outside of',
        write('two.txt', '../a.avi'),
    )
    check(
        f'{tmp_path}/a.avi and {tmp_path}/a.mp4 would both write',
        write('same.txt', 'a.avi\na.mp4\n'),
    )
    check(
        'list.jsonl: would be overwritten',
        write('list.jsonl', '{"filename": "a.avi"}\n'),
        out=tmp_path,
    )
    check('gone.onnx: there is no such model', videos, model='gone.onnx')
    check('unknown pose estimator', videos, '--poses', 'openpose')
    check('estimator movenet: got an unexpected', videos, 'weights=a.pth')
    check("device is 'tpu'", videos, '--device', 'tpu')
    before = contents(once)
    check(
        f'{once} was made with score_thr 0.1, not 0.3',
        videos,
        *('--score-thr', '0.3'),
        out=once,
    )
    assert contents(once) == before


@pytest.mark.parametrize(
    'wrong',
    [
        ('--batch-size', '0'),
        ('--shard', '3/3'),
        ('--shard', '1'),
        ('--max-persons', '-1'),
    ],
)
def test_wrong_arguments(videos, model, tmp_path, wrong, capsys):
    with pytest.raises(SystemExit) as exit:
        tool.main(arguments(videos, tmp_path / 'poses', model, *wrong))
    assert exit.value.code == 2
    assert wrong[0] in capsys.readouterr().err


# ------------------------------------------------------------- real videos


def cut(source, path, frames):
    """The first frames of a video."""
    path.parent.mkdir(parents=True, exist_ok=True)
    reader = cv2.VideoCapture(str(source))
    writer = None
    for _ in range(frames):
        picture = reader.read()[1]
        if writer is None:
            writer = cv2.VideoWriter(
                str(path),
                cv2.VideoWriter_fourcc(*'mp4v'),
                30,
                picture.shape[1::-1],
            )
        writer.write(picture)
    writer.release()
    return path


@pytest.fixture
def clips(shared, tmp_path):
    for source in sorted((shared / 'samples/videos').glob('*.mp4')):
        cut(source, tmp_path / 'clips' / source.name, 6)
    return tmp_path / 'clips'


def test_the_real_model_over_real_videos(clips, shared, tmp_path):
    out = tmp_path / 'poses'
    # as commands once had it
    options = [str(clips), str(out), '--estimator', 'onnx', '--model']
    model = shared / 'samples/models/movenet-multipose.onnx'
    assert tool.main([*options, str(model)]) == 0
    assert len(list(out.glob('*.npz'))) == 4
    # Where people are, (left, top, right, bottom), read off the pictures.
    for name, boxes in (
        ('clean_and_jerk', [(140, 65, 208, 235)]),
        ('demo_skeleton', [(645, 270, 900, 920), (925, 245, 1130, 870)]),
        ('skateboarding', [(125, 90, 165, 180)]),
    ):
        keypoint, score = read_poses(out / f'{name}.npz')
        assert keypoint.shape[1:] == (6, 17, 2)
        for frame in range(6):
            there = score[:, frame].mean(-1) > 0.3
            assert there.sum() == len(boxes), name
            found = keypoint[there, frame]
            found = found[np.argsort(found[..., 0].mean(-1))]
            for points, (left, top, right, bottom) in zip(found, boxes):
                inside = (points > (left, top)) & (points < (right, bottom))
                assert inside.all(-1).sum() >= 15, name
