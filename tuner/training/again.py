"""Compiled models that are trained again from another seed, without being compiled again.

At the end of a run each of a few models is trained from several seeds and on several folds, in turns. Tracing
and compiling its training step takes as long as half of the steps themselves on small data.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class _Kept:
    key: Hashable
    model: Any


MOST = 4
MOST_PARAMETERS = 2_000_000
"""Models that are kept, and weights of all of them; the last one is, whatever its size."""

_kept: list[_Kept] = []
"""Those that another training may want, the last one last."""


def compiled(key: Hashable, build: Callable[[], Any], compile_: Callable[[Any], None], *, keep: bool) -> Any:
    """A compiled model, as if it had just been built: one of the last, if it was of the same key.

    Args:
        key: all that the compiled functions depend on: architecture, optimizer, shapes, precision.
        build: makes a fresh model, with weights and seeds drawn from Keras' global seed.
        compile_: compiles it.
        keep: whether a later training may want it too.
    """
    fresh = build()
    earlier = next((kept for kept in _kept if kept.key == key), None)
    if earlier is not None:
        _kept.remove(earlier)
    if earlier is not None and _made_as(earlier.model, fresh):
        model = earlier.model
    else:
        model = fresh
        compile_(model)
    if keep:
        _kept.append(_Kept(key, model))
        while len(_kept) > 1 and (len(_kept) > MOST or _parameters() > MOST_PARAMETERS):
            del _kept[0]
    return model


def _parameters() -> int:
    return sum(int(kept.model.count_params()) for kept in _kept)


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
