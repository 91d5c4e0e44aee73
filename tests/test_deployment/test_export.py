"""Exported models compute what the model does, and say how to be run."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from conftest import CONFIGS, ROOT, SHARED, load_config, load_script
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope

from integral_action.apis import load_model
from integral_action.datasets.coco_results import read_coco_results
from integral_action.deployment import (
    DeployableRecognizer,
    export_onnx,
    export_program,
    load_program,
    read_onnx_metadata,
    verify,
)
from integral_action.deployment.metadata import describe
from integral_action.fileio import write_annotations
from integral_action.pose.files import write_poses

NAMES = dict(
    appearance='integralaction-appearance_r18w16_1xb16-8x2x1-60e_jhmdb8-split1',
    pose='integralaction-pose_r18w16_1xb16-8x2x1-60e_jhmdb8-split1',
    fused='integralaction_r18w16-r18w16_1xb16-8x2x1-20e_jhmdb8-split1',
)
CLASSES = [f'class {i}' for i in range(8)]

KINDS = tuple(NAMES)


def spread_scores(model, batches):
    """Random classes that tell these clips apart, as a training would."""
    with torch.no_grad():
        features = [
            model.extract_feat(
                model.data_preprocessor(
                    dict(inputs={k: list(v) for k, v in batch.items()})
                )['inputs']
            )[0]
            for batch in batches
        ]
        features = torch.cat(features).flatten(0, 1)  # [frames, C]
        mean, std = features.mean(0), features.std(0)
        layer = model.cls_head.fc_cls
        weight = torch.randn(layer.weight.shape) / std.clamp(min=1e-3)
        weight /= ((features - mean) @ weight.T).std()
        layer.weight.copy_(weight)
        layer.bias.copy_(-weight @ mean)


@pytest.fixture(scope='module')
def checkpoints(request, tmp_path_factory):
    """One of each kind, as a training writes them."""
    init_default_scope('mmaction')
    folder = tmp_path_factory.mktemp('checkpoints')
    paths = {}
    for kind, name in NAMES.items():
        cfg = load_config(CONFIGS / 'jhmdb' / f'{name}.py')
        torch.manual_seed(0)
        model = MODELS.build(cfg.model).eval()
        model.cfg = cfg
        deployable = DeployableRecognizer(model)
        batches = verify.noise(deployable, [2])
        if SHARED.is_dir():
            data = str(request.getfixturevalue('jhmdb'))
            batches = verify.real_clips(model, deployable, data, 8, [8])
        spread_scores(model, batches)
        paths[kind] = folder / f'{kind}.pth'
        torch.save(
            dict(
                meta=dict(
                    cfg=cfg.pretty_text, dataset_meta=dict(classes=CLASSES)
                ),
                state_dict=model.state_dict(),
            ),
            paths[kind],
        )
    return paths


@pytest.fixture(scope='module')
def jhmdb(tmp_path_factory):
    """Eight real clips with detections, as the config's test set."""
    if not SHARED.is_dir():
        pytest.skip('no ../shared')
    import decord

    out = tmp_path_factory.mktemp('jhmdb')
    samples = SHARED / 'samples' / 'jhmdb'
    (out / 'videos').symlink_to(samples / 'videos')
    records = []
    for label, folder in enumerate(sorted((samples / 'videos').iterdir())):
        video = sorted(folder.glob('*.avi'))[0]
        reader = decord.VideoReader(str(video))
        frames, (height, width) = len(reader), reader[0].shape[:2]
        poses = read_coco_results(
            samples / 'poses' / folder.name / f'{video.stem}.json', frames
        )
        write_poses(out / 'poses' / f'{video.stem}.npz', *poses)
        records.append(
            dict(
                filename=f'{folder.name}/{video.name}',
                pose_file=f'{video.stem}.npz',
                label=label,
                total_frames=frames,
                img_shape=[height, width],
            )
        )
    write_annotations(out / 'split1_test.jsonl', records)
    return out


sys.path.append(str(ROOT / 'tools' / 'deployment'))  # its scripts' own part


@pytest.fixture(scope='module')
def tool():
    return load_script(ROOT / 'tools' / 'deployment' / 'export_onnx.py')


@pytest.fixture(scope='module')
def exported(tool, checkpoints, tmp_path_factory):
    """Each model with keypoints, by the tool."""
    folder = tmp_path_factory.mktemp('exported')
    for kind, path in checkpoints.items():
        assert tool.main([str(path), str(folder / f'{kind}.onnx')]) == 0
    return {kind: folder / f'{kind}.onnx' for kind in checkpoints}


def run_onnx(path, inputs):
    session = onnxruntime.InferenceSession(
        str(path), providers=['CPUExecutionProvider']
    )
    return session.run(None, {k: v.numpy() for k, v in inputs.items()})


def assert_near(given, expected, atol):
    assert len(given) == len(expected)
    for one, other in zip(given, expected):
        one = torch.as_tensor(one)
        assert one.shape == other.shape
        torch.testing.assert_close(one, other, rtol=0, atol=atol)


@pytest.mark.parametrize('kind', KINDS)
def test_same_on_real_clips(kind, exported, checkpoints, jhmdb):
    model = load_model(checkpoints[kind])
    deployable = DeployableRecognizer(model)
    batches = list(verify.real_clips(model, deployable, str(jhmdb), 8))
    sizes = [len(next(iter(batch.values()))) for batch in batches]
    assert sizes == [1] * 8 + [3, 3, 2] + [8]
    predictions = [verify.predict(model, batch) for batch in batches]
    # the clips are told apart
    labels = {int(p[0].argmax()) for p in predictions[:8]}
    assert len(labels) > 1 and predictions[-1][0].std(0).max() > 0.05
    for batch, expected in zip(batches, predictions):
        assert_near(run_onnx(exported[kind], batch), expected, 1e-4)
    if kind == 'fused':
        assert expected[1].std() > 1e-4  # a gate that moves


def test_any_number_of_clips(exported, checkpoints):
    model = load_model(checkpoints['fused'])
    deployable = DeployableRecognizer(model)
    for batch, clips in ((1, 1), (2, 1), (1, 5)):
        inputs = deployable.example_inputs(batch, clips, seed=clips)
        given = run_onnx(exported['fused'], inputs)
        assert_near(given, verify.predict(model, inputs), 1e-4)
        assert given[1].shape == (batch, clips, 8)


def test_inputs_and_outputs_are_named(exported):
    session = onnxruntime.InferenceSession(str(exported['fused']))
    shapes = {i.name: (i.type, i.shape) for i in session.get_inputs()}
    assert shapes == dict(
        imgs=('tensor(uint8)', ['batch', 'clips', 3, 8, 112, 112]),
        pose=('tensor(float)', ['batch', 'clips', 8, 5, 17, 3]),
    )
    assert {o.name: o.shape for o in session.get_outputs()} == dict(
        scores=['batch', 8], gate=['batch', 'clips', 8]
    )
    for kind, names in (('appearance', ['imgs']), ('pose', ['pose'])):
        session = onnxruntime.InferenceSession(str(exported[kind]))
        assert [i.name for i in session.get_inputs()] == names
        assert [o.name for o in session.get_outputs()] == ['scores']


def test_metadata(exported, checkpoints):
    metadata = read_onnx_metadata(exported['fused'])
    assert metadata['classes'] == [f'class {i}' for i in range(8)]
    assert metadata['precision'] == 'fp32'
    assert metadata['keypoints']['layout'] == 'coco17'
    assert len(metadata['keypoints']['bones']) == 19
    assert metadata['normalization']['mean'] == pytest.approx(
        [123.675, 116.28, 103.53]
    )
    assert metadata['pose_maps']['size'] == [28, 28]
    (sampling,) = (
        step
        for step in metadata['test_pipeline']
        if step['type'] == 'SampleTwoStreamFrames'
    )
    assert sampling['frame_interval'] == dict(RGB=2, Pose=2)
    assert sampling['num_clips'] == 3
    assert metadata['versions']['torch'] == str(torch.__version__)
    onnx.checker.check_model(str(exported['fused']))
    other = onnx.load(str(exported['pose']))
    del other.metadata_props[:]
    onnx.save(other, str(exported['pose'].with_name('bare.onnx')))
    with pytest.raises(ValueError, match='bare.onnx: its metadata has no'):
        read_onnx_metadata(exported['pose'].with_name('bare.onnx'))


def test_ready_maps_in_half_precision(
    checkpoints, exported, tmp_path, tool, capsys
):
    """The tool compares by itself; the file is half as big."""
    out = tmp_path / 'half.onnx'
    arguments = [str(checkpoints['fused']), str(out), '--verify']
    arguments += ['--input', 'maps', '--opset', '18', '--fp16']
    assert tool.main(arguments) == 0
    printed = capsys.readouterr().out
    assert 'input heatmap_imgs: [batch, clips, 55, 8, 28, 28]' in printed
    found = re.findall(r'(\w+): largest difference (\S+)', printed)
    assert [name for name, _ in found] == ['scores', 'gate']
    assert all(0 < float(difference) < 2e-2 for _, difference in found)
    assert read_onnx_metadata(out)['precision'] == 'fp16'
    assert onnx.load(str(out)).opset_import[0].version == 18
    session = onnxruntime.InferenceSession(str(out))
    assert {o.type for o in session.get_outputs()} == {'tensor(float)'}
    assert out.stat().st_size < 0.65 * exported['fused'].stat().st_size


def test_program_of_torch_export(checkpoints, tmp_path):
    model = load_model(checkpoints['fused'])
    deployable = DeployableRecognizer(model)
    metadata = describe(deployable, [f'class {i}' for i in range(8)])
    export_program(deployable, tmp_path / 'model.pt2', metadata)
    program, read = load_program(tmp_path / 'model.pt2')
    assert read == metadata
    for batch, clips in ((1, 1), (3, 2)):
        inputs = deployable.example_inputs(batch, clips, seed=batch)
        with torch.no_grad():
            given = program(*inputs.values())
        assert_near(given, verify.predict(model, inputs), 1e-5)


def test_a_program_on_a_full_disk_is_an_error(checkpoints, tmp_path):
    tool = ROOT / 'tools' / 'deployment' / 'export_program.py'
    limited = (
        'import resource, runpy, sys; '
        'resource.setrlimit(resource.RLIMIT_FSIZE, (9999, 9999)); '
        'sys.argv = sys.argv[1:]; '
        'runpy.run_path(sys.argv[0], run_name="__main__")'
    )
    words = [tool, checkpoints['pose'], 'model.pt2']
    done = subprocess.run(
        [sys.executable, '-c', limited, *map(str, words)],
        cwd=tmp_path,
        env=os.environ
        | dict(
            PYTHONPATH=f'{ROOT}:{tool.parent}', PYTHONDONTWRITEBYTECODE='1'
        ),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr[-2000:]
    assert "File too large: 'model.pt2'" in done.stderr.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_the_release_and_its_learned_alignment(tmp_path):
    """Shifts the other way round, batch norms in the fusion, 29 frames."""
    name = 'integralaction-release_r18-r18_4xb8-8x8x1-29x2x1-30e_kinetics50.py'
    cfg = Config.fromfile(CONFIGS / 'release' / name)
    cfg.model.data_preprocessor.size = (14, 14)  # for time
    for stream in ('appearance', 'pose'):
        cfg.model.backbone[stream].base_channels = 8
    cfg.model.neck.update(appearance_channels=64, pose_channels=64)
    model = MODELS.build(cfg.model).eval()
    model.cfg = cfg
    deployable = DeployableRecognizer(model, size=(32, 32))
    export_onnx(deployable, tmp_path / 'a.onnx', describe(deployable))
    inputs = deployable.example_inputs(3, 1)
    assert inputs['pose'].shape[2] == 29
    expected = verify.predict(model, inputs)
    assert_near(run_onnx(tmp_path / 'a.onnx', inputs), expected, 1e-4)


def test_the_example_predicts_what_the_package_does(
    exported, checkpoints, jhmdb, tmp_path, capsys
):
    """Sampled, resized and packed by numpy and OpenCV alone."""
    example = load_script(ROOT / 'demo' / 'onnx_inference.py')
    for kind in ('fused', 'appearance'):
        model = load_model(checkpoints[kind])
        config = model.cfg.test_dataloader.dataset
        dataset = DATASETS.build({**config, 'data_root': str(jhmdb)})
        for number in (0, 5):
            with torch.no_grad():
                (sample,) = model.test_step(pseudo_collate([dataset[number]]))
            info = dataset.get_data_info(number)
            arguments = [str(exported[kind]), info['filename']]
            if kind == 'fused':
                arguments += ['--poses', info['pose_file']]
            out = tmp_path / 'out.json'
            assert example.main([*arguments, '--json', str(out)]) == 0
            given = json.loads(out.read_text())
            np.testing.assert_allclose(
                given['scores'], sample.pred_score, rtol=0, atol=1e-4
            )
            if kind == 'fused':
                np.testing.assert_allclose(
                    given['gate'], sample.gate, rtol=0, atol=1e-4
                )
            first = capsys.readouterr().out.splitlines()[0]
            label = int(sample.pred_score.argmax())
            assert first == f'{sample.pred_score[label]:.3f} class {label}'


def test_the_example_needs_nothing_else(exported, jhmdb):
    """In an interpreter that refuses torch and this package."""
    video = sorted((jhmdb / 'videos' / 'golf').glob('*.avi'))[0]
    code = (
        'import sys, runpy\n'
        'for name in ("torch", "integral_action", "mmaction", "mmcv"):\n'
        '    sys.modules[name] = None\n'
        f'sys.argv = ["x", {str(exported["appearance"])!r}, {str(video)!r}]\n'
        f'runpy.run_path({str(ROOT / "demo" / "onnx_inference.py")!r}, '
        'run_name="__main__")\n'
    )
    result = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == 5


def test_largest_differences_are_found(checkpoints):
    model = load_model(checkpoints['pose'])
    deployable = DeployableRecognizer(model)

    def wrong(inputs):
        (scores,) = verify.predict(model, inputs)
        scores[-1, 2] += 0.25 * (len(scores) == 3)
        return [scores]

    (difference,) = verify.largest_differences(
        model, wrong, verify.noise(deployable)
    )
    assert difference == pytest.approx(0.25)


def test_errors_are_one_line(tool, checkpoints, tmp_path, capsys):
    pose = str(checkpoints['pose'])
    (tmp_path / 'two.txt').write_text('a\nb\n')
    for arguments, expected in (
        ([pose, 'out.pt2'], 'out.pt2: OUT ends in .onnx'),
        (['nothing.pth', 'out.onnx'], 'nothing.pth: there is no such file'),
        (
            [pose, 'out.onnx', '--classes', str(tmp_path / 'two.txt')],
            f'{pose}: 2 names of classes, but the model has 8',
        ),
        ([pose, 'out.onnx', '--data-root', 'x'], '--data-root is for'),
    ):
        arguments[1] = str(tmp_path / arguments[1])
        assert tool.main(arguments) == 1
        error = capsys.readouterr().err
        assert expected in error and error.count('\n') == 1
    assert not list(tmp_path.glob('*.onnx'))


def test_what_cannot_be_exported(checkpoints):
    model = load_model(checkpoints['appearance'])
    with pytest.raises(ValueError, match="one of .*'keypoints', 'maps'"):
        DeployableRecognizer(model, 'heatmaps')
    model.cls_head.average_clips = None
    with pytest.raises(ValueError, match='does not average clips'):
        DeployableRecognizer(model)
    with pytest.raises(ValueError, match='the model is a Linear'):
        DeployableRecognizer(torch.nn.Linear(1, 1))
