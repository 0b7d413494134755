"""The process of a worker: what an executor needs of one, and the form that it has on this machine."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol

from tuner.records import WorkContext
from tuner.workers.executors import exhaustion, surroundings

Heard = Callable[[dict[str, Any] | None], None]
"""Takes what a process says, message by message, and None at its end; called by a thread of its own."""

END_SECONDS = 10.0
"""For a process to end that was killed, and for its output to end after it."""

MODULE = "TUNE_WORKER"
"""Names a module in the environment that is run instead of `tuner.workers.worker`, and speaks as it does."""


class Process(Protocol):
    """A worker's process, wherever it runs."""

    @property
    def code(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs, or where it is not known."""
        ...

    def send(self, message: dict[str, Any]) -> None:
        """Sends a message; a dead process is noticed by the end of its output instead."""
        ...

    def killed_for_memory(self) -> bool:
        """Whether the system seems to have ended it since the last message, as memory ran out."""
        ...

    def memory(self) -> int:
        """Bytes that it has in use, 0 where it is not known."""
        ...

    def notice_end(self) -> None:
        """If the process has ended by itself, ends what it has left behind, and its output with that."""
        ...

    def end(self) -> None:
        """Kills the process and what it has started, and does not wait."""
        ...

    def kill(self) -> None:
        """Ends the process and waits for it, a little: one that is stuck in a driver does not end."""
        ...


class LocalProcess:
    """A worker's process on this machine."""

    def __init__(self, context: WorkContext, environment: Mapping[str, str], log: Path, heard: Heard) -> None:
        """Starts it.

        Args:
            context: of the run.
            environment: what its slot sets.
            log: gets what it prints.
            heard: told what it says.
        """
        self._kills = exhaustion.kills()
        with log.open("a") as errors:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    environment.get(MODULE) or os.environ.get(MODULE, "tuner.workers.worker"),
                    json.dumps(context.to_json()),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=surroundings.environment(os.environ, environment),
                text=True,
                encoding="utf-8",
                start_new_session=True,
            )
        assert self._process.stdout is not None
        self._listener = threading.Thread(target=_listen, args=(self._process.stdout, heard), daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """The system's number of it."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs, or is stuck."""
        return self._process.returncode

    def send(self, message: dict[str, Any]) -> None:
        """Sends a line; a dead worker is noticed by the end of its output instead."""
        assert self._process.stdin is not None
        self._kills = exhaustion.kills()
        with suppress(OSError):
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()

    def killed_for_memory(self) -> bool:
        """Whether the system seems to have ended it since the last message, as memory ran out (Linux)."""
        return self.code == -9 and exhaustion.kills() > self._kills

    def memory(self) -> int:
        """Bytes that it has in use."""
        import psutil

        return int(psutil.Process(self.pid).memory_info().rss)

    def end(self) -> None:
        """Kills the process, and what user code in it has started, which may hold on to its output."""
        if self.code is None:
            self._end_group()

    def _end_group(self) -> None:
        if sys.platform == "win32":
            self._process.kill()
            return
        with suppress(ProcessLookupError, PermissionError):  # nobody is left, or only the dead (macOS)
            os.killpg(self.pid, signal.SIGKILL)

    def notice_end(self) -> None:
        """If the process has ended by itself, ends what it has left behind, and its output with that."""
        if self.code is None and self._process.poll() is not None:
            self._end_group()

    def kill(self) -> None:
        """Ends the process and waits for it, a little: one that is stuck in a driver does not end."""
        self.end()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)
        # The listener closes the output; to close it here would wait for its reader.
        if self._listener is not threading.current_thread():
            self._listener.join(END_SECONDS)
        if self._process.stdin is not None:
            with suppress(OSError):  # unsent data of a dead worker
                self._process.stdin.close()


def _listen(output: IO[str], heard: Heard) -> None:
    """Passes on what a process says, until it ends."""
    with output, suppress(ValueError):  # a line cut short by a kill
        for line in output:
            heard(json.loads(line))
    heard(None)
