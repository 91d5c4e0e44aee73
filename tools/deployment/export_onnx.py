"""Export a trained model to ONNX.

    integral-action export onnx CHECKPOINT OUT.onnx [--verify]

CHECKPOINT is one of a training, or a published one: it carries its config. The
model takes any batch and any number of clips:

- imgs, uint8 [batch, clips, 3, T, H, W]: RGB frames, normalised inside;
- pose, float32 [batch, clips, T', M, K, 3]: x and y as fractions of the
  picture's width and height, and the score, whose maps are drawn inside; or,
  with --input maps, heatmap_imgs, float32 [batch, clips, K + 2B, T', H', W'];

of which a model of one stream has its own alone. It gives scores
[batch, num_classes] and, where there is one, the gate [batch, clips, T]. Class
names, sampling and preprocessing are in its metadata. See docs/deployment.md
and demo/onnx_inference.py.
"""

import sys
from typing import List, Optional

from export_arguments import export_parser, run


def main(arguments: Optional[List[str]] = None) -> int:
    """Export; the exit status is 1 where that cannot be."""
    parser = export_parser(__doc__, '.onnx')
    parser.add_argument(
        '--opset',
        type=int,
        default=17,
        choices=range(17, 21),
        help='operator set of ONNX',
    )
    args = parser.parse_args(arguments)

    def export(deployable, path, metadata):
        from integral_action.deployment import export_onnx

        export_onnx(deployable, path, metadata, args.opset)
        if not args.verify:
            return None
        import onnxruntime

        session = onnxruntime.InferenceSession(
            str(path), providers=['CPUExecutionProvider']
        )
        return lambda inputs: session.run(
            None, {name: value.numpy() for name, value in inputs.items()}
        )

    return run(args, export)


if __name__ == '__main__':
    sys.exit(main())
