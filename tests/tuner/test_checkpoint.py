"""Training that pauses and goes on in another process, which is how Hyperband promotes a trial."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tuner.test_fit import make

SCRIPT = """
import json, sys, numpy as np
from pathlib import Path
from tuner.records import TrialSpec, WorkContext
from tuner.training.perform import perform
from search_spaces.family import Task
from search_spaces.cnn import FAMILY

folder, until, resume_from = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
context = WorkContext(str(folder), str(folder), 3, "accuracy", False, "float32")
restless = {"filters": 4, "dense_units": 8, "batch_size": 16, "augmentation": 0.5, "dropout": 0.4}
params = FAMILY.space(Task((12, 12, 1), 3, 240)).default() | restless | json.loads(sys.argv[4])
spec = TrialSpec(
    0, "finalist", "search_spaces.cnn:FAMILY", params, 3, "search", 0, 4, until=until, resume_from=resume_from
)
result = perform(spec, context, "trial-0", lambda report: True)
print("RESULT " + json.dumps(result.to_json()))
"""


def perform(folder: Path, until: int, resume_from: int, backend: str, **params: object) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), str(until), str(resume_from), json.dumps(params)],
        env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert lines, done.stderr
    return json.loads(lines[0].removeprefix("RESULT "))


def curve(result: Any) -> list[dict[str, float]]:
    return [{key: value for key, value in epoch.items() if key != "seconds"} for epoch in result["epochs"]]


def predictions(folder: Path, result: Any) -> Any:
    with np.load(folder / result["output"]) as saved:
        return saved["probabilities"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "optimizer"), [("tensorflow", "adamw"), ("tensorflow", "sgd"), ("jax", "adamw")]
)
def test_two_epochs_and_two_in_a_new_process_equal_four(tmp_path: Path, backend: str, optimizer: str) -> None:
    if backend == "jax":
        pytest.importorskip("jax", reason="the JAX backend is not installed")
    make(tmp_path)
    whole = perform(tmp_path, 0, 0, backend, optimizer=optimizer)
    expected = predictions(tmp_path, whole)
    first = perform(tmp_path, 2, 0, backend, optimizer=optimizer)
    assert first["state"] == "paused", first["message"]
    second = perform(tmp_path, 4, 2, backend, optimizer=optimizer)
    assert second["state"] == "complete", second["message"]
    assert [epoch["epoch"] for epoch in second["epochs"]] == [3, 4]
    assert curve(first) + curve(second) == curve(whole)
    assert np.array_equal(predictions(tmp_path, second), expected)


@pytest.mark.slow
def test_without_the_saved_state_it_trains_what_is_missing_again(tmp_path: Path) -> None:
    make(tmp_path)
    whole = perform(tmp_path, 0, 0, "tensorflow")
    expected = predictions(tmp_path, whole)
    lost = perform(tmp_path, 4, 2, "tensorflow")
    assert curve(lost) == curve(whole)
    assert np.array_equal(predictions(tmp_path, lost), expected)
    perform(tmp_path, 3, 0, "tensorflow")  # a state of another epoch is not taken for it
    assert curve(perform(tmp_path, 4, 2, "tensorflow")) == curve(whole)
