"""Training itself, in processes of its own, so that each chooses its backend."""

from pathlib import Path

import numpy as np
import pytest

from tests.helpers.origins import with_keras
from tests.helpers.training import RESTLESS, curve, make, predictions, train


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_it_learns_and_does_so_again(folder: Path, backend: str) -> None:
    if backend == "jax":
        pytest.importorskip("jax", reason="the JAX backend is not installed")
    (result,) = train(folder, {"epochs": 8}, backend=backend)
    assert result["state"] == "complete", result["message"]
    assert result["epochs"][-1]["val_accuracy"] > 0.9
    assert result["epochs"][-1]["learning_rate"] < result["epochs"][2]["learning_rate"]
    (again,) = train(folder, {"epochs": 8}, backend=backend, fresh=backend == "tensorflow")
    assert curve(again) == curve(result)


def test_early_stopping_waits_for_the_averages_of_batch_normalisation(folder: Path) -> None:
    """With 12 steps an epoch it counts from epoch 25 on; before, such a network may answer as by chance."""
    slow = {"purpose": "baseline", "params": {"learning_rate": 1e-7}}
    (short, long) = train(folder, {**slow, "epochs": 9}, {**slow, "epochs": 60})
    assert len(short["epochs"]) == 9
    found = [epoch["score"] for epoch in long["epochs"]]
    best = 1 + found.index(max(found))
    assert len(found) == max(best, 25) + 5 < 60


def test_only_epochs_that_somebody_asks_for_are_validated(folder: Path) -> None:
    """And which they are changes no training."""
    (each, some, waits) = train(
        folder,
        {"epochs": 5, "params": RESTLESS},
        {"epochs": 5, "params": RESTLESS, "validate_every": 2},
        {"epochs": 5, "params": RESTLESS, "validate_every": 3, "until": 4},
    )
    scores = [[epoch["score"] for epoch in result["epochs"]] for result in (each, some, waits)]
    assert [epoch for epoch, score in enumerate(scores[1], 1) if score is not None] == [1, 3, 5]
    assert [epoch for epoch, score in enumerate(scores[2], 1) if score is not None] == [1, 4]
    assert scores[1][::2] == scores[0][::2]


@pytest.mark.slow
def test_what_is_saved_predicts_from_raw_images_without_this_project(folder: Path) -> None:
    (result,) = train(folder, {"purpose": "retrain", "epochs": 3, "save": True})
    assert result["state"] == "complete", result["message"]
    expected = predictions(folder, result)
    code = (
        "import sys, keras, numpy as np\n"
        "assert not any(name in sys.modules for name in ('tuner', 'search_spaces'))\n"
        "model = keras.saving.load_model(sys.argv[1])\n"
        "images = np.load(sys.argv[2])\nassert images.dtype == np.uint8\n"
        "np.save(sys.argv[3], model.predict(images, verbose=0))\n"
        "assert not any(name in sys.modules for name in ('tuner', 'search_spaces'))\n"
    )
    model, images, output = folder / "fits" / "key.keras", folder / "test_images.npy", folder / "out.npy"
    with_keras(code, folder, str(model), str(images), str(output))
    assert np.allclose(np.load(output), expected, atol=1e-5)


def test_two_classes_get_one_probability_and_two_columns(tmp_path: Path) -> None:
    make(tmp_path, classes=2)
    (result,) = train(tmp_path, {"purpose": "retrain", "epochs": 6})
    probabilities = predictions(tmp_path, result)
    assert probabilities.shape == (60, 2)
    labels = np.load(tmp_path / "test_labels.npy")
    assert (probabilities.argmax(1) == labels).mean() > 0.9


def test_a_loss_that_is_no_number_is_a_failure_with_a_reason(folder: Path) -> None:
    (result,) = train(folder, {"params": {"learning_rate": 1e30}, "epochs": 4})
    assert (result["state"], result["reason"]) == ("failed", "nan")


def test_a_probe_of_an_epoch_of_one_step_does_not_take_compiling_for_its_pace(folder: Path) -> None:
    (result,) = train(folder, {"purpose": "probe", "epochs": 1, "params": {"batch_size": 192}})
    (epoch,) = result["epochs"]
    assert epoch["images"] == 192
    assert epoch["seconds"] < result["seconds"] / 4  # nearly all of which builds and compiles
