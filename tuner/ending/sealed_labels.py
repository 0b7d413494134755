"""The one place that hands out test labels, and the record of each time it did.

A test split that is looked at again and again stops being one, so each reading leaves a line in the run
directory, and one beside the prepared data for all runs on the same test images; the report prints their
numbers.
"""

import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.base import Dataset

_FILE = "test_reads.jsonl"


def read_test_labels(dataset: Dataset, run_dir: Path, purpose: str, models: int) -> NDArray[np.int32]:
    """The labels of the test images; the reading is on disk before they are given out.

    Args:
        dataset: whose test split it is.
        run_dir: directory of the run, which keeps the record.
        purpose: what they are read for, in a few words.
        models: how many models' predictions they are compared with.

    Returns:
        int32 (n,), 0 to classes - 1, in the order of `dataset.test_images`.
    """
    labels: NDArray[np.int32] = np.load(dataset.directory / "test_labels.npy")
    entry = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "purpose": purpose,
        "models": models,
        "images": len(labels),
    }
    run_dir.mkdir(parents=True, exist_ok=True)
    _append(run_dir / _FILE, entry)
    with suppress(OSError):  # a cache that cannot be written to ends no run
        shared = _shared(dataset)
        shared.parent.mkdir(parents=True, exist_ok=True)
        _append(shared, {**entry, "run": str(run_dir)})
    return labels


def readings(run_dir: Path) -> int:
    """How often the test labels were read in this run."""
    return _lines(run_dir / _FILE)


def other_readings(dataset: Dataset, run_dir: Path) -> int:
    """How often the labels of the same test images were read by other runs with this cache directory."""
    return max(0, _lines(_shared(dataset)) - readings(run_dir))


def _shared(dataset: Dataset) -> Path:
    """The record of all readings of these test images, whatever the data set was called."""
    images = np.ascontiguousarray(dataset.test_images)
    digest = blake2b(images.data, digest_size=16, person=str(images.shape[1:]).encode()[:16]).hexdigest()
    return dataset.directory.parent.parent / "test-readings" / f"{digest}.jsonl"


def _append(path: Path, entry: dict[str, object]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _lines(path: Path) -> int:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return 0
    return sum(1 for line in text.splitlines() if line.strip())
