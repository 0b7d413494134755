"""Accuracy by time, all of it included, beside what users of other tools write over the same space.

A fifth of the groups of the training images is held out; all sides get the others, and none sees the test
split of the data set. Sides take turns, so that a slow minute of the machine meets all of them.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.peer import PEERS
from tuner import datasets
from tuner.datasets.base import DataOptions
from tuner.datasets.splits import group_folds

FOLDER = Path("bench/peers").absolute()
BUDGETS, REPEATS = (60, 180, 420), 3
QUICK_BUDGETS, QUICK_REPEATS = (60,), 1
OURS = "tune"
HELD_OUT = 5
"""One fold of so many."""


def run(*, quick: bool = False) -> dict[str, Any]:
    """Tables for each data set that is there; `quick` takes one of them, one minute and one turn a side."""
    budgets, repeats = (QUICK_BUDGETS, QUICK_REPEATS) if quick else (BUDGETS, REPEATS)
    names = ("asl",) if quick else ("asl", "mnist")
    return {name: _compare(name, budgets, repeats) for name in names}


def _compare(dataset: str, budgets: Sequence[int], repeats: int) -> dict[str, Any]:
    FOLDER.mkdir(parents=True, exist_ok=True)
    data = FOLDER / f"{dataset}.npz"
    train, held_out = write(dataset, data)
    print(f"`{dataset}`: {train:,} training images, {held_out:,} held out by groups\n")
    print("| seconds | side | accuracy held out | its own validation | trials | images a second | took, s |")
    print("| ---: | --- | ---: | ---: | ---: | ---: | ---: |", flush=True)
    rows = []
    for seconds in budgets:
        turns: dict[str, list[dict[str, Any]]] = {side: [] for side in (OURS, *PEERS)}
        for turn in range(repeats):
            for side, done in turns.items():
                done.append(_ours(data, seconds, turn) if side == OURS else peer(side, data, seconds))
        rows += [{"budget": seconds, "side": side, **_median(done)} for side, done in turns.items()]
        for row in rows[-len(turns) :]:
            print("| " + " | ".join(_cell(row[key]) for key in row) + " |", flush=True)
    print()
    return {"rows": rows}


def write(dataset: str, path: Path) -> tuple[int, int]:
    """An archive of the training images, a fold of whose groups is its test part; the sizes of both."""
    options = DataOptions(datasets.default_data_dir(), datasets.default_cache_dir(), download=False)
    data = datasets.load(dataset, options)
    images, labels = data.train_images, data.train_labels
    held = group_folds(labels, data.train_groups, HELD_OUT, 0) == 0
    np.savez(path, x_train=images[~held], y_train=labels[~held], x_test=images[held], y_test=labels[held])
    return int((~held).sum()), int(held.sum())


def _ours(data: Path, seconds: int, turn: int) -> dict[str, Any]:
    name = f"{data.stem}-{seconds}-{turn}"
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "tuner.cli", "run", str(data), "--name", name, "--out", str(FOLDER / "runs"),
         "--space", "cnn", "--budget", f"{seconds}s", "--seed", str(turn), "--fresh", "--quiet"],
        check=True,
    )  # fmt: skip
    took = time.monotonic() - began
    report = json.loads((FOLDER / "runs" / name / "report.json").read_text())
    shipped = report["final"]["ensemble_test_accuracy"]
    return {
        "accuracy": report["final"]["test_accuracy"]["mean"] if shipped is None else shipped,
        "validation": report["best"]["validation_accuracy"],
        "trials": sum(report["search"]["trials"].values()),
        "images_per_second": report["search"]["images_per_second"],
        "seconds": took,
    }


def peer(side: str, data: Path, seconds: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.peer", side, str(data), str(seconds)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return found


def _median(done: list[dict[str, Any]]) -> dict[str, Any]:
    found = {key: [each[key] for each in done if each[key] is not None] for key in done[0]}
    return {key: statistics.median(values) if values else None for key, values in found.items()}


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}" if value < 1 else f"{value:,.0f}"
    return "–" if value is None else str(value)
