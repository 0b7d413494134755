"""One worker process on this machine, as its parent sees it."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tuner.devices import Slot
from tuner.executors.patience import Patience
from tuner.records import TrialSpec, WorkContext

Message = tuple["Worker", dict[str, Any] | None]
"""What a worker says; None at the end of its output."""

LOG_LINES = 30

MODULE = "TUNE_WORKER"
"""Names a module in the environment that is run instead of `tuner.worker`, and speaks as it does."""


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
    """

    spec: TrialSpec
    key: str
    patience: Patience
    micro_batches: int = 1
    told: int = 0
    log_start: int = 0


@dataclass(eq=False)
class Worker:
    """A process and what it is doing.

    Attributes:
        silent_since: `time.monotonic()` since when it owes a message; None while the parent is to
            act. Set by the thread that listens too.
        settled: bytes of memory it had in use after its first work items.
        items: work items it has done.
    """

    slot: Slot
    process: "subprocess.Popen[str]"
    log: Path
    task: Task | None = None
    ready: bool = False
    silent_since: float | None = field(default_factory=time.monotonic)
    settled: int = 0
    items: int = 0

    @classmethod
    def start(cls, slot: Slot, context: WorkContext, log: Path, messages: "queue.Queue[Message]") -> "Worker":
        """Starts a process; what it says comes in `messages`."""
        with log.open("a") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", os.environ.get(MODULE, "tuner.worker"), json.dumps(context.to_json())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **slot.environment()},
                text=True,
                encoding="utf-8",
                start_new_session=True,
            )
        worker = cls(slot, process, log)
        assert process.stdout is not None
        threading.Thread(target=worker.listen, args=(process.stdout, messages), daemon=True).start()
        return worker

    def listen(self, output: IO[str], messages: "queue.Queue[Message]") -> None:
        """Passes on what the process says, until it ends."""
        try:
            for line in output:
                message = json.loads(line)
                self.silent_since = time.monotonic() if "ready" in message else None
                messages.put((self, message))
        except ValueError:  # closed while reading, or a line cut short by a kill
            pass
        self.silent_since = None
        messages.put((self, None))

    def work(self, task: Task) -> None:
        """Gives it a work item; it need not be ready yet."""
        task.log_start = self.log.stat().st_size
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

    def silence(self) -> float:
        """Seconds for which it has owed a message."""
        since = self.silent_since
        return 0.0 if since is None else time.monotonic() - since

    def last_words(self) -> str:
        """The end of its log, of the present work item where there is one."""
        with self.log.open("rb") as file:
            file.seek(self.task.log_start if self.task else 0)
            lines = file.read().decode(errors="replace").splitlines()
        return "\n".join(line[:500] for line in lines[-LOG_LINES:])

    def kill(self) -> None:
        """Ends the process and waits for it."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(OSError):  # unsent data of a dead worker
                    pipe.close()
