"""Does a worker grow? Resident memory over many trials of changing architectures, in one process.

A worker that has grown by 30 % and 200 MB is replaced in a run; here one that was replaced would show
as a smaller memory, and is counted.
"""

import random
import statistics
import sys
from pathlib import Path
from typing import Any

import psutil

from search_spaces.cnn import FAMILY
from search_spaces.family import Task
from tests.helpers.training import EDGE, make
from tuner.records import TrialSpec, WorkContext
from tuner.workers.devices import Device, Slot
from tuner.workers.executors.base import Finished, Progress
from tuner.workers.executors.local import LocalExecutor

CLASSES, IMAGES = 3, 240
TRIALS = 200
SETTLED = 20
"""Trials after which a worker is to have the size that it keeps."""


def params(rng: random.Random) -> dict[str, Any]:
    """A small network unlike the last."""
    return FAMILY.space(Task((EDGE, EDGE, 1), CLASSES, IMAGES)).default() | {
        "filters": rng.randint(4, 24),
        "depth": rng.randint(1, 3),
        "convs_per_block": rng.randint(1, 2),
        "kernel_size": rng.choice([3, 5]),
        "head": rng.choice(["dense", "pooling"]),
        "dense_units": rng.randint(8, 64),
        "dropout": rng.choice([0.0, 0.25]),
        "batch_size": rng.choice([16, 32]),
    }


def train(executor: LocalExecutor, number: int, chosen: dict[str, Any]) -> None:
    """One trial of one epoch.

    Raises:
        RuntimeError: it failed.
    """
    spec = TrialSpec(number, "trial", "search_spaces.cnn:FAMILY", chosen, number, "search", 0, 1)
    executor.submit(0, spec, f"trial-{number}")
    while not isinstance(event := executor.poll(1.0), Finished):
        if isinstance(event, Progress):
            executor.answer(0, go_on=True)
    if event.result.state != "complete":
        raise RuntimeError(f"trial {number} {event.result.state}: {event.result.message}")


def resident() -> tuple[int, float, float]:
    """(process id, MB of resident memory, MB of it that nothing else shares) of the one worker."""
    (worker,) = psutil.Process().children()
    used = worker.memory_info()
    return worker.pid, used.rss / 1e6, (used.rss - getattr(used, "shared", 0)) / 1e6


def _growth(after: list[float]) -> tuple[float, float]:
    """MB after `SETTLED` trials and after all, each the median of five."""
    return statistics.median(after[SETTLED - 5 : SETTLED]), statistics.median(after[-5:])


def run() -> dict[str, object]:
    """Trains, prints, and returns the figures; data and logs lie in `bench/memory`."""
    place = Path("bench/memory").absolute()
    place.mkdir(parents=True, exist_ok=True)
    make(place, CLASSES)
    context = WorkContext(str(place), str(place), CLASSES, "accuracy", False, "float32")
    executor = LocalExecutor([Slot(0, Device("cpu", "", "one core"), 1, 1)], context, place / "logs")
    rng, whole, own, processes = random.Random(0), [], [], set()
    try:
        for number in range(TRIALS):
            train(executor, number, params(rng))
            process, everything, alone = resident()
            processes.add(process)
            whole.append(everything)
            own.append(alone)
    finally:
        executor.stop()
    for what, after in (("resident memory of a worker", whole), ("of it its own, nothing shared", own)):
        settled, last = _growth(after)
        sys.stdout.write(
            f"{what}: {settled:.0f} MB after {SETTLED} trials, {last:.0f} MB after {TRIALS} "
            f"({last / settled - 1:+.1%}), at most {max(after):.0f} MB\n"
        )
    sys.stdout.write(f"{len(processes) - 1} workers replaced\n")
    return {"resident_mb": whole, "own_mb": own, "replaced": len(processes) - 1}
