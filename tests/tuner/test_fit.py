"""Training itself, in processes of its own, so that each chooses its backend."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SCRIPT = """
import json, sys, numpy as np
from pathlib import Path
from tuner.records import TrialSpec, WorkContext
from tuner.training import data, fit, models
from tuner.training.perform import perform
from search_spaces.family import Task
from search_spaces.cnn import FAMILY

folder, purpose, epochs = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
classes = int(np.load(folder / "train_labels.npy").max()) + 1
context = WorkContext(str(folder), str(folder), classes, "accuracy", False, "float32")
small = {"filters": 4, "dense_units": 8, "batch_size": 16, "augmentation": 0.0}
params = FAMILY.space(Task((12, 12, 1), classes, 240)).default() | small
split = None if purpose == "retrain" else "search"
save = purpose == "retrain"
spec = TrialSpec(0, purpose, "search_spaces.cnn:FAMILY", params, 3, split, 0, epochs, save=save)
result = perform(spec, context, "key", lambda report: True)
print("RESULT " + json.dumps(result.to_json()))
"""


def make(folder: Path, classes: int = 3) -> None:
    """Squares at a place that says their class, with noise."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 240), ("test", 60)):
        labels = np.arange(count, dtype=np.int32) % classes
        images = rng.integers(0, 80, (count, 12, 12, 1)).astype(np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[1 + 3 * label : 4 + 3 * label, 4:8] += 150
        np.save(folder / f"{part}_images.npy", images)
        np.save(folder / f"{part}_labels.npy", labels)
    np.savez(folder / "splits.npz", search=(np.arange(240) // 3 % 5).astype(np.int8))


def perform(folder: Path, purpose: str, epochs: int, backend: str = "tensorflow") -> Any:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), purpose, str(epochs)],
        env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert lines, done.stderr
    return json.loads(lines[0].removeprefix("RESULT "))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make(tmp_path)
    return tmp_path


def curve(result: Any) -> list[tuple[float, float]]:
    return [(epoch["loss"], epoch["val_accuracy"]) for epoch in result["epochs"]]


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_it_learns_and_does_so_again(folder: Path, backend: str) -> None:
    if backend == "jax":
        pytest.importorskip("jax", reason="the JAX backend is not installed")
    result = perform(folder, "trial", 8, backend)
    assert result["state"] == "complete", result["message"]
    assert result["epochs"][-1]["val_accuracy"] > 0.9
    assert result["epochs"][-1]["learning_rate"] < result["epochs"][2]["learning_rate"]
    assert curve(perform(folder, "trial", 8, backend)) == curve(result)


def test_what_is_saved_predicts_from_raw_images_without_this_project(folder: Path) -> None:
    result = perform(folder, "retrain", 3)
    assert result["state"] == "complete", result["message"]
    with np.load(folder / result["output"]) as saved:
        expected = saved["probabilities"]
    code = (
        "import sys, keras, numpy as np\n"
        "assert not any(name in sys.modules for name in ('tuner', 'search_spaces'))\n"
        "model = keras.saving.load_model(sys.argv[1])\n"
        "images = np.load(sys.argv[2])\nassert images.dtype == np.uint8\n"
        "np.save(sys.argv[3], model.predict(images, verbose=0))\n"
        "assert not any(name in sys.modules for name in ('tuner', 'search_spaces'))\n"
    )
    model, images, output = folder / "fits" / "key.keras", folder / "test_images.npy", folder / "out.npy"
    subprocess.run(
        [sys.executable, "-c", code, str(model), str(images), str(output)],
        cwd=folder,
        check=True,
        env={**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
    )
    assert np.allclose(np.load(output), expected, atol=1e-5)


def test_two_classes_get_one_probability_and_two_columns(tmp_path: Path) -> None:
    make(tmp_path, classes=2)
    result = perform(tmp_path, "retrain", 6)
    with np.load(tmp_path / result["output"]) as saved:
        probabilities = saved["probabilities"]
    assert probabilities.shape == (60, 2)
    labels = np.load(tmp_path / "test_labels.npy")
    assert (probabilities.argmax(1) == labels).mean() > 0.9


def test_a_loss_that_is_no_number_is_a_failure_with_a_reason(folder: Path) -> None:
    script = SCRIPT.replace('"augmentation": 0.0', '"learning_rate": 1e30')
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder), "trial", "4"],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=True,
    )
    result = json.loads(done.stdout.split("RESULT ")[1])
    assert (result["state"], result["reason"]) == ("failed", "nan")
