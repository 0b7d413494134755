import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests import ROOT
from tuner.datasets import load
from tuner.datasets.base import DataOptions, Dataset
from tuner.ending import sealed_labels


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    root = tmp_path_factory.mktemp("digits")
    return load("digits", DataOptions(root / "data", root / "cache", download=False))


def test_each_reading_leaves_a_line(digits: Dataset, tmp_path: Path) -> None:
    run = tmp_path / "runs" / "digits"
    assert sealed_labels.readings(run) == 0
    labels = sealed_labels.read_test_labels(digits, run, "final result", 12)
    assert labels.dtype == np.int32
    assert len(labels) == len(digits.test_images)
    sealed_labels.read_test_labels(digits, run, "more trials", 3)
    lines = [json.loads(line) for line in (run / "test_reads.jsonl").read_text().splitlines()]
    assert [line["purpose"] for line in lines] == ["final result", "more trials"]
    assert [line["models"] for line in lines] == [12, 3]
    assert lines[0]["images"] == len(labels)
    assert lines[0]["time"] <= lines[1]["time"]
    assert sealed_labels.readings(run) == 2


def test_readings_are_counted_across_runs_on_the_same_images(tmp_path: Path) -> None:
    data = load("digits", DataOptions(tmp_path / "data", tmp_path / "cache", download=False))
    first, second = tmp_path / "runs" / "first", tmp_path / "runs" / "second"
    sealed_labels.read_test_labels(data, first, "final result", 4)
    assert sealed_labels.other_readings(data, first) == 0
    for _ in range(2):
        sealed_labels.read_test_labels(data, second, "final result", 4)
    assert sealed_labels.other_readings(data, first) == 2
    assert sealed_labels.other_readings(data, second) == 1


def test_no_labels_without_a_record(digits: Dataset, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(OSError):  # noqa: PT011  # which one is the system's affair
        sealed_labels.read_test_labels(digits, blocked / "run", "final result", 1)


def test_nothing_else_reads_test_labels() -> None:
    """The file's name occurs only where it is read and where it is documented."""
    found = {
        path.relative_to(ROOT).as_posix()
        for package in ("tuner", "reports", "search_spaces")
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"test_labels\.npy", path.read_text())
    }
    assert found == {"tuner/ending/sealed_labels.py", "tuner/datasets/base.py"}


def test_a_data_set_does_not_offer_test_labels(digits: Dataset) -> None:
    assert not hasattr(digits, "test_labels")
    with pytest.raises(FileNotFoundError):
        digits._map("labels")
