"""One worker process on this machine, as its parent sees it."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tuner.records import TrialSpec, WorkContext
from tuner.workers.devices import Slot
from tuner.workers.executors import exhaustion, surroundings
from tuner.workers.executors.patience import Patience

Message = tuple["Worker", dict[str, Any] | None]
"""A worker's message; None at the end of its output."""

LOG_LINES = 30

END_SECONDS = 10.0
"""For a process to end that was killed, and for its output to end after it."""

MODULE = "TUNE_WORKER"
"""Names a module in the environment that is run instead of `tuner.workers.worker`, and speaks as it does."""


@dataclass
class Task:
    """A work item in the hands of a worker.

    Attributes:
        spec: the item.
        key: of its files.
        micro_batches: parts that each batch is trained in.
        told: epochs that the parent knows of already, from an earlier try.
        patience: how long it may be silent.
        log_start: size of the log before it, in bytes.
        kills_before: processes that the system had killed by then, as memory ran out.
    """

    spec: TrialSpec
    key: str
    patience: Patience
    micro_batches: int = 1
    told: int = 0
    log_start: int = 0
    kills_before: int = 0


@dataclass(eq=False)
class Worker:
    """A process and what it is doing.

    Attributes:
        silent_since: `time.monotonic()` since when it owes a message; None while the parent is to
            act. Set by the thread that listens too.
        settled: bytes of memory it had in use after its first work items.
        items: work items it has done.
        listener: the thread that passes on what it says.
    """

    slot: Slot
    process: "subprocess.Popen[str]"
    log: Path
    task: Task | None = None
    ready: bool = False
    silent_since: float | None = field(default_factory=time.monotonic)
    settled: int = 0
    items: int = 0
    listener: threading.Thread | None = None

    @classmethod
    def start(cls, slot: Slot, context: WorkContext, log: Path, messages: "queue.Queue[Message]") -> "Worker":
        """Starts a process; what it says comes in `messages`."""
        with log.open("a") as errors:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    os.environ.get(MODULE, "tuner.workers.worker"),
                    json.dumps(context.to_json()),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=surroundings.environment(os.environ, slot.environment()),
                text=True,
                encoding="utf-8",
                start_new_session=True,
            )
        worker = cls(slot, process, log)
        assert process.stdout is not None
        worker.listener = threading.Thread(target=worker.listen, args=(process.stdout, messages), daemon=True)
        worker.listener.start()
        return worker

    def listen(self, output: IO[str], messages: "queue.Queue[Message]") -> None:
        """Passes on what the process says, until it ends."""
        with output, suppress(ValueError):  # a line cut short by a kill
            for line in output:
                message = json.loads(line)
                self.silent_since = time.monotonic() if "ready" in message else None
                messages.put((self, message))
        self.silent_since = None
        messages.put((self, None))

    def work(self, task: Task) -> None:
        """Gives it a work item; it need not be ready yet."""
        task.log_start = self.log.stat().st_size
        task.kills_before = exhaustion.kills()
        self.task = task
        self._send({"work": task.spec.to_json(), "key": task.key, "micro_batches": task.micro_batches})

    def answer(self, *, go_on: bool) -> None:
        """Lets it go on after an epoch, or end."""
        self._send({"go_on": go_on})

    def _send(self, message: dict[str, Any]) -> None:
        """Sends a line; a dead worker is noticed by the end of its output instead."""
        assert self.process.stdin is not None
        self.silent_since = time.monotonic()
        with suppress(OSError):
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()

    def was_killed_for_memory(self) -> bool:
        """Whether the system seems to have ended it in the midst of its work, as memory ran out (Linux)."""
        killed = self.process.returncode == -9
        return killed and self.task is not None and exhaustion.kills() > self.task.kills_before

    def silence(self) -> float:
        """Seconds for which it has owed a message."""
        since = self.silent_since
        return 0.0 if since is None else time.monotonic() - since

    def excuse(self, seconds: float) -> None:
        """Leaves a time out of its silence, in which nobody listened."""
        since = self.silent_since
        if since is not None:
            self.silent_since = min(time.monotonic(), since + seconds)

    def last_words(self) -> str:
        """The end of its log, of the present work item where there is one."""
        with self.log.open("rb") as file:
            file.seek(self.task.log_start if self.task else 0)
            lines = file.read().decode(errors="replace").splitlines()
        return "\n".join(line[:500] for line in lines[-LOG_LINES:])

    def end(self) -> None:
        """Kills the process, and what user code in it has started, which may hold on to its output."""
        if self.process.returncode is None:
            self._end_group()

    def _end_group(self) -> None:
        if sys.platform == "win32":
            self.process.kill()
            return
        with suppress(ProcessLookupError, PermissionError):  # nobody is left, or only the dead (macOS)
            os.killpg(self.process.pid, signal.SIGKILL)

    def notice_end(self) -> None:
        """If the process has ended by itself, ends what it has left behind, and its output with that."""
        if self.process.returncode is None and self.process.poll() is not None:
            self._end_group()

    def kill(self) -> None:
        """Ends the process and waits for it, a little: one that is stuck in a driver does not end."""
        self.end()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(END_SECONDS)
        if self.listener is not None:  # which closes the output; to close it here would wait for its reader
            self.listener.join(END_SECONDS)
        if self.process.stdin is not None:
            with suppress(OSError):  # unsent data of a dead worker
                self.process.stdin.close()
