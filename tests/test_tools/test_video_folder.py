"""Lists of one's own videos: tools/dataset_converters/video_folder.py."""

import sys

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(ROOT / 'tools' / 'dataset_converters'))
import video_folder


def names_of(counts):
    return [f'{c}/{i:02d}.mp4' for c, n in counts.items() for i in range(n)]


@given(
    st.dictionaries(st.sampled_from('abcde'), st.integers(2, 30), min_size=1),
    st.floats(0.01, 0.99),
    st.integers(0, 5),
)
def test_each_class_is_split_and_nothing_is_lost(counts, share, seed):
    names = names_of(counts)
    lists = video_folder.split_videos(names, share, seed)
    assert sorted(lists['train'] + lists['test']) == sorted(names)
    assert lists == video_folder.split_videos(names[::-1], share, seed)
    for label, number in counts.items():
        test = sum(name.startswith(f'{label}/') for name in lists['test'])
        assert test == min(max(1, int(share * number)), number - 1)


def test_another_class_does_not_change_a_split():
    alone = video_folder.split_videos(names_of(dict(b=9)), 0.3, 0)['test']
    both = video_folder.split_videos(names_of(dict(a=5, b=9)), 0.3, 0)['test']
    assert alone == [name for name in both if name.startswith('b')]
    other = video_folder.split_videos(names_of(dict(b=9)), 0.3, 1)['test']
    assert alone != other


def test_groups_stay_together():
    names = [f'a/film{f}_{i}.mp4' for f in range(6) for i in range(4)]
    lists = video_folder.split_videos(names, 0.34, 0, r'(.*)_\d+')
    films = {
        split: {name.split('_')[0] for name in members}
        for split, members in lists.items()
    }
    assert not films['train'] & films['test']
    assert len(films['test']) == 2 and len(lists['test']) == 8
    with pytest.raises(ValueError, match="'x' is not found in a/film0_0.mp4"):
        video_folder.split_videos(names, 0.3, 0, 'x')
    with pytest.raises(ValueError, match="class 'a' has one group alone"):
        video_folder.split_videos(names, 0.3, 0, 'film')


def test_what_is_written(tmp_path, capsys):
    videos = tmp_path / 'videos'
    for name in ('jump rope/b/1.mp4', 'jump rope/2.AVI', 'golf/1.mp4'):
        (videos / name).parent.mkdir(parents=True, exist_ok=True)
        (videos / name).write_bytes(b'')
    (videos / 'golf' / 'notes.txt').write_text('no video')
    out = tmp_path / 'out'
    arguments = [str(videos), str(out), '--test-share', '0.5']
    assert video_folder.main(arguments) == 1
    assert capsys.readouterr().err == (
        "error: class 'golf' has one video alone, which cannot be split\n"
    )
    (videos / 'golf' / '2.mp4').write_bytes(b'')
    assert video_folder.main(arguments) == 0
    assert (out / 'classes.txt').read_text() == 'golf\njump rope\n'
    lines = (out / 'train.txt').read_text().splitlines()
    lines += (out / 'test.txt').read_text().splitlines()
    assert sorted(lines) == [
        'golf/1.mp4 0',
        'golf/2.mp4 0',
        'jump rope/2.AVI 1',
        'jump rope/b/1.mp4 1',
    ]
    assert (out / 'videos' / 'golf' / '1.mp4').exists()
    for wrong, message in (
        ([str(tmp_path / 'videos' / 'golf'), str(out)], 'no videos in'),
        ([*arguments[:2], '--test-share', '1'], 'not between 0 and 1'),
        ([*arguments, '--group', '('], 'error: '),
    ):
        assert video_folder.main(wrong) == 1
        error = capsys.readouterr().err
        assert message in error and error.count('\n') == 1


def test_the_group_that_fits_best_is_the_test(tmp_path):
    """Not the one that a draw puts first."""
    names = [
        f'a/{f}_{i}.mp4' for f, n in zip('xyz', (40, 6, 2)) for i in range(n)
    ]
    for seed in range(6):
        lists = video_folder.split_videos(names, 0.2, seed, r'/(.)_')
        assert len(lists['test']) in (6, 8)


def test_videos_that_would_share_a_pose_file_are_named(tmp_path, capsys):
    for name in ('a/1.mp4', 'a/1.avi'):
        (tmp_path / 'v' / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / 'v' / name).write_bytes(b'')
    assert video_folder.main([str(tmp_path / 'v'), str(tmp_path / 'o')]) == 1
    assert 'a/1.avi and a/1.mp4 differ in their' in capsys.readouterr().err


def test_lists_are_not_written_among_the_videos(tmp_path, capsys):
    """Their link would make the folder a part of itself."""
    videos = tmp_path / 'videos'
    for name in ('a/1.mp4', 'a/2.mp4', '.hidden/1.mp4'):
        (videos / name).parent.mkdir(parents=True, exist_ok=True)
        (videos / name).write_bytes(b'')
    for out in (videos, videos / 'lists'):
        assert video_folder.main([str(videos), str(out)]) == 1
        assert 'is inside the folder of videos' in capsys.readouterr().err
    (videos / 'a' / 'loop').symlink_to(videos)
    found, _ = video_folder.split_files(videos)
    assert found == ['a/1.mp4', 'a/2.mp4']


def test_what_is_no_video_is_named(tmp_path, capsys, make_video):
    """A film is told by its content, whatever its ending."""
    film = make_video(np.zeros((3, 24, 32, 3), np.uint8), codec='MJPG')
    videos = tmp_path / 'videos'
    for name in ('golf/1.mts', 'golf/2.xyz', 'run/1.MP4', 'run/2.mp4'):
        (videos / name).parent.mkdir(parents=True, exist_ok=True)
        (videos / name).write_bytes(film.read_bytes())
    (videos / 'jump').mkdir()
    for name in ('jump/1.xyz', 'golf/notes.txt'):
        (videos / name).write_text('no film')
    assert video_folder.main([str(videos), str(tmp_path / 'out')]) == 0
    printed = capsys.readouterr().out
    assert (
        'left out, no videos: 2 (golf/notes.txt, jump/1.xyz)\n'
        'left out, folders without a video: jump\n'
    ) in printed
    classes = (tmp_path / 'out' / 'classes.txt').read_text()
    assert classes == 'golf\nrun\n'
