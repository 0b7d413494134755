"""A user's own model as a baseline: `--baselines FILE.py:NAME`."""

import inspect
from pathlib import Path
from typing import Any

from search_spaces.family import Family, Recipe
from search_spaces.space import SearchSpace
from tuner.baselines.base import Baseline
from tuner.errors import UsageError

EXPECTED = (
    "expected a Baseline, a Family, a function (image_shape, classes) -> keras.Model, "
    "or a scikit-learn classifier with predict_proba"
)

RECIPE = Recipe(
    optimizer="adam", learning_rate=1e-3, batch_size=64, schedule="constant", ema=0.0, early_stopping=True
)
"""For a bare network: Keras' own defaults, its epochs chosen on validation data."""


def as_baseline(target: Any, reference: str) -> Baseline:
    """The baseline that a reference stands for.

    Args:
        target: a `Baseline`; a `Family`, of which the default is compared; a function
            `(image_shape, classes) -> keras.Model` from raw uint8 images to class probabilities (for
            two classes, one probability of class 1), trained with Adam; a scikit-learn classifier
            (an instance or a class) with `predict_proba`, which gets flattened pixels from 0 to 1.
        reference: for its name and for messages.

    Raises:
        UsageError: it is something else.
    """
    if isinstance(target, Baseline):
        return target
    file, _, name = reference.rpartition(":")
    name = name.lower().replace("_", "-")
    source = f"your own, {Path(file).name}"
    if isinstance(target, Family):
        return Baseline(name, target.summary, source, family=target)
    if hasattr(target, "predict_proba"):
        return Baseline(name, "your own classifier", source, estimator=lambda seed: _seeded(target, seed))
    if inspect.isfunction(target):
        return Baseline(name, "your own network", source, family=_family(name, target))
    raise UsageError(f"--baselines {reference}: it is a {type(target).__name__}; {EXPECTED}")


def _seeded(target: Any, seed: int) -> Any:
    from sklearn.base import clone

    estimator: Any = target() if inspect.isclass(target) else clone(target)
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=seed)
    return estimator


def _family(name: str, network: Any) -> Family:
    return Family(
        name,
        "your own network",
        space=lambda _: SearchSpace(name, {}),
        build=lambda _, image_shape, classes: network(image_shape, classes),
        recipe=lambda _: RECIPE,
    )
