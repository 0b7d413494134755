"""Training that pauses and goes on in another process, which is how trials are promoted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.training import RESTLESS, curve, make, predictions, train


def item(until: int = 0, resume_from: int = 0, **params: object) -> dict[str, Any]:
    """A training of four epochs in which all that can differ from epoch to epoch does."""
    params = {**RESTLESS, **params}
    return {
        "purpose": "finalist", "params": params, "epochs": 4, "until": until, "resume_from": resume_from
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "optimizer"), [("tensorflow", "adamw"), ("tensorflow", "sgd"), ("jax", "adamw")]
)
def test_two_epochs_and_two_in_a_new_process_equal_four(tmp_path: Path, backend: str, optimizer: str) -> None:
    if backend == "jax":
        pytest.importorskip("jax", reason="the JAX backend is not installed")
    make(tmp_path)
    (whole,) = train(tmp_path, item(optimizer=optimizer), backend=backend)
    expected = predictions(tmp_path, whole)
    assert all(np.isfinite(epoch["loss"]) for epoch in whole["epochs"])
    assert np.allclose(expected.sum(axis=1), 1, atol=1e-5)
    (first,) = train(tmp_path, item(2, optimizer=optimizer), backend=backend)
    assert first["state"] == "paused", first["message"]
    fresh = (backend, optimizer) == ("tensorflow", "adamw")
    (second,) = train(tmp_path, item(4, 2, optimizer=optimizer), backend=backend, fresh=fresh)
    assert second["state"] == "complete", second["message"]
    assert [epoch["epoch"] for epoch in second["epochs"]] == [3, 4]
    assert curve(first) + curve(second) == curve(whole)
    assert np.array_equal(predictions(tmp_path, second), expected)


@pytest.mark.slow
def test_without_the_saved_state_it_trains_what_is_missing_again(tmp_path: Path) -> None:
    make(tmp_path)
    (whole,) = train(tmp_path, item())
    expected = predictions(tmp_path, whole)
    lost, other, again = train(tmp_path, item(4, 2), item(3), item(4, 2))
    assert curve(lost) == curve(whole)
    assert other["state"] == "paused"
    assert curve(again) == curve(whole)  # a state of another epoch is not taken for it
    assert np.array_equal(predictions(tmp_path, again), expected)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: whole[:0],
    "zeros": lambda whole: bytes(len(whole)),
    "cut short": lambda whole: whole[: len(whole) // 2],
    "changed": lambda whole: whole.replace(whole[300:308], b"damaged!"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_state_is_as_good_as_none(tmp_path: Path, damage: str) -> None:
    import keras

    from tuner.training import checkpoint

    def compiled() -> Any:
        model = keras.Sequential([keras.Input((40,)), keras.layers.Dense(30)])
        model.compile(optimizer="adam", loss="mse")
        model.optimizer.build(model.trainable_variables)
        return model

    def values(model: Any) -> list[Any]:
        return [np.array(variable) for variable in (*model.variables, *model.optimizer.variables)]

    saved, fresh, path = compiled(), compiled(), tmp_path / "state.npz"
    checkpoint.save(path, saved, 2)
    whole, before = path.read_bytes(), values(fresh)
    path.write_bytes(DAMAGE[damage](whole))
    assert not checkpoint.restore(path, fresh, 2)
    assert all(map(np.array_equal, values(fresh), before))
    path.write_bytes(whole)
    assert checkpoint.restore(path, fresh, 2)
    assert all(map(np.array_equal, values(fresh), values(saved)))
