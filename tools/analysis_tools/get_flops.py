"""Parameters and FLOPs of a config, for one clip.

    integral-action analyze get-flops CONFIG

As MMAction2's tool of that name counts them: a multiplication and its addition
are one.
"""

import argparse
import sys

from integral_action_cli import command, make_parser


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = make_parser(__doc__)
    parser.add_argument('config')
    parser.add_argument(
        '--num-classes',
        type=int,
        default=400,
        help='number of classes, where the config leaves it open',
    )
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

import torch
from mmaction.registry import MODELS
from mmengine.analysis import get_model_complexity_info
from mmengine.config import Config
from mmengine.registry import init_default_scope

import integral_action  # noqa: F401  registers everything


class OneClip(torch.nn.Module):
    """A recognizer that takes its inputs one by one and gives logits."""

    def __init__(self, model, names):
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *inputs):
        inputs = {name: x for name, x in zip(self.names, inputs)}
        return self.model.extract_feat(inputs, stage='head')[0]


@command()
def main() -> None:
    """Print the table."""
    args = parse_args()
    cfg = Config.fromfile(args.config)
    init_default_scope(cfg.default_scope)
    if cfg.model.cls_head.num_classes is None:
        cfg.model.cls_head.num_classes = args.num_classes
    model = MODELS.build(cfg.model).eval()
    sampling = cfg.test_pipeline[0]
    inputs = {}
    if 'RGB' in sampling.clip_len:
        size = next(
            step.scale[0]
            for step in cfg.train_pipeline
            if step.type == 'Resize' and not step.get('keep_ratio', True)
        )
        shape = (1, 1, 3, sampling.clip_len['RGB'], size, size)
        inputs['imgs'] = torch.zeros(shape)
    if 'Pose' in sampling.clip_len:
        preprocessor = model.data_preprocessor
        num_keypoints = preprocessor.layout.num_keypoints
        pose = torch.zeros(1, sampling.clip_len['Pose'], 5, num_keypoints, 3)
        inputs |= preprocessor(dict(inputs=dict(pose=[pose])))['inputs']
    analysis = get_model_complexity_info(
        OneClip(model, list(inputs)),
        inputs=tuple(inputs.values()),
        show_table=False,
        show_arch=False,
    )
    for name, value in inputs.items():
        print(f'{name}: {list(value.shape[2:])}')
    print(f'FLOPs: {analysis["flops"] / 1e9:.2f} G')
    print(f'Parameters: {analysis["params"] / 1e6:.2f} M')


if __name__ == '__main__':
    sys.exit(main())
