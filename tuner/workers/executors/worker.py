"""One worker as the executor sees it: what it is doing, since when it is silent, and its log."""

import queue
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tuner.records import TrialSpec
from tuner.workers.devices import Slot
from tuner.workers.executors.patience import Patience
from tuner.workers.executors.process import Process

Message = tuple["Worker", dict[str, Any] | None]
"""A worker's message; None at the end of its output."""

LOG_LINES = 30


@dataclass
class Task:
    """A work item in the hands of a worker.

    Attributes:
        spec: the item.
        key: of its files.
        patience: how long it may be silent.
        micro_batches: parts that each batch is trained in.
        told: epochs that the parent knows of already, from an earlier try.
        log_start: size of the log before it, in bytes.
        losses: how often the machine that it was on was lost.
    """

    spec: TrialSpec
    key: str
    patience: Patience
    micro_batches: int = 1
    told: int = 0
    log_start: int = 0
    losses: int = 0


@dataclass(eq=False)
class Worker:
    """A process and what it is doing.

    Attributes:
        messages: where what it says is put, as soon as it is heard.
        process: set once it has been started.
        silent_since: `time.monotonic()` since when it owes a message; None while the parent is to
            act. Set by the thread that listens too.
        settled: bytes of memory it had in use after its first work items.
        items: work items it has done.
    """

    slot: Slot
    log: Path
    messages: "queue.Queue[Message]"
    process: Process = field(init=False)
    task: Task | None = None
    ready: bool = False
    silent_since: float | None = field(default_factory=time.monotonic)
    settled: int = 0
    items: int = 0

    def heard(self, message: dict[str, Any] | None) -> None:
        """Called by the thread that listens: passes on what the process says."""
        self.silent_since = time.monotonic() if message is not None and "ready" in message else None
        self.messages.put((self, message))

    def work(self, task: Task) -> None:
        """Gives it a work item; it need not be ready yet."""
        task.log_start = self.log.stat().st_size if self.log.exists() else 0
        self.task = task
        self._send({"work": task.spec.to_json(), "key": task.key, "micro_batches": task.micro_batches})

    def answer(self, *, go_on: bool) -> None:
        """Lets it go on after an epoch, or end."""
        self._send({"go_on": go_on})

    def _send(self, message: dict[str, Any]) -> None:
        self.silent_since = time.monotonic()
        self.process.send(message)

    def was_killed_for_memory(self) -> bool:
        """Whether the system seems to have ended it in the midst of its work, as memory ran out (Linux)."""
        return self.task is not None and self.process.killed_for_memory()

    def silence(self) -> float:
        """Seconds for which it has owed a message."""
        since = self.silent_since
        return 0.0 if since is None else time.monotonic() - since

    def excuse(self, seconds: float) -> None:
        """Does not count a time in which the parent did not listen as silence."""
        since = self.silent_since
        if since is not None:
            self.silent_since = min(time.monotonic(), since + seconds)

    def last_words(self) -> str:
        """The end of its log, of the present work item where there is one."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(self.task.log_start if self.task else 0)
            lines = file.read().decode(errors="replace").splitlines()
        return "\n".join(line[:500] for line in lines[-LOG_LINES:])
