"""The authors' checkpoint gives the authors' numbers."""

import importlib.util
import json
import os
import pickle
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import release
import torch
from conftest import CONFIGS, ROOT, SHARED
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config

from integral_action.apis import load_model

SCRIPT = ROOT / 'tools' / 'model_converters' / 'release_to_integral_action.py'
RELEASE = CONFIGS / 'release'
APPEARANCE = (
    'integralaction-release-appearance_imagenet-pretrained-r{}_'
    '4xb8-8x8x1-30e_kinetics50-rgb.py'
)
POSE = (
    'integralaction-release-pose_imagenet-pretrained-r18_'
    '4xb8-{}x1-30e_kinetics50-keypoint.py'
)
FUSED = (
    'integralaction-release_r{}-r18_'
    '4xb8-8x8x1-{}x1-30e_kinetics50-rgb-keypoint.py'
)
MODES = {
    'appearance_only': RELEASE / APPEARANCE.format(18),
    'pose_only': RELEASE / POSE.format('8x8'),
    'integral': RELEASE / FUSED.format(18, '8x8'),
}


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('release_tool', SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules['release_tool'] = module  # dataclasses look it up
    spec.loader.exec_module(module)
    yield module
    del sys.modules['release_tool']


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
def converted(tool, snapshot, folder):
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
    size = np.float32(model.data_preprocessor.size[0])
    pose = np.concatenate([(keypoint + 0.5) / size, score[..., None]], -1)
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
    # tests/test_pose_maps.py has all of them, where ../shared is there
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
    state = release.state_dict()
    video = torch.from_numpy(release.video(7, 2, 8))
    maps = release.maps(*release.poses(7, 2, 8))
    with torch.no_grad():
        for mode, inputs in (
            ('appearance_only', (video, None)),
            ('pose_only', (None, maps)),
            ('integral', (video, maps)),
        ):
            logits, gate = release.forward(state, *inputs)
            with np.load(shared / 'reference' / f'{mode}_r18.npz') as file:
                np.testing.assert_allclose(
                    logits, file['frame_logits'], rtol=0, atol=1e-5
                )
                if gate is not None:
                    np.testing.assert_allclose(
                        gate, file['mean_pose_gate'], rtol=0, atol=1e-6
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
    tool, tmp_path, config, shapes, pose_frames
):
    state = release.state_dict(**shapes)
    torch.save(release.snapshot(state), tmp_path / 'in.pth')
    arguments = [str(tmp_path / 'in.pth'), str(tmp_path / 'out.pth')]
    assert tool.main([*arguments, '--config', str(RELEASE / config)]) == 0
    model = load_model(tmp_path / 'out.pth')

    video = release.video(11, 1, 8)
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


def test_ntu_and_resnet34_without_a_config(tool, tmp_path, capsys):
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
    video = release.video(3, 1, 8)
    maps = torch.rand(1, 8, 73, 56, 56)
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


def test_each_weight_of_ours_has_a_name_of_its_own(tool):
    for config in MODES.values():
        model = MODELS.build(Config.fromfile(config).model)
        names = [tool.release_name(name) for name in model.state_dict()]
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
        assert tool.release_name(ours) == theirs
    with pytest.raises(ValueError, match='no neck.fc.weight'):
        tool.release_name('neck.fc.weight')


def test_every_entry_is_used_or_named(tool, snapshot, tmp_path, capsys):
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
        assert named == {n for n in release.shapes() if n.startswith(parts)}


def counted(**parts):
    """A state whose batch norms have counted steps, by part."""
    state = release.state_dict()
    for name in state:
        if name.endswith('num_batches_tracked'):
            part, first = name.split('.')[:2]
            steps = parts.get(f'{part}_{first}', parts.get(part, 0))
            state[name] = torch.tensor(steps)
    return state


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
def test_counters_of_steps_tell_the_stage(tool, state, streams, frames):
    found = tool.describe(counted(**state | NO_STEM))
    assert (found.streams, found.pose_frames) == (streams, frames)


def test_counters_that_contradict_each_other_tell_nothing(tool):
    state = counted()
    for i, name in enumerate(state):
        if name.endswith('num_batches_tracked'):
            state[name] = torch.tensor(i % 3)
    assert tool.describe(state).streams == ['appearance', 'pose']


def test_file_of_another_stage_is_known_by_its_counters(tool):
    state = counted(img_backbone=500)
    with pytest.raises(ValueError, match='pose_backbone never took part'):
        tool.describe(state, ['pose'])
    with pytest.raises(ValueError, match='pose_backbone, aggregator never'):
        tool.describe(state, ['appearance', 'pose'])


def drop(state, *prefixes):
    return {k: v for k, v in state.items() if not k.startswith(prefixes)}


class RunsCode:
    def __reduce__(self):
        return os.system, ('touch ran',)


def swapped(state):
    other = dict(img_backbone='pose_backbone', pose_backbone='img_backbone')
    return {
        '.'.join([other.get(part, part), rest]): value
        for (part, rest), value in (
            (name.split('.', 1), value) for name, value in state.items()
        )
    }


state = release.state_dict
# kind -> (makes what is saved, config, what the error must tell)
WRONG_FILES = {
    'not a checkpoint': (
        lambda: b'epoch,loss\n1,0.5\n',
        None,
        'not a checkpoint',
    ),
    'empty file': (lambda: b'', None, 'not a checkpoint'),
    'truncated': (lambda: 'half', None, 'not a checkpoint'),
    'html': (
        lambda: (
            b'\n<!DOCTYPE html><html><head><title>Google Drive - Quota '
            b'exceeded</title></head></html>'
        ),
        None,
        'a web page',
    ),
    'classes': (
        lambda: state(num_classes=60),
        MODES['integral'],
        'cls_head.num_classes should be 60, but is 50',
    ),
    'classes that contradict': (
        lambda: state() | {'classifier.fc.0.bias': torch.zeros(51)},
        None,
        'classifier.fc.0.bias ([51], expected [50])',
    ),
    'missing stream': (
        lambda: drop(state(), 'pose_backbone.'),
        None,
        'lacks the pose stream (pose_backbone.*)',
    ),
    'missing stream for config': (
        lambda: drop(state(), 'pose_backbone.', 'pose2feat.', 'aggregator.'),
        MODES['integral'],
        'lacks the pose stream',
    ),
    'swapped streams': (
        lambda: swapped(state(appearance=50)),
        None,
        'changed places',
    ),
    'stage of another config': (
        lambda: state(appearance=50, classifier=512),
        RELEASE / APPEARANCE.format(50),
        'classifier.fc.0.weight ([50, 512], expected [50, 2048])',
    ),
    'appearance stage as fused': (
        lambda: state(appearance=50, classifier=2048),
        RELEASE / FUSED.format(50, '8x8'),
        'classifier.fc.0.weight ([50, 2048], expected [50, 512])',
    ),
    'untrained stage': (
        lambda: counted(img_backbone=500),
        MODES['pose_only'],
        'never took part in a training',
    ),
    'extra': (
        lambda: state() | {'img_backbone.fc.weight': torch.zeros(1000, 512)},
        None,
        'has what the model has not: img_backbone.fc.weight',
    ),
    'missing': (
        lambda: drop(state(), 'img_backbone.layer4.1.bn2.bias'),
        None,
        'lacks img_backbone.layer4.1.bn2.bias',
    ),
    'no bias to fold': (
        lambda: drop(state(), 'pose2feat.conv.0.bias'),
        None,
        'lacks pose2feat.conv.0.bias',
    ),
    'missing blocks': (
        lambda: drop(state(), 'img_backbone.layer4.1.'),
        None,
        'img_backbone has (2, 2, 2, 1) blocks',
    ),
    'no classifier': (
        lambda: drop(state(), 'classifier.'),
        None,
        'lacks classifier.fc.0.weight',
    ),
    'off by one': (
        lambda: (
            state()
            | {
                'img_backbone.layer3.1.conv2.weight': torch.zeros(
                    256, 255, 3, 3
                )
            }
        ),
        None,
        'img_backbone.layer3.1.conv2.weight ([256, 255, 3, 3], '
        'expected [256, 256, 3, 3])',
    ),
    'depth': (
        lambda: state(appearance=34),
        MODES['integral'],
        'backbone.appearance.depth should be 34, but is 18',
    ),
    'config of the paper': (
        lambda: state(),
        CONFIGS / 'integralaction_r18-r18_4xb8-8x8x1-8x8x1-20e_'
        'kinetics50-rgb-keypoint.py',
        'average_frames should be score, but is None',
    ),
    'channels': (lambda: state(channels=55), None, 'takes 55 channels'),
    'runs code': (lambda: pickle.dumps(RunsCode()), None, 'not a checkpoint'),
    'runs code in a checkpoint': (
        lambda: {'network': state(), 'epoch': RunsCode()},
        None,
        'not a checkpoint',
    ),
    'empty state dict': (lambda: {}, None, 'holds no weights'),
    'empty network': (
        lambda: {'network': {}, 'epoch': 29},
        None,
        'no weights',
    ),
    'no weights': (lambda: {'network': {'a': 1}}, None, 'not weights: a'),
    'another model': (
        lambda: {'conv1.weight': torch.zeros(1)},
        None,
        "none of the release's streams",
    ),
    'ours': (
        lambda: {'meta': {}, 'state_dict': {'a': torch.zeros(1)}},
        None,
        'not of the release',
    ),
}


@pytest.mark.parametrize('kind', WRONG_FILES)
def test_wrong_file(tool, tmp_path, monkeypatch, capfd, kind):
    monkeypatch.chdir(tmp_path)
    make, config, message = WRONG_FILES[kind]
    content, source = make(), Path('in.pth')
    if content == 'half':
        torch.save(release.snapshot(release.state_dict()), source)
        data = source.read_bytes()
        content = data[: len(data) // 2]
    if isinstance(content, bytes):
        source.write_bytes(content)
    else:
        torch.save(content, source)
    capfd.readouterr()
    arguments = ['in.pth', 'out/out.pth']
    if config:
        arguments += ['--config', str(config)]
    assert tool.main(arguments) == 1
    error = capfd.readouterr().err
    assert error.startswith('error: in.pth') and error.count('\n') == 1
    assert message in error
    assert [path.name for path in tmp_path.rglob('*')] == ['in.pth']


def test_wrong_arguments(tool, snapshot, tmp_path, capsys):
    for arguments, message in (
        (['missing.pth', 'o.pth'], 'missing.pth: there is no such file'),
        ([str(snapshot), str(snapshot)], 'OUT is IN'),
        ([str(snapshot), str(tmp_path), '--config', 'no.py'], 'no.py'),
    ):
        assert tool.main(arguments) == 1
        error = capsys.readouterr().err
        assert message in error and error.count('\n') == 1
    with pytest.raises(SystemExit) as exit:
        tool.main([])
    assert exit.value.code == 2


def test_status_of_the_command(tmp_path):
    (tmp_path / 'in.pth').write_bytes(b'<html>sorry</html>')
    result = subprocess.run(
        [sys.executable, SCRIPT, 'in.pth', 'out.pth'],
        cwd=tmp_path,
        text=True,
        capture_output=True,
        env=os.environ | {'PYTHONWARNINGS': 'ignore'},
    )
    assert result.returncode == 1 and result.stdout == ''
    assert result.stderr == (
        'error: in.pth: not a checkpoint: it is a web page\n'
    )
    assert not (tmp_path / 'out.pth').exists()


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
    inputs = (*release.poses(5, 1, 8), release.video(5, 1, 8))
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
