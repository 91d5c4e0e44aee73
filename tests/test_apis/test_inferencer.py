"""The inferencer says what a test says, and says clearly what is wrong."""

import itertools
import json
import shutil
import sys

import cv2
import decord
import numpy as np
import pytest
import torch
from inferencers import Middle
from mmaction.registry import MODELS

from integral_action.apis import IntegralActionInferencer, load_model
from integral_action.datasets.coco_results import coco17_to_openpose18
from integral_action.fileio import (
    load_pickle,
    read_annotations,
    write_annotations,
)
from integral_action.pose.files import read_poses, write_poses


def frames_of(path):
    reader = decord.VideoReader(str(path))
    return reader.get_batch(range(len(reader))).asnumpy()


def write_sample(folder, name):
    """A lossless video of 30 frames, 30 a second, and poses of two persons."""
    rng = np.random.default_rng(len(name))
    path = folder / 'videos' / f'{name}.avi'
    path.parent.mkdir(parents=True, exist_ok=True)
    codec = cv2.VideoWriter_fourcc(*'FFV1')
    writer = cv2.VideoWriter(str(path), codec, 30, (56, 56))
    assert writer.isOpened()
    for frame in rng.integers(0, 255, (30, 8, 8, 3), np.uint8):
        writer.write(cv2.resize(frame, (56, 56)))
    writer.release()
    keypoint = rng.random((2, 30, 18, 2)) * 56
    score = rng.random((2, 30, 18))
    write_poses(folder / 'poses' / f'{name}.npz', keypoint, score)
    return path, folder / 'poses' / f'{name}.npz'


@pytest.fixture(scope='module')
def samples(tmp_path_factory):
    """Three videos and their annotations."""
    folder = tmp_path_factory.mktemp('samples')
    records = []
    for label, name in enumerate(('a', 'bb', 'ccc')):
        path, poses = write_sample(folder, name)
        records.append(
            dict(
                filename=path.name,
                pose_file=poses.name,
                label=label,
                total_frames=30,
                img_shape=[56, 56],
                context='in',
            )
        )
    write_annotations(folder / 'test.jsonl', records)
    return folder


@pytest.fixture
def video(samples):
    """A video and its poses."""
    return samples / 'videos' / 'a.avi', samples / 'poses' / 'a.npz'


# ----------------------------------------------------------------- results


def test_it_agrees_with_a_test(samples, stages, inferencer, tmp_path):
    """Of the other stages: tests/test_end_to_end/test_tools.py."""
    from mmaction.evaluation import AccMetric
    from mmengine.evaluator import DumpResults
    from mmengine.runner import Runner

    records = list(read_annotations(samples / 'test.jsonl'))
    cfg = load_model(stages / 'fused.pth').cfg
    cfg.work_dir = str(tmp_path)
    cfg.load_from = str(stages / 'fused.pth')
    cfg.test_dataloader.batch_size = 2
    cfg.test_dataloader.dataset.data_root = f'{samples}/'
    cfg.log_level = 'ERROR'
    runner = Runner.from_cfg(cfg)
    dump = DumpResults(out_file_path=str(tmp_path / 'test.pkl'))
    runner._test_loop = cfg.test_cfg
    runner._test_evaluator = [AccMetric(), dump]
    runner.test()
    tested = load_pickle(tmp_path / 'test.pkl')

    videos = [samples / 'videos' / one['filename'] for one in records]
    poses = [samples / 'poses' / one['pose_file'] for one in records]
    result = inferencer('fused')(videos, poses, batch_size=3)
    assert result['num_failed'] == 0
    assert result['visualization'] == [None] * len(videos)
    assert len(tested) == len(result['predictions']) == len(videos)
    scores = set()
    for path, sample, one in zip(videos, tested, result['predictions']):
        score = sample['pred_score'].numpy()
        np.testing.assert_allclose(one['rec_scores'], score, atol=1e-5)
        assert one['rec_labels'] == [int(score.argmax())]
        assert one['input'] == str(path)
        scores.add(score.max())
        values = np.array(one['gate']['values'])
        np.testing.assert_allclose(values, sample['gate'], atol=1e-5)
        assert one['gate']['mean'] == pytest.approx(values.mean())
    assert len(scores) == 3


def test_gates_have_the_times_of_their_frames(inferencer, video):
    """30 frames, 10 a second; three clips of 8 frames: from 0, 11 and 22."""
    frames = frames_of(video[0])
    keypoint, score = read_poses(video[1])
    assert len(frames) == 30
    result = inferencer('fused')(frames, (keypoint, score), fps=10)
    (one,) = result['predictions']
    expected = np.array([0, 11, 22])[:, None] / 10 + np.arange(8) / 10
    np.testing.assert_allclose(one['gate']['times'], expected)
    assert one['duration'] == 3
    assert one['input'] == 'array'


def test_file_folder_list_and_array_are_the_same(inferencer, video, tmp_path):
    path, poses = video
    shutil.copytree(path.parent, tmp_path / 'some' / 'sub')
    shutil.copytree(poses.parent, tmp_path / 'poses' / 'sub')
    fused = inferencer('fused')
    (one,) = fused(path, poses)['predictions']
    arrays = read_poses(poses)
    for inputs, given in (
        (str(path), str(poses)),
        ([path], [poses]),
        ([path], poses.parent),
        (frames_of(path), arrays),
        ([frames_of(path)], [arrays]),
        (frames_of(path)[:, :, ::-1].copy()[:, :, ::-1], arrays),  # strides
    ):
        (same,) = fused(inputs, given)['predictions']
        assert same['rec_scores'] == one['rec_scores']
    result = fused(tmp_path / 'some', tmp_path / 'poses', batch_size=2)
    names = [prediction['input'] for prediction in result['predictions']]
    assert names == sorted(names) and len(names) == 3
    at = names.index(str(tmp_path / 'some' / 'sub' / path.name))
    np.testing.assert_allclose(
        result['predictions'][at]['rec_scores'], one['rec_scores'], atol=1e-5
    )


def test_windows_are_videos_of_their_own(inferencer, video):
    """2 s at 15 frames a second; windows of 1 s, one each half second."""
    path, poses = video
    frames, (keypoint, score) = frames_of(path), read_poses(poses)
    fused = inferencer('fused')
    (whole,) = fused(
        frames, (keypoint, score),
        fps=15, window=1.0, stride=0.5, batch_size=2,
    )['predictions']  # fmt: skip
    parts = [slice(0, 15), slice(8, 23), slice(15, 30)]
    ones = [
        fused(frames[i], (keypoint[:, i], score[:, i]), fps=15)['predictions'][
            0
        ]
        for i in parts
    ]
    np.testing.assert_allclose(
        whole['rec_scores'],
        np.mean([one['rec_scores'] for one in ones], 0),
        atol=1e-6,
    )
    values = np.concatenate([one['gate']['values'] for one in ones])
    np.testing.assert_allclose(whole['gate']['values'], values, atol=1e-6)
    times = np.concatenate(
        [
            np.array(one['gate']['times']) + part.start / 15
            for one, part in zip(ones, parts)
        ]
    )
    np.testing.assert_allclose(whole['gate']['times'], times)
    assert whole['timeline'][0]['start'] == 0
    assert whole['timeline'][-1]['end'] == 2
    first = whole['timeline'][0]
    assert first['name'] == f'act {first["label"]}'
    assert first['label'] == ones[0]['rec_labels'][0]


def test_overlay_and_json_are_written(inferencer, video, tmp_path):
    path, poses = video
    result = inferencer('fused')(
        path, poses, out_dir=tmp_path / 'out', top_k=3
    )
    (one,) = result['predictions']
    out = tmp_path / 'out' / f'{path.stem}.mp4'
    assert result['visualization'] == [str(out)]
    assert json.loads(out.with_suffix('.json').read_text()) == one
    assert [top['label'] for top in one['top']] == np.argsort(
        one['rec_scores']
    )[::-1][:3].tolist()
    assert one['rec_names'] == [one['top'][0]['name']]
    reader, source = (decord.VideoReader(str(p)) for p in (out, path))
    assert len(reader) == len(source)
    assert reader.get_avg_fps() == pytest.approx(source.get_avg_fps(), 1e-3)
    assert len(list((tmp_path / 'out').iterdir())) == 2
    result = inferencer('fused')(
        path, poses, out_dir=tmp_path / 'js', draw=False
    )
    assert [p.suffix for p in (tmp_path / 'js').iterdir()] == ['.json']


def test_videos_of_two_sizes_go_in_one_call(inferencer, video):
    frames = frames_of(video[0])
    wide = np.concatenate([frames, frames], 2)
    appearance = inferencer('appearance')
    both = appearance([frames, wide, frames], batch_size=3)['predictions']
    alone = appearance(wide)['predictions'][0]
    np.testing.assert_allclose(
        both[1]['rec_scores'], alone['rec_scores'], atol=1e-5
    )
    assert both[0]['rec_scores'] == pytest.approx(both[2]['rec_scores'])


def test_one_name_in_two_folders(inferencer, video, tmp_path):
    path, poses = video
    for name in 'ab':
        (tmp_path / name).mkdir()
        shutil.copy(path, tmp_path / name / 'x.avi')
        (tmp_path / 'poses' / name).mkdir(parents=True)
        shutil.copy(poses, tmp_path / 'poses' / name / 'x.npz')
    videos = [tmp_path / 'a' / 'x.avi', tmp_path / 'b' / 'x.avi']
    out = tmp_path / 'out'
    result = inferencer('fused')(
        videos, tmp_path / 'poses', out_dir=out, draw=False
    )
    assert result['num_failed'] == 0
    written = sorted(p.relative_to(out) for p in out.rglob('*.json'))
    assert list(map(str, written)) == ['a/x.json', 'b/x.json']


def test_streams_take_what_they_need(inferencer, video):
    path, poses = video
    appearance = inferencer('appearance')
    alone = appearance(path)['predictions']
    assert appearance(path, poses)['predictions'] == alone
    # a pose stream sees no pixel
    keypoint, score = read_poses(poses)
    frames = frames_of(path)
    pose = inferencer('pose')
    one = pose(frames, (keypoint, score))['predictions']
    assert pose(frames * 0, (keypoint, score))['predictions'] == one


def test_a_video_of_one_frame_is_predicted(inferencer, video, tmp_path):
    frames = frames_of(video[0])[:1]
    keypoint, score = (array[:, :1] for array in read_poses(video[1]))
    fused = inferencer('fused')
    (one,) = fused(frames, (keypoint, score), out_dir=tmp_path)['predictions']
    again = np.repeat(frames, 30, 0)
    still = np.repeat(keypoint, 30, 1), np.repeat(score, 30, 1)
    (same,) = fused(again, still)['predictions']
    np.testing.assert_allclose(
        one['rec_scores'], same['rec_scores'], atol=1e-5
    )
    assert len(decord.VideoReader(str(tmp_path / 'array.mp4'))) == 1


def test_names_of_classes(inferencer, stages, video, tmp_path):
    path, poses = video
    (one,) = inferencer('fused')(path, poses)[
        'predictions'
    ]  # the checkpoint's
    assert one['rec_names'] == [f'act {one["rec_labels"][0]}']
    (one,) = inferencer('pose')(path, poses)['predictions']  # none
    assert one['rec_names'] == [str(one['rec_labels'][0])]
    names = [f'name {i}' for i in range(12)]
    (tmp_path / 'names.txt').write_text('\n'.join(names))
    for classes in (names, tmp_path / 'names.txt'):
        assert inferencer('fused', classes=classes).classes == names
    with pytest.raises(ValueError, match='classes are 2 names, .* 12 classes'):
        inferencer('fused', classes=['a', 'b'])


# ------------------------------------------------------------------- poses


def test_poses_are_estimated_once_and_brought_to_the_models_layout(
    inferencer, video
):
    frames, estimator = frames_of(video[0]), Middle()
    fused = inferencer('fused', pose_estimator=estimator)
    (one,) = fused(frames, window=0.5, stride=0.1)['predictions']
    assert estimator.seen == 30
    keypoint, score = zip(*(Middle()(frames[:1])[0] for _ in range(30)))
    keypoint = np.stack(keypoint, 1) - np.arange(30)[:, None, None] * (0, 1)
    poses = coco17_to_openpose18(keypoint, np.stack(score, 1))
    (same,) = fused(frames, poses, window=0.5, stride=0.1)['predictions']
    assert same['rec_scores'] == pytest.approx(one['rec_scores'], abs=1e-6)
    config = dict(type='integral_action.pose_estimators:MoveNetEstimator')
    with pytest.raises(ValueError, match='"movenet" has no model'):
        inferencer('fused', pose_estimator=config)
    with pytest.raises(ValueError, match='"type"'):
        inferencer('fused', pose_estimator=dict(model='a'))
    # an appearance stream makes none
    assert (
        inferencer('appearance', pose_estimator=config).pose_estimator is None
    )


def test_poses_are_found_only_where_the_model_looks(
    inferencer, video, tmp_path
):
    """Three clips of 8 frames, from 0, 11 and 22, of 30; unless all are drawn,
    or one frame says something of the next."""
    frames, estimator = frames_of(video[0]), Middle()
    fused = inferencer('fused', pose_estimator=estimator)
    (every,) = fused(frames)['predictions']
    assert estimator.seen == 30
    seen = []

    class Alone(Middle):
        follows = False

        def __call__(self, some):
            found = []
            for frame in some:
                (number,) = np.flatnonzero((frames == frame).all((1, 2, 3)))
                seen.append(number)
                self.seen = number  # so that it finds what Middle does
                found += super().__call__(frame[None])
            return found

    fused = inferencer('fused', pose_estimator=Alone())
    (one,) = fused(frames)['predictions']
    assert seen == [*range(8), *range(11, 19), *range(22, 30)]
    assert one['rec_scores'] == pytest.approx(every['rec_scores'], abs=1e-6)
    seen.clear()
    fused(frames, out_dir=tmp_path)
    assert seen == list(range(30))
    seen.clear()
    fused(frames, window=0.5)  # of 15 frames: from 0, 3 and 7
    assert seen == [*range(15), *range(15, 30)]


def test_a_film_without_an_end(inferencer, video):
    """Windows are those of the frames alone; each is looked at once."""
    frames, estimator = frames_of(video[0]), Middle()
    fused = inferencer('fused', pose_estimator=estimator)
    endless = itertools.chain(frames, itertools.cycle(frames))
    windows = fused.stream(endless, window=0.5, stride=0.2)
    found = list(itertools.islice(windows, 3))
    assert estimator.seen == 15 + 6 + 6
    keypoint, score = zip(*(Middle()(frames[:1])[0] for _ in range(30)))
    keypoint = np.stack(keypoint, 1) - np.arange(30)[:, None, None] * (0, 1)
    poses = coco17_to_openpose18(keypoint, np.stack(score, 1))
    for start, one in zip((0, 6, 12), found):
        part = slice(start, start + 15)
        of_part = [array[:, part] for array in poses]
        (same,) = fused(frames[part], tuple(of_part))['predictions']
        assert one['rec_scores'] == pytest.approx(same['rec_scores'], abs=1e-6)
        assert one['top'][0]['name'] == same['rec_names'][0]
        assert one['gate']['mean'] == pytest.approx(same['gate']['mean'])
        assert one['start'] == pytest.approx(start / 30)
        assert one['end'] == pytest.approx(start / 30 + 0.5)

    # each second frame's poses; frames that lack, by their times
    estimator.seen = 0
    some = [(i / 30, frames[i]) for i in range(30) if i % 5 != 4]
    found = list(fused.stream(some, 0.5, 0.25, pose_every=2))
    assert estimator.seen == 12
    # frame 14 lacks, with which the first window would have ended
    assert [one['end'] * 30 for one in found] == pytest.approx([16, 23])

    appearance = inferencer('appearance')
    (one,) = appearance.stream(frames, window=1)
    assert 'gate' not in one and len(one['rec_scores']) == 12


@pytest.mark.parametrize('options, words', [
    (dict(stride=3), 'window is 2.0, stride 3'),
    (dict(fps=0), 'fps 0'),
    (dict(pose_every=0), 'pose_every 0'),
    (dict(), 'neither poses nor a pose_estimator'),
])  # fmt: skip
def test_streams_that_cannot_be(inferencer, options, words):
    with pytest.raises(ValueError, match=words):
        next(inferencer('fused').stream([], **options))


def test_frames_of_another_size_are_named(inferencer, video):
    frames = [np.zeros((9, 8, 3), np.uint8), np.zeros((8, 8, 3), np.uint8)]
    with pytest.raises(ValueError, match=r'\[8, 8, 3\] follows .*\[9, 8, 3\]'):
        list(inferencer('appearance').stream(frames))


def test_an_estimator_by_its_name(inferencer, video, monkeypatch):
    frames, name = frames_of(video[0])[:8], 'inferencers:Middle'
    expected = inferencer('fused', pose_estimator=Middle())(frames)[
        'predictions'
    ]
    fused = inferencer('fused', pose_estimator=name)
    assert fused.finds_poses
    assert fused(frames)['predictions'] == expected
    fused = inferencer('fused')
    assert not fused.finds_poses
    with pytest.raises(ValueError, match="a pose_estimator, such as 'rtmpose"):
        fused(frames)
    with pytest.raises(ValueError, match="estimator 'openpose'"):
        inferencer('fused', pose_estimator='openpose')
    # by itself it takes one that is installed, once it needs it
    fused = inferencer('fused', pose_estimator='auto')
    for module in ('rtmlib', 'mediapipe'):
        monkeypatch.setitem(sys.modules, module, None)
    assert not fused.finds_poses
    with pytest.raises(ImportError, match='pip install rtmlib'):
        fused(frames)
    poses = np.zeros((1, 8, 18, 2)), np.zeros((1, 8, 18))
    assert fused(frames, poses)['num_failed'] == 0
    assert fused.pose_estimator is None


def test_estimator_of_another_layout(inferencer, video):
    estimator = Middle()
    estimator.layout = 'ntu25'
    with pytest.raises(ValueError, match="'ntu25', but .* 'openpose18'"):
        inferencer('fused', pose_estimator=estimator)


def test_real_clip_with_the_real_estimator(inferencer, shared, tmp_path):
    """40 frames of JHMDB, poses by MoveNet: the overlay shows the person."""
    pytest.importorskip('onnxruntime')
    path = sorted((shared / 'samples/jhmdb/videos/golf').glob('*.avi'))[3]
    model = shared / 'samples' / 'models' / 'movenet-multipose.onnx'
    fused = inferencer(
        'fused', pose_estimator=dict(type='onnx', model=str(model))
    )
    result = fused(path, out_dir=tmp_path)
    (one,) = result['predictions']
    assert sum(one['rec_scores']) == pytest.approx(1, abs=1e-4)
    frames = frames_of(tmp_path / f'{path.stem}.mp4')
    assert len(frames) == len(frames_of(path))
    # orange and blue limbs over what was dark
    strong = (np.ptp(frames[:, 58:538].astype(int), -1) > 180).sum((1, 2))
    assert (strong > 300).all()


# --------------------------------------------------------------- bad input


def write(path, content=b''):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    'kind, message',
    [
        ('missing', r'in/missing\.mp4: there is no such video'),
        ('text', r'in/text\.mp4: cannot be read as a video'),
        ('empty', r'in/empty\.mp4: an empty file'),
        ('half', r'in/half\.mp4: cannot be read as a video'),
    ],
)
def test_bad_video(kind, message, inferencer, video, tmp_path):
    path = tmp_path / 'in' / f'{kind}.mp4'
    content = dict(
        text=b'not a video\n', empty=b'', half=video[0].read_bytes()[:2000]
    )
    if kind in content:
        write(path, content[kind])
    with pytest.raises(ValueError, match=message) as info:
        inferencer('fused')(path, video[1], out_dir=tmp_path / 'out')
    assert '\n' not in str(info.value)
    assert not (tmp_path / 'out').exists()


def test_bad_poses(inferencer, video, tmp_path):
    path, poses = video
    keypoint, score = read_poses(poses)
    frames = keypoint.shape[1]
    write_poses(tmp_path / 'short.npz', keypoint[:, 1:], score[:, 1:])
    write_poses(tmp_path / 'coco.npz', keypoint[:, :, :17], score[:, :, :17])
    write(tmp_path / 'text.npz', b'no poses')
    fused = inferencer('fused')
    for name, message in (
        ('short.npz', f'short.npz: poses of {frames - 1} frames, but '),
        ('coco.npz', "coco.npz: its poses have 17 keypoints, the layout 'op"),
        ('text.npz', 'text.npz: not a pose file'),
        ('none.npz', 'none.npz: there is no such pose file'),
    ):
        with pytest.raises(ValueError, match=message):
            fused(path, tmp_path / name, out_dir=tmp_path / 'out')
    with pytest.raises(ValueError, match='keypoint_score .* expected'):
        fused(path, (keypoint, score[:, :, 1:]))
    with pytest.raises(ValueError, match='fused.pth has a pose stream, but'):
        fused(path)
    with pytest.raises(ValueError, match='list of 1, but there are 2 videos'):
        fused([path, frames_of(path)], [poses])
    with pytest.raises(ValueError, match='poses of one video .* 2 videos'):
        fused([path, frames_of(path)], poses)
    assert not (tmp_path / 'out').exists()


def test_bad_frames(inferencer):
    appearance = inferencer('appearance')
    frames = np.zeros((9, 56, 56, 3), np.uint8)
    for wrong in (frames / 255, frames[0], frames[..., :2], frames[:0]):
        with pytest.raises(ValueError, match=r'expected uint8 RGB \[T, H, W'):
            appearance(wrong)
    with pytest.raises(ValueError, match='not a int'):
        appearance(3)
    with pytest.raises(ValueError, match='no videos'):
        appearance([])


def test_contradicting_settings(inferencer, video, tmp_path):
    frames = np.zeros((9, 56, 56, 3), np.uint8)
    appearance = inferencer('appearance')
    for options, message in (
        (dict(batch_size=0), 'batch_size is 0'),
        (dict(fps=0), 'fps is 0'),
        (dict(stride=1.0), 'there is no window'),
        (dict(window=1.0, stride=2.0), 'stride 2.0'),
        (dict(window=0.0), 'window is 0.0'),
    ):
        with pytest.raises(ValueError, match=message):
            appearance(frames, **options)
    path = write(tmp_path / 'a.mp4', video[0].read_bytes())
    other = write(tmp_path / 'a.avi')
    with pytest.raises(ValueError, match='would both be written as a'):
        appearance([path, other], out_dir=tmp_path / 'out')
    with pytest.raises(ValueError, match='a.mp4 would be overwritten'):
        appearance(path, out_dir=tmp_path)
    with pytest.raises(ValueError, match='no videos in this folder'):
        (tmp_path / 'none').mkdir()
        appearance(tmp_path / 'none')


def test_a_bad_video_among_many_is_reported_and_counted(
    inferencer, video, tmp_path, capfd
):
    path, poses = video
    bad = write(tmp_path / 'bad.mp4', b'not a video')
    fused = inferencer('fused')
    (one,) = fused(path, poses)['predictions']
    result = fused(
        [bad, path, tmp_path / 'none.mp4'], [poses, poses, poses],
        out_dir=tmp_path / 'out', batch_size=2, window=1.0,
    )  # fmt: skip
    assert result['num_failed'] == 2
    first, second, third = result['predictions']
    assert first['input'] == str(bad) and 'cannot be read' in first['error']
    assert third['error'].endswith('none.mp4: there is no such video')
    assert 'error' not in second
    errors = capfd.readouterr().err
    assert errors.count('failed: ') == 2 and 'bad.mp4' in errors
    names = sorted(p.name for p in (tmp_path / 'out').iterdir())
    assert names == [f'{path.stem}.json', f'{path.stem}.mp4']
    assert one['rec_names'] and result['visualization'][0] is None


def test_checkpoint_of_something_else(tmp_path, stages):
    with pytest.raises(FileNotFoundError, match='none.pth: there is no such'):
        IntegralActionInferencer(tmp_path / 'none.pth')
    write(tmp_path / 'text.pth', b'no checkpoint')
    with pytest.raises(ValueError, match='text.pth: not a checkpoint'):
        IntegralActionInferencer(tmp_path / 'text.pth')
    # another of MMAction2's models
    model = dict(
        type='Recognizer2D',
        backbone=dict(type='ResNet', depth=18, norm_eval=False),
        cls_head=dict(type='TSNHead', num_classes=2, in_channels=512),
    )
    meta = dict(cfg=f'model = {model!r}\n')
    weights = MODELS.build(model).state_dict()
    torch.save(dict(meta=meta, state_dict=weights), tmp_path / 'tsn.pth')
    with pytest.raises(ValueError, match='tsn.pth: .* is a Recognizer2D'):
        IntegralActionInferencer(tmp_path / 'tsn.pth')
    # a stage's weights under another stage's config
    content = torch.load(stages / 'pose.pth', weights_only=True)
    other = torch.load(stages / 'fused.pth', weights_only=True)
    content['meta'] = other['meta']
    torch.save(content, tmp_path / 'mixed.pth')
    with pytest.raises(
        ValueError, match='mixed.pth: missing keys: backbone.app'
    ):
        IntegralActionInferencer(tmp_path / 'mixed.pth')
    # no test pipeline
    text = other['meta']['cfg'].replace('test_dataloader', 'other_dataloader')
    other['meta']['cfg'] = text.replace('test_pipeline', 'other_pipeline')
    torch.save(other, tmp_path / 'bare.pth')
    with pytest.raises(ValueError, match='bare.pth: .*no test_dataloader'):
        IntegralActionInferencer(tmp_path / 'bare.pth')
