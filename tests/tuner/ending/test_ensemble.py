"""The winner's seeds as one saved model, asked for once a run is finished."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.runs import SMALL_RUN, Tune

PREDICT = """
import sys, keras, numpy as np
model = keras.saving.load_model("model/ensemble.keras")
np.save("said.npy", model.predict(np.load("images.npz")["images"], verbose=0))
own = [layer for layer in model.layers if not type(layer).__module__.startswith("keras.")]
assert not own, own
assert not any(name in sys.modules for name in ("tuner", "search_spaces"))
"""


@pytest.fixture(scope="module")
def run(tune: Tune, small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the finished run, which was then run again with `--save-ensemble`."""
    place = tmp_path_factory.mktemp("ensemble")
    copy = shutil.copytree(small_run, place / "runs" / "digits")
    assert not (copy / "model" / "ensemble.keras").exists()
    assert len(list((copy / "fits").glob("*.keras"))) == 1
    done = tune(*SMALL_RUN, "--save-ensemble", cwd=place)
    assert done.returncode == 0, done.stderr
    return copy


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


def test_it_averages_the_seeds_and_loads_without_this_project(run: Path) -> None:
    _python(PREDICT, run)
    with np.load(run / "predictions.npz") as saved, np.load(run / "images.npz") as shown:
        seeds = [saved[f"test/tuned/{seed}"][shown["indices"]] for seed in range(2)]
    assert not np.allclose(seeds[0], seeds[1], atol=1e-3)
    assert np.allclose(np.load(run / "said.npy"), np.mean(seeds, axis=0), atol=1e-5)


def test_the_code_in_the_report_runs(run: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (run / "report.md").read_text(), re.DOTALL)
    assert "model/ensemble.keras" in blocks[1]
    assert "[[" in _python("\n".join(blocks), run)
    assert json.loads((run / "report.json").read_text())["final"]["ensemble_model"] == "model/ensemble.keras"


def test_asking_for_it_reads_the_test_labels_no_second_time(run: Path) -> None:
    assert len((run / "test_reads.jsonl").read_text().splitlines()) == 1


def test_without_asking_again_it_goes_and_so_do_the_models_of_the_seeds(tune: Tune, run: Path) -> None:
    assert tune(*SMALL_RUN, cwd=run.parents[1]).returncode == 0
    assert not (run / "model" / "ensemble.keras").exists()
    assert len(list((run / "fits").glob("*.keras"))) == 2  # the saved model, and the ensemble's own record
    assert "ensemble.keras" not in (run / "report.md").read_text()
