"""Steps that share a call learn to the last bit what they would learn one after the other."""

from typing import Any

import numpy as np
import pytest

from search_spaces.cnn import FAMILY
from search_spaces.family import Task
from tuner.training import models, steps

SHAPE, CLASSES, BATCH = (12, 12, 1), 3, 8

RATES = [0.001, 0.002, 0.003, 0.002, 0.001]


def compiled(parts: int) -> Any:
    import keras

    keras.utils.set_random_seed(3)
    params = FAMILY.space(Task(SHAPE, CLASSES, 1000)).default() | {"filters": 4, "dense_units": 8}
    model = FAMILY.build(params, SHAPE, CLASSES)
    models.compile_(model, FAMILY.recipe(params), CLASSES, parts)
    return model


def values(model: Any) -> list[Any]:
    return [np.array(variable) for variable in (*model.variables, *model.optimizer.variables)]


@pytest.mark.slow
@pytest.mark.parametrize("weights", [None, {0: 0.5, 1: 1.0, 2: 1.5}], ids=["equal", "weighted"])
@pytest.mark.parametrize("parts", [1, 2])
def test_a_call_of_many_steps(parts: int, weights: dict[int, float] | None, monkeypatch: Any) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (len(RATES) * BATCH, *SHAPE)).astype(np.uint8)
    targets = np.eye(CLASSES, dtype=np.float32)[rng.integers(0, CLASSES, len(images))]
    batches = list(zip(np.split(images, len(RATES)), np.split(targets, len(RATES)), strict=True))

    expected, logs = compiled(parts), []
    for rate, batch in zip(RATES, batches, strict=True):
        for some in zip(*(np.split(array, parts) for array in batch), strict=True):
            expected.optimizer.learning_rate = rate
            logs.append(expected.train_on_batch(*some, class_weight=weights, return_dict=True))

    monkeypatch.setattr(steps, "MANY", 2 * parts)  # so that the last call has fewer
    model = compiled(parts)
    loss, accuracy = steps.train(model, batches, RATES, weights, parts)
    assert loss == pytest.approx(np.mean([log["loss"] for log in logs]))
    assert accuracy == pytest.approx(np.mean([log["accuracy"] for log in logs]))
    for value, wanted in zip(values(model), values(expected), strict=True):
        assert np.array_equal(value, wanted)


def test_a_short_training_without_the_graph_optimizer_learns_the_same() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (BATCH, *SHAPE)).astype(np.uint8)
    targets = np.eye(CLASSES, dtype=np.float32)[rng.integers(0, CLASSES, BATCH)]
    learnt = []
    for count in (steps.SHORT, steps.SHORT - 1):
        model = compiled(1)
        with steps.compiled_for(count):
            steps.train(model, [(images, targets)] * len(RATES), RATES)
        learnt.append(values(model))
    for with_it, without in zip(*learnt, strict=True):
        np.testing.assert_allclose(without, with_it, rtol=1e-4, atol=1e-6)
