"""The one place that hands out test labels, and the record of each time it did.

A test split that is looked at again and again stops being one, so each reading leaves a line in the run
directory, and the report prints their number.
"""

import json
import os
from datetime import UTC, datetime
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
    with (run_dir / _FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return labels


def readings(run_dir: Path) -> int:
    """How often the test labels were read in this run."""
    try:
        text = (run_dir / _FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return 0
    return sum(1 for line in text.splitlines() if line.strip())
