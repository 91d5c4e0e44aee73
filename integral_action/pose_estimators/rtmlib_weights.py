"""Weights that rtmlib names, downloaded once and kept where it keeps them."""

import shutil
import sys
import tempfile
import zipfile
from http.client import HTTPException
from pathlib import Path
from typing import Dict
from urllib.parse import urlparse
from urllib.request import Request, urlopen

from integral_action.fileio import atomic_write

_FAILURES = (OSError, HTTPException, zipfile.BadZipFile)


def fetch(urls: Dict[str, str]) -> Dict[str, Path]:
    """Download the models that are not kept yet.

    rtmlib's own download unpacks in a folder that all processes share. Here a
    file appears only whole, so that several may start at once.

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
    for option, url in urls.items():
        if paths[option].exists():
            continue
        try:
            _download(url, paths[option])
        except _FAILURES as error:
            mirror = rtmlib_file.get_mirror_url(url)
            try:
                if mirror is None:
                    raise
                _download(mirror, paths[option])
            except _FAILURES:
                missing = {
                    other: urls[other]
                    for other, path in paths.items()
                    if not path.exists()
                }
                raise ConnectionError(_advice(missing, error)) from error
    return paths


def _download(url: str, path: Path) -> None:
    request = Request(url, headers={'User-Agent': 'rtmlib'})
    with (
        urlopen(request, timeout=30) as reply,
        tempfile.TemporaryFile() as packed,
    ):
        size = reply.headers.get('Content-Length')
        size = f' ({int(size) / 1e6:.1f} MB)' if size else ''
        print(f'downloading {url}{size}, kept as {path}', file=sys.stderr)
        shutil.copyfileobj(reply, packed)
        with zipfile.ZipFile(packed) as archive:
            names = [n for n in archive.namelist() if n.endswith('.onnx')]
            if len(names) != 1:
                raise zipfile.BadZipFile(f'{len(names)} .onnx files in {url}')
            with atomic_write(path) as temporary:
                temporary.write_bytes(archive.read(names[0]))


def _advice(missing: Dict[str, str], error: Exception) -> str:
    options = ' '.join(f'{option}=FILE' for option in missing)
    return (
        f'rtmpose has no weights here and cannot download them ({error}): '
        f'where there is a network take the .onnx file out of '
        f'{" and ".join(missing.values())}, and give {options} '
        f'(--pose-options, --options of extract_poses)'
    )
