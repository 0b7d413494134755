"""A model that a worker trains again, from another seed, is the one that a fresh worker would train."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.training import RESTLESS, curve, make, predictions, train
from tuner.training import again


def item(seed: int, optimizer: str) -> dict[str, Any]:
    """A training of three epochs with random layers."""
    params = {**RESTLESS, "optimizer": optimizer}
    return {"purpose": "finalist", "seed": seed, "key": f"seed-{seed}", "epochs": 3, "params": params}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "optimizer"), [("tensorflow", "adamw"), ("tensorflow", "sgd"), ("jax", "adamw")]
)
def test_it_has_forgotten_what_it_learnt(tmp_path: Path, backend: str, optimizer: str) -> None:
    make(tmp_path)
    between = {**item(8, optimizer), "key": "between", "params": {}}
    items = (item(8, optimizer), between, item(7, optimizer), item(8, optimizer))
    first, different, other, same = train(tmp_path, *items, backend=backend)
    assert first["model"] != different["model"]
    assert first["model"] == same["model"]  # it was not compiled again
    assert first["compiled"] == (backend == "jax")  # else JAX trains operation by operation
    assert curve(first) == curve(same)
    predicted = predictions(tmp_path, same)
    (fresh,) = train(tmp_path, item(8, optimizer), backend=backend)
    assert curve(fresh) == curve(first) != curve(other)
    assert np.array_equal(predictions(tmp_path, fresh), predicted)


@pytest.mark.slow
def test_a_smaller_fold_has_its_own(tmp_path: Path) -> None:
    """Where a fold has fewer images than a batch."""
    make(tmp_path)
    np.savez(tmp_path / "splits.npz", search=np.repeat(np.array([0, 1], np.int8), (40, 200)))
    whole = {"params": {"batch_size": 128}, "purpose": "finalist", "epochs": 1}
    first, second = train(tmp_path, *({**whole, "fold": fold, "key": f"fold-{fold}"} for fold in (0, 1)))
    assert (first["state"], second["state"]) == ("complete", "complete")
    assert (first["epochs"][0]["images"], second["epochs"][0]["images"]) == (128, 40)


@pytest.mark.parametrize("averages", [{}, {"use_ema": True, "ema_momentum": 0.9}], ids=["plain", "averaged"])
def test_it_has_forgotten_what_is_not_a_number(averages: dict[str, Any]) -> None:
    import keras

    def build() -> Any:
        keras.utils.set_random_seed(1)
        return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])

    def compiled(key: str = "key", *, keep: bool = True) -> Any:
        def compile_(model: Any) -> None:
            model.compile(optimizer=keras.optimizers.AdamW(**averages), loss="mse")

        return again.compiled(key, build, compile_, keep=keep)

    def trained(model: Any, value: float) -> list[Any]:
        model.optimizer.learning_rate = 0.01
        model.train_on_batch(np.full((2, 4), value), np.zeros((2, 3)))
        return [np.array(variable) for variable in (*model.variables, *model.optimizer.variables)]

    first = compiled()
    expected = trained(first, 1.0)
    assert not all(np.isfinite(value).all() for value in trained(first, np.nan))
    assert compiled("trained once", keep=False) is not first
    second = compiled()
    assert second is first  # it was not compiled again
    for value, wanted in zip(trained(second, 1.0), expected, strict=True):
        np.testing.assert_array_equal(value, wanted)
    again.forget()
