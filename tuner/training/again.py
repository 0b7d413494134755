"""Compiled models that are trained again from another seed, without being compiled again.

At the end of a run each model is trained from several seeds and on several folds. Tracing and compiling
its training step takes longer than the steps themselves on small data.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class _Kept:
    key: Hashable
    model: Any


_kept: list[_Kept] = []
"""The last model, if another training may want it."""


def compiled(key: Hashable, build: Callable[[], Any], compile_: Callable[[Any], None], *, keep: bool) -> Any:
    """A compiled model, as if it had just been built: the last one, if it was of the same key.

    Args:
        key: all that the compiled functions depend on: architecture, optimizer, shapes, precision.
        build: makes a fresh model, with weights and seeds drawn from Keras' global seed.
        compile_: compiles it.
        keep: whether the next training may want it too.
    """
    fresh = build()
    # What is trained once in between, as the head that fine-tuning begins with, leaves the last one there.
    last = _kept.pop() if _kept and (keep or _kept[0].key == key) else None
    if last is not None and last.key == key and _made_as(last.model, fresh):
        model = last.model
    else:
        model = fresh
        compile_(model)
    if keep:
        _kept.append(_Kept(key, model))
    return model


def forget() -> None:
    """Keeps nothing: the next training must not get the state of one that failed."""
    _kept.clear()


def _made_as(model: Any, fresh: Any) -> bool:
    """Gives a trained model the state of a fresh one; returns whether they have the same variables."""
    import keras

    if [v.shape for v in model.variables] != [v.shape for v in fresh.variables]:
        return False
    for variable, value in zip(model.variables, fresh.variables, strict=True):
        variable.assign(value)
    for variable in model.optimizer.variables:  # moments, averages and the count of steps begin at zero
        # Not its value times zero: what is not a number would stay so.
        variable.assign(keras.ops.zeros(variable.shape, variable.dtype))
    model.reset_metrics()
    return True
