"""The journal's file as the only process that adds trials to it sees it: what it wrote is not read again.

Lines are Optuna's own, so that every Optuna tool reads the file, also during a run. Optuna's own class
writes, synchronises and reads the file for each fact of a trial, some forty times; on a disk that takes
5 ms for that, an instantaneous trial takes 0.3 seconds. Optuna's other storages cost
more: SQLite took 40 ms a trial where the journal took 8, and Redis would be a server to run.
"""

import json
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from optuna.storages.journal import BaseJournalBackend, JournalFileOpenLock

SET_TRIAL_STATE = 6
"""Optuna's code of the operation that begins or ends a trial."""


class JournalFile(BaseJournalBackend):
    """Appends to the file; each write is whole lines, in one piece.

    A write survives a kill of the process from the moment it returns. Against the loss of power the file is
    synchronised in a thread of its own, when a trial begins or ends and after `together`: a few
    milliseconds later.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = JournalFileOpenLock(str(path))
        path.touch()
        self._given = 0  # lines that the storage has been given
        self._to_give: deque[bytes] = deque()  # those that come next
        self._known = 0  # bytes of the file that are known: ours, and what was read of others
        self._pending: list[bytes] = []  # ours that are not written yet
        self._depth = 0
        self._failure: OSError | None = None
        self._to_sync = False
        self._background = ThreadPoolExecutor(1, "journal")

    @contextmanager
    def together(self) -> Iterator[None]:
        """Everything appended within is written in one piece, at the end."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if not self._depth and self._pending:
                self._write(self._pending)
                self._pending = []
                self._sync()

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Appends operations.

        Raises:
            OSError: they, or some before them, cannot be written.
        """
        lines = [json.dumps(log, separators=(",", ":")).encode() + b"\n" for log in logs]
        if self._depth:
            self._pending += lines
        else:
            self._write(lines)
            if any(log["op_code"] == SET_TRIAL_STATE for log in logs):
                self._sync()
        self._to_give += lines

    def _write(self, lines: list[bytes]) -> None:
        if self._failure:  # half a line may be there, to which nothing may be joined
            raise self._failure
        self._lock.acquire()
        try:
            self._take_foreign()
            with self._path.open("ab", buffering=0) as file:
                content = b"".join(lines)
                while content:  # a disk that is nearly full takes a part, and refuses the rest
                    content = content[file.write(content) :]
            self._known += sum(map(len, lines))
        except OSError as error:
            self._failure = error
            raise
        finally:
            self._lock.release()

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """The operations that the storage has not been given yet, ours and those of others."""
        if log_number_from != self._given:  # another reader: from the start
            self._given = self._known = 0
            self._to_give = deque()
        self._take_foreign()
        while self._to_give:
            line = self._to_give.popleft()
            self._given += 1
            if self._given > log_number_from:
                yield json.loads(line)

    def _take_foreign(self) -> None:
        """Takes in what others have appended: whole lines from the end as it is known."""
        if self._path.stat().st_size == self._known:
            return
        with self._path.open("rb") as file:
            file.seek(self._known)
            lines = [line for line in file.readlines() if line.endswith(b"\n")]
        self._known += sum(map(len, lines))
        self._to_give += lines

    def _sync(self) -> None:
        """Has the file synchronised soon."""
        self._to_sync = True
        self._background.submit(self._synchronise)

    def _synchronise(self) -> None:
        """For all that was written till now: what was asked for meanwhile is asked for once."""
        if not self._to_sync:
            return
        self._to_sync = False
        try:
            with self._path.open("r+b") as file:
                os.fsync(file.fileno())
        except OSError as error:  # raised with the next write
            self._failure = error
