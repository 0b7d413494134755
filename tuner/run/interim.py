"""A report of what is known so far, written by a process beside the run, whose workers go on meanwhile."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WORTH_SECONDS = 10.0
"""After a search shorter than this the end of the run comes soon enough."""


@contextmanager
def report(run_dir: Path) -> Iterator[None]:
    """Starts to write the report of a run directory; a failure there does not affect the run.

    At the end it is ended too, so that the report of the whole run is the last that is written.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "tuner.cli", "report", str(run_dir)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the run
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()
