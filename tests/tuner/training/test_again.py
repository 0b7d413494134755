"""A model that a worker trains again, from another seed, is the one that a fresh worker would train."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.training import make
from tuner.training import again

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
    first, other, same = train(tmp_path, backend, {"optimizer": optimizer}, "8,7,8")
    assert first["model"] == same["model"]  # it was not compiled again
    assert curve(first) == curve(same)
    with np.load(tmp_path / same["output"]) as saved:
        predicted = saved["probabilities"]
    (fresh,) = train(tmp_path, backend, {"optimizer": optimizer}, "8")
    assert curve(fresh) == curve(first) != curve(other)
    with np.load(tmp_path / fresh["output"]) as saved:
        assert np.array_equal(saved["probabilities"], predicted)


@pytest.mark.parametrize("averages", [{}, {"use_ema": True, "ema_momentum": 0.9}], ids=["plain", "averaged"])
def test_it_has_forgotten_what_is_not_a_number(averages: dict[str, Any]) -> None:
    import keras

    def build() -> Any:
        keras.utils.set_random_seed(1)
        return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])

    def compiled() -> Any:
        def compile_(model: Any) -> None:
            model.compile(optimizer=keras.optimizers.AdamW(**averages), loss="mse")

        return again.compiled("key", build, compile_, keep=True)

    def trained(model: Any, value: float) -> list[Any]:
        model.optimizer.learning_rate = 0.01
        model.train_on_batch(np.full((2, 4), value), np.zeros((2, 3)))
        return [np.array(variable) for variable in (*model.variables, *model.optimizer.variables)]

    first = compiled()
    expected = trained(first, 1.0)
    assert not all(np.isfinite(value).all() for value in trained(first, np.nan))
    second = compiled()
    assert second is first  # it was not compiled again
    for value, wanted in zip(trained(second, 1.0), expected, strict=True):
        np.testing.assert_array_equal(value, wanted)
    again.forget()
