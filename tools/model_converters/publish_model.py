"""Make a training's checkpoint ready to publish.

    integral-action publish IN OUT

writes OUT-xxxxxxxx.pth, where xxxxxxxx is the beginning of the file's SHA-256
(torch.hub and mmengine check it when they download it). It holds the weights,
and in its meta

- cfg, the config as plain values, without what only its training needed or
  only its machine has: the weights that it started from, its work_dir, where
  it logged to; of an absolute path the last part is left;
- dataset_meta.classes, the names of the classes, and, with --unknown-below,
  the score below which a prediction is "unknown";
- keypoints: the layout's name, keypoints, bones, mirror pairs and groups;
- versions: of torch, mmengine, mmaction2 and integral_action.

Optimizer, schedulers and message hub are left out. With --int8 the large
weights are rounded to eight bits and the others to sixteen. Plain
torch.load(weights_only=True) reads it without this package, and
integral_action.apis.load_model builds the model of it alone. The same input
gives the same file.
"""

import argparse
import glob
import hashlib
import io
import sys
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Dict, List, Optional

from integral_action_cli import command, make_parser


def parse_args(arguments: Optional[List[str]] = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = make_parser(__doc__)
    parser.add_argument(
        'source', metavar='IN', type=Path, help='checkpoint of a training'
    )
    parser.add_argument(
        'target', metavar='OUT', type=Path, help='path to write, without .pth'
    )
    parser.add_argument(
        '--classes',
        type=Path,
        metavar='FILE',
        help="class names, one a line, in place of the checkpoint's",
    )
    parser.add_argument(
        '--unknown-below',
        type=float,
        metavar='SCORE',
        help='score of the best class below which a prediction is "unknown"',
    )
    parser.add_argument(
        '--int8',
        action='store_true',
        help='round the large weights to eight bits, the others to sixteen',
    )
    args = parser.parse_args(arguments)
    if not 0 <= (args.unknown_below or 0) <= 1:
        parser.error(f'--unknown-below {args.unknown_below}: expected 0 to 1')
    return args


if __name__ == '__main__':
    parse_args()  # help and mistakes need not wait for torch

import torch
from mmengine.config import Config

from integral_action.apis import load_model
from integral_action.apis.checkpoint_config import without_start
from integral_action.checkpoints import installed_versions
from integral_action.datasets.label_map import LabelMap
from integral_action.fileio import atomic_write, remove_unfinished
from integral_action.quantization import SCALES, quantize

# of a config: where a training ran, and how it was watched
MACHINE = ('launcher', 'load_from', 'resume', 'vis_backends', 'visualizer')
MACHINE += ('work_dir',)


def publish(
    source: Path,
    classes: Optional[List[str]] = None,
    unknown_below: Optional[float] = None,
    int8: bool = False,
) -> Dict:
    """Make the checkpoint to publish.

    Args:
        source: a checkpoint that carries its config.
        classes: their names; None takes those of the checkpoint, if any.
        unknown_below: score of the best class below which a prediction is
            ``unknown``; None takes that of the checkpoint, if any.
        int8: whether to round the weights (:func:`quantize`).

    Raises:
        FileNotFoundError, ValueError: as of :func:`load_model`; or another
            number of names than of the model's classes.
    """
    model = load_model(source)
    cfg = {
        key: without_machine(value)
        for key, value in model.cfg.to_dict().items()
        if key not in MACHINE
    }
    cfg['model'] = without_start(cfg['model'])
    cfg = Config(cfg)
    meta = dict(cfg=cfg.pretty_text, versions=installed_versions())
    classes = classes or model.dataset_meta.get('classes')
    if classes is not None:
        number = getattr(model.cls_head, 'num_classes', len(classes))
        if len(classes) != number:
            raise ValueError(
                f'{source}: {len(classes)} names of classes, but the model '
                f'has {number}'
            )
        meta['dataset_meta'] = dict(classes=classes)
    if unknown_below is None:
        unknown_below = model.dataset_meta.get('unknown_below')
    if unknown_below is not None:
        meta.setdefault('dataset_meta', {})['unknown_below'] = unknown_below
    layout = getattr(model.data_preprocessor, 'layout', None)
    if layout is not None:
        meta['keypoints'] = layout.values()
    weights = {
        # a copy: of a part of a tensor all of it would be saved
        name: value.clone()
        for name, value in model.state_dict().items()
    }
    checkpoint = dict(meta=meta, state_dict=weights)
    if int8:
        checkpoint['state_dict'], checkpoint[SCALES] = quantize(weights)
    return checkpoint


def without_machine(value: Any) -> Any:
    """A config's value without the paths of one machine."""
    if isinstance(value, dict):
        return {k: without_machine(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(without_machine(v) for v in value)
    if isinstance(value, str) and is_of_machine(value):
        return PureWindowsPath(value).name  # knows both separators
    return value


def is_of_machine(text: str) -> bool:
    """Whether it is an absolute path, or one that leaves its folder."""
    return (
        PurePosixPath(text).is_absolute()
        or PureWindowsPath(text).is_absolute()
        or text.startswith(('~', '..', 'file://'))
    )


def write(checkpoint: Dict, target: Path) -> Path:
    """Write it under a name that tells its hash, once it has been loaded.

    Raises:
        OSError: it cannot be written.
        ValueError: it is not what :func:`load_model` takes.
    """
    stream = io.BytesIO()  # a file's own name would be inside
    torch.save(checkpoint, stream)
    data = stream.getvalue()
    name = target.name.removesuffix('.pth')
    digest = hashlib.sha256(data).hexdigest()[:8]
    path = target.with_name(f'{name}-{digest}.pth')
    remove_unfinished(path.parent, f'.{glob.escape(name)}-*.pth')
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)
        load_model(temporary)
    return path


@command()
def main(arguments: Optional[List[str]] = None) -> None:
    """Publish; the exit status is 1 where that cannot be."""
    args = parse_args(arguments)
    if args.target.is_dir():
        raise ValueError(f'{args.target}: OUT is a folder')
    classes = LabelMap.read(args.classes).names if args.classes else None
    checkpoint = publish(args.source, classes, args.unknown_below, args.int8)
    path = write(checkpoint, args.target)
    names = checkpoint['meta'].get('dataset_meta', {}).get('classes')
    if names is None:
        print('no class names: the checkpoint has none; give --classes')
    else:
        print(f'{len(names)} classes: {", ".join(names[:5])}, ...')
    print(f'written: {path} ({path.stat().st_size / 1e6:.1f} MB)')


if __name__ == '__main__':
    sys.exit(main())
