"""Whether bfloat16 ranks trials as float32 does: configurations in both, from three seeds."""

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import permutations
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search_spaces import SEARCH_SPACES
from search_spaces.family import Task
from tests.benchmarks.replay import FOLDER, sets
from tests.benchmarks.schedules import rank
from tuner import datasets
from tuner.constraints import Constraints
from tuner.datasets.base import DataOptions
from tuner.records import EpochReport, TrialSpec, WorkContext
from tuner.registry import resolve
from tuner.run.resume import splits
from tuner.search.engines import ENGINES
from tuner.search.schedulers.base import Scheduler

CONFIGS = 24
EPOCHS = 8
SEEDS = (1, 2, 3)
"""Float32 from one of them is what both precisions from another are compared with, for each pair of seeds."""

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}

Scores = NDArray[np.float64]

ONE_THREAD = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def run() -> dict[str, Any]:
    """Trains and prints, on each data set: ranks with float32 from another seed."""
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    return {dataset: _compare(dataset, data) for dataset, data in sets(FOLDER).items()}


def _compare(dataset: str, data_dir: Path) -> dict[str, Any]:
    data = datasets.load(dataset, DataOptions(data_dir, datasets.default_cache_dir(), download=False))
    space = resolve(SEARCH_SPACES["cnn"]).space(
        Task(data.image_shape, len(data.class_names), len(data.train_labels))
    )
    workers = os.cpu_count() or 1
    with TemporaryDirectory() as folder, ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        run_dir = Path(folder)
        np.savez(run_dir / "splits.npz", **splits(data, 0))  # type: ignore[arg-type]
        context = WorkContext(
            folder, str(data.directory), len(data.class_names), "accuracy", False, "float32"
        )
        engine = resolve(ENGINES["optuna"])(
            run_dir / "study.journal", space, SEARCH_SPACES["cnn"], "random", 1,
            Scheduler(EPOCHS, 100), Constraints(), (),
        )  # fmt: skip
        specs = [engine.ask(CONFIGS) for _ in range(CONFIGS)]

        def scores(precision: str, seed: int) -> list[Any]:
            own = replace(context, precision=precision)
            return [pool.submit(score, replace(spec, seed=seed), own) for spec in specs]

        asked = {name: [scores(policy, seed) for seed in SEEDS] for name, policy in POLICIES.items()}
        found = {
            name: np.array([[each.result() for each in futures] for futures in by_seed])
            for name, by_seed in asked.items()
        }
    sys.stdout.write(f"{dataset}: {CONFIGS} configurations, {EPOCHS} epochs\n\n")
    sys.stdout.write(
        "| another seed | rank with float32 | among the better half | mean accuracy |\n|---|---|---|---|\n"
    )
    rows = {}
    for name, scored in found.items():
        rows[name] = {**agreement(found["float32"], scored), "mean": float(scored.mean())}
        cells = (f"{number:.3f}" for number in rows[name].values())
        sys.stdout.write(f"| {name} | {' | '.join(cells)} |\n")
    apart, explained = moved(*found.values())
    sys.stdout.write(
        f"\nThe better half, mean of its seeds: {apart:.4f} apart, by seeds alone {explained:.4f}\n\n"
    )
    return {
        "rows": rows,
        "apart": apart,
        "by_seeds": explained,
        "scores": {name: scored.tolist() for name, scored in found.items()},
    }


def agreement(float32: Scores, scored: Scores) -> dict[str, float]:
    """Mean rank correlations over all pairs of seeds, of all configurations and of the better half.

    Args:
        float32: scores (seeds, configurations), which also say which half is the better.
        scored: of what is compared with them, likewise.
    """
    pairs = [(float32[one], scored[other]) for one, other in permutations(range(len(SEEDS)), 2)]
    halves = [np.argsort(-reference)[: CONFIGS // 2] for reference, _ in pairs]
    better = [rank(one[half], other[half]) for (one, other), half in zip(pairs, halves, strict=True)]
    return {"all": float(np.mean([rank(*pair) for pair in pairs])), "better": float(np.mean(better))}


def moved(float32: Scores, other: Scores) -> tuple[float, float]:
    """How far the better half's means over seeds move from one precision to the other, beyond what all move.

    Args:
        float32: scores (seeds, configurations), which also say which half is the better.
        other: likewise.

    Returns:
        The standard deviation over configurations, and what it would be if only seeds moved them.
    """
    half = np.argsort(-float32.mean(0))[: CONFIGS // 2]
    pair = [each[:, half] for each in (float32, other)]
    variance = sum(float(each.var(0, ddof=1).mean()) for each in pair) / len(SEEDS)
    return float((pair[1].mean(0) - pair[0].mean(0)).std(ddof=1)), float(np.sqrt(variance))


def score(spec: TrialSpec, context: WorkContext) -> float:
    """The validation accuracy after the last epoch."""
    from tuner.training.perform import perform

    def go_on(_: EpochReport) -> bool:
        return True

    return float(perform(spec, context, "key", go_on).epochs[-1].score or 0.0)
