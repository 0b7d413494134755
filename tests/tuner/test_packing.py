"""How many workers a GPU gets: the decisions alone, then in runs with real worker processes."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests.tuner.test_devices import GIB, STAND_INS
from tests.tuner.test_fit import make
from tuner.devices import Device, Slot
from tuner.drive import Halt, drive
from tuner.executors.local import LocalExecutor
from tuner.executors.packing import COMPARISONS, LEAST_GAIN, Packing
from tuner.records import EpochReport, TrialResult, TrialSpec, WorkContext


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


DEVICE = """
import os, time
from pathlib import Path
from search_spaces.family import Family, Recipe
from search_spaces.space import Float, SearchSpace

DEVICE = os.environ.get("CUDA_VISIBLE_DEVICES")
STEP = 0.3  # seconds


def step():  # on the device that this stands for: the second one has no room for two, and thrashes
    mine = Path(__file__).with_name(f"busy-{DEVICE}-{os.getpid()}")
    now, seconds = time.time(), STEP
    if DEVICE == "1":
        others = [path for path in mine.parent.glob(f"busy-{DEVICE}-*") if path != mine]
        seconds *= 1 + 7 * sum(float(path.read_text()) > now for path in others)
    written = mine.with_name(f"new-{os.getpid()}")
    written.write_text(str(now + seconds + 0.1))
    written.rename(mine)
    time.sleep(seconds)


def build(params, image_shape, classes):
    import keras

    class Slow(keras.Model):
        def train_on_batch(self, *args, **kwargs):
            step()
            return super().train_on_batch(*args, **kwargs)

    inputs = keras.Input(image_shape)
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    return Slow(inputs, keras.layers.Dense(classes, activation="softmax")(x))


SPACE = SearchSpace("slow", {"rate": Float(1e-3, 1e-1, 1e-2, log=True)})
FAMILY = Family(
    "slow", "a busy device", lambda task: SPACE, build,
    lambda params: Recipe(learning_rate=params["rate"], batch_size=64),
)
"""

GPUS = [{"name": "Stand-in", "uuid": f"GPU-{i}", "total": 24 * GIB, "used": 0} for i in range(2)]


@dataclass
class Endless:
    """Trials without end."""

    model: str
    given: int = 0
    states: list[str] = field(default_factory=list)

    def next(self) -> tuple[TrialSpec, str] | None:
        self.given += 1
        spec = TrialSpec(self.given, "trial", self.model, {"rate": 0.01}, self.given, "search", 0, 40)
        return spec, f"trial-{self.given}"

    def epoch(self, slot: int, spec: TrialSpec, report: EpochReport) -> bool:
        return True

    def done(self, slot: int, spec: TrialSpec, result: TrialResult, halt: Halt) -> None:
        self.states.append(result.state)


@pytest.mark.slow
def test_a_gpu_gets_the_workers_that_speed_it_up(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**environment, "STAND_IN_GPUS": json.dumps(GPUS)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(STAND_INS)
    make(tmp_path)
    (tmp_path / "slow.py").write_text(DEVICE)
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

    work = Endless(f"{tmp_path / 'slow.py'}:FAMILY")
    executor = LocalExecutor(slots, context, tmp_path / "logs")
    try:
        drive(executor, work, halt)
        executor.poll(0.1)
        used = [child.environ()["CUDA_VISIBLE_DEVICES"] for child in psutil.Process().children()]
    finally:
        executor.stop()
    assert set(work.states) <= {"complete", "stopped"}
    assert len(work.states) == work.given
    first, second = decided()["gpu:0"], decided()["gpu:1"]
    assert first[0] > LEAST_GAIN > second[0]
    assert (first[1], second[1]) == ("3", "1")
    assert sorted(used) == ["0", "0", "0", "1"]
