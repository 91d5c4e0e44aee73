"""The authors' checkpoint gives the authors' numbers."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
import release
import torch
from conftest import CONFIGS, ROOT, SHARED
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config

from integral_action.apis import IntegralActionInferencer, load_model

sys.path.insert(0, str(ROOT / 'tools' / 'model_converters'))
import release_stage
import release_to_integral_action as tool
import release_weights

SCRIPT = ROOT / 'tools' / 'model_converters' / 'release_to_integral_action.py'
RELEASE = CONFIGS / 'release'
APPEARANCE = (
    'integralaction-release-appearance_r{}_4xb8-8x8x1-30e_kinetics50.py'
)
POSE = 'integralaction-release-pose_r18_4xb8-{}x1-30e_kinetics50.py'
FUSED = 'integralaction-release_r{}-r18_4xb8-8x8x1-{}x1-30e_kinetics50.py'
MODES = {
    'appearance_only': RELEASE / APPEARANCE.format(18),
    'pose_only': RELEASE / POSE.format('8x8'),
    'integral': RELEASE / FUSED.format(18, '8x8'),
}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('release')


@pytest.fixture(scope='module')
def snapshot(folder):
    """The file that the release would have saved, drawn by the rule."""
    path = folder / 'snapshot_29.pth.tar'
    torch.save(release.snapshot(release.state_dict()), path)
    return path


@pytest.fixture(scope='module')
def converted(snapshot, folder):
    """The snapshot as a checkpoint of each of its stages."""
    paths = {}
    for mode, config in MODES.items():
        paths[mode] = folder / f'{mode}.pth'
        arguments = [str(snapshot), str(paths[mode]), '--config', str(config)]
        assert tool.main(arguments) == 0
    return paths


def outputs(model, keypoint, score, video):
    """Frames' logits, classes' probabilities, and gate, through test_step.

    Keypoints are given in cells of the maps, [N, T', M, K, 2].
    """
    size = np.float32(model.data_preprocessor.options.size[0])
    pose = np.concatenate([keypoint / size, score[..., None]], -1)
    inputs = {}
    if 'appearance' in model.backbone.streams:
        rgb = torch.from_numpy(video * 255).transpose(1, 2)
        inputs['imgs'] = list(rgb[:, None])
    if 'pose' in model.backbone.streams:
        inputs['pose'] = list(torch.from_numpy(pose)[:, None])
    samples = [ActionDataSample() for _ in range(len(video))]
    logits = []
    hook = model.cls_head.fc_cls.register_forward_hook(
        lambda *args: logits.append(args[2])
    )
    with torch.no_grad():
        samples = model.test_step(dict(inputs=inputs, data_samples=samples))
    hook.remove()
    gate = [sample.gate.mean() for sample in samples if 'gate' in sample]
    return (
        torch.cat(logits).numpy(),
        torch.stack([sample.pred_score for sample in samples]).numpy(),
        np.array(gate),
    )


@pytest.mark.parametrize('mode', MODES)
def test_outputs_are_those_recorded_from_the_release(converted, mode):
    recorded = {
        key: np.array(value) for key, value in release.RECORDED[mode].items()
    }
    every = 10  # classes that the project carries
    if SHARED.is_dir():
        with np.load(SHARED / 'reference' / f'{mode}_r18.npz') as file:
            recorded, every = dict(file), 1
    model = load_model(converted[mode])
    logits, probability, gate = outputs(
        model, *release.poses(7, 2, 8), release.video(7, 2, 8)
    )
    assert logits.shape == (2, 8, 50)
    np.testing.assert_allclose(
        logits[..., ::every], recorded['frame_logits'], rtol=0, atol=1e-3
    )
    np.testing.assert_allclose(
        probability[:, ::every],
        recorded['class_probability'],
        rtol=0,
        atol=1e-5,
    )
    if mode == 'integral':
        np.testing.assert_allclose(
            1 - gate, recorded['mean_pose_gate'], rtol=0, atol=1e-5
        )
    else:
        assert not len(gate)


def test_pose_maps_are_those_recorded_from_the_release():
    # tests/test_pose/test_maps.py has all of them, where ../shared is there
    maps = release.maps(*release.poses(7, 2, 8)).flatten(0, 1).numpy()
    recorded = release.RECORDED['pose_maps']
    *place, value = np.array(recorded['cells']).T
    place = tuple(index.astype(int) for index in place)
    np.testing.assert_allclose(maps[place], value, rtol=0, atol=1e-5)
    cells = (abs(maps) > 0.01).sum((0, 2, 3))
    assert cells.tolist() == recorded['above_a_hundredth']


def test_the_rule_and_the_names_are_the_references(shared):
    sys.path.append(str(shared / 'reference'))
    import drawn

    sys.path.remove(str(shared / 'reference'))
    for mode in MODES:
        keys = json.loads(
            (shared / 'reference' / f'{mode}_r18.keys.json').read_text()
        )
        assert {k: list(v) for k, v in release.shapes().items()} == keys
        assert list(release.shapes()) == list(keys)
    for name, shape in release.shapes().items():
        if shape:
            np.testing.assert_array_equal(
                release.parameter(name, shape), drawn.parameter(name, shape)
            )
    np.testing.assert_array_equal(release.video(3, 2, 4), drawn.video(3, 2, 4))
    for ours, theirs in zip(release.poses(3, 2, 4), drawn.poses(3, 2, 4)):
        np.testing.assert_array_equal(ours, theirs)


def test_the_forward_of_these_tests_is_the_releases(shared):
    """What stands in for the release below, where nothing is recorded."""
    # exact, so that no processor's rounding is in it but the recording's
    state = {k: v.double() for k, v in release.state_dict().items()}
    # the first of the two clips that are recorded
    video = torch.from_numpy(release.video(7, 2, 8)[:1]).double()
    maps = release.maps(*release.poses(7, 2, 8))[:1].double()
    with torch.no_grad():
        for mode, inputs, atol in (
            # recorded in float32, 1.06e-5 from the exact logits
            ('appearance_only', (video, None), 1.1e-5),
            ('pose_only', (None, maps), 1e-5),
            ('integral', (video, maps), 1e-5),
        ):
            logits, gate = release.forward(state, *inputs)
            with np.load(shared / 'reference' / f'{mode}_r18.npz') as file:
                np.testing.assert_allclose(
                    logits, file['frame_logits'][:1], rtol=0, atol=atol
                )
                if gate is not None:
                    np.testing.assert_allclose(
                        gate, file['mean_pose_gate'][:1], rtol=0, atol=1e-6
                    )


@pytest.mark.parametrize(
    'config, shapes, pose_frames',
    [
        (FUSED.format(50, '29x2'), dict(appearance=50), 29),
        (FUSED.format(50, '8x8'), dict(appearance=50), 8),
        (FUSED.format(18, '29x2'), {}, 29),
        (APPEARANCE.format(50), dict(appearance=50, classifier=2048), 8),
        (POSE.format('29x2'), dict(appearance=50), 29),
    ],
)
def test_outputs_are_the_releases_in_other_sizes(
    tmp_path, config, shapes, pose_frames
):
    state = release.state_dict(**shapes)
    torch.save(release.snapshot(state), tmp_path / 'in.pth')
    arguments = [str(tmp_path / 'in.pth'), str(tmp_path / 'out.pth')]
    assert tool.main([*arguments, '--config', str(RELEASE / config)]) == 0
    model = load_model(tmp_path / 'out.pth')

    video = release.video(11, 1, 8, size=96)
    keypoint, score = release.poses(11, 1, pose_frames)
    streams = model.backbone.streams
    with torch.no_grad():
        expected, expected_gate = release.forward(
            state,
            torch.from_numpy(video) if 'appearance' in streams else None,
            release.maps(keypoint, score) if 'pose' in streams else None,
        )
    logits, probability, gate = outputs(model, keypoint, score, video)
    # ResNet-50's logits span hundreds with these weights, others about ten
    atol = 1e-5 * (expected.max() - expected.min()).item()
    np.testing.assert_allclose(logits, expected, rtol=0, atol=atol)
    np.testing.assert_allclose(
        probability, expected.mean(1).softmax(1), rtol=0, atol=1e-5
    )
    if len(streams) == 2:
        np.testing.assert_allclose(1 - gate, expected_gate, atol=1e-6)


def clip_frames(length, count):
    """The frames of the release's clips, [count, 8]."""
    last = length - 1 - 7 * 8  # 8 frames, 8 apart
    starts = [int(last * i / (count - 1)) for i in range(count)]
    return [[start + 8 * i for i in range(8)] for start in starts]


def release_clips(frames, fraction, score, clips):
    """What the release's loader makes of a video.

    Args:
        frames: RGB [T, H, W, 3].
        fraction: keypoints [T, M, K, 2] as fractions of width and height.
        score: [T, M, K].
        clips: of :func:`clip_frames`.

    Returns:
        RGB in 0..1 [clips, 8, 3, 224, 224], and pose maps
        [clips, 8, K + 2B, 56, 56].
    """
    height, width = frames.shape[1:3]
    # the short side is 256
    if width > height:
        shape = (256, int(width / height * 256))
    else:
        shape = (int(height / width * 256), 256)
    top, left = shape[0] // 2 - 112, shape[1] // 2 - 112
    crops = np.stack(
        [cv2.resize(frame.astype(np.float32), shape[::-1]) for frame in frames]
    )[:, top : top + 224, left : left + 224]
    keypoint = (fraction * shape[::-1] - (left, top)) / 224 * 56
    return (
        crops[clips].transpose(0, 1, 4, 2, 3) / 255,
        release.maps(keypoint[clips].astype(np.float32), score[clips]),
    )


@pytest.mark.parametrize('size', [(480, 640), (426, 240)])
def test_a_whole_video_gets_the_releases_prediction(
    converted, make_video, size
):
    draw = np.random.RandomState(size[0])
    height, width = size
    cells = draw.randint(0, 256, (70, 6, 8, 3), np.uint8)
    frames = np.stack([cv2.resize(cell, (width, height)) for cell in cells])
    fraction = draw.uniform(-0.05, 1.05, (2, 70, 18, 2))
    score = draw.uniform(0.2, 1, (2, 70, 18)).astype(np.float32)
    infer = IntegralActionInferencer(str(converted['integral']), device='cpu')
    sample = infer.pipeline.transforms[0]
    inds = sample(dict(total_frames=70, start_index=0))['RGB_inds']
    assert inds.reshape(-1, 8).tolist() == clip_frames(70, 10)
    sample.num_clips = 2  # whose networks take a fifth of the time
    video, maps = release_clips(
        frames,
        fraction.swapaxes(0, 1),
        score.swapaxes(0, 1),
        clip_frames(70, 2),
    )
    with torch.no_grad():
        logits, gate = release.forward(
            release.state_dict(), torch.from_numpy(video), maps
        )
    found = infer(
        str(make_video(frames)),
        ((fraction * (width, height)).astype(np.float32), score),
    )['predictions'][0]
    expected = logits.mean(1).softmax(1).mean(0)
    np.testing.assert_allclose(found['rec_scores'], expected, atol=2e-5)
    assert 1 - found['gate']['mean'] == pytest.approx(
        gate.mean().item(), abs=1e-6
    )


def test_ntu_and_resnet34_without_a_config(tmp_path, capsys):
    """K + 2B, classes and depth come from the shapes."""
    state = release.state_dict(appearance=34, channels=73, num_classes=60)
    torch.save(state, tmp_path / 'in.pth')  # bare, and without 'module.'
    out = tmp_path / 'out.pth'
    assert tool.main([str(tmp_path / 'in.pth'), str(out)]) == 0
    assert 'appearance ResNet-34, pose ResNet-18, 73 pose' in (
        capsys.readouterr().out
    )
    model = load_model(out)
    assert model.data_preprocessor.layout.name == 'ntu25'
    assert model.cls_head.fc_cls.out_features == 60
    dataset = model.cfg.test_dataloader.dataset
    assert (dataset.layout, dataset.num_classes) == ('ntu25', 60)
    video = release.video(3, 1, 8, size=96)
    maps = torch.rand(1, 8, 73, 24, 24)
    inputs = dict(
        imgs=torch.from_numpy(video).transpose(1, 2),
        heatmap_imgs=maps.transpose(1, 2),
    )
    with torch.no_grad():
        expected, _ = release.forward(state, torch.from_numpy(video), maps)
        logits, _ = model.extract_feat(
            {name: value[:, None] for name, value in inputs.items()}, 'head'
        )
    np.testing.assert_allclose(logits, expected.mean(1), atol=1e-4)


def test_each_weight_of_ours_has_a_name_of_its_own():
    for config in MODES.values():
        model = MODELS.build(Config.fromfile(config).model)
        names = [
            release_weights.release_name(name) for name in model.state_dict()
        ]
        assert len(set(names)) == len(names)
        assert set(names) <= set(release.shapes())
    for ours, theirs in (
        ('cls_head.fc_cls.bias', 'classifier.fc.0.bias'),
        (
            'backbone.pose.layer1.0.conv1.conv.net.weight',
            'pose_backbone.layer1.0.conv1.weight',
        ),
        (
            'backbone.appearance.layer2.0.downsample.bn.running_var',
            'img_backbone.layer2.0.downsample.1.running_var',
        ),
        ('backbone.pose.conv1.bn.weight', 'pose2feat.conv.1.weight'),
        ('neck.tcb_pose.3.weight', 'aggregator.pose_norm.weight'),
        ('neck.tcb_pose.1.weight', 'aggregator.pose_conv.1.weight'),
    ):
        assert release_weights.release_name(ours) == theirs
    with pytest.raises(ValueError, match='no neck.fc.weight'):
        release_weights.release_name('neck.fc.weight')


def test_every_entry_is_used_or_named(snapshot, tmp_path, capsys):
    for mode, parts in (
        ('integral', ('pose_backbone.conv1.', 'pose_backbone.bn1.')),
        ('appearance_only', ('pose', 'aggregator.')),
        (
            'pose_only',
            ('img_', 'aggregator.', 'pose_backbone.conv1.', 'pose_backbone.b'),
        ),
    ):
        if mode == 'integral':
            parts += ('aggregator.pose_temporal_conv.',)
        config = str(MODES[mode])
        tool.main([str(snapshot), str(tmp_path / 'o'), '--config', config])
        named = {
            line.split()[-1]
            for line in capsys.readouterr().out.splitlines()
            if 'unused: ' in line
        }
        left = {n for n in release.shapes() if n.startswith(parts)}
        assert named == left | {'epoch', 'optimizer'}


TRAINED = dict(img_backbone=500, pose_backbone=700, aggregator=300)
NO_STEM = dict(pose_backbone_bn1=0)  # the release does not use it


@pytest.mark.parametrize(
    'state, streams, frames',
    [
        ({}, ['appearance', 'pose'], 8),
        (TRAINED, ['appearance', 'pose'], 29),
        (
            TRAINED | {'aggregator_pose_temporal_conv': 0},
            ['appearance', 'pose'],
            8,
        ),
        (dict(img_backbone=500), ['appearance'], None),
        (dict(pose_backbone=500), ['pose'], 8),
    ],
)
def test_counters_of_steps_tell_the_stage(state, streams, frames):
    found = release_stage.describe(release.counted(**state | NO_STEM))
    assert (found.streams, found.pose_frames) == (streams, frames)


def test_counters_that_contradict_each_other_tell_nothing():
    state = release.counted()
    for i, name in enumerate(state):
        if name.endswith('num_batches_tracked'):
            state[name] = torch.tensor(i % 3)
    assert release_stage.describe(state).streams == ['appearance', 'pose']


def test_file_of_another_stage_is_known_by_its_counters():
    state = release.counted(img_backbone=500)
    with pytest.raises(ValueError, match='pose_backbone never took part'):
        release_stage.describe(state, ['pose'])
    with pytest.raises(ValueError, match='pose_backbone, aggregator never'):
        release_stage.describe(state, ['appearance', 'pose'])


def test_fused_file_is_not_taken_for_one_stream():
    """Its classifier has as many inputs, but from another feature."""
    state = release.counted(**TRAINED | NO_STEM)
    for stream in ('appearance', 'pose'):
        with pytest.raises(ValueError, match='it is of the fused stage'):
            release_stage.describe(state, [stream])


def test_streams_that_changed_places_are_known_by_the_unused_stem():
    state = release.swapped(release.counted(**TRAINED | NO_STEM))
    with pytest.raises(ValueError, match='changed places'):
        release_stage.describe(state)


@pytest.mark.parametrize('number', [1, 100, -1])
def test_counters_that_are_all_the_same_tell_nothing(number):
    state = release.counted(
        img_backbone=number, pose_backbone=number, aggregator=number
    )
    found = release_stage.describe(state)
    assert (found.pose_frames, found.frames_counted) == (8, False)


def test_round_trip(converted, tmp_path):
    """Saved, published, loaded elsewhere: the same outputs, bit for bit."""
    publish = (
        Path(find_spec('mmaction').submodule_search_locations[0])
        / '.mim/tools/deployment/publish_model.py'
    )
    subprocess.run(
        [sys.executable, publish, converted['integral'], 'published.pth'],
        cwd=tmp_path,
        check=True,
    )
    (published,) = tmp_path.glob('published_*.pth')
    stripped = torch.load(published, weights_only=True)
    torch.save(
        {key: stripped[key] for key in ('meta', 'state_dict')},
        tmp_path / 'stripped.pth',
    )
    inputs = (*release.poses(5, 1, 8), release.video(5, 1, 8, size=96))
    np.savez(tmp_path / 'inputs.npz', *inputs)
    program = (
        'import numpy as np, torch\n'
        'from test_release_to_integral_action import load_model, outputs\n'
        'torch.set_num_threads(2)\n'
        'inputs = np.load("inputs.npz").values()\n'
        'model = load_model("stripped.pth")\n'
        'np.savez("outputs.npz", *outputs(model, *inputs))\n'
    )
    here = Path(__file__).parent
    subprocess.run(
        [sys.executable, '-c', program],
        cwd=tmp_path,
        check=True,
        env=os.environ | {'PYTHONPATH': f'{here}:{here.parent}'},
    )
    expected = outputs(load_model(converted['integral']), *inputs)
    with np.load(tmp_path / 'outputs.npz') as file:
        for found, value in zip(file.values(), expected):
            np.testing.assert_array_equal(found, value)
