"""Workers on this machine: one long-lived process a slot, replaced when it dies, hangs or grows."""

import itertools
import os
import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tuner.errors import RunError
from tuner.records import EpochReport, TrialResult, TrialSpec, WorkContext
from tuner.workers import devices as found_here
from tuner.workers import gpus
from tuner.workers.devices import Device, Slot
from tuner.workers.executors import surroundings
from tuner.workers.executors.base import ANY, Event, Finished, Progress, Ready, Wanted, unheard
from tuner.workers.executors.crowd import Crowd
from tuner.workers.executors.patience import Patience, least_seconds
from tuner.workers.executors.process import Heard, LocalProcess, Process
from tuner.workers.executors.worker import Message, Task, Worker

MOST_START_FAILURES = 2
START_SECONDS = 900.0
"""For the import of Keras and its backend, which takes about ten where nothing else is going on."""

AWAY_SECONDS = 5.0
"""Without a poll, after which the parent counts as stopped (Ctrl-Z, a paused container): nobody listened."""

MICRO_BATCHES = 4
"""Parts that a batch is trained in when whole ones have run out of memory."""

SETTLED_ITEMS = 3
MOST_GROWTH = 1.3
MOST_GROWTH_BYTES = 200 << 20
"""A worker that has grown by more than both since its first items is replaced by a fresh one."""


class LocalExecutor:
    """Starts a worker for each slot, replaces those that fail, and passes on what they say.

    On a GPU whose slot allows more workers than there are at first, it adds some and takes them away
    again, between work items.
    """

    @classmethod
    def slots(cls, wanted: Wanted) -> tuple[Slot, ...]:
        """Those of this machine that `--devices` and `--workers` ask for; see `devices.slots`."""
        return found_here.slots(wanted.devices, wanted.workers)

    def __init__(
        self,
        slots: Sequence[Slot],
        context: WorkContext,
        logs: Path,
        wanted: Wanted = ANY,
        say: Callable[[str], None] = unheard,
    ) -> None:
        self._wanted = wanted
        self._say = say
        self._context = context
        self._logs = logs
        self._messages: queue.Queue[Message] = queue.Queue()
        self._start_failures = 0
        self._least = least_seconds()
        self._due = time.monotonic()
        self._workers: dict[int, Worker] = {}
        self._cancelled: dict[int, Slot] = {}
        self._names: dict[int, str] = {}
        self._crowds: dict[str, Crowd] = {}
        logs.mkdir(parents=True, exist_ok=True)
        for slot in slots:
            self._open_crowd(slot)
            self._start(slot)

    def _open_crowd(self, slot: Slot) -> None:
        """Has the number of workers on a device grow, where it may."""
        if slot.most > slot.share:
            self._crowds[slot.device.name] = Crowd(slot, self._logs / "packing.log", self._room)

    def _start(self, slot: Slot) -> Worker:
        log = self._logs / f"worker-{slot.index}.log"
        worker = self._workers[slot.index] = Worker(slot, log, self._messages)
        worker.process = self._launch(slot, log, worker.heard)
        self._names[slot.index] = slot.device.name
        if crowd := self._crowd(worker):
            crowd.forget(slot.index)
            crowd.workers[slot.index] = worker
        return worker

    def _launch(self, slot: Slot, log: Path, heard: Heard) -> Process:
        """Starts the process of a worker."""
        return LocalProcess(self._context, slot.environment(), log, heard)

    def _crowd(self, worker: Worker) -> Crowd | None:
        return self._crowds.get(worker.slot.device.name)

    def _replace(self, worker: Worker) -> Worker:
        fresh = self._start(worker.slot)
        worker.process.kill()
        return fresh

    def _room(self, device: Device) -> tuple[int, int]:
        """Bytes of memory that are free: of the machine that a GPU is in, and of the GPU."""
        import psutil

        return psutil.virtual_memory().available, gpus.free(int(device.id))

    def _pack(self) -> None:
        """Adds a worker to a GPU, or takes one away that has no work, as is wanted there."""
        for crowd in self._crowds.values():
            crowd.adjust()
            if surplus := crowd.surplus():
                self._retire(surplus)
            elif len(crowd.workers) < crowd.packing.wanted:
                index = self._unused()
                crowd.added.add(index)
                self._start(replace(crowd.slot, index=index))

    def _unused(self) -> int:
        """The number of a slot that there is not."""
        return next(i for i in itertools.count() if i not in self._workers and i not in self._cancelled)

    def _retire(self, worker: Worker) -> None:
        """Ends a worker, and takes its slot away."""
        index = worker.slot.index
        if crowd := self._crowd(worker):
            crowd.forget(index)
            crowd.added.discard(index)
            crowd.workers.pop(index, None)
        del self._workers[index]
        worker.process.kill()

    def free(self) -> list[int]:
        """Slots that may be given work, in order; the rest of a round of handing it out changes none."""
        free = [slot for crowd in self._crowds.values() for slot in crowd.free()]
        free += [i for i, worker in self._workers.items() if not worker.task and not self._crowd(worker)]
        free += self._cancelled
        return sorted(free)

    def device(self, slot: int) -> str:
        """The name of a slot's device."""
        return self._names[slot]

    def submit(self, slot: int, spec: TrialSpec, key: str) -> None:
        """Gives a free slot a work item; it may be given before the worker is ready."""
        self._at(slot).work(Task(spec, key, Patience(self._least)))

    def _at(self, slot: int) -> Worker:
        """The worker in a slot, started again if its last work was cancelled."""
        return self._start(self._cancelled.pop(slot)) if slot in self._cancelled else self._workers[slot]

    def poll(self, timeout: float) -> Event | None:
        """The next event, or None when none came within `timeout` seconds.

        Raises:
            RunError: workers die before they have started.
        """
        self._pack()
        away = time.monotonic() - self._due
        for worker in self._workers.values():
            worker.process.notice_end()
            if away > AWAY_SECONDS:
                worker.excuse(away)
        self._due = time.monotonic() + timeout
        hung = next((worker for worker in self._workers.values() if self._is_hung(worker)), None)
        if hung is not None:
            silent = f"no sign of life for {hung.silence():.0f} seconds"
            return self._lost(hung, "hung", f"{silent}; $TUNE_HANG_SECONDS can allow more")
        until = time.monotonic() + timeout
        while True:
            try:
                worker, message = self._messages.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                return None
            event = self._heard(worker, message)
            if event is not None:
                return event

    def _heard(self, worker: Worker, message: dict[str, Any] | None) -> Event | None:
        """The event that a message stands for; None if it is for this executor alone."""
        if self._workers.get(worker.slot.index) is not worker:
            return None  # the last words of a worker that was replaced
        if message is None:
            return self._died(worker)
        if "ready" in message:
            worker.ready = True
            if crowd := self._crowd(worker):
                crowd.added.discard(worker.slot.index)
            self._start_failures = 0
            return Ready(worker.slot.index, **message["ready"])
        assert worker.task is not None
        if "epoch" in message:
            return self._epoch(worker, worker.task, EpochReport.from_json(message["epoch"]))
        return self._result(worker, worker.task, TrialResult.from_json(message["result"]), message["memory"])

    def _epoch(self, worker: Worker, task: Task, report: EpochReport) -> Event | None:
        task.patience = task.patience.after(report.seconds)
        if crowd := self._crowd(worker):
            crowd.ended_epoch(worker, task.spec, report)
        if report.epoch <= task.told:  # done again after it had run out of memory
            self.answer(worker.slot.index, go_on=True)
            return None
        task.told = report.epoch
        return Progress(worker.slot.index, task.spec, report)

    def _result(self, worker: Worker, task: Task, result: TrialResult, memory: int) -> Event | None:
        if result.state == "failed":
            result = replace(result, log=worker.last_words(), micro_batches=task.micro_batches)
        worker.task = None
        if crowd := self._crowd(worker):
            crowd.forget(worker.slot.index)
        if result.reason == "out-of-memory" and task.micro_batches == 1:
            self._in_parts(worker, task)
            return None
        self._watch_memory(worker, memory)
        return Finished(worker.slot.index, task.spec, result)

    def _in_parts(self, worker: Worker, task: Task) -> None:
        """Does a work item again that has run out of memory, each batch in parts.

        In a fresh process, as what frameworks have set aside on a GPU stays with the old one.
        """
        again = Task(task.spec, task.key, Patience(self._least), MICRO_BATCHES, task.told)
        self._replace(worker).work(again)

    def _watch_memory(self, worker: Worker, memory: int) -> None:
        worker.items += 1
        if worker.items <= SETTLED_ITEMS:
            worker.settled = max(worker.settled, memory)
        elif memory > max(MOST_GROWTH * worker.settled, worker.settled + MOST_GROWTH_BYTES):
            self._replace(worker)

    def _died(self, worker: Worker) -> Event | None:
        worker.process.kill()
        code, task = worker.process.code, worker.task
        if code is None:
            return self._lost(worker, "worker-died", "the worker process no longer answers")
        message = f"the worker process ended by {f'signal {-code}' if code < 0 else f'exit code {code}'}"
        if task is None or not worker.ready or not worker.was_killed_for_memory():
            return self._lost(worker, "worker-died", message)
        if task.micro_batches == 1:
            self._in_parts(worker, task)
            return None
        return self._lost(worker, "out-of-memory", f"{message}, as the machine ran out of memory")

    def _is_hung(self, worker: Worker) -> bool:
        if worker.task is None:
            return not worker.ready and worker.silence() > START_SECONDS
        allowed = worker.task.patience.seconds
        return worker.silence() > (allowed if worker.ready else max(allowed, START_SECONDS))

    def _lost(self, worker: Worker, reason: str, message: str) -> Event | None:
        """Replaces a worker that cannot be used any more; its work item has failed."""
        log, task, crowd = worker.last_words(), worker.task, self._crowd(worker)
        if crowd and worker.slot.index in crowd.added:
            crowd.packing.give_up()  # the others go on without it
            self._retire(worker)
            return None
        if not worker.ready:
            self._start_failures += 1
            if self._start_failures > MOST_START_FAILURES:
                worker.process.kill()
                raise RunError(_no_start(log, worker.log))
        self._replace(worker)
        if task is None:
            return None
        if not worker.ready:  # not the fault of its work
            self._workers[worker.slot.index].work(task)
            return None
        result = TrialResult(
            "failed", 0.0, reason=reason, message=message, log=log, micro_batches=task.micro_batches
        )
        return Finished(worker.slot.index, task.spec, result)

    def answer(self, slot: int, *, go_on: bool) -> None:
        """Lets the work in a slot go on, or end where it is."""
        worker = self._workers[slot]
        crowd = self._crowd(worker)
        if not go_on or crowd is None or crowd.begins_epoch(worker):
            worker.answer(go_on=go_on)

    def end_waits(self) -> None:
        """Ends the work of workers that wait for others to be measured."""
        for crowd in self._crowds.values():
            crowd.release(go_on=False)

    def cancel(self, slot: int) -> None:
        """Kills the worker in a slot; another starts as soon as there is work for it.

        After a deadline there is none, and a start would take the cores from the report.
        """
        worker = self._workers[slot]
        if self._crowd(worker):
            self._replace(worker)
            return
        self._cancelled[slot] = self._workers.pop(slot).slot
        worker.process.kill()

    def memory(self) -> int:
        """Bytes of memory that the workers have in use."""
        return sum(worker.process.memory() for worker in self._workers.values())

    def stop(self) -> None:
        """Ends all workers at once."""
        workers = list(self._workers.values())
        self._workers.clear()
        for worker in workers:
            worker.process.end()
        for worker in workers:
            worker.process.kill()


def _no_start(log: str, path: Path) -> str:
    """Why workers do not start, as far as their log says so."""
    said = [line.strip() for line in log.splitlines() if line.strip()]
    named = ", ".join(surroundings.suspects(os.environ))
    why = f"workers do not start: {said[-1][:300] if said else 'they say nothing'}\nall of it: {path}"
    return f"{why}\nset in this environment, and perhaps the reason: {named}" if named else why
