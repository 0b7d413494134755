"""Run directories that an earlier version has written open, report and resume as before.

`version-0.1.0.zip` is what 0.1.0 left of `tune digits --trials 3 --epochs 2 --seeds 2 --finalists 1
--baselines logistic --space cnn-small --set filters=8`, without figures, logs and trained weights.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.runs import Tune, report_of, trials

WRITTEN = Path(__file__).with_name("version-0.1.0.zip")
COMMAND = [
    "digits", "--epochs", "2", "--seeds", "2", "--finalists", "1", "--baselines", "logistic",
    "--space", "cnn-small", "--set", "filters=8", "--plain",
]  # fmt: skip


@pytest.fixture
def older(tmp_path: Path) -> Path:
    shutil.unpack_archive(WRITTEN, tmp_path / "runs")
    return tmp_path / "runs" / "digits"


def test_an_older_run_is_read(tune_curves: Tune, older: Path) -> None:
    told = report_of(older)
    for command in (["status", "digits"], ["report", "digits"], ["compare", "digits"]):
        done = tune_curves(*command, cwd=older.parents[1])
        assert done.returncode == 0, done.stderr
    again = report_of(older)
    for fact in ("ensemble_test_accuracy", "parameters", "epochs"):
        assert again["final"][fact] == told["final"][fact]
    # Intervals and verdicts are those of this version; what they are made from is as it was.
    for fact in ("mean", "std", "per_seed"):
        assert again["final"]["test_accuracy"][fact] == told["final"]["test_accuracy"][fact]
    assert again["best"] == told["best"]
    assert [row["difference"] for row in again["comparison"]] == [
        row["difference"] for row in told["comparison"]
    ]


def test_an_older_run_goes_on(tune_curves: Tune, older: Path) -> None:
    before = [(trial.params, trial.value, trial.state) for trial in trials(older)]
    created = json.loads((older / "run.json").read_text())["created"]
    done = tune_curves(*COMMAND, "--trials", "5", cwd=older.parents[1])
    assert done.returncode == 0, done.stdout + done.stderr
    found = trials(older)
    assert [(trial.params, trial.value, trial.state) for trial in found[:3]] == before
    assert len(found) == 5
    run = json.loads((older / "run.json").read_text())
    assert (run["created"], run["state"]) == (created, "done")
    assert report_of(older)["dataset"]["test_readings"] == 2


def test_an_older_run_that_was_another_one_is_refused(tune_curves: Tune, older: Path) -> None:
    done = tune_curves(*COMMAND, "--trials", "5", "--seed", "7", cwd=older.parents[1])
    assert done.returncode == 2
    assert "--seed 7 (this run directory has 0)" in done.stderr


def test_an_older_run_whose_images_were_split_otherwise_is_refused(tune_curves: Tune, older: Path) -> None:
    """By a version that takes other images for copies of each other."""
    with np.load(older / "splits.npz") as saved:
        folds = dict(saved)
    folds["search"] = np.roll(folds["search"], 1)
    np.savez_compressed(older / "splits.npz", **folds)
    before = (older / "run.json").read_bytes()
    done = tune_curves(*COMMAND, "--trials", "5", cwd=older.parents[1])
    assert done.returncode == 2
    assert "grouped near-copies, and so split the images, in another way" in done.stderr
    assert "--fresh" in done.stderr
    assert (older / "run.json").read_bytes() == before
