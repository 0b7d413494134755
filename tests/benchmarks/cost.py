"""The cost of a search beside its trials: the parent's time for each, and workers that wait.

Trials follow a closed-form curve in real worker processes (`tests.helpers.curve_worker`), of the real search
space of a small CNN; all else is the tuner as it is, its journal on disk included.
"""

import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from search_spaces.cnn import FAMILY
from search_spaces.family import Task
from tests.helpers.curve_worker import score
from tuner import registry
from tuner.display import Display
from tuner.records import Outcome, TrialResult, TrialSpec, WorkContext
from tuner.search.engines.optuna_engine import OptunaEngine, sampler
from tuner.search.engines.trials import suggest
from tuner.search.schedulers import SCHEDULERS
from tuner.search.search import Search
from tuner.workers.devices import slots
from tuner.workers.driver import wait_until_ready
from tuner.workers.executors.local import LocalExecutor
from tuner.workers.executors.process import MODULE

SPACE = FAMILY.space(Task((28, 28, 1), 24, 20_000))
EPOCHS = 10
WORKERS = 2
STEPS = 100
"""Optimizer steps an epoch: with so many, screening has trials wait after two epochs."""

INSTANT_TRIALS = 2000
PART = 500
TPE_TRIALS = 400
TRAINED_TRIALS = 60
TRAINED_SECONDS = 0.1
"""An epoch of the trials that take a second."""


@dataclass
class Shown(Display):
    """Shows nothing, and notes when each trial ended or came to wait."""

    times: list[float] = field(default_factory=list)

    def trial_ended(
        self, spec: TrialSpec, result: TrialResult, outcome: Outcome, *, wins: bool = True
    ) -> None:
        self.times.append(time.perf_counter())


@dataclass(frozen=True)
class Searched:
    """A search that was timed.

    Attributes:
        seconds: from the first trial asked for to the end of the last.
        ends: when each trial ended or came to wait, in seconds from the start; promoted ones twice.
        parent: seconds of processor time of this process.
    """

    seconds: float
    ends: list[float]
    parent: float


def search(
    folder: Path, algorithm: str, pruner: str, trials: int, seconds: float = 0.0
) -> tuple[Searched, OptunaEngine]:
    """Runs a search in its own folder; an epoch takes `seconds`."""
    from rich.console import Console

    scheduler = registry.resolve(SCHEDULERS[pruner])(EPOCHS, STEPS, 0)
    engine = OptunaEngine(
        folder / "study.journal", SPACE, "search_spaces.cnn:FAMILY", algorithm, 0, scheduler
    )
    display = Shown(Console(quiet=True), quiet=True)
    with _executor(folder, seconds) as executor:
        began, parent = time.perf_counter(), time.process_time()
        work = Search(engine, scheduler, executor, display, trials, time.monotonic)
        work.run(lambda: "", 60.0)
        took = time.perf_counter() - began
    ends = [at - began for at in display.times]
    return Searched(took, ends, time.process_time() - parent), engine


@contextmanager
def _executor(folder: Path, seconds: float) -> Iterator[LocalExecutor]:
    """Two workers that have started, and have done something."""
    os.environ |= {MODULE: "tests.helpers.curve_worker", "CURVE_SECONDS": str(seconds)}
    context = WorkContext(str(folder), str(folder), 24, "accuracy", False, "float32")
    executor = LocalExecutor(slots("cpu", str(WORKERS)), context, folder / "logs")
    try:
        for _ in range(WORKERS):
            wait_until_ready(executor, lambda: "")
        yield executor
    finally:
        executor.stop()


def instantaneous(pruner: str) -> dict[str, Any]:
    """Trials that take no time: how many the parent handles in a second, at the end too."""
    with tempfile.TemporaryDirectory() as folder:
        done, engine = search(Path(folder), "random", pruner, INSTANT_TRIALS)
        size = (Path(folder) / "study.journal").stat().st_size
        assert len(engine.past()) == INSTANT_TRIALS
    marks = [0.0, *done.ends[PART - 1 : INSTANT_TRIALS : PART]]
    parts = [PART / (end - start) for start, end in itertools.pairwise(marks)]
    rate = INSTANT_TRIALS / done.seconds
    print(
        f"{INSTANT_TRIALS} instantaneous trials, random, {pruner}: {rate:.0f} trials/s; each {PART}: "
        f"{', '.join(f'{part:.0f}' for part in parts)}; "
        f"{1e3 * done.parent / INSTANT_TRIALS:.1f} ms of the parent's processor time a trial",
        flush=True,
    )
    return {
        "trials_per_second": rate,
        "by_part": parts,
        "parent_ms": 1e3 * done.parent / INSTANT_TRIALS,
        "journal_bytes": size,
    }


def beside_the_sampler() -> dict[str, Any]:
    """Time of TPE's trials beyond the sampler's for the same choices."""
    with tempfile.TemporaryDirectory() as folder:
        done, _ = search(Path(folder), "tpe", "none", TPE_TRIALS)
    alone, alone_processor = (1e3 * seconds / TPE_TRIALS for seconds in sampler_alone(TPE_TRIALS))
    took, processor = 1e3 * done.seconds / TPE_TRIALS, 1e3 * done.parent / TPE_TRIALS
    print(
        f"{TPE_TRIALS} instantaneous trials, TPE: {took:.1f} ms a trial, the sampler of it {alone:.1f} ms, "
        f"the rest {took - alone:.1f} ms; of processor time {processor - alone_processor:.1f} ms",
        flush=True,
    )
    return {
        "ms": took,
        "sampler_ms": alone,
        "added_ms": took - alone,
        "added_parent_ms": processor - alone_processor,
    }


def sampler_alone(trials: int) -> tuple[float, float]:
    """Seconds, and of processor time, that Optuna's sampler takes for as many trials in memory."""
    import optuna

    study = optuna.create_study(direction="maximize", sampler=sampler("tpe", 0))
    took = processor = 0.0
    for number in range(trials):
        began, worked = time.perf_counter(), time.process_time()
        asked = study.ask()
        params: dict[str, Any] = {}
        for name, parameter in SPACE.searched().items():
            if SPACE.is_active(name, params):
                params[name] = suggest(asked, name, parameter)
        took += time.perf_counter() - began
        processor += time.process_time() - worked
        study.tell(asked, score(params, number, EPOCHS, EPOCHS))
    return took, processor


IDLE = """
import sys, time
began = time.perf_counter()
for _ in range(int(sys.argv[1])):
    time.sleep(float(sys.argv[2]))
print(time.perf_counter() - began)
"""


def waiting() -> dict[str, Any]:
    """Trials of a second on two workers: what a search takes longer than its trials."""
    each = TRAINED_TRIALS // WORKERS
    ideal = each * EPOCHS * TRAINED_SECONDS
    measured = max(_idle(each * EPOCHS, TRAINED_SECONDS))
    figures: dict[str, Any] = {"ideal_seconds": ideal, "sleeping_seconds": measured}
    print(
        f"{TRAINED_TRIALS} trials of a second on {WORKERS} workers: ideal {ideal:.1f} s, "
        f"{measured:.2f} s without a tuner"
    )
    for algorithm in ("random", "tpe"):
        with tempfile.TemporaryDirectory() as folder:
            done, _ = search(Path(folder), algorithm, "none", TRAINED_TRIALS, TRAINED_SECONDS)
        figures[algorithm] = {
            "seconds": done.seconds,
            "overhead": done.seconds / ideal - 1,
            "beyond_sleeping": done.seconds / measured - 1,
        }
        print(
            f"  {algorithm}: {done.seconds:.2f} s, {100 * (done.seconds / ideal - 1):.1f} % over the ideal, "
            f"{100 * (done.seconds / measured - 1):.1f} % over the same without a tuner",
            flush=True,
        )
    return figures


def _idle(times: int, seconds: float) -> list[float]:
    """Seconds that as many sleeps take in processes that do nothing else, on this machine, now."""
    command = [sys.executable, "-c", IDLE, str(times), str(seconds)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(WORKERS)]
    return [float(process.communicate()[0]) for process in processes]


def run() -> dict[str, Any]:
    """All of it; about three minutes."""
    figures = {f"instantaneous {pruner}": instantaneous(pruner) for pruner in ("none", "screen")}
    return {**figures, "tpe": beside_the_sampler(), "waiting": waiting()}
