"""Training in a process of its own, so that each test chooses its backend, on images made here."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tests import ROOT
from tests.helpers.origins import QUIET, TRAININGS

EDGE = 12
"""Pixels of a side of the images."""

RESTLESS = {"augmentation": 0.5, "cutout": 0.2, "conv_dropout": 0.1, "dropout": 0.4}
"""Parameters with every random layer, in common so that XLA compiles the step once a session."""


def make(folder: Path, classes: int = 3) -> None:
    """Prepared data: squares at a place that says their class, with noise."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 240), ("test", 60)):
        labels = np.arange(count, dtype=np.int32) % classes
        images = rng.integers(0, 80, (count, EDGE, EDGE, 1)).astype(np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[1 + 3 * label : 4 + 3 * label, 4:8] += 150
        np.save(folder / f"{part}_images.npy", images)
        np.save(folder / f"{part}_labels.npy", labels)
    np.savez(folder / "splits.npz", search=(np.arange(240) // 3 % 5).astype(np.int8))


def train(
    folder: Path, *items: dict[str, Any], backend: str = "tensorflow", fresh: bool = False
) -> list[Any]:
    """The results of work items, done one after the other in one process, with its memory after each.

    Args:
        folder: holds the data, and what the training writes.
        items: what differs from a trial of a small network: fields of `TrialSpec`, of which `params`
            names only what is not usual, `micro_batches`, `key` and `limits`.
        backend: Keras'.
        fresh: in a new interpreter, which hashes otherwise.
    """
    arguments = [str(folder), json.dumps(items)]
    environment = {**os.environ, **QUIET, "KERAS_BACKEND": backend}
    if fresh:
        command = [sys.executable, "-m", "tests.helpers.train_items", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    else:
        origin = TRAININGS[backend]
        done = origin.run("tests.helpers.train_items", arguments, ROOT, environment, timeout=600)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert len(lines) == len(items), done.stderr
    return [json.loads(line.removeprefix("RESULT ")) for line in lines]


def curve(result: Any) -> list[dict[str, float]]:
    """All that was reported of its epochs but the time they took."""
    return [{key: value for key, value in epoch.items() if key != "seconds"} for epoch in result["epochs"]]


def predictions(folder: Path, result: Any) -> Any:
    """The class probabilities that a training has written."""
    with np.load(folder / result["output"]) as saved:
        return saved["probabilities"]
