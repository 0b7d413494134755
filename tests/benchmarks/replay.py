"""Time that each scheduler saves, and score that it loses: searches replayed on curves of whole trainings.

Random configurations are trained fully once a data set, by the command line itself, and their
validation scores by epoch kept. Then each scheduler searches among them again and again, in drawn
orders, with workers that take the time of the trials' own epochs.
"""

import heapq
import json
import os
import subprocess
import sys
import time
from collections.abc import Container, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from reports.facts.journal import read_trials
from tuner.registry import resolve
from tuner.run.searching import LAG
from tuner.search.schedulers import SCHEDULERS
from tuner.search.schedulers.base import DEFAULT, Scheduler

FOLDER = Path("bench/replay").absolute()
CONFIGS = 60
ORDERS = 1000
EPOCHS = 20
TRIALS = 50
WORKERS = 8
FINALISTS = 3
MNIST_IMAGES = 2000
"""Of MNIST's 60,000: with all of them, 60 whole trainings would take many hours on two cores."""
LOOK_SECONDS = 5.0

Curves = list[list[float]]
"""Validation scores by epoch, by configuration; the first is the space's default."""


@dataclass(frozen=True)
class Trained:
    """The configurations when they have been trained.

    Attributes:
        curves: their scores.
        seconds: that each took.
        steps_per_epoch: of all of them.
    """

    curves: Curves
    seconds: list[float]
    steps_per_epoch: int


class TwoThenSix(Scheduler):
    """The line to beat: two epochs each, then the best six to the end."""

    def __init__(self, epochs: int, steps_per_epoch: int) -> None:
        super().__init__(epochs, steps_per_epoch)
        self._scores: dict[int, float] = {}

    def until(self, trial: int, trained: int, cost: float = 1.0) -> int:
        """Two epochs, then all."""
        return self.epochs if trained else 2

    def report(self, trial: int, epoch: int, score: float) -> bool:
        """Records the score at two epochs."""
        if epoch == 2:
            self._scores[trial] = score
        return True

    def keep(self, waiting: Container[int], trials: int) -> list[int]:
        """The best six so far."""
        best = sorted(self._scores, key=lambda number: (-self._scores[number], number))[:6]
        return [number for number in best if number in waiting]


@dataclass(frozen=True)
class Replayed:
    """How a replayed search ended.

    Attributes:
        epochs: trained in all.
        best: the best final score of the three trials that scored best where their trainings ended: those
            are the finalists, which a run trains to the end.
        seconds: from the start to the end.
    """

    epochs: int
    best: float
    seconds: float


def replay(
    curves: Curves, scheduler: Scheduler, seconds: Sequence[float], workers: int = WORKERS
) -> Replayed:
    """A search with a scheduler, in the order of the curves, as `tuner.search.search.Search` does it.

    Args:
        curves: of the trials.
        scheduler: a fresh one.
        seconds: that an epoch takes, by trial.
        workers: trials at a time.
    """
    running: list[tuple[float, int, int, int]] = []  # when its next epoch ends, trial, that epoch, until
    paused: dict[int, int] = {}
    ended: list[tuple[float, float]] = []  # (score there, final score)
    now, asked, trained = 0.0, 0, 0
    while True:
        while len(running) < workers:
            if asked < len(curves):
                until = scheduler.until(asked, 0, seconds[asked] / seconds[DEFAULT])
                heapq.heappush(running, (now + seconds[asked], asked, 1, until))
                asked += 1
                continue
            kept = scheduler.keep(paused, len(curves))
            if not kept or any(until < scheduler.end for _, _, _, until in running):
                break
            epoch = paused.pop(kept[0])
            until = scheduler.until(kept[0], epoch)
            heapq.heappush(running, (now + seconds[kept[0]], kept[0], epoch + 1, until))
        if not running:
            return Replayed(trained, max(final for _, final in sorted(ended)[-FINALISTS:]), now)
        now, trial, epoch, until = heapq.heappop(running)
        trained += 1
        validated = (until - epoch) % scheduler.validate_every(until) == 0
        goes_on = not validated or scheduler.report(trial, epoch, curves[trial][epoch - 1])
        if epoch == until >= scheduler.end:
            ended.append((curves[trial][epoch - 1], curves[trial][-1]))
        elif epoch == until:
            paused[trial] = epoch
        elif goes_on:
            heapq.heappush(running, (now + seconds[trial], trial, epoch + 1, until))


def waiting(seconds: Sequence[float], workers: int, lag: int) -> float:
    """How much longer trials take that are chosen in order, each when all `lag` before it have ended.

    Args:
        seconds: of each trial.
        workers: trials at a time.
        lag: of `--deterministic`.

    Returns:
        The time with the lag, divided by that without.
    """

    def whole(lag: int) -> float:
        free = [0.0] * workers
        ends: list[float] = []
        for number, duration in enumerate(seconds):
            known = max(ends[: max(0, number - lag + 1)], default=0.0)
            start = max(heapq.heappop(free), known)
            ends.append(start + duration)
            heapq.heappush(free, ends[-1])
        return max(ends)

    return whole(lag) / whole(len(seconds))


def lags(seconds: Sequence[float], workers: int, orders: int = 200) -> float:
    """The mean of `waiting` over drawn orders."""
    rng = np.random.default_rng(0)
    drawn = [rng.permutation(np.array(seconds))[:TRIALS] for _ in range(orders)]
    return round(float(np.mean([waiting([float(s) for s in order], workers, LAG) for order in drawn])), 3)


def schedulers(steps_per_epoch: int) -> dict[str, Scheduler]:
    """Fresh ones, by name."""
    found = {name: resolve(target)(EPOCHS, steps_per_epoch) for name, target in SCHEDULERS.items()}
    return {**found, "2 epochs, best 6": TwoThenSix(EPOCHS, steps_per_epoch)}


def table(trained: Trained, orders: int) -> dict[str, dict[str, float]]:
    """Shares of all epochs and of the time of whole trainings, and regret: the best final score of a search
    less its winner's."""
    rng = np.random.default_rng(0)
    found: dict[str, list[tuple[float, float, float]]] = {}
    curves = trained.curves
    for _ in range(orders):
        chosen = [DEFAULT, *rng.permutation(np.arange(1, len(curves)))[: TRIALS - 1]]
        order = [curves[i] for i in chosen]
        seconds = [trained.seconds[i] / EPOCHS for i in chosen]
        best = max(curve[-1] for curve in order)
        for name, scheduler in schedulers(trained.steps_per_epoch).items():
            ended = replay(order, scheduler, seconds)
            whole = EPOCHS * sum(seconds) / WORKERS
            share = ended.epochs / (EPOCHS * len(order))
            found.setdefault(name, []).append((share, ended.seconds / whole, best - ended.best))
    rows = {}
    for name, results in found.items():
        shares, times, regrets = np.array(results).T
        rows[name] = {
            "epochs": float(shares.mean()),
            "time": float(times.mean()),
            "regret": float(regrets.mean()),
            "regret_standard_error": float(regrets.std(ddof=1) / np.sqrt(len(regrets))),
            "regret_95": float(np.quantile(regrets, 0.95)),
        }
    return rows


def train(dataset: str, data_dir: Path, folder: Path, configs: int, space: str | None = None) -> Path:
    """Trains the configurations to their ends; what is done already stays. Returns the run directory.

    Raises:
        RuntimeError: the run ends before.
    """
    name = dataset + (f"-{space.rpartition(':')[2].lower()}" if space else "")
    options = ["--trials", str(configs), "--epochs", str(EPOCHS), "--algorithm", "random", "--pruner", "none"]
    shortest = ["--baselines", "none", "--seeds", "1", "--finalists", "1", "--seed", "1", "--plain"]
    where = ["--data-dir", str(data_dir), "--out", str(folder), "--name", name]
    where += ["--space", space] if space else []
    command = [sys.executable, "-m", "tuner.cli", dataset, *options, *shortest, *where]
    if complete(folder / name) < configs:
        with subprocess.Popen(command, stdout=sys.stderr) as process:
            while process.poll() is None and complete(folder / name) < configs:
                time.sleep(LOOK_SECONDS)
            process.terminate()  # what comes after the search is not needed
    if complete(folder / name) < configs:
        raise RuntimeError(f"{' '.join(command)}: ended with exit code {process.returncode}")
    return folder / name


def complete(run: Path) -> int:
    """Trials of a run that were trained to the end."""
    journal = run / "study.journal"
    if not journal.exists():
        return 0
    return sum(trial.state.name == "COMPLETE" for trial in read_trials(journal))


def read(run: Path) -> Trained:
    """The configurations that a run has trained to the end."""
    facts = json.loads((run / "run.json").read_text())["dataset"]
    curves, seconds, batches = [], [], set()
    for trial in read_trials(run / "study.journal"):
        scores = trial.intermediate_values
        if trial.state.name == "COMPLETE":
            curves.append([scores[epoch] for epoch in range(1, EPOCHS + 1)])
            seconds.append(trial.user_attrs["seconds"])
            batches.add(trial.user_attrs["params"]["batch_size"])
    (batch,) = batches
    return Trained(curves, seconds, (facts["n_train"] - facts["n_validation"]) // int(batch))


def some_of_mnist(data_dir: Path, folder: Path) -> Path:
    """A data directory with the first `MNIST_IMAGES` training images of MNIST."""
    target = folder / "data" / "mnist" / "mnist.npz"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with np.load(data_dir / "mnist" / "mnist.npz") as whole:
            parts = {name: whole[name][: MNIST_IMAGES if "train" in name else 500] for name in whole.files}
        np.savez_compressed(target, **parts)
    return folder / "data"


def show(dataset: str, curves: Curves, rows: dict[str, dict[str, float]]) -> str:
    """A table in Markdown."""
    finals = np.array([curve[-1] for curve in curves])
    lines = [
        f"{dataset}: {len(curves)} configurations, final validation accuracy {finals.min():.3f} to "
        f"{finals.max():.3f}, default {finals[DEFAULT]:.3f}",
        "",
        "| scheduler | epochs | time | mean regret | 95 % of regrets below |",
        "|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        lines.append(
            f"| {name} | {row['epochs']:.1%} | {row['time']:.1%} "
            f"| {row['regret']:.4f} ± {row['regret_standard_error']:.4f} | {row['regret_95']:.4f} |"
        )
    return "\n".join([*lines, ""])


def data_dir() -> Path:
    """Where `asl` and `mnist` lie."""
    return Path(os.environ.get("TUNE_DATA_DIR", "../shared/data"))


def sets(folder: Path) -> dict[str, Path]:
    """The data sets that are trained on, and the data directory of each."""
    return {"asl": data_dir(), "mnist": some_of_mnist(data_dir(), folder)}


def run() -> dict[str, object]:
    """Trains, replays, prints; what is trained stays in `bench/replay`, and is not trained again."""
    found: dict[str, object] = {}
    for dataset, data in sets(FOLDER).items():
        trained = read(train(dataset, data, FOLDER, CONFIGS))
        rows = table(trained, ORDERS)
        lagging = {str(workers): lags(trained.seconds, workers) for workers in (2, 4, 8)}
        sys.stdout.write(show(dataset, trained.curves, rows) + "\n")
        sys.stdout.write(f"--deterministic takes so many times as long, by workers: {lagging}\n\n")
        found[dataset] = {**asdict(trained), "schedulers": rows, "deterministic": lagging}
    return found
