"""The interface of executors, which train work items somewhere and report on them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tuner.records import EpochReport, TrialResult, TrialSpec, WorkContext
from tuner.workers.devices import Slot


@dataclass(frozen=True)
class Ready:
    """A worker has started."""

    slot: int
    backend: str
    versions: dict[str, str]


@dataclass(frozen=True)
class Progress:
    """An epoch has ended; the worker waits for `answer`."""

    slot: int
    spec: TrialSpec
    report: EpochReport


@dataclass(frozen=True)
class Finished:
    """A work item has ended; its slot is free."""

    slot: int
    spec: TrialSpec
    result: TrialResult


@dataclass(frozen=True)
class Moved:
    """A work item is begun again in another slot, as the machine that it was on is lost."""

    slot: int
    to: int


Event = Ready | Progress | Finished | Moved


class Executor(Protocol):
    """Trains work items in slots, several at a time."""

    def free(self) -> list[int]:
        """Slots without work, in order."""
        ...

    def device(self, slot: int) -> str:
        """The name of a slot's device."""
        ...

    def submit(self, slot: int, spec: TrialSpec, key: str) -> None:
        """Gives a free slot a work item, whose files are to be named `key`."""
        ...

    def poll(self, timeout: float) -> Event | None:
        """The next event, or None when none came within `timeout` seconds."""
        ...

    def answer(self, slot: int, *, go_on: bool) -> None:
        """Lets the work in a slot go on, or end where it is."""
        ...

    def end_waits(self) -> None:
        """Ends, at the epoch where it is, work that was let go on and has not begun to."""
        ...

    def cancel(self, slot: int) -> None:
        """Stops the work in a slot at once; no further event of it comes."""
        ...

    def memory(self) -> int:
        """Bytes that all workers hold now, 0 where it is not known."""
        ...

    def stop(self) -> None:
        """Ends all workers at once."""
        ...


@dataclass(frozen=True)
class Wanted:
    """What a user asks to train on.

    Attributes:
        devices: as `--devices` has it.
        workers: as `--workers` has it.
        address: of a cluster, as `--ray-address` has it.
    """

    devices: str = "auto"
    workers: str = "auto"
    address: str = "auto"


ANY = Wanted()


def unheard(line: str) -> None:
    """Says nothing."""


class ExecutorKind(Protocol):
    """The class of an executor."""

    def slots(self, wanted: Wanted) -> tuple[Slot, ...]:
        """The slots that there are to begin with.

        Raises:
            UsageError: there are none of that kind, or they cannot be used.
        """
        ...

    def __call__(
        self,
        slots: Sequence[Slot],
        context: WorkContext,
        logs: Path,
        wanted: Wanted = ANY,
        say: Callable[[str], None] = unheard,
    ) -> Executor:
        """Starts workers in slots.

        Args:
            slots: as `slots` gave them.
            context: of the run.
            logs: the folder of the workers' logs.
            wanted: what else may be used that comes while it works.
            say: told, a line each time, of what comes and goes.
        """
        ...
