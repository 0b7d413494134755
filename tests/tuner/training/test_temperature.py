"""Probabilities that mean what they say: a temperature, fitted and built into a model."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from reports.facts.answers import expected_calibration_error
from tuner.training.temperature import fitted, model_of, of_mean, scaled

TRUE = 0.5


def drawn(n: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Probabilities that claim too little, and labels that follow them at the temperature `TRUE`."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, 5)) * 1.5
    said = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    meant = said ** (1 / TRUE)
    meant /= meant.sum(1, keepdims=True)
    labels = (rng.random((n, 1)) > meant.cumsum(1)).sum(1)
    return said.astype(np.float32), labels


def test_the_temperature_is_found_and_calibrates_other_images() -> None:
    said, labels = drawn(4000, 0)
    degree = fitted(said, labels, np.arange(len(labels)))
    assert degree == pytest.approx(TRUE, rel=0.05)
    said, labels = drawn(4000, 1)
    after = scaled(said, degree)
    assert (after.argmax(1) == said.argmax(1)).all()
    assert after.sum(1) == pytest.approx(1, abs=1e-5)
    assert expected_calibration_error(after, labels) < 0.25 * expected_calibration_error(said, labels)


@pytest.mark.parametrize("copies", [1, 10])
def test_without_a_mistake_nothing_is_called_infallible(copies: int) -> None:
    """200 groups read rightly: the next one may be wrong with some 1 in 200, however many copies it has."""
    labels = np.repeat(np.arange(200) % 2, copies)
    said = np.where(labels[:, None] == np.arange(2), 0.8, 0.2)
    degree = fitted(said, labels, np.arange(len(labels)) // copies)
    assert 1 - scaled(said, degree).max() == pytest.approx(1 / 201, rel=0.1)


def test_few_groups_fit_nothing() -> None:
    said, labels = drawn(90, 0)
    assert fitted(said, labels, np.arange(90) // 10) == 1


def test_the_mean_of_models_that_are_too_sure_is_cooled_half_as_much() -> None:
    assert of_mean(0.4) == 0.4
    assert of_mean(2.25) == 1.5


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("degree", [0.4, 2.5])
def test_the_model_says_what_scaled_says_and_is_of_stock_parts(
    classes: int, degree: float, tmp_path: Path
) -> None:
    import keras

    from tuner.training.models import predict

    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1)).astype(np.uint8)
    model = linear(classes)
    before = predict(model, images)
    whole = model_of(model, degree)
    whole.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    after = predict(loaded, images)
    assert after == pytest.approx(scaled(before, degree), abs=1e-5)
    assert (after.argmax(1) == before.argmax(1)).all()
    assert all(type(part).__module__.startswith("keras.") for part in loaded.operations)


def linear(classes: int) -> Any:
    import keras
    from keras import layers

    from search_spaces.layers import class_probabilities, image_input

    keras.utils.set_random_seed(0)
    inputs, x = image_input((8, 8, 1))
    return keras.Model(inputs, class_probabilities(layers.Flatten()(x), classes))
