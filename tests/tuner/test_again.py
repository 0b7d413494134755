"""A model that a worker trains again, from another seed, is the one that a fresh worker would train."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tuner.training import make

SCRIPT = """
import json, sys
from pathlib import Path
from tuner.records import TrialSpec, WorkContext
from tuner.training import again
from tuner.training.perform import perform
from search_spaces.family import Task
from search_spaces.cnn import FAMILY

folder, changes = Path(sys.argv[1]), json.loads(sys.argv[2])
context = WorkContext(str(folder), str(folder), 3, "accuracy", False, "float32")
restless = {"filters": 4, "dense_units": 8, "batch_size": 16, "augmentation": 0.5, "dropout": 0.4}
params = FAMILY.space(Task((12, 12, 1), 3, 240)).default() | restless | changes
for number, seed in enumerate(map(int, sys.argv[3].split(","))):
    spec = TrialSpec(number, "finalist", "search_spaces.cnn:FAMILY", params, seed, "search", 0, 3)
    result = perform(spec, context, f"seed-{seed}", lambda report: True)
    print("RESULT " + json.dumps({**result.to_json(), "model": id(again._kept[-1].model)}))
"""


def train(folder: Path, backend: str, changes: dict[str, Any], seeds: str) -> list[Any]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), json.dumps(changes), seeds],
        env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = [json.loads(line[7:]) for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert len(found) == len(seeds.split(",")), done.stderr
    return found


def curve(result: Any) -> list[tuple[float, float]]:
    return [(epoch["loss"], epoch["val_loss"]) for epoch in result["epochs"]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "optimizer"), [("tensorflow", "adamw"), ("tensorflow", "sgd"), ("jax", "adamw")]
)
def test_it_has_forgotten_what_it_learnt(tmp_path: Path, backend: str, optimizer: str) -> None:
    make(tmp_path)
    first, other, again = train(tmp_path, backend, {"optimizer": optimizer}, "8,7,8")
    assert first["model"] == again["model"]  # it was not compiled again
    assert curve(first) == curve(again)
    with np.load(tmp_path / again["output"]) as saved:
        predicted = saved["probabilities"]
    (fresh,) = train(tmp_path, backend, {"optimizer": optimizer}, "8")
    assert curve(fresh) == curve(first) != curve(other)
    with np.load(tmp_path / fresh["output"]) as saved:
        assert np.array_equal(saved["probabilities"], predicted)
