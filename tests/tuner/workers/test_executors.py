"""Faults of the workers of this machine, real processes that follow curves."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tuner.records import TrialResult, TrialSpec, WorkContext
from tuner.workers.devices import Device, Slot
from tuner.workers.executors import exhaustion
from tuner.workers.executors.base import Event, Finished, Progress, Ready
from tuner.workers.executors.local import MICRO_BATCHES, LocalExecutor
from tuner.workers.executors.process import LocalProcess

Start = Callable[..., LocalExecutor]


@pytest.fixture
def start(tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts an executor with one worker, which meets a fault in trial 1."""
    started: list[LocalExecutor] = []

    def begin(fault: str = "", **more: str) -> LocalExecutor:
        faults = json.dumps({"1": fault} if fault else {})
        curves = {"TUNE_WORKER": "tests.helpers.curve_worker", "CURVE_FAULTS": faults}
        for name, value in {**environment, **curves, **more}.items():
            monkeypatch.setenv(name, value)
        context = WorkContext(str(tmp_path), str(tmp_path), 3, "accuracy", False, "float32")
        started.append(
            LocalExecutor([Slot(0, Device("cpu", "", "one core"), 1, 1)], context, tmp_path / "logs")
        )
        return started[0]

    yield begin
    for executor in started:
        executor.stop()


def give(executor: LocalExecutor, number: int) -> None:
    executor.submit(0, TrialSpec(number, "trial", "a:B", {}, number, "search", 0, 2), f"trial-{number}")


def wait(executor: LocalExecutor, kind: type[Event], seconds: float = 60.0) -> Event:
    """The next event of a kind; every epoch may go on."""
    late = time.monotonic() + seconds
    while time.monotonic() < late:
        event = executor.poll(0.1)
        if isinstance(event, kind):
            return event
        if isinstance(event, Progress):
            executor.answer(event.slot, go_on=True)
    raise TimeoutError(kind)


def result(executor: LocalExecutor, number: int) -> TrialResult:
    give(executor, number)
    event = wait(executor, Finished)
    assert isinstance(event, Finished)
    return event.result


@contextmanager
def in_a_minute() -> Iterator[None]:
    """Fails instead of waiting for ever."""

    def late(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(60)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def group(leader: int) -> list[int]:
    """Processes of a group that have not ended."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            if process.status() != psutil.STATUS_ZOMBIE and os.getpgid(process.pid) == leader:
                found.append(process.pid)
    return found


def process_of(executor: LocalExecutor) -> psutil.Process:
    process = executor._workers[0].process
    assert isinstance(process, LocalProcess)
    return psutil.Process(process.pid)


def wait_for_group(leader: int, size: int) -> None:
    while len(group(leader)) != size:
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("fault", "reason", "message"),
    [("orphan", "worker-died", "ended by signal 9"), ("orphan-hang", "hung", "TUNE_HANG_SECONDS")],
)
def test_what_user_code_has_started_ends_with_its_worker(
    start: Start, fault: str, reason: str, message: str
) -> None:
    executor = start(fault, TUNE_HANG_SECONDS="0.2")
    wait(executor, Ready)
    worker = process_of(executor)
    with in_a_minute():
        failed = result(executor, 1)
        assert (failed.state, failed.reason) == ("failed", reason)
        assert message in failed.message
        wait_for_group(worker.pid, 0)
        assert result(executor, 2).state == "complete"


def test_after_a_cancel_nothing_runs_until_there_is_work(start: Start) -> None:
    executor = start("hang")
    wait(executor, Ready)
    worker = process_of(executor)
    give(executor, 1)
    executor.cancel(0)
    assert executor.poll(0.2) is None
    assert not worker.is_running()
    assert executor.memory() == 0  # no process of a worker is there
    assert executor.free() == [0]
    assert executor.device(0)
    with in_a_minute():
        assert result(executor, 2).state == "complete"


def test_workers_with_children_stop_at_once(start: Start) -> None:
    executor = start("orphan-hang")
    wait(executor, Ready)
    worker = process_of(executor)
    give(executor, 1)
    with in_a_minute():
        wait_for_group(worker.pid, 2)
        executor.stop()
        wait_for_group(worker.pid, 0)


def test_a_time_in_which_nobody_listened_is_no_silence_of_the_worker(start: Start) -> None:
    """As after Ctrl-Z and `fg`, or in a container that was paused."""
    executor = start(TUNE_HANG_SECONDS="0.2", CURVE_SECONDS="1")  # 3 seconds for the first epoch
    wait(executor, Ready)
    worker = process_of(executor)
    give(executor, 2)
    executor.poll(0.1)
    worker.suspend()
    time.sleep(6)
    worker.resume()
    event = wait(executor, Finished)
    assert isinstance(event, Finished)
    assert event.result.state == "complete", event.result.message


def test_a_worker_that_the_system_killed_for_memory_does_its_work_again_in_parts(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The counter is a stand-in for the kernel's; the process is killed as the kernel does it."""
    counters = tmp_path / "vmstat"
    counters.write_text("nr_free_pages 9\noom_kill 3\n")
    monkeypatch.setattr(exhaustion, "COUNTERS", counters)
    executor = start("killed")
    wait(executor, Ready)
    assert result(executor, 1).reason == "worker-died"  # by somebody else
    wait(executor, Ready)
    give(executor, 1)
    counters.write_text("nr_free_pages 9\noom_kill 4\n")
    wait(executor, Ready)  # the process that does it again
    counters.write_text("nr_free_pages 9\noom_kill 5\n")
    event = wait(executor, Finished)
    assert isinstance(event, Finished)
    assert (event.result.reason, event.result.micro_batches) == ("out-of-memory", MICRO_BATCHES)
    assert "ended by signal 9, as the machine ran out of memory" in event.result.message
