"""A report of what is known so far, written by a process beside the run, whose workers go on meanwhile."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

WORTH_SECONDS = 10.0
"""After a search shorter than this the end of the run comes soon enough."""


@contextmanager
def report(run_dir: Path) -> Iterator[Callable[[], float]]:
    """Starts to write the report of a run directory; a failure there does not affect the run.

    At the end it is ended too, so that the report of the whole run is the last that is written.

    Yields:
        The seconds it took, or has taken so far. The report of the whole run is longer, but has the
        workers' cores for itself.
    """
    began, ended = time.monotonic(), list[float]()
    process = subprocess.Popen(
        [sys.executable, "-m", "tuner.cli", "report", str(run_dir)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the run
    )

    def wait() -> None:
        process.wait()
        ended.append(time.monotonic())

    threading.Thread(target=wait, daemon=True).start()
    try:
        yield lambda: (ended[0] if ended else time.monotonic()) - began
    finally:
        process.terminate()
        process.wait()
