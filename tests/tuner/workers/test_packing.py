"""How many workers a GPU gets: the decisions alone, then in runs with real worker processes."""

import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests.tuner.workers.test_devices import GIB, STAND_INS
from tuner.records import EpochReport, TrialResult, TrialSpec, WorkContext
from tuner.workers.devices import Device, Slot
from tuner.workers.driver import Halt, drive
from tuner.workers.executors.local import LocalExecutor
from tuner.workers.executors.packing import COMPARISONS, LEAST_GAIN, Packing


def unhindered(_workers: int) -> float:
    """The pace of a worker on a GPU that has room for any number."""
    return 1000.0


def simulate(pace: Callable[[int], float], most: int, room: Callable[[], bool] = lambda: True) -> Packing:
    """Trainings of very different size, each told of its pace among `wanted` workers and one fewer.

    Args:
        pace: images a second of one worker among so many, for a model of size 1.
    """
    packing = Packing(most)
    for step in range(200):
        size = 1 + step % 7 * 3  # a training is never compared with another one
        for workers in (packing.wanted, packing.wanted - 1):
            if workers:
                packing.told(f"trial {step}", workers, pace(workers) / size)
        packing.decide(room)
    return packing


def test_workers_are_added_while_they_speed_the_search_up() -> None:
    assert simulate(unhindered, most=8).wanted == 8
    assert simulate(lambda n: 1000 * min(1, 3 / n), most=8).wanted == 3
    assert simulate(lambda n: 1000 * min(1, 3.5 / n), most=8).wanted == 4


def test_a_gpu_that_one_worker_fills_keeps_one() -> None:
    assert simulate(lambda n: 1000 / n, most=8).wanted == 1
    assert simulate(lambda n: 1000 / n**1.3, most=8).wanted == 1  # slower in all
    assert simulate(lambda n: 1000 / n * 1.03 ** (n - 1), most=8).wanted == 1  # hardly faster


def test_there_are_never_more_than_fit() -> None:
    assert simulate(unhindered, most=1).wanted == 1
    assert simulate(unhindered, most=5).wanted == 5
    assert simulate(unhindered, most=5, room=lambda: False).wanted == 1


def test_nothing_is_decided_before_it_is_known() -> None:
    packing = Packing(4)
    assert packing.decide(lambda: True) is None
    packing.told("a", 1, 500.0)
    assert packing.decide(lambda: True) == 1.0
    assert packing.wanted == 2
    for step in range(20):  # trainings that were only ever seen among two
        packing.told(f"b{step}", 2, 100.0)
    assert packing.curious
    assert packing.gain(2) is None
    assert packing.decide(lambda: True) is None
    for _ in range(COMPARISONS):
        packing.told("c", 1, 100.0)
        packing.told("c", 2, 90.0)
    assert packing.gain(2) == pytest.approx(1.8)
    assert not packing.curious
    assert packing.decide(lambda: True) == pytest.approx(1.8)
    assert packing.wanted == 3


def test_a_number_that_was_too_many_is_not_tried_again() -> None:
    packing = Packing(4)
    packing.told("a", 1, 100.0)
    packing.decide(lambda: True)
    for _ in range(COMPARISONS):
        packing.told("a", 1, 100.0)
        packing.told("a", 2, 40.0)
    assert packing.decide(lambda: True) == pytest.approx(0.8)
    assert (packing.wanted, packing.most) == (1, 1)
    assert packing.decide(lambda: True) is None


def test_a_worker_that_cannot_start_is_given_up() -> None:
    packing = Packing(4)
    packing.told("a", 1, 100.0)
    packing.decide(lambda: True)
    packing.give_up()
    assert (packing.wanted, packing.most) == (1, 1)


GPUS = [{"name": "Stand-in", "uuid": f"GPU-{i}", "total": 24 * GIB, "used": 0} for i in range(2)]


@dataclass
class Endless:
    """Trials without end."""

    given: int = 0
    states: list[str] = field(default_factory=list)
    epochs: dict[int, int] = field(default_factory=dict)

    def next(self) -> tuple[TrialSpec, str] | None:
        self.given += 1
        spec = TrialSpec(self.given, "trial", "a:B", {"rate": 0.01}, self.given, "search", 0, 40)
        return spec, f"trial-{self.given}"

    def prepare(self) -> None:
        pass

    def goes_on(self, spec: TrialSpec, report: EpochReport) -> bool:
        return True

    def epoch(self, slot: int, spec: TrialSpec, report: EpochReport) -> None:
        self.epochs[spec.number] = report.epoch

    def done(self, slot: int, spec: TrialSpec, result: TrialResult, halt: Halt) -> None:
        self.states.append(result.state)


@pytest.mark.slow
def test_a_gpu_gets_the_workers_that_speed_it_up(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_ins = {
        "STAND_IN_GPUS": json.dumps(GPUS),
        "TUNE_WORKER": "tests.helpers.crowded_worker",
        "CROWDED": "1",
    }
    for name, value in {**environment, **stand_ins}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(STAND_INS)
    context = WorkContext(str(tmp_path), str(tmp_path), 3, "accuracy", False, "float32")
    slots = [Slot(i, Device("gpu", str(i), "Stand-in", 24 * GIB), 1, 3) for i in range(2)]
    log = tmp_path / "logs" / "packing.log"
    decision = re.compile(r"(gpu:.): workers 2 train ([0-9.]+) times the images a second of 1; now ([13])")
    began = time.monotonic()

    def decided() -> dict[str, tuple[float, str]]:
        found = decision.findall(log.read_text() if log.exists() else "")
        return {device: (float(gain), now) for device, gain, now in found}

    def halt() -> Halt:
        return "deadline" if len(decided()) == 2 or time.monotonic() - began > 300 else ""

    work = Endless()
    executor = LocalExecutor(slots, context, tmp_path / "logs")
    try:
        drive(executor, work, halt)
        executor.poll(0.1)
        used = []
        for child in psutil.Process().children():
            with suppress(psutil.NoSuchProcess):  # what other tests have started may just have ended
                used.append(child.environ().get("CUDA_VISIBLE_DEVICES", ""))
    finally:
        executor.stop()
    assert set(work.states) <= {"complete", "stopped"}
    assert len(work.states) == work.given
    first, second = decided()["gpu:0"], decided()["gpu:1"]
    assert first[0] > LEAST_GAIN > second[0]
    assert (first[1], second[1]) == ("3", "1")
    assert sorted(filter(None, used)) == ["0", "0", "0", "1"]


def test_a_worker_that_waits_to_be_measured_ends_with_ctrl_c(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_ins = {
        "STAND_IN_GPUS": json.dumps(GPUS),
        "TUNE_WORKER": "tests.helpers.crowded_worker",
        "CROWDED": "",
    }
    for name, value in {**environment, **stand_ins}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(STAND_INS)
    context = WorkContext(str(tmp_path), str(tmp_path), 3, "accuracy", False, "float32")
    slot = Slot(0, Device("gpu", "0", "Stand-in", 24 * GIB), 1, 2)
    work, waited, began = Endless(), dict[int, int](), time.monotonic()
    executor = LocalExecutor([slot], context, tmp_path / "logs")
    crowd = executor._crowds["gpu:0"]

    def halt() -> Halt:
        waits = None if crowd.waiting is None else crowd.workers[crowd.waiting].task
        if waits is not None and not waited:
            waited[waits.spec.number] = waits.told
        return "interrupt" if waited or time.monotonic() - began > 300 else ""

    try:
        drive(executor, work, halt)
    finally:
        executor.stop()
    (number,) = waited
    assert work.epochs[number] == waited[number]
    assert set(work.states) == {"stopped"}
