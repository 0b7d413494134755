"""How many workers one parent keeps busy: the real engine, scheduler and loop, against simulated workers.

Workers answer on a clock that is simulated; what the parent itself takes is measured, and is on that clock
too: while it thinks, workers that have ended an epoch wait for it. So the figures are those of a cluster
whose network takes no time, and whose parent has this machine's processor for itself.
"""

import heapq
import os
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from search_spaces.family import Params
from search_spaces.parameters import Float
from tests.benchmarks.cost import SPACE, STEPS
from tests.helpers.curve_worker import IMAGES, score, truth
from tuner import registry
from tuner.display import Display
from tuner.records import EpochReport, State, TrialResult, TrialSpec, WorkContext
from tuner.search.engines.optuna_engine import OptunaEngine
from tuner.search.schedulers import SCHEDULERS
from tuner.search.search import Search
from tuner.workers.driver import Items, drive
from tuner.workers.executors import EXECUTORS
from tuner.workers.executors.base import Event, Executor, ExecutorKind, Finished, Progress, Wanted

WORKERS = (1, 4, 16, 64, 256, 1024)
TRIAL_SECONDS = 30.0
SPREAD = 0.35
"""Of the logarithm of trials' durations: the slowest tenth takes 2.4 times as long as the fastest."""

EPOCHS = 10
ROUNDS = 3
"""Trials for each worker."""

LEAST_TRIALS = 60

EQUAL_SECONDS = 90.0
"""After which searches of all sizes are compared by what they have found."""

SLEPT_SECONDS = 10.0
TURNS = 5
"""Of local workers and Ray's, each with two trials that sleep so long in all."""


@dataclass
class Simulated:
    """An executor whose workers follow curves on a simulated clock.

    Attributes:
        workers: how many.
        now: seconds on the simulated clock.
        begun: when each piece of work was handed out.
        trained: from when to when, each epoch.
        found: when each trial ended, its score, and its parameters.
        parent: seconds of processor time that the parent took.
    """

    workers: int
    now: float = 0.0
    parent: float = 0.0
    begun: list[float] = field(default_factory=list)
    trained: list[tuple[float, float]] = field(default_factory=list)
    found: list[tuple[float, float, Params]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(0)
        self._running: dict[int, tuple[TrialSpec, float, list[EpochReport]]] = {}
        self._due: list[tuple[float, int]] = []
        self._free = set(range(self.workers))
        self._mark = time.process_time()

    def tick(self) -> float:
        """The simulated time, after all that the parent has done until now."""
        spent = time.process_time() - self._mark
        self._mark += spent
        self.parent += spent
        self.now += spent
        return self.now

    def free(self) -> list[int]:
        return sorted(self._free)

    def device(self, slot: int) -> str:
        return f"node-{slot // 8} cpu"

    def submit(self, slot: int, spec: TrialSpec, key: str) -> None:
        self._free.remove(slot)
        each = TRIAL_SECONDS / EPOCHS * float(np.exp(self._rng.normal(-(SPREAD**2) / 2, SPREAD)))
        self._running[slot] = (spec, each, [])
        self.begun.append(self.tick())
        self._epoch(slot)

    def _epoch(self, slot: int) -> None:
        began = self.tick()
        ends = began + self._running[slot][1]
        self.trained.append((began, ends))
        heapq.heappush(self._due, (ends, slot))

    def poll(self, timeout: float) -> Event | None:
        self.tick()
        due, slot = heapq.heappop(self._due)
        self.now = max(self.now, due)
        spec, each, epochs = self._running[slot]
        last = spec.until or spec.epochs
        if epochs and epochs[-1].epoch == last:
            del self._running[slot]
            self._free.add(slot)
            self.found.append((self.now, epochs[-1].score or 0.0, spec.params))
            state: State = "complete" if last == spec.epochs else "paused"
            return Finished(slot, spec, TrialResult(state, each * len(epochs), epochs))
        epoch = (epochs[-1].epoch if epochs else spec.resume_from) + 1
        reached = score(spec.params, spec.seed, epoch, spec.epochs)
        report = EpochReport(epoch, 1 - reached, reached, 1 - reached, reached, reached, IMAGES, each, 1e-3)
        epochs.append(report)
        return Progress(slot, spec, report)

    def answer(self, slot: int, *, go_on: bool) -> None:
        spec, _, epochs = self._running[slot]
        if epochs[-1].epoch < (spec.until or spec.epochs):
            self._epoch(slot)
        else:
            heapq.heappush(self._due, (self.tick(), slot))

    def end_waits(self) -> None:
        pass

    def cancel(self, slot: int) -> None:
        del self._running[slot]
        self._due = [(ends, other) for ends, other in self._due if other != slot]
        heapq.heapify(self._due)
        self._free.add(slot)

    def memory(self) -> int:
        return 0

    def stop(self) -> None:
        pass


def search(workers: int, algorithm: str) -> dict[str, float]:
    """A search with so many workers."""
    trials = max(LEAST_TRIALS, ROUNDS * workers)
    with tempfile.TemporaryDirectory() as folder:
        scheduler = registry.resolve(SCHEDULERS["none"])(EPOCHS, STEPS, 0)
        engine = OptunaEngine(
            Path(folder) / "study.journal", SPACE, "search_spaces.cnn:FAMILY", algorithm, 0, scheduler
        )
        executor = Simulated(workers)
        display = Display(Console(quiet=True), live=False, quiet=True)
        work = Search(engine, scheduler, executor, display, trials, lambda: executor.now)
        work.run(lambda: "", 60.0)
        end = executor.tick()
    # Later, workers are idle because there is no more to do.
    last = executor.begun[-1] if trials > workers else end
    busy = sum(max(0.0, min(ends, last) - began) for began, ends in executor.trained)
    return {
        "workers": workers,
        "trials": trials,
        "trials_per_hour": 3600 * sum(at <= last for at in executor.begun) / last,
        "utilisation": busy / (workers * last),
        "parent_load": executor.parent / end,
        "parent_ms": 1e3 * executor.parent / trials,
        "seconds": end,
        "regret": _regret([trial for trial in executor.found if trial[0] <= EQUAL_SECONDS]),
    }


def _regret(found: Sequence[tuple[float, float, Params]]) -> float:
    """The best true score of the space less that of the trial with the best score."""
    dropout = SPACE.searched()["dropout"]
    assert isinstance(dropout, Float)
    best = truth({"learning_rate": 0.004, "dropout": dropout.high})
    return best - truth(dict(max(found, key=lambda trial: trial[1])[2]))


def equal_trials(count: int) -> Items:
    """The work of so many equal trials."""
    family, default = "search_spaces.cnn:FAMILY", SPACE.default()
    specs = [TrialSpec(i, "trial", family, default, 0, "search", 0, EPOCHS) for i in range(count)]
    return Items(deque((spec, f"trial-{spec.number}") for spec in specs))


def overhead() -> dict[str, list[float]]:
    """Seconds that real workers take for the same trials, which sleep: local ones and Ray's, by turns."""
    os.environ |= {
        "TUNE_WORKER": "tests.helpers.curve_worker",
        "CURVE_SECONDS": str(SLEPT_SECONDS / EPOCHS),
        "TUNE_FORWARD": "CURVE_SECONDS",
    }
    os.environ.pop("RAY_ADDRESS", None)
    wanted = Wanted("cpu", "2")
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        context = WorkContext(folder, folder, 2, "accuracy", False, "float32")
        executors: dict[str, Executor] = {}
        for name in ("local", "ray"):
            kind: ExecutorKind = registry.resolve(EXECUTORS[name])
            executors[name] = kind(kind.slots(wanted), context, Path(folder) / name, wanted)
            stack.callback(executors[name].stop)
        for turn in range(TURNS + 1):
            for name, executor in executors.items():
                began = time.monotonic()
                work = equal_trials(2 if turn else 4)
                drive(executor, work, lambda: "")
                assert all(result.state == "complete" for result in work.results)
                if turn:  # in the first, workers still start
                    seconds.setdefault(name, []).append(time.monotonic() - began)
    return seconds


def run() -> dict[str, Any]:
    """Local workers beside Ray's; then random search and TPE, each with all numbers of workers.

    Some fifteen minutes.
    """
    rows: dict[str, Any] = {"overhead": overhead()}
    local, ray = (np.array(rows["overhead"][name]) for name in ("local", "ray"))
    print(f"two trials of {SLEPT_SECONDS:.0f} s on two workers, {TURNS} turns:")
    print(f"local {local.mean():.3f} s, Ray {ray.mean():.3f} s, {ray.mean() / local.mean() - 1:+.2%}\n")
    print(
        "| algorithm | workers | trials | trials an hour | utilisation | parent's load | ms a trial "
        "| regret |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for algorithm in ("random", "tpe"):
        for workers in WORKERS:
            row = rows[f"{algorithm} {workers}"] = search(workers, algorithm)
            print(
                f"| {algorithm} | {workers:,} | {row['trials']:,.0f} | {row['trials_per_hour']:,.0f} "
                f"| {row['utilisation']:.1%} | {row['parent_load']:.1%} | {row['parent_ms']:.0f} "
                f"| {row['regret']:.4f} |",
                flush=True,
            )
    return rows
