"""Which poses belong to which video."""

from integral_action.apis.videos import list_inputs


def test_names_with_dots_have_poses_of_their_own(tmp_path):
    """clip.v2.mp4 is not clip.mp4."""
    for name in ('clip.mp4', 'clip.v2.mp4', 'a.b/clip.v2.mp4'):
        (tmp_path / 'videos' / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / 'videos' / name).touch()
    poses = tmp_path / 'poses'
    poses.mkdir()
    folder = list_inputs(tmp_path / 'videos', poses)
    assert [
        (one.poses.relative_to(poses).as_posix(), one.out.as_posix())
        for one in folder
    ] == [
        ('a.b/clip.v2.npz', 'a.b/clip.v2'),
        ('clip.npz', 'clip'),
        ('clip.v2.npz', 'clip.v2'),
    ]
    files = [
        tmp_path / 'videos' / name for name in ('clip.mp4', 'clip.v2.mp4')
    ]
    assert [one.poses.name for one in list_inputs(files, poses)] == [
        'clip.npz',
        'clip.v2.npz',
    ]
