"""Export a trained model as a program of torch.export.

    integral-action export program CHECKPOINT OUT.pt2 [--verify]

Inputs and outputs are those of export_onnx.py. The program runs with torch
alone, and its metadata is an extra file of it; see docs/deployment.md.
"""

import sys
from typing import List, Optional

from export_arguments import export_parser, run


def main(arguments: Optional[List[str]] = None) -> int:
    """Export; the exit status is 1 where that cannot be."""
    args = export_parser(__doc__, '.pt2').parse_args(arguments)

    def export(deployable, path, metadata):
        import torch

        from integral_action.deployment import export_program, load_program

        export_program(deployable, path, metadata)
        if not args.verify:
            return None
        program, _ = load_program(path)

        def run_program(inputs):
            with torch.no_grad():
                return program(*inputs.values())

        return run_program

    return run(args, export)


if __name__ == '__main__':
    sys.exit(main())
