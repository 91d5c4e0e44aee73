"""How soon a fusion learns, with the layer norm and without it.

    python benchmarks/first_iterations.py

Trains neck and head of Kinetics50's rows of Table 4 with their own
optimizer, on the synthetic features of `gate_dynamics.py`, and prints the
accuracy on the training batches up to each iteration.
"""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from typing import Dict, Tuple

import common
import torch
import torch.nn.functional as F
from gate_dynamics import (
    APPEARANCE,
    CONFIGS,
    FOLDER,
    POSE,
    FusedStage,
    draw_features,
)
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from torch import nn

WIDTHS = dict(appearance_channels=512, pose_channels=512)
FUSIONS = {
    'IntegralAction': {},
    'without gating': dict(_delete_=True, type='AddFusion', **WIDTHS),
    'feature fuse': dict(_delete_=True, type='ConcatFusion', **WIDTHS),
}
UP_TO = (200, 500, 1000, 2000, 3000, 4000)


def train(case: Tuple[str, bool]) -> Dict[int, float]:
    """Return the accuracy in percent up to each iteration."""
    fusion, norm = case
    torch.set_num_threads(1)
    torch.manual_seed(0)
    cfg = Config.fromfile(FOLDER / CONFIGS['kinetics50'])
    cfg.merge_from_dict(dict(model=dict(neck=FUSIONS[fusion])))
    init_default_scope('mmaction')
    model = FusedStage(cfg).train()
    if not norm:
        for block in model.neck.children():
            for name, layer in block.named_children():
                if isinstance(layer, nn.LayerNorm):
                    setattr(block, name, nn.Identity())
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    classes = cfg.model.cls_head.num_classes
    prototypes = torch.randn(2, classes, 512)
    right, accuracy = [], {}
    for iteration in range(1, max(UP_TO) + 1):
        labels = torch.randint(classes, (32,))
        feature, aux = model.neck(
            (
                draw_features(prototypes[0], labels, APPEARANCE),
                draw_features(prototypes[1], labels, POSE),
            )
        )
        scores = model.cls_head(feature)
        loss = F.cross_entropy(scores, labels) + aux.get('loss_gate', 0)
        wrapper.update_params(loss)
        right.append(float((scores.argmax(1) == labels).float().mean()))
        if iteration in UP_TO:
            accuracy[iteration] = 100 * sum(right) / len(right)
            right = []
    return accuracy


def main() -> None:
    """Run the trainings and print the table."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    cases = [(fusion, norm) for norm in (True, False) for fusion in FUSIONS]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        rows = list(pool.map(train, cases))
    common.print_table(
        ['iterations up to', *map(str, UP_TO)],
        [
            [fusion + ', no layer norm' * (not norm)]
            + [f'{value:.0f}%' for value in row.values()]
            for (fusion, norm), row in zip(cases, rows)
        ],
    )


if __name__ == '__main__':
    main()
