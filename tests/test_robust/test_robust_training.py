"""What is beyond the paper: trained, resumed, validated, loaded, exported."""

import shutil

import numpy as np
import onnxruntime
import pytest
import torch
from conftest import load_row
from mmaction.registry import DATASETS, MODELS
from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner

from integral_action.apis import IntegralActionInferencer, load_model
from integral_action.deployment import (
    DeployableRecognizer,
    export_onnx,
    verify,
)
from integral_action.deployment.metadata import describe
from integral_action.fileio import load_pickle
from integral_action.robust.swap_accuracy import draw_pairings

PRODUCT = 'robust-product-pose-gate'
LDA = 'robust-product-lda'
SWAP = 'appearance-swap'


@pytest.fixture(scope='module')
def stages(tmp_path_factory):
    """A checkpoint with the weights of both streams, untrained."""
    from mmengine.registry import init_default_scope

    init_default_scope('mmaction')
    cfg = load_row('integral')
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp('stages') / 'stages.pth'
    state = MODELS.build(cfg.model).state_dict()
    torch.save(dict(state_dict=state), path)
    return path


def config(name, puppets, stages, work_dir, **changes):
    cfg = load_row(name)
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].dataset.data_root = f'{puppets}/'
        cfg[f'{split}_dataloader'].batch_size = 8
    for stream in ('appearance', 'pose'):
        cfg.model.backbone[stream].init_cfg.checkpoint = str(stages)
    cfg.merge_from_dict(
        dict(
            work_dir=str(work_dir),
            experiment_name=work_dir.name + name,
            randomness=dict(seed=3),
            train_cfg=dict(max_epochs=2, val_interval=2),
            val_evaluator=[
                dict(type='AccMetric'),
                dict(type='SwapAccuracy', num_pairings=1, floor=0.05),
            ],
            default_hooks=dict(
                checkpoint=dict(save_best='swap/harmonic_mean', rule='greater')
            ),
            **changes,
        )
    )
    return cfg


def train(*args, **kwargs):
    runner = Runner.from_cfg(config(*args, **kwargs))
    runner.train()
    return runner


def weights(path):
    return torch.load(path, weights_only=True)['state_dict']


@pytest.mark.parametrize(
    ('name', 'head'),
    [
        (PRODUCT, {}),
        (PRODUCT, dict(gate_source='cgb')),
        (LDA, {}),
        (SWAP, {}),
    ],
)
def test_trains_resumes_and_is_a_model(name, head, puppets, stages, tmp_path):
    whole, resumed = tmp_path / 'whole', tmp_path / 'resumed'
    changes = dict(model=dict(cls_head=head))
    runner = train(name, puppets, stages, whole, **changes)
    metrics = {
        key: runner.message_hub.get_scalar(f'val/{key}').current()
        for key in ('acc/top1', 'swap/ordinary_accuracy')
    }
    assert len(set(metrics.values())) == 1
    assert list(whole.glob('best_swap_harmonic_mean_epoch_2.pth'))

    resumed.mkdir()
    shutil.copy(whole / 'epoch_1.pth', resumed)
    (resumed / 'last_checkpoint').write_text(str(resumed / 'epoch_1.pth'))
    train(name, puppets, stages, resumed, resume=True, **changes)
    ends = [weights(folder / 'epoch_2.pth') for folder in (whole, resumed)]
    start = weights(whole / 'epoch_1.pth')
    for key, value in ends[0].items():
        assert torch.equal(value, ends[1][key]), key
    assert any(not torch.equal(v, start[k]) for k, v in ends[0].items())

    model = load_model(whole / 'epoch_2.pth')
    model.cfg.test_dataloader.dataset.data_root = f'{puppets}/'
    dataset = DATASETS.build(model.cfg.test_dataloader.dataset)
    with torch.no_grad():
        (sample,) = model.test_step(pseudo_collate([dataset[0]]))
    assert sample.gate.shape == ((1, 8) if name == SWAP else (1, 1))
    assert 'stream_features' not in sample
    if name != SWAP:  # 2 videos a class
        prior = model.cls_head.log_prior.exp()
        torch.testing.assert_close(prior, torch.full((12,), 1 / 12))
    if name == LDA:  # each of them in two epochs
        assert model.cls_head.lda.count.tolist() == [4] * 12

    info = dataset.get_data_info(0)
    inferencer = IntegralActionInferencer(
        whole / 'epoch_2.pth', device='cpu', show_progress=False
    )
    (one,) = inferencer(info['filename'], info['pose_file'])['predictions']
    np.testing.assert_allclose(
        one['rec_scores'], sample.pred_score, rtol=0, atol=1e-5
    )
    np.testing.assert_allclose(one['gate']['values'], sample.gate, atol=1e-5)

    deployable = DeployableRecognizer(model)
    export_onnx(deployable, tmp_path / 'a.onnx', describe(deployable))
    session = onnxruntime.InferenceSession(str(tmp_path / 'a.onnx'))
    (inputs,) = verify.noise(deployable, [2])
    given = session.run(None, {k: v.numpy() for k, v in inputs.items()})
    expected = verify.predict(model, inputs)
    assert len(given) == len(expected) == 2
    # LDA of untrained streams has weights of 1e4: float32's last digits grow
    atol = 2e-3 if name == LDA else 1e-5
    for exported, own in zip(given, expected):
        np.testing.assert_allclose(exported, own, rtol=0, atol=atol)


def test_swapped_frames_give_what_swapped_features_give(
    puppets, stages, tmp_path
):
    """The frames of one video are decoded with the poses of another."""
    cfg = config(PRODUCT, puppets, stages, tmp_path / 'test')
    torch.manual_seed(1)
    model = MODELS.build(cfg.model)
    model.init_weights()
    with torch.no_grad():  # predictions of more than one class
        for classifier in (
            model.cls_head.fc_appearance,
            model.cls_head.fc_pose,
        ):
            classifier.weight.normal_(std=20)
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'model.pth')

    cfg.test_dataloader = cfg.val_dataloader
    cfg.test_evaluator = cfg.val_evaluator + [
        dict(type='DumpResults', out_file_path=str(tmp_path / 'out.pkl'))
    ]
    cfg.load_from = str(tmp_path / 'model.pth')
    metrics = Runner.from_cfg(cfg).test()
    dumped = load_pickle(tmp_path / 'out.pkl')
    assert 'stream_features' not in dumped[0]

    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    videos = [dataset[i] for i in range(len(dataset))]
    labels = [int(v['data_samples'].gt_label) for v in videos]
    place, partner = draw_pairings(labels, 1, 0)
    mixed = [
        dict(
            inputs=dict(
                imgs=videos[j]['inputs']['imgs'],
                pose=videos[i]['inputs']['pose'],
            ),
            data_samples=videos[i]['data_samples'],
        )
        for i, j in zip(place, partner)
    ]
    with torch.no_grad():
        predicted = [
            int(sample.pred_label)
            for sample in model.eval().test_step(pseudo_collate(mixed))
        ]
    assert len(set(predicted)) > 3
    right = sum(predicted[k] == labels[i] for k, i in enumerate(place))
    followed = sum(predicted[k] == labels[j] for k, j in enumerate(partner))
    assert metrics['swap/accuracy'] == pytest.approx(right / len(labels))
    assert metrics['swap/context_following'] == pytest.approx(
        followed / len(labels)
    )
    assert metrics['swap/ordinary_accuracy'] == metrics['acc/top1']
