"""Inferencers of small models with random weights, and whom they see."""

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config

from integral_action.apis import IntegralActionInferencer
from integral_action.pose_estimators import PoseEstimator

NAMES = dict(
    appearance='integralaction-appearance_r18w16_1xb32-8x1x1-12e_puppets',
    pose='integralaction-pose_r18w16_1xb32-8x1x1-8e_puppets',
    fused='integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets',
)


@pytest.fixture(scope='module')
def stages(tmp_path_factory):
    """Of every stage; three clips a video; the fused one carries classes."""
    from conftest import CONFIGS
    from mmengine.registry import init_default_scope

    init_default_scope('mmaction')
    folder = tmp_path_factory.mktemp('checkpoints')
    for stage, name in NAMES.items():
        cfg = Config.fromfile(CONFIGS / f'{name}.py')
        cfg.test_dataloader.dataset.pipeline[0].num_clips = 3
        torch.manual_seed(0)
        model = MODELS.build(cfg.model)
        for linear in model.modules():  # that videos differ
            if isinstance(linear, torch.nn.Linear):
                torch.nn.init.normal_(linear.weight, std=0.3)
        meta = dict(cfg=cfg.pretty_text)
        if stage == 'fused':
            names = tuple(f'act {i}' for i in range(12))
            meta['dataset_meta'] = dict(classes=names)
        content = dict(meta=meta, state_dict=model.state_dict())
        torch.save(content, folder / f'{stage}.pth')
    return folder


@pytest.fixture(scope='module')
def inferencer(stages):
    """An inferencer of a stage, each made once unless it is given options."""
    made = {}

    def inferencer(stage, **options):
        key = stage if not options else None
        if key not in made or options:
            made[key] = IntegralActionInferencer(
                stages / f'{stage}.pth',
                device='cpu',
                show_progress=False,
                **options,
            )
        return made[key]

    return inferencer


class Middle(PoseEstimator):
    """Somebody in the middle, higher from frame to frame; counts frames."""

    layout = 'coco17'

    def __init__(self, device='cpu'):
        self.seen = 0

    def __call__(self, frames):
        height, width = frames.shape[1:3]
        shape = np.random.default_rng(0).random((17, 2)) * (width, height)
        found = []
        for _ in frames:
            self.seen += 1
            found.append((shape[None] - (0, self.seen), np.ones((1, 17))))
        return found
