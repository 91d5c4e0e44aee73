"""Print the versions and devices here, and what is missing.

    integral-action info [--json]

For a report of a fault, and to see what to install for a feature.
"""

import argparse
import json
import os
import platform
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Dict, List, Optional

from integral_action_cli import make_parser

# each by its name in Python; forks and flavours share one
NEEDED = (
    'torch',
    'mmengine',
    'mmcv',
    'mmaction',
    'numpy',
    'av',
    'cv2',
    'numba',
)
# what only some need: its use, its name in Python and our extra
PARTS = (
    ('web', 'gradio', 'web'),
    ('export onnx', 'onnx', 'onnx'),
    ('EfficientNet-Lite0', 'efficientnet_lite_pytorch', 'lite0'),
    ('mim', 'mim', 'mim'),
)


def parse_args(arguments: Optional[List[str]] = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = make_parser(__doc__)
    parser.add_argument(
        '--json', action='store_true', help='print one JSON object'
    )
    return parser.parse_args(arguments)


def collect() -> Dict[str, Dict]:
    """Return versions, devices and what is missing, as plain values."""
    import torch
    from mmengine.utils.dl_utils import collect_env

    import integral_action  # first: it mends what upstream breaks
    from integral_action.pose_estimators.finding import missing
    from integral_action.zoo import list_models

    folder = Path(integral_action.__file__).parent
    env = collect_env()
    env.pop('numpy_random_seed')  # drawn
    modules = packages_distributions()

    def installed(module: str) -> Optional[str]:
        names = sorted(set(modules.get(module, ())))
        return ', '.join(f'{name} {version(name)}' for name in names) or None

    return dict(
        integral_action=dict(
            version=integral_action.__version__,
            folder=str(folder),
            models=list(list_models()),
        ),
        packages={module: installed(module) for module in NEEDED},
        poses={
            name: f'missing: {install}' if install else 'installed'
            for name, install in missing().items()
        },
        optional={
            use: installed(module)
            or f'missing: pip install "integral_action[{extra}]"'
            for use, module, extra in PARTS
        },
        devices=dict(
            cpu=f'{platform.machine()}, {os.cpu_count()} cores, torch uses '
            f'{torch.get_num_threads()}',
            cuda=[
                torch.cuda.get_device_name(number)
                for number in range(torch.cuda.device_count())
            ],
        ),
        environment={key: str(value) for key, value in env.items()},
    )


def describe(info: Dict[str, Dict]) -> str:
    """Return it as text, without how torch was compiled."""
    lines = []
    old = info['packages']['numpy'].startswith('numpy 1.')
    versions = f'constraints{"-numpy1" if old else ""}.txt'
    for title, values in info.items():
        lines.append(f'{title}:')
        for key, value in values.items():
            if isinstance(value, list):
                value = ', '.join(value)
            if '\n' not in value:
                lines.append(f'  {key}: {value or "none"}')
        if any('missing: pip' in str(value) for value in values.values()):
            lines.append(
                f'  (with -c requirements/{versions} of the checkout)'
            )
    return '\n'.join(lines)


def main(arguments: Optional[List[str]] = None) -> None:
    """Print it."""
    args = parse_args(arguments)
    info = collect()
    print(json.dumps(info, indent=2) if args.json else describe(info))


if __name__ == '__main__':
    main()
