"""The one loop that keeps slots busy: hand out work, answer each epoch, take results."""

import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import FrameType, TracebackType
from typing import Any, Literal, Protocol, Self

from tuner.errors import RunError
from tuner.records import EpochReport, TrialResult, TrialSpec
from tuner.workers.executors.base import Executor, Finished, Moved, Progress, Ready

Halt = Literal["", "interrupt", "deadline"]
"""Why no more work is handed out; "" while it is."""


def stops() -> list[signal.Signals]:
    """The signals that ask a command to stop: SIGHUP is one of them unless `nohup` has it ignored."""
    hangup: signal.Signals | None = getattr(signal, "SIGHUP", None)
    heard = hangup is not None and signal.getsignal(hangup) is not signal.SIG_IGN
    return [signal.SIGINT, signal.SIGTERM, *([hangup] if heard and hangup is not None else [])]


POLL_SECONDS = 0.25
INTERRUPT_GRACE = 60.0
"""Seconds that a running epoch has to end in after the first Ctrl-C, whatever the budget."""


class Work(Protocol):
    """A queue of work items, and what becomes of them."""

    def next(self) -> tuple[TrialSpec, str] | None:
        """The next item and the key of its files; None when there is nothing (yet)."""
        ...

    def prepare(self) -> None:
        """Called when all slots are busy: time to make ready what `next` will be asked for."""
        ...

    def goes_on(self, spec: TrialSpec, report: EpochReport) -> bool:
        """Whether an item goes on after an epoch. Its worker waits for this."""
        ...

    def epoch(self, slot: int, spec: TrialSpec, report: EpochReport) -> None:
        """Takes an epoch, after `goes_on` and while the item's next one is under way."""
        ...

    def done(self, slot: int, spec: TrialSpec, result: TrialResult, halt: Halt) -> None:
        """Takes a result. With `halt`, an item whose result is "stopped" was cut short by that."""
        ...


@dataclass
class Items:
    """The `Work` of a list: each item in its turn, to its end.

    Attributes:
        left: those that no worker has had yet, with the keys of their files.
        results: of the others, in the order in which they came.
    """

    left: deque[tuple[TrialSpec, str]]
    results: list[TrialResult] = field(default_factory=list)

    def next(self) -> tuple[TrialSpec, str] | None:
        """The first that is left."""
        return self.left.popleft() if self.left else None

    def prepare(self) -> None:
        """Nothing."""

    def goes_on(self, spec: TrialSpec, report: EpochReport) -> bool:
        """Always."""
        return True

    def epoch(self, slot: int, spec: TrialSpec, report: EpochReport) -> None:
        """Nothing."""

    def done(self, slot: int, spec: TrialSpec, result: TrialResult, halt: Halt) -> None:
        """Keeps the result."""
        self.results.append(result)


class Interrupt:
    """Ctrl-C, SIGTERM, and SIGHUP as a terminal goes: the first asks to finish, the second stops at once.

    A context manager; it does nothing outside the main thread, where Python takes no signals.

    Attributes:
        at_once: whether there was a second one.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._before: dict[signal.Signals, Any] = {}
        self._pressed = False
        self._said = False
        self.at_once = False

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for name in stops():
                self._before[name] = signal.signal(name, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name, handler in self._before.items():
            signal.signal(name, handler)

    def _handle(self, _signal: int, _frame: FrameType | None) -> None:
        """Says nothing: it may have come in the middle of a print, which takes no other inside it."""
        if self._pressed:
            self.at_once = True
            raise KeyboardInterrupt
        self._pressed = True

    def asked(self) -> bool:
        """Whether the user asked to finish; the first answer that it is so is given to the user too."""
        if self._pressed and not self._said:
            self._said = True
            self._say("stopping after the running epochs; press Ctrl-C again to stop at once")
        return self._pressed


def drive(
    executor: Executor,
    work: Work,
    halt: Callable[[], Halt],
    grace: float = INTERRUPT_GRACE,
    clock: Callable[[], float] = time.monotonic,
    running: dict[int, TrialSpec] | None = None,
    enough: Callable[[], bool] = lambda: False,
) -> None:
    """Runs work items until there are none, or `halt` says why to end before.

    Args:
        executor: trains them.
        work: gives them out and takes what comes back.
        halt: asked again and again; once it gives a reason, nothing new starts, and what runs is
            stopped at the end of its epoch.
        grace: seconds after a deadline at which what still runs is stopped in mid-epoch; after an
            interrupt they are `INTERRUPT_GRACE`.
        clock: seconds, the same that `halt` goes by.
        running: what earlier calls with the same work have left running, by slot; kept up to date.
        enough: whether to return although something is running, which a later call goes on with.

    Raises:
        RunError: nothing can be written any more.
    """
    running = {} if running is None else running
    halted_at: float | None = None
    while True:
        reason = halt()
        if reason and halted_at is None:
            halted_at = clock()
            executor.end_waits()
        if not reason:
            _hand_out(executor, work, running)
        idle = not running and (reason or executor.free())  # without any slot, one may come
        if idle or (not reason and enough()):
            return
        allowed = INTERRUPT_GRACE if reason == "interrupt" else grace
        over = halted_at is not None and clock() - halted_at > allowed
        event = executor.poll(0.0 if over else POLL_SECONDS)
        if event is None and over:  # what has ended in time has been taken
            for slot, spec in running.items():
                executor.cancel(slot)
                work.done(slot, spec, TrialResult("stopped", 0.0), reason)
            running.clear()
            return
        if isinstance(event, Progress):
            go_on = work.goes_on(event.spec, event.report)
            executor.answer(event.slot, go_on=go_on and not reason)
            work.epoch(event.slot, event.spec, event.report)
        elif isinstance(event, Moved):
            running[event.to] = running.pop(event.slot)
        elif isinstance(event, Finished):
            _check_disk(event.result)
            del running[event.slot]
            done = replace(event.result, device=executor.device(event.slot))
            work.done(event.slot, event.spec, done, reason)


def _check_disk(result: TrialResult) -> None:
    """Raises what is not the item's fault: it is done again."""
    if result.reason == "disk":
        raise RunError(
            f"{result.message}\n"
            "finished work is kept; free some space, and run the same command again to continue"
        )


def _hand_out(executor: Executor, work: Work, running: dict[int, TrialSpec]) -> None:
    free = executor.free()
    for slot in free:
        item = work.next()
        if item is None:
            return
        spec, key = item
        executor.submit(slot, spec, key)
        running[slot] = spec
    if free:
        work.prepare()


def wait_until_ready(executor: Executor, halt: Callable[[], Halt]) -> Ready | None:
    """Waits for the first worker; None when halted before."""
    while not halt():
        event = executor.poll(POLL_SECONDS)
        if isinstance(event, Ready):
            return event
    return None
