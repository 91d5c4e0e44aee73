import io
import json
import pickle
import zipfile
from collections import defaultdict

import numpy as np
import pytest
from mmaction.registry import DATASETS

from integral_action.datasets.transforms import DecodeTwoStream
from integral_action.fileio import (
    SampleError,
    load_pickle,
    read_annotations,
    write_annotations,
)
from integral_action.pose.files import read_poses, write_poses

SAMPLE = [
    dict(
        type='SampleTwoStreamFrames',
        clip_len=dict(RGB=2, Pose=2),
        frame_interval=dict(RGB=1, Pose=1),
    )
]
POSE_ONLY = [
    dict(
        type='SampleTwoStreamFrames',
        clip_len=dict(Pose=2),
        frame_interval=dict(Pose=1),
    ),
    dict(type='DecodeTwoStream'),
]


@pytest.fixture
def folder(tmp_path, make_video):
    """Three videos and their poses."""
    records = []
    for i in range(3):
        frames = np.zeros((4, 16, 16, 3), np.uint8)
        make_video(frames, f'{i}.avi')
        write_poses(
            tmp_path / f'{i}.npz',
            np.full((1, 4, 18, 2), 5),
            np.ones((1, 4, 18)),
        )
        records.append(
            dict(
                filename=f'{i}.avi',
                pose_file=f'{i}.npz',
                label=i,
                total_frames=4,
                img_shape=[16, 16],
            )
        )
    write_annotations(tmp_path / 'list.jsonl', records)
    return tmp_path, records


def build(folder, pipeline=SAMPLE, ann_file='list.jsonl', **kwargs):
    return DATASETS.build(
        dict(
            type='VideoPoseDataset',
            data_root=str(folder),
            ann_file=ann_file,
            pipeline=pipeline,
            **kwargs,
        )
    )


def test_a_list_of_videos(folder):
    path, _ = folder
    dataset = build(path, num_classes=3)
    assert len(dataset) == 3
    info = dataset.get_data_info(2)
    assert info['filename'] == str(path / '2.avi')
    assert info['pose_file'] == str(path / '2.npz')
    assert info['img_shape'] == (16, 16) and info['label'] == 2
    assert info['keypoint_layout'] == 'openpose18'
    assert dataset[1]['RGB_inds'].shape == (2,)


@pytest.mark.parametrize(
    'key, value, message',
    [
        ('label', 3, r'label is 3, expected a whole number from 0 to 2'),
        ('label', -1, r'label is -1'),
        ('label', 'jump', r"label is 'jump'"),
        ('total_frames', 0, r'total_frames is 0'),
        ('img_shape', [1, 2, 3], r'img_shape is \[1, 2, 3\]'),
        ('img_shape', [0, 9], r'img_shape is \[0, 9\]'),
        ('img_shape', 240, r'img_shape is 240'),
        ('pose_file', None, r'pose_file is None, expected a path'),
    ],
)
def test_broken_annotations_are_named(folder, key, value, message):
    path, records = folder
    records[1][key] = value
    write_annotations(path / 'list.jsonl', records)
    with pytest.raises(
        ValueError, match=r'list.jsonl, video 2 \(1.avi\): ' + message
    ):
        build(path, num_classes=3)


def test_the_pose_stream_alone_needs_the_pictures_size(folder):
    path, records = folder
    del records[2]['img_shape']
    write_annotations(path / 'list.jsonl', records)
    assert len(build(path)) == 3
    with pytest.raises(ValueError, match=r'video 3 .*img_shape is None'):
        build(path, POSE_ONLY)


def test_an_empty_list_is_an_error(folder):
    path, _ = folder
    write_annotations(path / 'list.jsonl', [])
    with pytest.raises(ValueError, match='list.jsonl: no videos'):
        build(path)


def test_one_prefix_leaves_the_other_at_the_root(folder):
    path, _ = folder
    info = build(path, data_prefix=dict(video='')).get_data_info(0)
    assert info['pose_file'] == str(path / '0.npz')


def test_missing_files_are_counted_and_named_at_the_start(folder):
    path, _ = folder
    (path / '1.avi').unlink()
    with pytest.raises(
        FileNotFoundError,
        match=r'list.jsonl: 1 of 3 files named by "filename" .*1.avi',
    ):
        build(path)
    # the pose stream alone does not need the videos
    assert len(build(path, POSE_ONLY)) == 3
    (path / '2.npz').unlink()
    with pytest.raises(FileNotFoundError, match=r'"pose_file".*2.npz'):
        build(path, POSE_ONLY)


def test_a_bad_sample_is_reported_and_counted_in_training(folder):
    path, _ = folder
    (path / '1.npz').write_bytes(b'no poses')
    with pytest.raises(SampleError, match='1.npz'):
        build(path, POSE_ONLY)[1]
    dataset = build(path, POSE_ONLY, max_bad_samples=99)
    assert dataset[1]['filename'] == str(path / '2.avi')  # the next one
    assert dataset.num_bad_samples == 1
    dataset = build(path, POSE_ONLY, max_bad_samples=1)
    dataset[1]
    with pytest.raises(SampleError, match=r'2 \(max_bad_samples=1\): .*1.npz'):
        dataset[1]
    with pytest.raises(SampleError, match='1.npz'):
        build(path, POSE_ONLY, max_bad_samples=9, test_mode=True)[1]


def test_short_videos_are_left_out(folder):
    root, records = folder
    for record, frames in zip(records, (4, 3, 2)):
        record['total_frames'] = frames
    write_annotations(root / 'list.jsonl', records)
    for least, labels in ((2, [0, 1, 2]), (3, [0, 1]), (4, [0])):
        data = build(root, filter_cfg=dict(min_frames=least))
        kept = [data.get_data_info(i)['label'] for i in range(len(data))]
        assert kept == labels
    with pytest.raises(ValueError, match='3 of 3 videos have fewer than 5'):
        build(root, filter_cfg=dict(min_frames=5))
    with pytest.raises(ValueError, match='min_frame.*expected min_frames'):
        build(root, filter_cfg=dict(min_frame=5))


def test_rare_classes_are_repeated(folder):
    path, records = folder
    records[1]['label'] = 0
    write_annotations(path / 'list.jsonl', records)
    dataset = dict(type='ClassBalancedDataset', oversample_thr=0.5)
    dataset = DATASETS.build(dict(dataset, dataset=build(path)))
    # two thirds of the videos are of class 0: above the half. One third is
    # of class 2: ceil(sqrt(0.5 / (1 / 3))) = 2
    assert dataset.repeat_indices == [0, 1, 2, 2]


def test_unknown_layout_prefix_and_file_kind(folder):
    path, _ = folder
    with pytest.raises(ValueError, match="'openpose19'"):
        build(path, layout='openpose19')
    with pytest.raises(ValueError, match="'videos'"):
        build(path, data_prefix=dict(videos='x'))
    (path / 'list.txt').write_text('a 1')
    with pytest.raises(ValueError, match="list.txt.*'.txt'"):
        build(path, ann_file='list.txt')
    good = (path / 'list.jsonl').read_text().splitlines()[0]
    (path / 'bad.jsonl').write_text(f'{good}\n\n{{"a"')
    with pytest.raises(ValueError, match='bad.jsonl, line 3: not JSON'):
        build(path, ann_file='bad.jsonl')


def test_mmaction2s_pickle_with_its_splits(folder):
    path, _ = folder
    annotations = [
        dict(
            frame_dir=f'{i}',
            label=i,
            total_frames=4,
            img_shape=(16, 16),
            original_shape=(16, 16),
            keypoint=np.full((1, 4, 17, 2), i, np.float16),
            keypoint_score=np.ones((1, 4, 17), np.float16),
        )
        for i in range(3)
    ]
    content = dict(split=dict(train=['0', '2']), annotations=annotations)
    (path / 'list.pkl').write_bytes(pickle.dumps(content))
    options = dict(ann_file='list.pkl', layout='coco17', video_suffix='.avi')
    dataset = build(path, split='train', **options)
    assert [dataset.get_data_info(i)['label'] for i in range(2)] == [0, 2]
    assert dataset.get_data_info(1)['filename'] == str(path / '2.avi')
    sample = build(path, POSE_ONLY, split='train', **options)[1]
    assert sample['keypoint'].dtype == np.float32
    assert (sample['keypoint'] == 2.5).all()
    with pytest.raises(ValueError, match=r"no split 'val'.*\['train'\]"):
        build(path, split='val', **options)


class Evil:
    def __reduce__(self):
        import os

        return os.system, ('touch evil',)


def test_a_pickle_that_would_run_code_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'evil.pkl'
    path.write_bytes(pickle.dumps([Evil()]))
    with pytest.raises(ValueError, match=r'evil.pkl.*(posix|nt).system'):
        load_pickle(path)
    assert not (tmp_path / 'evil').exists()
    path.write_bytes(pickle.dumps([1, 2])[:-3])
    with pytest.raises(ValueError, match='evil.pkl: cannot be read'):
        load_pickle(path)


def test_pickled_tensors_are_read(tmp_path):
    import torch

    path = tmp_path / 'dump.pkl'
    value = [dict(pred_score=torch.arange(3.0), gate=torch.ones(2, 2)[0])]
    path.write_bytes(pickle.dumps(value))
    loaded = load_pickle(path)
    assert torch.equal(loaded[0]['pred_score'], torch.arange(3.0))
    assert torch.equal(loaded[0]['gate'], torch.ones(2))


def test_json_list(folder):
    path, records = folder
    (path / 'list.json').write_text(json.dumps(records))
    assert read_annotations(path / 'list.json') == records
    assert len(build(path, ann_file='list.json')) == 3


def test_mmaction2s_own_sample(shared):
    """A pickle that MMAction2's users have: 100 videos of Kinetics400."""
    path = shared / 'samples' / 'pickles' / 'mmaction2_sample.pkl'
    records = read_annotations(path, 'train')
    assert len(records) == 100
    assert records[0]['frame_dir'] == 'jf7RDuUTrsQ'
    assert (records[0]['label'], records[0]['total_frames']) == (325, 300)


def test_a_list_of_json_lines_stays_on_the_disk(folder):
    """However long, a worker gets the places of its lines alone."""
    path, records = folder
    long = [dict(record, note='x' * 5000) for record in records]
    sizes = []
    for name, content in (('short.jsonl', records), ('long.jsonl', long)):
        write_annotations(path / name, content)
        dataset = build(path, ann_file=name)
        sizes.append(len(pickle.dumps(dataset)))
        assert [
            dataset.get_data_info(i)['label'] for i in range(len(dataset))
        ] == [record['label'] for record in records]
        subset = dataset.get_subset([1, 0])
        assert [subset.get_data_info(i)['label'] for i in (0, 1)] == [
            records[1]['label'],
            records[0]['label'],
        ]
    assert abs(sizes[0] - sizes[1]) < 100


@pytest.mark.parametrize('seed', range(40))
def test_a_damaged_pose_file_is_a_value_error(tmp_path, seed):
    """Whatever the damage does to zip and zlib."""
    path = tmp_path / 'a.npz'
    draw = np.random.RandomState(seed)
    write_poses(path, draw.rand(2, 30, 18, 2), draw.rand(2, 30, 18))
    data = bytearray(path.read_bytes())
    for place in draw.randint(0, len(data), 3):
        data[place] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ValueError, match='a.npz'):
        read_poses(path)


def test_a_damaged_header_is_a_value_error(tmp_path):
    """Python's tokenizer reads it, and has an error of its own."""
    array = io.BytesIO()
    np.save(array, np.zeros((1, 4, 17, 2)))
    header = array.getvalue().replace(b'(1, 4, 17, 2)', b'(1, 4, 17, 2(')
    path = tmp_path / 'a.npz'
    with zipfile.ZipFile(path, 'w') as file:
        file.writestr('keypoint.npy', header)
        file.writestr('keypoint_score.npy', header)
    with pytest.raises(ValueError, match='a.npz: not a pose file'):
        read_poses(path)


def test_one_array_is_no_pose_file(tmp_path):
    path = tmp_path / 'a.npz'
    with open(path, 'wb') as file:
        np.save(file, np.zeros((1, 4, 17, 2)))
    with pytest.raises(ValueError, match='a.npz: .*one array alone'):
        read_poses(path)


def test_a_pickle_with_splits_needs_one(tmp_path):
    """Otherwise training would see the test videos."""
    path = tmp_path / 'list.pkl'
    content = dict(split=dict(val=[], train=['a']), annotations=[])
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError) as error:
        read_annotations(path)
    assert str(error.value) == (
        f'{path}: split is None, but there are the splits '
        "['train', 'val']: name one"
    )
    videos = [dict(frame_dir='a')]
    for content in (videos, dict(annotations=videos, split={})):
        path.write_bytes(pickle.dumps(content))
        assert read_annotations(path) == videos


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_of_every_protocol(tmp_path, protocol):
    """Plain containers and arrays, as numpy 1 and 2 and Python 2 name them."""
    content = dict(
        array=np.arange(6, dtype=np.float16).reshape(2, 3).T,
        names=np.array(['a', None], object),
        number=np.int64(3),
        lists=defaultdict(list, a=[1.5]),
        sets=[{1, 2}, frozenset('a')],
        raw=[b'', b'\xff\0', bytearray(b'ab')],
    )
    path = tmp_path / 'list.pkl'
    data = pickle.dumps(content, protocol)
    older = data
    if protocol < 4:  # its names have no length before them
        older = data.replace(b'numpy._core', b'numpy.core')
    for one in (data, older):
        path.write_bytes(one)
        assert repr(load_pickle(path)) == repr(content)


class Calls:
    """What a pickle asks to be called."""

    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    ('call', 'words'),
    [
        ((eval, ('1',)), 'it names builtins.eval'),
        ((defaultdict, (print,)), 'it names builtins.print'),
        ((bytearray, (10**12,)), 'bytearray of 1000000000000'),
        ((bytes, (10**12,)), 'bytes of 1000000000000'),
        ((np.load, ('a',)), 'it names numpy.load'),
    ],
)
def test_pickles_that_ask_for_more(tmp_path, call, words):
    path = tmp_path / 'list.pkl'
    path.write_bytes(pickle.dumps([Calls(*call)]))
    with pytest.raises(ValueError, match=f'list.pkl: .*{words}'):
        load_pickle(path)


@pytest.mark.parametrize(
    ('keypoint', 'words'),
    [
        (np.full((1, 4, 18, 2), 0.4), 'fractions or metres, not pixels'),
        (np.full((1, 4, 25, 3), 2.5), 'fractions or metres, not pixels'),
        (np.full((1, 4, 18, 3), -9), 'is it a 3D skeleton?'),
        (np.full((1, 4, 18, 3), 70), 'goes up to 70'),
    ],
)
def test_poses_that_are_no_pixels_are_refused(tmp_path, keypoint, words):
    layout = 'ntu25' if keypoint.shape[2] == 25 else 'openpose18'
    video = dict(
        filename='a.avi',
        label=0,
        total_frames=4,
        img_shape=(240, 320),
        keypoint=keypoint,
    )
    (tmp_path / 'list.pkl').write_bytes(pickle.dumps([video]))
    dataset = build(tmp_path, POSE_ONLY, 'list.pkl', layout=layout)
    with pytest.raises(SampleError) as error:
        dataset[0]
    assert f'{tmp_path}/a.avi: ' in str(error.value)
    assert words in str(error.value)


def test_scores_inside_a_list(tmp_path):
    """In a third column; or none, where persons are padded with zeros."""
    points = np.full((2, 4, 18, 2), 50.0)
    points[1] = 0
    column = np.full((2, 4, 18, 1), 0.5)
    video = dict(
        filename='a.avi', label=0, total_frames=4, img_shape=(240, 320)
    )
    for keypoint, score in (
        (points, 1),
        (np.concatenate([points, column], -1), 0.5),
    ):
        content = [dict(video, keypoint=keypoint)]
        (tmp_path / 'list.pkl').write_bytes(pickle.dumps(content))
        sample = build(tmp_path, POSE_ONLY, 'list.pkl')[0]
        assert sample['keypoint'].shape == (2, 2, 18, 2)
        assert (sample['keypoint_score'][0] == score).all()
        assert not sample['keypoint_score'][1].any()


def test_sides_that_are_exchanged_are_said(folder):
    """With the frames it is sure; the poses alone make it likely."""
    path, records = folder
    video = dict(records[0], img_shape=[320, 240])
    points = np.full((1, 4, 18, 2), 50.0)
    points[:, :, :9, 0] = 300
    write_poses(path / '0.npz', points, np.ones((1, 4, 18)))
    write_annotations(path / 'list.jsonl', [video])
    with pytest.warns(UserWarning, match=r'leave img_shape \[320, 240\]'):
        build(path, POSE_ONLY)[0]
    frames = np.zeros((4, 24, 32, 3), np.uint8)
    results = dict(
        filename='a.avi',
        imgs=list(frames),
        img_shape=(32, 24),
        keypoint=points,
    )
    with pytest.raises(SampleError, match=r'\[32, 24\], but its .*\[24, 32\]'):
        DecodeTwoStream._to_real_shape(results)


def test_annotations_that_are_no_videos(tmp_path):
    for records in ([1], 'text', {'a': 1}):
        content = dict(split=dict(train=[]), annotations=records)
        (tmp_path / 'list.pkl').write_bytes(pickle.dumps(content))
        with pytest.raises(ValueError, match='list.pkl: .*no videos'):
            read_annotations(tmp_path / 'list.pkl', 'train')


def test_names_of_classes(folder):
    """classes.txt of the converters, another file, or the config's own."""
    path, _ = folder
    assert 'classes' not in build(path).metainfo
    (path / 'classes.txt').write_text('run\nwalk\njump\n')
    assert build(path).metainfo['classes'] == ['run', 'walk', 'jump']
    assert build(path, num_classes=3).metainfo['classes'][2] == 'jump'
    given = build(path, metainfo=dict(classes=['a', 'b', 'c'], seen='x'))
    assert given.metainfo == dict(classes=['a', 'b', 'c'], seen='x')
    (path / 'other.txt').write_text('d\ne\nf\n')
    other = build(path, class_file='other.txt')
    assert other.metainfo['classes'] == ['d', 'e', 'f']
    # mmengine reads a file that metainfo names
    listed = build(path, metainfo=dict(classes=str(path / 'other.txt')))
    assert listed.metainfo['classes'] == ['d', 'e', 'f']


def test_wrong_names_of_classes(folder):
    path, _ = folder
    (path / 'classes.txt').write_text('run\nwalk\n')
    # of another set of labels, as Mimetics has two
    assert 'classes' not in build(path, num_classes=3).metainfo
    with pytest.raises(ValueError, match='list.jsonl: num_classes is 3, but'):
        build(path, class_file='classes.txt', num_classes=3)
    with pytest.raises(FileNotFoundError, match='no.txt'):
        build(path, class_file='no.txt')
    (path / 'classes.txt').write_text('run\nrun\n')
    with pytest.raises(ValueError, match="classes.txt: 'run' stands"):
        build(path)
