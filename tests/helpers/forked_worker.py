"""A worker that starts at once: the real one, or a stand-in, as a fork of a process that has Keras.

`TUNE_WORKER=tests.helpers.forked_worker`, with the origin's address in `FORKED_FROM` and the worker's module
in `FORKED_WORKER`. This process passes its streams on and waits.
"""

import os
import sys
from pathlib import Path

from tests.helpers.forks import Fork


def main() -> None:
    """Ends as the fork ends."""
    environment = os.environ
    worker = environment.get("FORKED_WORKER", "tuner.workers.worker")
    origin, here = environment["FORKED_FROM"], str(Path.cwd())
    code = Fork(origin, worker, sys.argv[1:], here, environment, (0, 1, 2)).wait()
    if code < 0:
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    main()
