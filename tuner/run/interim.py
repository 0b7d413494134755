"""Reports of what is known so far, written by a separate process while the workers go on."""

import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

WORTH_SECONDS = 30.0
"""After a search shorter than this the whole report comes soon enough: to draw two others beside the workers
would make a run of a minute a tenth longer."""


class Interim:
    """Writes the report of a run directory, again and again; a failure there does not affect the run.

    A context manager: at its end the writing is ended too, so that the report of the whole run is the last
    that is written.
    """

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._process: subprocess.Popen[bytes] | None = None
        self._began = self._took = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def write(self) -> None:
        """Starts to write it, in place of one that is still being written."""
        self._end()
        self._began = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tuner.cli", "report", str(self._run_dir)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the run
        )
        threading.Thread(target=self._wait, args=(self._process, self._began), daemon=True).start()

    def _wait(self, process: "subprocess.Popen[bytes]", began: float) -> None:
        if process.wait() == 0:
            self._took = max(self._took, time.monotonic() - began)

    @property
    def written(self) -> bool:
        """Whether one is finished."""
        return self._took > 0

    def seconds(self) -> float:
        """What one took, or has taken so far, beside workers that train."""
        writing = self._process is not None and self._process.poll() is None
        return max(self._took, time.monotonic() - self._began if writing else 0.0)

    def _end(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
