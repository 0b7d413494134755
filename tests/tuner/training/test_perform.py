"""Work items that fail: each becomes a result with a reason, and none spoils the next."""

import errno
import os
import resource
import sys
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.training import make
from tuner.records import TrialResult, TrialSpec, WorkContext
from tuner.training import again
from tuner.training.perform import perform

OWN = """
import errno
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from search_spaces.family import Family, Recipe
from search_spaces.space import SearchSpace


class Unsure(ClassifierMixin, BaseEstimator):
    def fit(self, pixels, labels):
        self.classes_ = np.unique(labels)
        return self

    def predict_proba(self, pixels):
        return np.full((len(pixels), len(self.classes_)), np.nan)


class NotCopied(Unsure):
    def fit(self, pixels, labels):
        raise RuntimeError("InternalError: Dst tensor is not initialized. [Op:_EagerConst]")


class NoSpace(Unsure):
    def fit(self, pixels, labels):
        raise OSError(errno.ENOSPC, "No space left on device")


def network(_, image_shape, classes):
    import keras

    inputs = keras.Input(image_shape)
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    return keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(x))


def family(rate):
    recipe = Recipe(optimizer="sgd", learning_rate=rate, batch_size=240, schedule="constant", ema=0.0)
    return Family("own", "one layer", lambda _: SearchSpace("own", {}), network, lambda _: recipe)


STEADY, BREAKING, DIVERGING = family(0.01), family(3e38), family(float("nan"))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make(tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    return tmp_path


def train(folder: Path, name: str, **fields: Any) -> TrialResult:
    """Does a work item of two epochs, of a model in the user's file."""
    context = WorkContext(str(folder), str(folder), 3, "accuracy", False, "float32")
    given = {"purpose": "baseline", "seed": 1, "split": "search", "fold": 0, "epochs": 2, **fields}
    spec = TrialSpec(number=0, model=f"{folder / 'own.py'}:{name}", params={}, **given)
    return perform(spec, context, name, lambda _: True)


@pytest.mark.parametrize("fields", [{}, {"purpose": "retrain", "split": None}])
def test_a_classifier_that_predicts_no_numbers_fails(folder: Path, fields: dict[str, Any]) -> None:
    result = train(folder, "Unsure", **fields)
    assert (result.state, result.reason) == ("failed", "nan")
    assert not (folder / "fits").exists()


def test_a_retraining_that_diverges_in_its_last_step_fails(folder: Path) -> None:
    """It has no validation images, and the loss of a step is taken before it."""
    whole = {"purpose": "retrain", "split": None, "epochs": 1}
    assert train(folder, "STEADY", **whole).state == "complete"
    result = train(folder, "BREAKING", **whole)
    assert (result.state, result.reason) == ("failed", "nan")
    assert not (folder / "fits" / "BREAKING.npz").exists()


def test_a_model_that_diverged_is_not_trained_again(folder: Path) -> None:
    assert train(folder, "STEADY").state == "complete"
    assert len(again._kept) == 1
    result = train(folder, "DIVERGING")
    assert (result.state, result.reason) == ("failed", "nan")
    assert not again._kept


def test_a_failed_copy_to_a_gpu_is_out_of_memory(folder: Path) -> None:
    result = train(folder, "NotCopied")
    assert (result.state, result.reason) == ("failed", "out-of-memory")


def test_a_full_disk_is_told_of_though_the_log_is_on_it(folder: Path) -> None:
    with open("/dev/full", "w", buffering=1) as full:  # noqa: PTH123 - a device
        with redirect_stderr(full):
            with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
                sys.stderr.write("anything\n")
            results = [train(folder, name) for name in ("NoSpace", "NotCopied")]
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())  # takes what was left when it is closed
    assert [result.reason for result in results] == ["disk", "out-of-memory"]


def test_a_disk_that_is_full_while_a_model_is_saved_keeps_no_half_of_it(folder: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, before[1]))
    try:
        result = train(folder, "STEADY", purpose="retrain", split=None, save=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (result.state, result.reason) == ("failed", "disk")
    assert {path.name for path in (folder / "fits").iterdir()} == {"STEADY.npz"}
