"""What the model is given, looked at: tools/browse_dataset.py."""

import pickle
import subprocess
import sys

import cv2
import decord
import numpy as np
import pytest
from conftest import CONFIGS, ROOT

from integral_action.fileio import write_annotations
from integral_action.pose.files import write_poses
from integral_action.visualization.clips import GAP, MARGIN
from integral_action.visualization.poses import LEFT, MIDDLE, RIGHT

sys.path.append(str(ROOT / 'tools'))  # at the end: it holds a test.py
import browse_dataset

MAGENTA, YELLOW = (255, 0, 255), (255, 255, 0)
NOSE, LEFT_WRIST = 0, 9
CONFIG = """
default_scope = 'mmaction'
custom_imports = dict(imports=['integral_action'])
model = dict(
    data_preprocessor=dict(
        type='PoseMapPreprocessor', layout='coco17', size=(32, 32)))
pipeline = [
    dict(type='SampleTwoStreamFrames', clip_len=dict(RGB=2, Pose=4),
         frame_interval=dict(RGB=2, Pose=1)),
    dict(type='DecodeTwoStream'),
    dict(type='SelectTopPersons', score_thr=0),
    dict(type='CenterCrop', crop_size=32),
    dict(type='FlipTwoStream', flip_ratio=1),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='FormatPoses'),
    dict(type='PackActionInputs', collect_keys=('imgs', 'pose')),
]
train_dataloader = dict(
    dataset=dict(
        type='VideoPoseDataset', data_root={root!r}, ann_file='list.jsonl',
        layout='coco17', pipeline=pipeline, max_bad_samples=9))
"""


@pytest.fixture
def folder(tmp_path, make_video):
    """Three videos of 64 x 48 with a magenta square round a nose and a yellow
    one round a left wrist, 4 x 4 pixels each."""
    frames = np.zeros((4, 48, 64, 3), np.uint8)
    frames[:, 10:14, 20:24] = MAGENTA  # its centre is (21.5, 11.5)
    frames[:, 30:34, 40:44] = YELLOW  # (41.5, 31.5)
    keypoint, score = np.zeros((1, 4, 17, 2)), np.zeros((1, 4, 17))
    keypoint[:, :, NOSE], score[:, :, NOSE] = (21.5, 11.5), 0.9
    keypoint[:, :, LEFT_WRIST] = (41.5, 31.5)
    score[:, :, LEFT_WRIST] = 0.8
    records = []
    for i in range(3):
        make_video(frames, f'{i}.avi')
        write_poses(tmp_path / f'{i}.npz', keypoint, score)
        records.append(
            dict(
                filename=f'{i}.avi',
                pose_file=f'{i}.npz',
                label=i,
                total_frames=4,
            )
        )
    write_annotations(tmp_path / 'list.jsonl', records)
    (tmp_path / 'classes.txt').write_text('jump\nwave\n')
    (tmp_path / 'config.py').write_text(
        CONFIG.replace('{root!r}', repr(str(tmp_path)))
    )
    return tmp_path


def browse(folder, *arguments, config='config.py'):
    """The exit status; pictures go to folder/out."""
    return browse_dataset.main(
        [
            str(folder / config),
            '--out',
            str(folder / 'out'),
            '--panel-width',
            '320',
            *map(str, arguments),
        ]
    )


def picture(path):
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def panel(sheet, row, column):
    """Of a sheet with a heading, names, and panels of 320 x 320."""
    y = 58 + GAP + 20 + GAP + row * (320 + GAP)
    x = MARGIN + GAP + column * (320 + GAP)
    return sheet[y : y + 320, x : x + 320]


def where(image, colour, tolerance=40):
    """(x, y) of the pixels of a colour, [N, 2]."""
    near = np.abs(image.astype(int) - colour).max(-1) <= tolerance
    return np.argwhere(near)[:, ::-1]


def test_marks_lie_on_what_they_mark_after_crop_and_flip(folder):
    assert browse(folder, '--index', 1) == 0
    sheet = picture(folder / 'out' / 'train_00001.png')
    # The crop takes columns 16 to 47 and rows 8 to 39: the magenta square
    # gets to columns 4 to 7 and rows 2 to 5, flipped to columns 24 to 27; ten
    # times as big.
    for column in range(2):
        poses = panel(sheet, 0, column)
        square = where(poses, MAGENTA)
        assert square.min(0).tolist() == [240, 20]
        assert square.max(0).tolist() == [279, 59]
        mark = where(poses, MIDDLE)
        assert len(mark) > 20
        np.testing.assert_allclose(mark.mean(0), (259.5, 39.5), atol=1)
        # Columns 24 to 27 and rows 22 to 25, flipped 4 to 7; the left wrist
        # has become a right one.
        square = where(poses, YELLOW)
        assert square.min(0).tolist() == [40, 220]
        assert square.max(0).tolist() == [79, 259]
        mark = where(poses, RIGHT)
        assert len(mark) > 20
        np.testing.assert_allclose(mark.mean(0), (59.5, 239.5), atol=1)
        assert not len(where(poses, LEFT))


def test_heatmaps_lie_on_what_they_mark(folder):
    browse(folder, '--index', 0)
    sheet = picture(folder / 'out' / 'train_00000.png')
    heatmaps = panel(sheet, 1, 0).astype(int)
    # what is coloured, among the greys
    colour = heatmaps.max(-1) - heatmaps.min(-1) > 30
    left = np.argwhere(colour[:, :160])[:, ::-1].mean(0)
    right = np.argwhere(colour[:, 160:])[:, ::-1].mean(0) + (160, 0)
    np.testing.assert_allclose(left, (59.5, 239.5), atol=1)
    np.testing.assert_allclose(right, (259.5, 39.5), atol=1)


def load(folder):
    config = browse_dataset.read_config(str(folder / 'config.py'), None)
    return browse_dataset.build_dataset(config, 'train')


def test_title_and_metadata(folder):
    dataset = load(folder)
    names = browse_dataset.class_names(dataset, None)
    args = browse_dataset.parse_args(['config.py'])
    title, subtitle = browse_dataset.describe(
        dataset[1], dataset, names, 1, args
    )
    assert title == '1.avi'
    assert subtitle == (
        'train sample 1 · label 1 (wave) · 4 frames · 32 x 32 pixels · flipped'
    )
    # the third class has no name
    subtitle = browse_dataset.describe(dataset[2], dataset, names, 2, args)[1]
    assert 'label 2 ·' in subtitle


def preprocessor(size=(32, 32)):
    from mmaction.registry import MODELS

    return MODELS.build(
        dict(type='PoseMapPreprocessor', layout='coco17', size=size)
    )


def test_frames_stand_beside_the_pose_of_their_instant(folder):
    dataset = load(folder)
    clip = browse_dataset.make_clip(dataset[0], dataset, preprocessor(), 0)
    assert clip.frames.shape == (2, 32, 32, 3)
    assert clip.maps.shape == (4, 17 + 2 * 19, 32, 32)
    assert clip.frame_numbers == [0, 2]
    assert clip.pose_numbers == [0, 1, 2, 3]
    assert clip.instants() == [(0, 0), (1, 2)]
    assert clip.layout.name == 'coco17' and clip.score_thr == 0.1


def change(folder, old, new, name='other.py'):
    text = (folder / 'config.py').read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))
    return name


def test_maps_drawn_by_the_pipeline_give_the_same_picture(folder):
    browse(folder, '--index', 0)
    first = picture(folder / 'out' / 'train_00000.png')
    other = change(folder, "dict(type='FormatPoses'),", '')
    path = folder / other
    text = path.read_text().replace("'pose')", "'heatmap_imgs')")
    drawn = "dict(type='GeneratePoseMaps', size=(32, 32)), dict(type='Format"
    path.write_text(text.replace("dict(type='Format", drawn))
    assert browse(folder, '--index', 0, config=other) == 0
    second = picture(folder / 'out' / 'train_00000.png')
    np.testing.assert_array_equal(first, second)


def test_mmaction2s_frames_of_one_stream(folder):
    """Packed as NCHW, without a dict, normalised by MMAction2's class."""
    text = (folder / 'config.py').read_text()
    for old, new in (
        ("'NCTHW'", "'NCHW'"),
        ('RGB=2, Pose=4', 'RGB=2'),
        ('RGB=2, Pose=1', 'RGB=2'),
        ("dict(type='SelectTopPersons', score_thr=0),", ''),
        ("dict(type='FormatPoses'),", ''),
        (", collect_keys=('imgs', 'pose')", ''),
        (
            "type='PoseMapPreprocessor', layout='coco17', size=(32, 32)",
            "type='ActionDataPreprocessor', mean=[120, 110, 100], "
            'std=[58, 57, 56]',
        ),
        ('frame_interval', 'num_clips=2, test_mode=True, frame_interval'),
    ):
        assert old in text, old
        text = text.replace(old, new)
    (folder / 'other.py').write_text(text)
    assert browse(folder, '--index', 0, '--clip', 1, config='other.py') == 0
    sheet = picture(folder / 'out' / 'train_00000_clip1.png')
    square = where(panel(sheet, 0, 1), MAGENTA, 2)
    assert square.min(0).tolist() == [240, 20]
    assert square.max(0).tolist() == [279, 59]


def test_a_clip_of_several(folder, capsys):
    other = change(folder, 'frame_interval', 'num_clips=2, frame_interval')
    assert browse(folder, '--num', 1, '--clip', 1, config=other) == 0
    assert (folder / 'out' / 'train_00000_clip1.png').is_file()
    assert browse(folder, '--num', 1, '--clip', 2, config=other) == 1
    assert '--clip 2: the samples have 2 clips' in capsys.readouterr().err


def test_a_film_shows_every_pose(folder):
    assert browse(folder, '--num', 1, '--format', 'mp4', '--fps', 5) == 0
    film = decord.VideoReader(str(folder / 'out' / 'train_00000.mp4'))
    assert len(film) == 4 and film.get_avg_fps() == 5
    # three panels, a heading and names
    assert film[0].shape == (58 + GAP + 20 + GAP + 320, 3 * 320 + 2 * GAP, 3)
    poses = film[3].asnumpy()[58 + GAP + 20 + GAP :, :320]
    square = where(poses, MAGENTA, 70)  # lossy
    np.testing.assert_allclose(square.mean(0), (259.5, 39.5), atol=4)


def test_what_cannot_be_read_is_reported_and_the_rest_goes_on(folder, capsys):
    (folder / '0.avi').unlink()
    (folder / '1.npz').write_bytes(b'no poses')
    assert browse(folder) == 1
    written, errors = capsys.readouterr()
    assert written.split() == [str(folder / 'out' / 'train_00002.png')]
    assert [path.name for path in (folder / 'out').iterdir()] == [
        'train_00002.png'
    ]
    lines = errors.strip().splitlines()
    assert lines[0] == (f'sample 0: {folder}/0.avi: there is no such video')
    assert lines[1].startswith(f'sample 1: {folder}/1.npz: not a pose file')
    assert lines[2] == '2 of 3 samples cannot be read'


def test_the_seed_decides_alone(folder):
    other = change(folder, 'flip_ratio=1', 'flip_ratio=0.5')

    def sheets(*arguments):
        browse(folder, '--panel-width', 32, *arguments, config=other)
        return [
            path.read_bytes() for path in sorted((folder / 'out').iterdir())
        ]

    first = sheets('--num', 3, '--seed', 3)
    (folder / 'out' / 'train_00000.png').unlink()
    assert sheets('--index', 2, 1, 0, '--seed', 3) == first
    flips = {tuple(sheets('--index', 2, '--seed', i)) for i in range(6)}
    assert len(flips) > 1


@pytest.mark.parametrize(
    'arguments, message',
    [
        (['--index', '3'], 'the split train has 3 samples'),
        (['--index', '-1'], 'the split train has 3 samples'),
        (['--split', 'val'], 'no val_dataloader'),
        (['--classes', 'nowhere.txt'], 'nowhere.txt'),
        (
            ['--cfg-options', 'train_dataloader.dataset.layout=coco18'],
            "unknown keypoint layout 'coco18'",
        ),
        (
            ['--cfg-options', 'model.data_preprocessor.layout=openpose18'],
            'poses of 17 keypoints, but the model draws 18',
        ),
        (
            ['--cfg-options', 'train_dataloader.dataset.num_classes=2'],
            'label is 2, expected a whole number from 0 to 1',
        ),
    ],
)
def test_errors_are_one_line(folder, capsys, arguments, message):
    assert browse(folder, *arguments) == 1
    error = capsys.readouterr().err.strip()
    assert error.startswith('error: ') and message in error
    assert '\n' not in error


@pytest.mark.parametrize(
    'arguments', [['--num', '0'], ['--clip', '-1'], ['--fps', '0']]
)
def test_senseless_arguments_are_named(folder, capsys, arguments):
    with pytest.raises(SystemExit) as error:
        browse(folder, *arguments)
    assert error.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_the_tool_on_puppets(puppets, tmp_path):
    """End to end, from another folder."""
    config = 'integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets.py'
    result = subprocess.run(
        [
            sys.executable,
            ROOT / 'tools' / 'browse_dataset.py',
            CONFIGS / config,
            '--split',
            'test',
            '--num',
            '2',
            '--cfg-options',
            f'test_dataloader.dataset.data_root={puppets}/',
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    out = f'work_dirs/browse/{config.removesuffix(".py")}'
    # of 48, the first and the last
    names = [f'{out}/test_00000.png', f'{out}/test_00047.png']
    assert result.stdout.split() == names
    for name in names:
        sheet = picture(tmp_path / name)
        assert sheet.shape == (
            58 + 2 * GAP + 20 + 3 * 224 + 2 * GAP,
            MARGIN + 8 * (GAP + 224),
            3,
        )


@pytest.mark.parametrize(
    'stream, rows',
    [
        ('appearance_r18w16_1xb32-8x1x1-12e_puppets', 1),
        ('pose_r18w16_1xb32-8x1x1-8e_puppets', 3),
    ],
)
def test_the_streams_of_puppets(puppets, tmp_path, stream, rows):
    options = [str(CONFIGS / f'integralaction-{stream}.py'), '--num', '1']
    options += ['--split', 'val', '--out', str(tmp_path)]
    options += [
        '--cfg-options',
        f'val_dataloader.dataset.data_root={puppets}/',
    ]
    assert browse_dataset.main(options) == 0
    sheet = picture(tmp_path / 'val_00000.png')
    assert sheet.shape[0] == 58 + GAP + 20 + rows * (GAP + 224)


def test_mmaction2s_pose_dataset_repeated(tmp_path):
    """PoseC3D's pipeline with our maps, from a pickle, without a video."""
    keypoint = np.full((1, 6, 17, 2), (8.0, 8.0), np.float16)
    records = [
        dict(
            frame_dir='a',
            label=0,
            total_frames=6,
            img_shape=(32, 32),
            original_shape=(32, 32),
            keypoint=keypoint,
            keypoint_score=np.ones((1, 6, 17), np.float16),
        )
    ]
    with open(tmp_path / 'list.pkl', 'wb') as file:
        pickle.dump(records, file)
    (tmp_path / 'config.py').write_text(f"""
default_scope = 'mmaction'
custom_imports = dict(imports=['integral_action'])
model = dict(data_preprocessor=dict(type='ActionDataPreprocessor'))
pipeline = [
    dict(type='UniformSampleFrames', clip_len=3),
    dict(type='PoseDecode'),
    dict(type='FlipTwoStream', layout='coco17', flip_ratio=0),
    dict(type='GeneratePoseMaps', layout='coco17', size=(32, 32)),
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    dict(type='PackActionInputs'),
]
train_dataloader = dict(dataset=dict(type='RepeatDataset', times=2,
    dataset=dict(type='PoseDataset', ann_file={str(tmp_path / 'list.pkl')!r},
                 pipeline=pipeline)))
""")
    assert browse(tmp_path) == 0
    sheets = sorted((tmp_path / 'out').iterdir())
    assert [path.name for path in sheets] == [
        'train_00000.png',
        'train_00001.png',
    ]
    sheet = picture(sheets[0])
    assert sheet.shape[1] == MARGIN + 3 * (GAP + 320)
    # (8, 8) of 32, the centre of a pixel: 8.5 tenths of 32 are 85 of 320
    colours = (LEFT, RIGHT, MIDDLE)
    marks = [where(panel(sheet, 0, 2), colour) for colour in colours]
    marks = np.concatenate(marks)
    assert len(marks) > 20
    np.testing.assert_allclose(marks.mean(0), (84.5, 84.5), atol=1)


def test_a_real_video_with_its_skeleton(shared, tmp_path):
    """NTU RGB+D: what moves in the picture is where the skeleton is."""
    lines = iter(
        (shared / 'samples/ntu/S001C001P001R001A001.skeleton')
        .read_text()
        .splitlines()
    )
    total = int(next(lines))
    keypoint, score = np.zeros((1, total, 25, 2)), np.zeros((1, total, 25))
    for frame in range(total):
        assert int(next(lines)) == 1  # body
        next(lines)
        for joint in range(int(next(lines))):
            keypoint[0, frame, joint] = next(lines).split()[5:7]
            score[0, frame, joint] = 1
    write_poses(tmp_path / 'a.npz', keypoint, score)
    record = dict(
        filename='S001C001P001R001A001_rgb.avi',
        pose_file='a.npz',
        label=0,
        total_frames=total,
        img_shape=[1080, 1920],
    )
    write_annotations(tmp_path / 'list.jsonl', [record])
    config = 'integralaction_r18-r18_4xb8-8x8x1-8x8x1-20e_ntu60-xsub.py'
    options = [
        f'val_dataloader.dataset.{key}={value}'
        for key, value in dict(
            data_root=tmp_path,
            ann_file='list.jsonl',
            layout='ntu25',
        ).items()
    ]
    options += [
        f'val_dataloader.dataset.data_prefix.video={shared}/samples/ntu'
    ]
    options += ['val_dataloader.dataset.data_prefix.pose=']
    config = browse_dataset.read_config(str(CONFIGS / config), options)
    dataset = browse_dataset.build_dataset(config, 'val')
    clip = browse_dataset.make_clip(dataset[0], dataset, None, 0)
    moving = np.ptp(clip.frames.astype(int).mean(-1), axis=0) > 60
    moving = np.argwhere(moving)[:, ::-1] / 224  # x, y
    seen = clip.pose[..., 2] > 0
    low, high = clip.pose[seen][:, :2].min(0), clip.pose[seen][:, :2].max(0)
    assert len(moving) > 200
    # the person takes up less than a tenth of the picture
    assert np.prod(high - low) < 0.1
    inside = ((moving > low - 0.02) & (moving < high + 0.02)).all(-1)
    assert inside.mean() > 0.9
