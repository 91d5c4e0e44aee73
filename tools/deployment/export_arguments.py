"""Arguments of ``export_onnx.py`` and ``export_program.py``."""

import argparse
from pathlib import Path
from typing import Callable

from integral_action_cli import command, make_parser

# of a DeployableRecognizer, a path and metadata: writes the file, and gives
# what runs it, inputs to outputs
Export = Callable[..., Callable]


def export_parser(description: str, ending: str) -> argparse.ArgumentParser:
    """The options that both have."""
    parser = make_parser(description)
    parser.set_defaults(ending=ending)
    parser.add_argument('checkpoint', metavar='CHECKPOINT')
    parser.add_argument('out', metavar=f'OUT{ending}', type=Path)
    parser.add_argument(
        '--input',
        choices=('keypoints', 'maps'),
        default='keypoints',
        help='input of the pose stream: keypoints, whose maps are drawn '
        'inside, or ready maps',
    )
    parser.add_argument(
        '--fp16', action='store_true', help='compute in half precision'
    )
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        metavar=('HEIGHT', 'WIDTH'),
        help="size of the frames, where the model's pipelines do not tell",
    )
    parser.add_argument(
        '--classes',
        type=Path,
        metavar='FILE',
        help='class names, one a line, where the checkpoint has none',
    )
    parser.add_argument(
        '--verify',
        action='store_true',
        help='run the file and compare it with the model, in batches of '
        'several sizes',
    )
    parser.add_argument(
        '--data-root',
        metavar='DIR',
        help="verify on the videos of the model's test set, which is here, "
        'and not on noise',
    )
    parser.add_argument(
        '--num-videos',
        type=int,
        default=50,
        metavar='N',
        help='number of videos to check',
    )
    return parser


@command()
def run(args: argparse.Namespace, export: Export) -> int:
    """Export, and verify where that is asked for.

    Returns:
        The exit status: 1 where something could not be done, or the file does
        not compute what the model does.
    """
    from integral_action.apis import load_model
    from integral_action.datasets.label_map import LabelMap
    from integral_action.deployment import DeployableRecognizer
    from integral_action.deployment.metadata import describe

    if args.out.suffix != args.ending:
        raise ValueError(f'{args.out}: OUT ends in {args.ending}')
    if args.data_root and not args.verify:
        raise ValueError('--data-root is for --verify')
    model = load_model(args.checkpoint)
    classes = model.dataset_meta.get('classes')
    if args.classes:
        classes = LabelMap.read(args.classes).names
    try:
        deployable = DeployableRecognizer(
            model, args.input, args.fp16, args.size
        )
        metadata = describe(deployable, classes)
    except ValueError as error:
        raise ValueError(f'{args.checkpoint}: {error}') from error
    run_exported = export(deployable, args.out, metadata)
    for name, shape in metadata['inputs'].items():
        print(f'input {name}: [{", ".join(map(str, shape))}]')
    for name in metadata['outputs']:
        print(f'output {name}')
    if classes is None:
        print('no class names: the checkpoint has none; give --classes')
    print(f'written: {args.out} ({args.out.stat().st_size / 1e6:.1f} MB)')
    if not args.verify:
        return 0
    return _verify(args, deployable, metadata, run_exported)


def _verify(args, deployable, metadata, run_exported) -> int:
    from integral_action.apis import load_model
    from integral_action.deployment import verify

    model = load_model(args.checkpoint)  # deployable's may be halved
    if args.data_root:
        what = f'{args.num_videos} videos of {args.data_root}'
        batches = verify.real_clips(
            model, deployable, args.data_root, args.num_videos
        )
    else:
        what, batches = 'noise', verify.noise(deployable)
    differences = verify.largest_differences(model, run_exported, batches)
    allowed = verify.TOLERANCES[metadata['precision']]
    for name, difference in zip(metadata['outputs'], differences):
        print(f'{name}: largest difference {difference:.1e} (on {what})')
    if not max(differences) <= allowed:  # nor what is not a number
        raise ValueError(
            f'{args.out}: it does not compute what the model does: the '
            f'difference is {max(differences):.1e}, more than {allowed:.0e}'
        )
    return 0
