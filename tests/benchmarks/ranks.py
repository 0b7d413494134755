"""Whether bfloat16 ranks trials as float32 does: configurations in both, and in float32 from two seeds."""

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

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
FIRST, SECOND = 1, 2
"""Seeds: float32 from the first is what both precisions from the second are compared with."""

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}

ONE_THREAD = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def run() -> dict[str, Any]:
    """Trains and prints, on each data set: ranks with float32 from the first seed."""
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

        asked = {"first": scores("float32", FIRST)}
        asked |= {name: scores(policy, SECOND) for name, policy in POLICIES.items()}
        found = {name: np.array([each.result() for each in futures]) for name, futures in asked.items()}
    first = found.pop("first")
    better = np.argsort(-first)[: CONFIGS // 2]
    sys.stdout.write(f"{dataset}: {CONFIGS} configurations, {EPOCHS} epochs\n\n")
    sys.stdout.write(
        "| second seed | rank with the first | among the better half | mean accuracy |\n|---|---|---|---|\n"
    )
    rows = {}
    for name, second in found.items():
        rows[name] = {"all": rank(first, second), "better": rank(first[better], second[better])}
        row = f"| {name} | {rows[name]['all']:.2f} | {rows[name]['better']:.2f} | {second.mean():.4f} |\n"
        sys.stdout.write(row)
    sys.stdout.write("\n")
    return {"rows": rows, "scores": {"first": first.tolist(), **{n: s.tolist() for n, s in found.items()}}}


def score(spec: TrialSpec, context: WorkContext) -> float:
    """The validation accuracy after the last epoch."""
    from tuner.training.perform import perform

    def go_on(_: EpochReport) -> bool:
        return True

    return float(perform(spec, context, "key", go_on).epochs[-1].score or 0.0)
