"""How work ends when it must: by Ctrl-C, or by a deadline."""

import io
import signal
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rich.console import Console

from tuner.display import Display
from tuner.ending.fits import Fit, Fits
from tuner.records import TrialResult, TrialSpec
from tuner.run_dir import RunDir
from tuner.workers.driver import POLL_SECONDS, Halt, Interrupt, Items, drive
from tuner.workers.executors.base import Event, Finished

SPEC = TrialSpec(1, "retrain", "a:B", {}, 0, None, -1, 2)
COMPLETE = TrialResult("complete", 1.0)


@dataclass
class OneSlot:
    """An executor whose one item ends after some seconds, which need not be waited for to be over."""

    seconds: float
    polls: int = 0
    ends: deque[tuple[float, TrialSpec]] = field(default_factory=deque)
    cancelled: int = 0

    def free(self) -> list[int]:
        return [] if self.ends else [0]

    def device(self, slot: int) -> str:
        return "cpu"

    def submit(self, slot: int, spec: TrialSpec, key: str) -> None:
        self.ends.append((time.monotonic() + self.seconds, spec))

    def poll(self, timeout: float) -> Event | None:
        self.polls += 1
        end, spec = self.ends[0]
        time.sleep(min(timeout, max(0.0, end - time.monotonic())))
        if time.monotonic() < end:
            return None
        self.ends.clear()
        return Finished(0, spec, COMPLETE)

    def answer(self, slot: int, *, go_on: bool) -> None:
        """There are no epochs."""

    def end_waits(self) -> None:
        """Nothing waits."""

    def cancel(self, slot: int) -> None:
        self.ends.clear()
        self.cancelled += 1

    def memory(self) -> int:
        return 0

    def stop(self) -> None:
        """There is no process."""


def once() -> Items:
    """One item of work."""
    return Items(deque([(SPEC, "key")]))


def halted(executor: OneSlot, why: Halt, later: float = 0.0) -> list[str]:
    """The end of an item if there is a reason to halt so many seconds after the first look at it.

    There is no grace for a deadline.
    """
    work = once()

    def halt() -> Halt:
        if not executor.polls:
            return ""
        time.sleep(later)
        return why

    drive(executor, work, halt, grace=0.0)
    return [result.state for result in work.results]


def test_what_has_ended_when_a_deadline_comes_is_taken() -> None:
    seconds = POLL_SECONDS + 0.1
    assert halted(OneSlot(seconds), "deadline", later=seconds) == ["complete"]


def test_what_has_not_is_stopped_without_grace() -> None:
    executor = OneSlot(60.0)
    assert halted(executor, "deadline") == ["stopped"]
    assert executor.cancelled == 1


def test_ctrl_c_leaves_an_epoch_time_to_end_under_a_budget_too() -> None:
    assert halted(OneSlot(0.5), "interrupt") == ["complete"]


@pytest.mark.parametrize(("overtime", "done"), [(0.2, 0), (60.0, 1)])
def test_the_winners_retraining_has_a_latest_end_after_the_deadline(
    tmp_path: Path, overtime: float, done: int
) -> None:
    now, executor = time.monotonic(), OneSlot(1.0)
    display = Display(Console(quiet=True), quiet=True)
    fits = Fits(
        RunDir(tmp_path / "run"),
        "",
        tmp_path / "cache",
        executor,
        display,
        lambda: False,
        deadline=lambda: now,
        latest=now + overtime,
    )
    fit = Fit("tuned", SPEC, vital=True, necessary=True)
    assert fits.do("retraining", [fit])
    assert (fits.result(fit) is not None, len(fits.cut)) == (bool(done), 1 - done)
    assert executor.cancelled == 1 - done


class Interrupted(io.RawIOBase):
    """A stream in whose middle of writing Ctrl-C is pressed, once."""

    def __init__(self) -> None:
        self.written = b""

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        assert isinstance(data, memoryview)
        if not self.written:
            signal.raise_signal(signal.SIGINT)
        self.written += bytes(data)
        return len(data)


def test_ctrl_c_in_the_middle_of_a_line_is_answered_after_it() -> None:
    raw = Interrupted()
    stream = io.TextIOWrapper(io.BufferedWriter(raw))

    def say(line: str) -> None:
        stream.write(f"{line}\n")
        stream.flush()

    with Interrupt(say) as interrupt:
        say("a line")
        assert interrupt.asked()
        assert interrupt.asked()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    assert interrupt.at_once
    lines = raw.written.decode().splitlines()
    assert lines == ["a line", "stopping after the running epochs; press Ctrl-C again to stop at once"]


@dataclass
class SlotComes(OneSlot):
    """An executor all of whose nodes are lost, until one joins."""

    def free(self) -> list[int]:
        return super().free() if self.polls > 2 else []

    def poll(self, timeout: float) -> Event | None:
        if not self.ends:
            self.polls += 1
            return None
        return super().poll(timeout)


def test_work_waits_while_there_is_no_slot() -> None:
    work = once()
    drive(SlotComes(0.0), work, lambda: "")
    assert [result.state for result in work.results] == ["complete"]
