"""What is saved: the winner's seeds as one model, or with `--single` the first seed's."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.helpers.runs import SMALL_RUN, Tune, report_of

PREDICT = """
import sys, keras, numpy as np
model = keras.saving.load_model("model/model.keras")
np.save("said.npy", model.predict(np.load("images.npz")["images"], verbose=0))
own = [layer for layer in model.layers if not type(layer).__module__.startswith("keras.")]
assert not own, own
assert not any(name in sys.modules for name in ("tuner", "search_spaces"))
"""


@pytest.fixture(scope="module")
def run(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the finished run."""
    place = tmp_path_factory.mktemp("ensemble")
    return shutil.copytree(small_run, place / "runs" / "digits")


def _python(code: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _said(run: Path) -> tuple[Any, list[Any]]:
    """What the saved model says of the images that are shown, and what each seed said."""
    _python(PREDICT, run)
    with np.load(run / "predictions.npz") as saved, np.load(run / "images.npz") as shown:
        seeds = [saved[f"test/tuned/{seed}"][shown["indices"]] for seed in range(2)]
    return np.load(run / "said.npy"), seeds


def test_it_averages_the_seeds_and_loads_without_this_project(run: Path) -> None:
    said, seeds = _said(run)
    assert not np.allclose(seeds[0], seeds[1], atol=1e-3)
    assert np.allclose(said, np.mean(seeds, axis=0), atol=1e-5)
    assert json.loads((run / "model" / "model.json").read_text())["seeds"] == 2


def test_the_report_speaks_of_it(run: Path) -> None:
    text, facts = (run / "report.md").read_text(), report_of(run)["final"]
    assert re.search(r"\*\*The saved model, 2 seeds of the (tuned|default) CNN together, reads ", text)
    assert " One seed alone reads " in text
    assert facts["shipped"]["seeds"] == 2
    assert facts["shipped"]["parameters"] == 2 * facts["parameters"]
    assert facts["shipped"]["test_accuracy"] == facts["ensemble_test_accuracy"]


def test_the_code_in_the_report_runs(run: Path) -> None:
    [block] = re.findall(r"```python\n(.*?)```", (run / "report.md").read_text(), re.DOTALL)
    Image.new("L", (20, 20)).save(run / "photo.png")
    assert re.fullmatch(r"\d \d+%", _python(block, run).strip())


def test_the_other_one_is_saved_when_asked_for_and_the_test_labels_are_not_read_again(
    tune_forked: Tune, run: Path
) -> None:
    place = run.parents[1]
    assert tune_forked(*SMALL_RUN, "--single", cwd=place).returncode == 0
    said, seeds = _said(run)
    assert np.allclose(said, seeds[0], atol=1e-5)
    text, facts = (run / "report.md").read_text(), report_of(run)["final"]
    assert re.search(r"\*\*The saved (tuned|default) CNN reads ", text)
    assert " Over 2 seeds it reads " in text
    assert facts["shipped"]["test_accuracy"] == facts["test_accuracy"]["per_seed"][0]
    assert facts["shipped"]["parameters"] == facts["parameters"]
    assert tune_forked(*SMALL_RUN, "--save-ensemble", cwd=place).returncode == 0  # what it once was called
    said, seeds = _said(run)
    assert np.allclose(said, np.mean(seeds, axis=0), atol=1e-5)
    assert len((run / "test_reads.jsonl").read_text().splitlines()) == 1
