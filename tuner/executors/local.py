"""Workers on this machine: one long-lived process a slot."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tuner.devices import Slot
from tuner.errors import RunError
from tuner.executors.base import Event, Finished, Progress, Ready
from tuner.records import EpochReport, TrialResult, TrialSpec, WorkContext

Message = tuple["Worker", dict[str, Any] | None]

MOST_START_FAILURES = 2


@dataclass(eq=False)
class Worker:
    """One worker process and what it is doing."""

    slot: Slot
    process: "subprocess.Popen[str]"
    log: Path
    spec: TrialSpec | None = None
    ready: bool = False

    def send(self, message: dict[str, Any]) -> None:
        """Sends a line; a dead worker is noticed by the end of its output instead."""
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()

    def last_words(self, lines: int = 8) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def kill(self) -> None:
        """Ends the process and waits for it."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(OSError):  # unsent data of a dead worker
                    pipe.close()


class LocalExecutor:
    """Starts a worker for each slot, replaces those that die, and passes on what they say."""

    def __init__(self, slots: Sequence[Slot], context: WorkContext, logs: Path) -> None:
        self._context = context
        self._logs = logs
        self._messages: queue.Queue[Message] = queue.Queue()
        self._start_failures = 0
        self._workers: dict[int, Worker] = {}
        logs.mkdir(parents=True, exist_ok=True)
        for slot in slots:
            self._start(slot)

    def _start(self, slot: Slot) -> None:
        log = self._logs / f"worker-{slot.index}.log"
        with log.open("a") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "tuner.worker", json.dumps(self._context.to_json())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **slot.environment()},
                text=True,
                encoding="utf-8",
                start_new_session=True,
            )
        worker = Worker(slot, process, log)
        self._workers[slot.index] = worker
        assert process.stdout is not None
        threading.Thread(target=self._listen, args=(worker, process.stdout), daemon=True).start()

    def _listen(self, worker: Worker, output: IO[str]) -> None:
        try:
            for line in output:
                self._messages.put((worker, json.loads(line)))
        except ValueError:  # closed while reading, or a line cut short by a kill
            pass
        self._messages.put((worker, None))

    def free(self) -> list[int]:
        """Slots without work, in order."""
        return [index for index, worker in sorted(self._workers.items()) if worker.spec is None]

    def device(self, slot: int) -> str:
        """The name of a slot's device."""
        return self._workers[slot].slot.device.name

    def submit(self, slot: int, spec: TrialSpec, key: str) -> None:
        """Gives a free slot a work item; it may be given before the worker is ready."""
        worker = self._workers[slot]
        worker.spec = spec
        worker.send({"work": spec.to_json(), "key": key})

    def poll(self, timeout: float) -> Event | None:
        """The next event, or None when none came within `timeout` seconds.

        Raises:
            RunError: workers die before they have started.
        """
        try:
            worker, message = self._messages.get(timeout=timeout)
        except queue.Empty:
            return None
        if self._workers.get(worker.slot.index) is not worker:
            return None  # the last words of a worker that was replaced
        if message is None:
            return self._died(worker)
        if "ready" in message:
            worker.ready = True
            self._start_failures = 0
            return Ready(worker.slot.index, **message["ready"])
        assert worker.spec is not None
        if "epoch" in message:
            return Progress(worker.slot.index, worker.spec, EpochReport.from_json(message["epoch"]))
        spec, worker.spec = worker.spec, None
        return Finished(worker.slot.index, spec, TrialResult.from_json(message["result"]))

    def _died(self, worker: Worker) -> Event | None:
        worker.kill()
        last_words = worker.last_words()
        if not worker.ready:
            self._start_failures += 1
            if self._start_failures > MOST_START_FAILURES:
                raise RunError(f"workers do not start; the end of {worker.log}:\n{last_words[-400:]}")
        self._start(worker.slot)
        spec = worker.spec
        if spec is None:
            return None
        how = f"signal {-worker.process.returncode}" if worker.process.returncode < 0 else "an exit"
        message = f"the worker process ended by {how}\n{last_words}".strip()
        return Finished(
            worker.slot.index, spec, TrialResult("failed", 0.0, reason="worker-died", message=message)
        )

    def answer(self, slot: int, *, go_on: bool) -> None:
        """Lets the work in a slot go on, or end where it is."""
        self._workers[slot].send({"go_on": go_on})

    def cancel(self, slot: int) -> None:
        """Kills the worker in a slot and starts another."""
        worker = self._workers[slot]
        self._start(worker.slot)
        worker.kill()

    def memory(self) -> int:
        """Bytes of memory that the workers have in use."""
        import psutil

        return sum(
            int(psutil.Process(worker.process.pid).memory_info().rss) for worker in self._workers.values()
        )

    def stop(self) -> None:
        """Ends all workers at once."""
        workers = list(self._workers.values())
        self._workers.clear()
        for worker in workers:
            worker.kill()
