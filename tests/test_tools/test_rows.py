"""The rows of the tables: what each changes, and that its model is whole."""

import pytest
import torch
from conftest import CONFIGS, ROOT, load_row
from mmaction.registry import MODELS
from mmengine.config import Config


@pytest.fixture
def rows(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    from reproduce import rows

    return rows


def flat(config, prefix=''):
    values = {}
    for key, value in config.items():
        if isinstance(value, dict):
            values.update(flat(value, f'{prefix}{key}.'))
        else:
            values[prefix + key] = value
    return values


def changed(row, data):
    """Return what is other than in the base, None where it is not there."""
    from reproduce.rows import ROWS, load_config

    base, mine = (
        {
            key: value
            for key, value in flat(load_config(model, data)).items()
            # a config's own variables, which are in their places by then
            if key.startswith(('model', 'optim', 'param', 'train_cfg'))
        }
        for model in (ROWS[row][0], row)
    )
    return {
        key: mine.get(key)
        for key in {*base, *mine}
        if base.get(key, ()) != mine.get(key, ())
    }


GATE = {'model.neck.gate_loss_weight': None}  # is the neck's with a gate


@pytest.mark.parametrize(
    'row, data, expected',
    [
        ('feature-fuse', 'puppets', {'type': 'ConcatFusion'}),
        ('no-gating', 'puppets', {'type': 'AddFusion'}),
        ('no-gating', 'kinetics50', {'type': 'AddFusion'}),
        ('no-gate-loss', 'puppets', {'gate_loss_weight': 0}),
        ('lambda1', 'jhmdb', {'gate_loss_weight': 1}),
        ('lambda5', 'kinetics400', {'gate_loss_weight': 5}),
        ('appearance-driven', 'puppets', {'gate_source': 'appearance'}),
        ('both-driven', 'puppets', {'gate_source': 'both'}),
        (
            'constant-gate',
            'jhmdb-lite0',
            {'gate_source': 'constant', 'gate_value': 0.1},
        ),
    ],
)
def test_what_a_row_changes_in_the_neck(rows, row, data, expected):
    expected = {f'model.neck.{key}': value for key, value in expected.items()}
    if 'model.neck.type' in expected:
        expected |= GATE
    assert changed(row, data) == expected


def test_what_the_other_rows_change(rows):
    assert changed('not-fixed', 'kinetics50') == {'model.backbone.frozen': ()}
    assert changed('appearance-swap', 'puppets') == {
        'model.feature_transform.prob': 0.3,
        'model.feature_transform.type': 'AppearanceSwap',
    }
    # 18 keypoints and 17 bones of OpenPose, 17 and 19 of COCO
    for data, heatmaps, pafs in (
        ('kinetics50', 18, 2 * 17),
        ('puppets', 18, 2 * 17),
        ('jhmdb', 17, 2 * 19),
    ):
        assert changed('pose-heatmap', data) == {
            'model.data_preprocessor.paf': False,
            'model.backbone.pose.in_channels': heatmaps,
        }
        assert changed('pose-paf', data) == {
            'model.data_preprocessor.heatmap': False,
            'model.backbone.pose.in_channels': pafs,
        }


def test_from_scratch_trains_as_the_streams_do(rows):
    """ImageNet's weights alone, in twice the epochs at ten times the rate;
    the gate, of 12 times the rate before, goes as far in all."""
    cfg = load_row('from-scratch', 'kinetics50')
    assert cfg.model.backbone.frozen == ()
    for stream in ('appearance', 'pose'):
        part = cfg.model.backbone[stream]
        assert 'init_cfg' not in part
        assert part.pretrained.endswith('resnet18-f37072fd.pth')
    assert cfg.optim_wrapper.optimizer.lr == 1e-2
    keys = cfg.optim_wrapper.paramwise_cfg.custom_keys
    assert keys['neck.cgb'].lr_mult == 12 / 10 / 2
    (scheduler,) = cfg.param_scheduler
    assert (scheduler.milestones, scheduler.end) == ([20, 30], 40)
    assert cfg.train_cfg.max_epochs == 40
    # one rate for all: the gate keeps its own
    cfg = load_row('from-scratch', 'puppets')
    keys = cfg.optim_wrapper.paramwise_cfg.custom_keys
    assert keys['neck.cgb'].lr_mult == 12
    assert cfg.train_cfg.max_epochs == 12
    assert cfg.param_scheduler[1].T_max == 10


def test_a_row_as_a_file_is_the_row(rows, tmp_path):
    for row in ('no-gating', 'from-scratch', 'robust-product-pose-gate'):
        path = tmp_path / f'{row}.py'
        path.write_text(rows.text_of(row, 'jhmdb-lite0'))
        cfg = Config.fromfile(path)
        assert cfg.to_dict() == rows.load_config(row, 'jhmdb-lite0').to_dict()
    assert rows.text_of('integral', 'jhmdb') == ''


def test_rows_beyond_the_paper_have_what_their_data_need(rows):
    gates = {}
    for data in ('puppets', 'jhmdb', 'jhmdb-lite0'):
        pose = load_row('robust-product-pose-gate', data)
        lda = load_row('robust-product-lda', data)
        gates[data] = (
            pose.model.cls_head.gate_value,
            pose.optim_wrapper.optimizer.lr,
            lda.model.cls_head.gate_value,
        )
    assert gates == {
        'puppets': (0.3, 5e-3, 0.4),
        'jhmdb': (0.5, 1e-2, 0.2),
        'jhmdb-lite0': (0.8, 1e-2, 0.8),
    }


def shapes(module):
    return {key: value.shape for key, value in module.state_dict().items()}


WIDTHS = ('feature-fuse', 'no-gating', 'appearance-driven', 'from-scratch')


@pytest.mark.parametrize(
    'data, some',
    [
        ('puppets', ('both-driven', 'pose-heatmap', 'pose-paf')),
        ('jhmdb-lite0', (*WIDTHS, 'robust-product-lda')),
        ('kinetics50', WIDTHS),
    ],
)
def test_the_models_of_the_rows_are_whole(rows, data, some):
    """Channels fit, and a fused row's streams are those trained before."""
    streams = {
        stream: shapes(
            getattr(
                MODELS.build(load_row(stream, data).model).backbone, stream
            )
        )
        for stream in ('appearance', 'pose')
    }
    for row in some:
        base, _ = rows.ROWS[row]
        cfg = load_row(row, data)
        model = MODELS.build(cfg.model).eval()
        channels = model.data_preprocessor.layout.num_channels
        if base == 'pose':
            channels = model.backbone.pose.in_channels
        inputs = dict(heatmap_imgs=torch.zeros(1, 1, channels, 8, 14, 14))
        if base != 'pose':
            inputs['imgs'] = torch.zeros(1, 1, 3, 8, 32, 32)
            for stream, expected in streams.items():
                assert shapes(getattr(model.backbone, stream)) == expected
        with torch.no_grad():
            score, _ = model.extract_feat(inputs, stage='head')
        assert score.shape == (1, model.cls_head.num_classes), row


def test_names_of_configs_are_of_one_file_each(rows):
    names = [path.stem for path in (CONFIGS.parent).rglob('*.py')]
    for data in rows.DATA.values():
        for name in data.configs.values():
            assert names.count(name) == 1, name
