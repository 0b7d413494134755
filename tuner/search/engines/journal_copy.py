"""A copy of a study's journal in memory, which follows the file and is never written back."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from optuna.storages.journal import BaseJournalBackend


class JournalCopy(BaseJournalBackend):
    """For Optuna's `JournalStorage`. The file is only opened to be read, without a lock.

    It is read whole, and from then on what was appended since, in whole lines. `is_other` says whether
    another file has taken its place, as after `--fresh`: then a new copy, and a new storage, are needed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _identity(path)
        self._lines: list[bytes] = []
        self._read = 0  # bytes of the file that are in the copy

    def is_other(self) -> bool:
        """Whether there is another file now; one that is gone is not another, and the copy stays."""
        found = _identity(self._path)
        return found is not None and (found != self._file or self._path.stat().st_size < self._read)

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """The operations from that number on."""
        self._follow()
        for line in self._lines[log_number_from:]:
            yield json.loads(line)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Refuses.

        Raises:
            PermissionError: always.
        """
        raise PermissionError("a copy that is only read")

    def _follow(self) -> None:
        if _identity(self._path) != self._file:
            return
        with self._path.open("rb") as file:
            file.seek(self._read)
            lines = [line for line in file if line.endswith(b"\n")]
        self._read += sum(map(len, lines))
        self._lines += lines


def _identity(path: Path) -> tuple[int, int] | None:
    """Distinguishes a file from another that later gets its name; None where there is no file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
