"""A list that stays on the disk."""

import codecs
import io
import json
import os
from collections.abc import Sequence
from typing import Any, BinaryIO, Dict, Iterator, List, Optional, Union

import numpy as np

from integral_action.storage import PathLike, open_file


def check_encoding(path: PathLike, start: bytes) -> None:
    """Refuse text in UTF-16, which Windows writes too, by the first bytes.

    Raises:
        ValueError: the file begins with its mark.
    """
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError(f'{path}: UTF-16 text, save it as UTF-8')


class JSONLines(Sequence):
    """The records of a file of JSON lines, each read when it is asked for.

    Only the places of the lines are kept, 16 bytes a record, so that a list of
    hundreds of thousands of videos costs a data loader's worker next to
    nothing, and a record costs the same in a long list as in a short one.

    Args:
        path: the file. Blank lines are left out.
        backend_args: arguments of :func:`open_file`; other backends than the
            disk are asked once, and the file's bytes are kept in memory.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is UTF-16; or, where a record is read, its line is not
            JSON, or the file has been changed since it was opened; the message
            tells the file and the line.
    """

    def __init__(
        self, path: PathLike, backend_args: Optional[Dict] = None
    ) -> None:
        self.path, self._data = path, None
        if backend_args is not None:
            with open_file(path, backend_args) as file:
                self._data = file.read()
        self._state = self._state_of_file()
        self._places = np.array(
            [
                place
                for place, line in self._lines_with_places()
                if line.strip()
            ],
            np.int64,
        ).reshape(-1, 2)

    def _open(self) -> BinaryIO:
        if self._data is None:
            return open(self.path, 'rb')
        return io.BytesIO(self._data)

    def _state_of_file(self) -> Optional[tuple]:
        if self._data is not None:
            return None
        status = os.stat(self.path)
        return status.st_size, status.st_mtime_ns

    def _lines_with_places(self) -> Iterator:
        start = 0
        with self._open() as file:
            for number, line in enumerate(file, 1):
                if number == 1:
                    check_encoding(self.path, line)
                    bom = line.startswith(codecs.BOM_UTF8)
                    skip = len(codecs.BOM_UTF8) if bom else 0
                    start, line = skip, line[skip:]
                yield (start, number), line
                start += len(line)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: Union[int, slice]) -> Union[Any, List[Any]]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        start, number = self._places[index]
        if self._state_of_file() != self._state:
            raise ValueError(f'{self.path}: changed since it was opened')
        with self._open() as file:
            file.seek(start)
            return self._parse(file.readline(), number)

    def __iter__(self) -> Iterator[Any]:
        for (_, number), line in self._lines_with_places():
            if line.strip():
                yield self._parse(line, number)

    def _parse(self, line: bytes, number: int) -> Any:
        try:
            return json.loads(line)
        except ValueError as error:
            raise ValueError(
                f'{self.path}, line {number}: not JSON: {error}'
            ) from error

    def __eq__(self, other: Any) -> bool:
        return list(self) == other
