"""Weights that rtmlib names, downloaded once and kept where it keeps them."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Dict
from urllib.parse import urlparse

from integral_action.text import one_line


def fetch(urls: Dict[str, str]) -> Dict[str, Path]:
    """Download the models that are not kept yet.

    rtmlib unpacks in a folder that all processes share. Here each has its own,
    and a file appears only whole, so that several may start at once.

    Args:
        urls: by option of the estimator, the .zip with its .onnx file.

    Returns:
        The .onnx file of each option.

    Raises:
        ConnectionError: one cannot be downloaded, or kept; the message names
            the files to give instead.
    """
    from rtmlib.tools import file as rtmlib_file

    folder = Path(rtmlib_file._get_rtmhub_dir(), 'checkpoints')
    paths = {
        option: folder / f'{Path(urlparse(url).path).stem}.onnx'
        for option, url in urls.items()
    }
    missing = {
        option: url
        for option, url in urls.items()
        if not paths[option].exists()
    }
    while missing:
        option, url = next(iter(missing.items()))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder) as own:
                found = rtmlib_file.download_checkpoint(
                    url, own, progress=sys.stderr.isatty()
                )
                os.replace(found, paths[option])
        except Exception as error:  # a network's, a disk's, an archive's
            options = ' '.join(f'{option}=FILE' for option in missing)
            raise ConnectionError(
                f'rtmpose has no weights here and cannot download them '
                f'({one_line(error)}): where there is a network take the '
                f'.onnx file out of {" and ".join(missing.values())}, and '
                f'give {options} (--pose-options, --options of extract_poses)'
            ) from error
        del missing[option]
    return paths
