"""A worker process: started with its environment set, it imports Keras once and does work items.

It speaks JSON, one object a line: work items and answers come in on standard input, reports and
results go out on standard output. Whatever else is printed goes to standard error, its log. When
standard input ends, because the parent closed it or died, the worker exits at once.

    parent: {"work": {TrialSpec}, "key": "…", "micro_batches": 1}
                                            worker: {"ready": {"versions": {…}}}
    parent: {"go_on": true}                 worker: {"epoch": {EpochReport}}
                                            worker: {"result": {TrialResult}, "memory": bytes}
"""

import gc
import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from typing import IO, Any

import psutil

from tuner.records import EpochReport, TrialResult, TrialSpec, WorkContext


class Channel:
    """The line to the parent."""

    def __init__(self) -> None:
        self._out: IO[str] = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)  # what libraries print must not mix with the protocol
        self._messages: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in sys.stdin:
            self._messages.put(json.loads(line))
        os._exit(0)

    def receive(self) -> dict[str, Any]:
        """The next message, waiting for it."""
        return self._messages.get()

    def send(self, message: dict[str, Any]) -> None:
        """Sends a message."""
        try:
            self._out.write(json.dumps(message) + "\n")
            self._out.flush()
        except BrokenPipeError:
            os._exit(0)


Perform = Callable[[TrialSpec, WorkContext, str, Callable[[EpochReport], bool], int], TrialResult]
"""Does a work item; see `tuner.training.perform`."""


def main() -> None:
    """Serves work items until the parent closes the connection."""
    channel, context = start()

    from tuner.training.memory import uncollected
    from tuner.workers import programs

    programs.keep()
    with uncollected():
        import keras

        from tuner.training import gpu
        from tuner.training.perform import perform
    gpu.limit_memory()
    keras.config.set_image_data_format("channels_last")  # whatever the user's keras.json says
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.utils.disable_interactive_logging()
    gc.freeze()  # what is imported stays: it need not be looked through after each item
    serve(channel, context, perform, keras.backend.backend(), versions())


def start() -> tuple[Channel, WorkContext]:
    """The steps before the import of a framework: the line to the parent, and what all items share."""
    # Ctrl-C reaches the whole terminal; only the parent decides what it means.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    _die_with_parent()
    return Channel(), WorkContext.from_json(json.loads(sys.argv[1]))


def serve(
    channel: Channel, context: WorkContext, perform: Perform, backend: str, versions: dict[str, str]
) -> None:
    """Says that it is ready, then does one work item after the other."""
    channel.send({"ready": {"backend": backend, "versions": versions}})

    def on_epoch(report: EpochReport) -> bool:
        channel.send({"epoch": report.to_json()})
        return bool(channel.receive()["go_on"])

    while True:
        message = channel.receive()
        spec = TrialSpec.from_json(message["work"])
        result = perform(spec, context, message["key"], on_epoch, message["micro_batches"])
        channel.send({"result": result.to_json(), "memory": resident()})


def resident() -> int:
    """Bytes of memory that this process alone has in use; data sets are mapped, and shared."""
    used = psutil.Process().memory_info()
    return int(used.rss - getattr(used, "shared", 0))


def _die_with_parent() -> None:
    """Has the system kill this process when its parent dies (Linux).

    The end of standard input says so too, but only to Python, which does not run while C code of a
    user's own model holds the interpreter's lock.
    """
    if sys.platform == "linux":
        import ctypes

        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def versions() -> dict[str, str]:
    """Versions of Keras and its backend."""
    import keras

    backend = keras.backend.backend()
    module = __import__("torch" if backend == "torch" else backend)
    return {"keras": keras.__version__, backend: str(module.__version__)}


if __name__ == "__main__":
    main()
