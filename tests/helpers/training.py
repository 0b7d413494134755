"""Training in a process of its own, so that each test chooses its backend, on images made here."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

EDGE = 12
"""Pixels of a side of the images."""

SCRIPT = """
import json, sys
from pathlib import Path
import numpy as np
from search_spaces.cnn import FAMILY
from search_spaces.family import Task
from tuner.workers import worker
from tuner.records import TrialSpec, WorkContext
from tuner.training.perform import perform

folder, items = Path(sys.argv[1]), json.loads(sys.argv[2])
classes = int(np.load(folder / "train_labels.npy").max()) + 1
context = WorkContext(str(folder), str(folder), classes, "accuracy", False, "float32")
usual = FAMILY.space(Task((12, 12, 1), classes, 240)).default()
small = {"filters": 4, "dense_units": 8, "batch_size": 16, "augmentation": 0.0}
for item in items:
    parts = item.pop("micro_batches", 1)
    params = usual | small | item.pop("params", {})
    split = None if item.get("purpose") == "retrain" else "search"
    work = {"number": 0, "purpose": "trial", "seed": 3, "split": split, "fold": 0, **item}
    spec = TrialSpec(model="search_spaces.cnn:FAMILY", params=params, **work)
    result = perform(spec, context, "key", lambda report: True, parts)
    print("RESULT " + json.dumps({**result.to_json(), "memory": worker.resident()}))
"""


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


def train(folder: Path, *items: dict[str, Any], backend: str = "tensorflow") -> list[Any]:
    """The results of work items, done one after the other in one process, and its memory after each.

    Args:
        folder: holds the data, and what the training writes.
        items: what differs from a trial of a small network: fields of `TrialSpec`, of which `params`
            names only what is not usual, and `micro_batches`.
        backend: Keras'.
    """
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), json.dumps(items)],
        env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
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
