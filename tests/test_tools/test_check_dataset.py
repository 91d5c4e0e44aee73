"""What is wrong with a set: tools/check_dataset.py."""

import json
import os
import pickle
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest
from conftest import CONFIGS, ROOT

from integral_action import journal
from integral_action.fileio import write_annotations
from integral_action.pose.files import write_poses

sys.path.append(str(ROOT / 'tools'))  # at the end: it holds a test.py
import check_dataset
import video_checks

CONFIG = """
default_scope = 'mmaction'
custom_imports = dict(imports=['integral_action'])
dataset = dict(
    type='VideoPoseDataset', data_root={root!r}, layout='coco17',
    data_prefix=dict(video='videos', pose='poses'), num_classes=3,
    pipeline=[
        dict(type='SampleTwoStreamFrames', clip_len=dict(RGB=2, Pose=2),
             frame_interval=dict(RGB=1, Pose=1))])
train_dataloader = dict(dataset=dict(**dataset, ann_file='train.jsonl'))
val_dataloader = dict(dataset=dict(**dataset, ann_file='val.jsonl'))
test_dataloader = dict(dataset=dict(**dataset, ann_file='{test}.jsonl'))
"""
HEIGHT, WIDTH, FRAMES = 24, 32, 6


class Set:
    """A folder of videos and poses, every one without a fault at first."""

    def __init__(self, root, make_video):
        self.root, self.make_video, self.number = root, make_video, 0
        (root / 'videos').mkdir()
        self.config('val')

    def config(self, test):
        text = CONFIG.replace('{root!r}', repr(str(self.root)))
        (self.root / 'config.py').write_text(text.replace('{test}', test))

    def video(self, keypoints=17, frames=FRAMES, **kwargs):
        """One more video, another picture each; its annotation, with
        ``kwargs`` in it."""
        name, self.number = f'{self.number:02d}', self.number + 1
        shape = (FRAMES, HEIGHT, WIDTH, 3)
        pictures = np.full(shape, 10 * self.number % 256, np.uint8)
        self.make_video(pictures, f'videos/{name}.avi')
        self.poses(name, frames, keypoints)
        return dict(
            filename=f'{name}.avi',
            pose_file=f'{name}.npz',
            label=0,
            total_frames=FRAMES,
            img_shape=[HEIGHT, WIDTH],
        ) | dict(kwargs)

    def poses(self, name, frames=FRAMES, keypoints=17, change=None):
        """One person at (20, 10)."""
        keypoint = np.full((1, frames, keypoints, 2), (20.0, 10.0))
        score = np.full((1, frames, keypoints), 0.9)
        if change:
            change(keypoint, score)
        write_poses(self.root / 'poses' / f'{name}.npz', keypoint, score)

    def path(self, record):
        return self.root / 'videos' / record['filename']

    def write(self, **lists):
        for name, records in lists.items():
            write_annotations(self.root / f'{name}.jsonl', records)

    def check(self, *arguments, source=None):
        """The exit status and the report."""
        report = self.root / 'report.json'
        status = check_dataset.main(
            [
                *map(str, source or [self.root / 'config.py']),
                '--json',
                str(report),
                '--workers',
                '2',
                *map(str, arguments),
            ]
        )
        return status, json.loads(report.read_text())

    def found(self, report):
        """(name of the video, kind, message) of every problem."""
        return [
            (os.path.basename(name), entry['problem'], entry['message'])
            for name, entries in report['videos'].items()
            for entry in entries
        ]


@pytest.fixture
def videos(tmp_path, make_video):
    return Set(tmp_path, make_video)


def test_keypoints_of_ones_own(videos):
    videos.config('val')
    config = videos.root / 'config.py'
    layout = (
        "dict(name='two', names=('left_hand', 'right_hand'), "
        'bones=((0, 1),), mirror_pairs=((0, 1),))'
    )
    config.write_text(config.read_text().replace("'coco17'", layout))
    videos.write(train=[videos.video(2)], val=[videos.video(keypoints=3)])
    status, report = videos.check('--strict', '--contents')
    assert status and videos.found(report) == [
        (
            '01.avi',
            'layout',
            "poses of 3 keypoints, but the layout 'two' has 2",
        )
    ]


def test_a_clean_set(videos, capsys):
    train = [videos.video(label=i % 3) for i in range(5)]
    videos.write(train=train, val=[videos.video()])
    status, report = videos.check('--strict', '--decode', '--contents')
    assert status == 0
    assert report['videos'] == {} and report['counts'] == {}
    assert report['errors'] == report['warnings'] == 0
    assert [(part['splits'], part['videos']) for part in report['lists']] == [
        (['train'], 5),
        (['val', 'test'], 1),  # one list, read once
    ]
    assert capsys.readouterr().out == (
        '6 videos checked: train (5); val, test (1). 0 errors, 0 warnings.\n'
    )
    assert not (videos.root / 'report.json.journal').exists()


def one_of_each(videos, hiding):
    """A set with every problem, once (frame_count: three times)."""
    train = [videos.video() for _ in range(20)]
    train[1]['label'] = 3
    train[2]['total_frames'] = 0
    videos.path(train[3]).unlink()
    videos.path(train[4]).write_bytes(b'no video')
    (videos.root / 'poses' / '05.npz').unlink()
    (videos.root / 'poses' / '06.npz').write_bytes(b'no poses')
    train[7]['total_frames'] = 8
    videos.poses('07', 8)
    videos.poses('08', 5)
    train[9]['img_shape'] = [WIDTH, HEIGHT]
    videos.poses('10', keypoints=18)

    def not_finite(keypoint, score):
        keypoint[0, 2, 5], score[0, 4, 1] = np.nan, np.inf
        # nobody says that it was found
        keypoint[0, 3, 5], score[0, 3, 5] = np.inf, 0

    def fractions(keypoint, score):
        keypoint[:] = (0.5, 0.25)

    def outside(keypoint, score):
        # 10% of 32 is 3.2: beyond 34.7 it is outside; 2 of 17 keypoints
        keypoint[:, :, :2, 0] = 34.75
        keypoint[:, :, 2:, 0] = 34.65

    videos.poses('11', change=not_finite)
    videos.poses('12', change=fractions)
    videos.poses('13', change=outside)
    train[14]['img_shape'] = [2 * HEIGHT, 2 * WIDTH]
    train[15]['total_frames'] = 4
    videos.poses('15', 4)

    def few(keypoint, score):
        score[:, :4] = 0.1  # nobody: not above the threshold

    videos.poses('16', change=few)

    def origin(keypoint, score):
        keypoint[:, 1:3, 4] = 0
        score[:, 1, 4] = 0.45
        score[:, 2, 4] = 0  # as estimators do that tell

    videos.poses('19', change=origin)
    train[17] = train[0]
    pictures = np.full((FRAMES, HEIGHT, WIDTH, 3), 200, np.uint8)
    hiding(pictures, 2, 'videos/18.avi')
    val = [videos.video(), train[1] | dict(label=1)]
    videos.write(train=train, val=val)
    videos.config('nothing')
    return train, val


EXPECTED = [
    ('nothing.jsonl', 'annotation_file', 'there is no such file'),
    ('00.avi', 'duplicate_within', 'the same as video 1 of train, {}/00.avi'),
    ('01.avi', 'label', 'label is 3, expected a whole number from 0 to 2'),
    ('01.avi', 'duplicate_between', 'the same as video 2 of train, {}/01.avi'),
    (
        '02.avi',
        'annotation',
        'total_frames is 0, expected a whole number from 1',
    ),
    ('03.avi', 'missing_video', 'there is no such file'),
    ('05.avi', 'missing_poses', 'there is no file {}/05.npz'),
    (
        '07.avi',
        'frame_count',
        'the video has 6 frames, but total_frames is 8',
    ),
    ('08.avi', 'frame_count', 'poses of 5 frames, but total_frames is 6'),
    ('18.avi', 'frame_count', 'the video has 5 frames, but total_frames is 6'),
    (
        '09.avi',
        'img_shape',
        'the video is [24, 32] (height, width), but img_shape is [32, 24]',
    ),
    (
        '10.avi',
        'layout',
        "poses of 18 keypoints, but the layout 'coco17' has 17",
    ),
    (
        '11.avi',
        'not_finite',
        '2 of 102 keypoints are no numbers, the first in frame 2',
    ),
    (
        '12.avi',
        'not_pixels',
        'half of the found keypoints have coordinates of at most 0.50 in a '
        'picture of 32 x 24: fractions or metres, not pixels',
    ),
    (
        '13.avi',
        'outside',
        '12 of 102 found keypoints lie more than 10% outside the picture of '
        '32 x 24, the farthest at (35, 10)',
    ),
    (
        '14.avi',
        'other_size',
        'the video is [24, 32] (height, width), but img_shape is [48, 64]',
    ),
    (
        '15.avi',
        'video_longer',
        'the video has 6 frames, but total_frames is 4',
    ),
    ('16.avi', 'few_persons', 'nobody in 4 of 6 frames'),
    (
        '19.avi',
        'at_origin',
        '1 of 102 keypoints are at (0, 0), with scores of up to 0.45',
    ),
]


def test_one_of_each_problem(videos, make_video_hiding, capsys):
    one_of_each(videos, make_video_hiding)
    status, report = videos.check()
    assert status == 1
    found = videos.found(report)
    # what the libraries say of bytes that are nothing
    unread = {kind: name for name, kind, _ in found if 'unreadable' in kind}
    assert unread == dict(unreadable_video='04.avi', unreadable_poses='06.avi')
    folder = str(videos.root / 'videos')
    folders = dict(missing_poses=videos.root / 'poses')
    expected = [
        (name, kind, text.format(folders.get(kind, folder)))
        for name, kind, text in EXPECTED
    ]
    found = [each for each in found if 'unreadable' not in each[1]]
    assert sorted(found) == sorted(expected)
    assert (report['errors'], report['warnings']) == (16, 5)
    assert report['counts']['frame_count'] == 3
    assert set(report['counts']) == set(check_dataset.ERRORS) | set(
        check_dataset.WARNINGS
    )
    entry = report['videos'][f'{folder}/07.avi'][0]
    assert (entry['split'], entry['number']) == ('train', 8)
    assert entry['error'] is True
    printed = capsys.readouterr().out
    assert all(kind in printed for kind in report['counts'])
    assert '22 videos checked: train (20); val (2); test (0). ' in printed


def test_limits_are_options(videos, make_video_hiding):
    one_of_each(videos, make_video_hiding)
    _, report = videos.check(
        '--margin', 0.2, '--max-empty', 0.7, '--split', 'train'
    )
    assert not {'outside', 'few_persons'} & set(report['counts'])
    # 12 of 102 are 11.8%
    _, report = videos.check('--max-outside', 0.12, '--score-thr', 0.05)
    assert not {'outside', 'few_persons'} & set(report['counts'])
    _, report = videos.check('--max-outside', 0.11, '--max-empty', 0.66)
    assert {'outside', 'few_persons'} <= set(report['counts'])


def test_img_shape_of_other_proportions(videos):
    """Scaling to 340x256, as of Kinetics, is right; sides exchanged are not,
    which the poses alone tell too."""
    records = [videos.video(img_shape=shape) for shape in ([16, 16], [48, 36])]
    videos.write(train=records, val=[videos.video()])
    status, report = videos.check('--streams', 'RGB')
    assert status == 1
    assert {name: kind for name, kind, _ in videos.found(report)} == {
        '00.avi': 'other_size',
        '01.avi': 'img_shape',
    }

    def wide(keypoint, score):
        keypoint[:, ::2, :, 0] = 30

    videos.poses('00', change=wide)
    records[0]['img_shape'] = [WIDTH, HEIGHT]
    del records[1]['img_shape']
    videos.write(train=records)
    status, report = videos.check('--streams', 'Pose')
    assert sorted(videos.found(report)) == [
        (
            '00.avi',
            'img_shape',
            'poses leave img_shape [32, 24], but not [24, 32]: it is '
            '(height, width)',
        ),
        (
            '01.avi',
            'annotation',
            'img_shape is None, expected (height, width)',
        ),
    ]


def test_people_whose_hands_are_not_found_are_seen(videos):
    """As the loader has it: the mean over what is found."""

    def body(keypoint, score):
        score[..., 17:] = 0

    records = [videos.video(133), videos.video()]
    videos.poses('00', keypoints=133, change=body)
    videos.write(train=records[:1], val=records[1:])
    config = videos.root / 'config.py'
    text = config.read_text().replace('coco17', 'coco_wholebody133')
    config.write_text(text)
    assert videos.check('--split', 'train', '--strict')[0] == 0


def test_poses_inside_a_list_are_named_by_their_video(videos):
    """Without scores, what is padded with zeros is not found."""
    keypoint = np.full((2, FRAMES, 17, 2), 12.0)
    keypoint[1] = 0
    good = videos.video(keypoint=keypoint.tolist())
    bad = videos.video(keypoint=[[['x']]])
    for record in (good, bad):
        del record['pose_file']
    videos.write(train=[good, bad], val=[videos.video()])
    status, report = videos.check()
    ((name, kind, text),) = videos.found(report)
    assert (status, name, kind) == (1, '01.avi', 'unreadable_poses')
    assert text.endswith('01.avi: keypoint is no array of numbers (<U1)')


def test_warnings_fail_only_when_strict(videos):
    videos.write(train=[videos.video()] * 2, val=[videos.video()])
    status, report = videos.check()
    assert (status, report['warnings'], report['errors']) == (0, 1, 0)
    assert videos.check('--strict')[0] == 1


def test_training_on_the_test_list_is_an_error(videos):
    videos.write(val=[videos.video()])
    config = videos.root / 'config.py'
    config.write_text(config.read_text().replace('train.jsonl', 'val.jsonl'))
    status, report = videos.check()
    assert status == 1
    ((name, kind, text),) = videos.found(report)
    assert (name, kind) == ('val.jsonl', 'duplicate_between')
    assert text == 'train, val, test read the same list'


def test_a_pose_stream_does_without_videos(videos):
    records = [videos.video() for _ in range(3)]
    videos.write(train=records[:2], val=records[2:])
    shutil.rmtree(videos.root / 'videos')
    config = videos.root / 'config.py'
    config.write_text(config.read_text().replace('RGB=2, ', ''))
    config.write_text(config.read_text().replace('RGB=1, ', ''))
    assert videos.check()[0] == 0
    status, report = videos.check('--streams', 'RGB')
    assert status == 1 and report['counts'] == dict(missing_video=3)


def test_the_same_contents_under_another_name(videos):
    train, val = [videos.video(), videos.video()], [videos.video()]
    shutil.copy(videos.path(train[1]), videos.path(val[0]))
    videos.write(train=train, val=val)
    assert videos.check()[0] == 0
    status, report = videos.check('--contents')
    assert status == 1
    assert videos.found(report) == [
        (
            '02.avi',
            'duplicate_between',
            f'the same contents as video 2 of train, {videos.path(train[1])}',
        )
    ]


def test_every_frame_is_decoded_on_demand(videos):
    """A video whose middle is damaged; each of its frames is a JPEG."""
    number, size = 300, 64
    record = videos.video(total_frames=number, img_shape=[size, size])
    videos.poses('00', number)
    path = videos.path(record)
    codec = cv2.VideoWriter_fourcc(*'MJPG')
    writer = cv2.VideoWriter(str(path), codec, 30, (size, size))
    noise = np.random.default_rng(0).integers(0, 256, (number, size, size, 3))
    for frame in noise.astype(np.uint8):
        writer.write(frame)
    writer.release()
    data = path.read_bytes()
    middle = data.split(b'\xff\xd8\xff')[: number // 2]
    start = len(b'\xff\xd8\xff'.join(middle)) + 50
    path.write_bytes(data[:start] + bytes(200) + data[start + 200 :])
    videos.write(train=[record], val=[videos.video()])
    assert videos.check()[0] == 0
    status, report = videos.check('--decode')
    assert status == 1 and report['counts'] == dict(unreadable_video=1)
    assert list(report['videos']) == [str(path)]


def test_annotation_files_of_any_kind(videos):
    records = [videos.video() for _ in range(4)]
    videos.write(a=records[:3], b=records[2:])
    options = ['--data-root', videos.root, '--video-prefix', 'videos']
    options += ['--pose-prefix', 'poses', '--layout', 'coco17']
    root = videos.root
    status, report = videos.check(
        *options, source=[root / 'a.jsonl', root / 'b.jsonl']
    )
    # lists that are named beside each other have nothing in common
    assert status == 1 and report['counts'] == dict(duplicate_between=1)
    assert report['videos'][f'{root}/videos/02.avi'][0]['split'] == 'b.jsonl'

    poses = np.full((1, 6, 17, 2), 12.0), np.ones((1, 6, 17))
    annotations = [
        dict(
            frame_dir=f'{i:02d}',
            label=i,
            total_frames=6,
            img_shape=(HEIGHT, WIDTH),
            keypoint=poses[0],
            keypoint_score=poses[1],
        )
        for i in range(4)
    ]
    split = dict(first=['00', '01'], rest=['02', '03'])
    with open(root / 'list.pkl', 'wb') as file:
        pickle.dump(dict(split=split, annotations=annotations), file)
    options += ['--ann-split', 'rest', '--video-suffix', '.avi']
    source = [root / 'list.pkl']
    status, report = videos.check(*options, source=source)
    assert status == 0 and report['lists'][0]['videos'] == 2
    status, report = videos.check(*options, '--num-classes', 3, source=source)
    assert status == 1
    assert videos.found(report) == [
        ('03.avi', 'label', 'label is 3, expected a whole number from 0 to 2')
    ]


def fatal(task, limits):
    """As the check, in a process that may die."""
    if task.info['filename'].endswith(('03.avi', '30.avi')):
        os._exit(11)
    return video_checks.check(task, limits)


def test_a_video_that_kills_its_reader(videos, monkeypatch):
    """Decoders do that; the others are checked all the same."""
    records = [videos.video() for _ in range(40)]
    monkeypatch.setattr(check_dataset, 'check', fatal)
    records[5]['label'] = 9
    videos.write(train=records, val=[videos.video()])
    status, report = videos.check()
    assert status == 1
    died = 'the process that read it crashed'
    assert sorted(videos.found(report)) == [
        ('03.avi', 'unreadable_video', died),
        ('05.avi', 'label', 'label is 9, expected a whole number from 0 to 2'),
        ('30.avi', 'unreadable_video', died),
    ]


def test_an_interrupted_check_goes_on(
    videos, make_video_hiding, monkeypatch, capsys
):
    one_of_each(videos, make_video_hiding)
    run, asked = journal.run_in_processes, []

    def interrupted(function, tasks, *options):
        asked.append([task.name for task in tasks])
        for number, result in enumerate(run(function, tasks, *options)):
            if number == stop:
                raise KeyboardInterrupt
            yield result

    monkeypatch.setattr(journal, 'run_in_processes', interrupted)
    report = videos.root / 'report.json'
    arguments = [str(videos.root / 'config.py'), '--json', str(report)]
    arguments += ['--workers', '1']
    stop = 8
    assert check_dataset.main(arguments) == 130
    assert 'goes on from here' in capsys.readouterr().err
    assert not report.exists()
    stop = None
    assert check_dataset.main(arguments) == 1
    # of the first eight only 00 is without a problem of its own
    assert len(asked[0]) == 22
    assert asked[1] == [key for key in asked[0] if key != '0:1']
    whole = json.loads(report.read_text())
    assert check_dataset.main(arguments) == 1
    assert asked[2] == asked[0]  # a finished check starts again
    assert json.loads(report.read_text()) == whole


def test_another_check_does_not_go_on_from_it(tmp_path):
    task, path = journal.Task('0:1', None, 'a'), tmp_path / 'journal'
    journal.Journal(path, {}).add(task, dict(digest=None))
    again = journal.Journal(path, {})
    assert again.find(task) == dict(digest=None)
    assert again.find(task._replace(name='0:2')) is None
    with open(path, 'a') as file:  # killed while it wrote
        file.write('{"filename": "0:2"')
    again = journal.Journal(path, {})
    assert list(again.done) == ['0:1']
    assert again.find(task._replace(stamp='b')) is None


@pytest.mark.parametrize(
    'arguments, message',
    [
        (['nowhere.py'], 'nowhere.py'),
        (['nowhere.jsonl'], 'nowhere.jsonl: there is no such file'),
        (['a.py', 'b.jsonl'], 'one config, or annotation files'),
        (['a.jsonl', '--split', 'train'], '--split'),
        (['a.jsonl', '--workers', '0'], '--workers: 0: expected 1 or more'),
        ([], 'CONFIG | ANN_FILE'),
    ],
)
def test_bad_arguments(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    try:
        status = check_dataset.main(arguments)
    except SystemExit as error:
        status = error.code
    assert status == 2
    assert message in capsys.readouterr().err


def test_the_tool_on_puppets(puppets, tmp_path):
    """End to end; generated poses fail in many frames, and that is a
    warning."""
    config = 'integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets'
    command = [
        sys.executable,
        ROOT / 'tools' / 'check_dataset.py',
        CONFIGS / f'{config}.py',
        '--workers',
        '2',
        '--json',
        'report.json',
        '--cfg-options',
        *(
            f'{split}_dataloader.dataset.data_root={puppets}/'
            for split in ('train', 'val', 'test')
        ),
    ]
    result = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert '96 videos checked: train (24); val (24); test (48)' in (
        result.stdout
    )
    report = json.loads((tmp_path / 'report.json').read_text())
    assert report['errors'] == 0
    assert set(report['counts']) == {'few_persons'}


def test_real_clips_are_clean(shared, tmp_path):
    """JHMDB, with detections that miss people."""
    import decord

    records, folder = [], shared / 'samples' / 'jhmdb'
    for name in ('golf', 'pullup'):
        for video in sorted((folder / 'videos' / name).glob('*.avi'))[:3]:
            reader = decord.VideoReader(str(video))
            path = folder / 'poses' / name / f'{video.stem}.json'
            found = json.loads(path.read_text())
            keypoint = np.zeros((6, len(reader), 17, 2))
            score = np.zeros((6, len(reader), 17))
            count = [0] * len(reader)
            for person in found:
                frame = person['image_id']
                values = np.reshape(person['keypoints'], (17, 3))
                keypoint[count[frame], frame] = values[:, :2]
                score[count[frame], frame] = values[:, 2]
                count[frame] += 1
            write_poses(tmp_path / f'{video.stem}.npz', keypoint, score)
            records.append(
                dict(
                    filename=f'{name}/{video.name}',
                    pose_file=f'{video.stem}.npz',
                    label=len(records) // 3,
                    total_frames=len(reader),
                    img_shape=reader[0].shape[:2],
                )
            )
    write_annotations(tmp_path / 'list.jsonl', records)
    options = [str(tmp_path / 'list.jsonl'), '--workers', '2', '--decode']
    options += ['--video-prefix', str(folder / 'videos'), '--layout', 'coco17']
    options += ['--pose-prefix', str(tmp_path)]
    assert check_dataset.main([*options, '--num-classes', '2']) == 0
    assert check_dataset.main([*options, '--num-classes', '1']) == 1
    # of half the size, the people are outside
    for record in records:
        record['img_shape'] = [120, 160]
    write_annotations(tmp_path / 'list.jsonl', records)
    report = tmp_path / 'report.json'
    assert check_dataset.main([*options, '--json', str(report)]) == 1
    counts = json.loads(report.read_text())['counts']
    assert counts['outside'] >= 4 and counts['other_size'] == 6
