"""The workers on one GPU with `--workers auto`: who begins an epoch when, and who waits meanwhile."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tuner.records import EpochReport, TrialSpec
from tuner.workers.devices import Device, Slot
from tuner.workers.executors.packing import Packing
from tuner.workers.executors.worker import Worker

HOST_BYTES = 2 << 30
"""Of the machine's memory that must be free for another worker."""

LONGEST_WAIT = 300.0
"""Seconds that a worker waits for the others at most."""


@dataclass
class Crowd:
    """Measures how much its workers hinder each other, and says how many there should be.

    Attributes:
        slot: of the first worker; those that are added are like it.
        log: where decisions are written, a line each.
        room: bytes of memory free for a device: its machine's, and its own.
        workers: by slot.
        added: slots that were added and whose worker is not ready yet: until then it is given no work.
        waiting: the slot whose worker waits between two epochs so that the others can be measured.
    """

    slot: Slot
    log: Path
    room: Callable[[Device], tuple[int, int]]
    workers: dict[int, Worker] = field(default_factory=dict)
    added: set[int] = field(default_factory=set)
    waiting: int | None = None

    def __post_init__(self) -> None:
        self.packing = Packing(self.slot.most)
        self._began: dict[Worker, int] = {}
        self._settled: set[Worker] = set()
        self._waits_since = 0.0

    def at_work(self) -> list[Worker]:
        """Workers that have work and do not wait."""
        return [w for index, w in self.workers.items() if w.task is not None and index != self.waiting]

    def level(self) -> int:
        """Workers at work; 0 while one is in its first epoch, which builds and compiles as well."""
        workers = self.at_work()
        return len(workers) if self._settled.issuperset(workers) else 0

    def free(self) -> list[int]:
        """Slots that may be given work: no more than are wanted."""
        idle = sorted(
            index for index, worker in self.workers.items() if worker.task is None and index not in self.added
        )
        busy = sum(worker.task is not None for worker in self.workers.values())
        return idle[: max(0, self.packing.wanted - busy)]

    def ended_epoch(self, worker: Worker, spec: TrialSpec, report: EpochReport) -> None:
        """Takes the pace of an epoch, if as many were at work at its end as at its beginning."""
        self._settled.add(worker)
        count = self.level()
        if count and self._began.pop(worker, 0) == count and report.seconds > 0:
            self.packing.told(_name(spec), count, report.images / report.seconds)
            if self.waiting is not None:
                self.release()

    def begins_epoch(self, worker: Worker) -> bool:
        """Whether a worker may begin its next epoch; else it waits until `release`."""
        count = self.level()
        if self.waiting is None and self.packing.curious and self._comparable(worker, count):
            self.waiting, self._waits_since = worker.slot.index, time.monotonic()
            return False
        self._began[worker] = count
        return True

    def _comparable(self, worker: Worker, count: int) -> bool:
        """Whether another worker has been measured among so many, and goes on."""
        return count == self.packing.wanted and any(
            other is not worker
            and other.task is not None
            and self.packing.knows(_name(other.task.spec), count)
            and other.task.told + 1 < (other.task.spec.until or other.task.spec.epochs)
            for other in self.workers.values()
        )

    def release(self, *, go_on: bool = True) -> None:
        """Lets the worker that waits go on, or end."""
        worker = self.workers.get(-1 if self.waiting is None else self.waiting)
        self.waiting = None
        if worker is not None and worker.task is not None:
            worker.answer(go_on=go_on)
            self._began[worker] = self.level()

    def forget(self, index: int) -> None:
        """Called when a slot's worker has ended its work."""
        worker = self.workers.get(index)
        if worker is not None:
            self._began.pop(worker, None)
            self._settled.discard(worker)
        if self.waiting == index:
            self.waiting = None

    def adjust(self) -> None:
        """Decides anew how many workers there should be, and ends a wait that brings nothing."""
        waited = time.monotonic() - self._waits_since
        if self.waiting is not None and (not self.at_work() or waited > LONGEST_WAIT):
            self.release()
        if len(self.workers) != self.packing.wanted:  # the last decision is not carried out yet
            return
        before = self.packing.wanted
        gain = self.packing.decide(self._has_room)
        if gain is not None:
            self._note(before, gain)

    def _note(self, before: int, gain: float) -> None:
        found = f" train {gain:.2f} times the images a second of {before - 1}" if before > 1 else ""
        with self.log.open("a") as file:
            now, name = time.strftime("%H:%M:%S"), self.slot.device.name
            file.write(f"{now} {name}: workers {before}{found}; now {self.packing.wanted}\n")

    def _has_room(self) -> bool:
        """Whether one more worker finds memory, and work: all others are busy."""
        if any(worker.task is None for worker in self.workers.values()):
            return False
        host, device = self.room(self.slot.device)
        return host >= HOST_BYTES and device >= self.slot.memory

    def surplus(self) -> Worker | None:
        """A worker without work that is one too many."""
        idle = [index for index, worker in self.workers.items() if worker.task is None]
        if len(self.workers) <= self.packing.wanted or not idle:
            return None
        return self.workers[max(idle, key=lambda index: (index in self.added, index))]


def _name(spec: TrialSpec) -> str:
    return f"{spec.purpose} {spec.model} {spec.number} {spec.seed} {spec.fold}"
