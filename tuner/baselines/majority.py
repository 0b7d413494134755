"""The most frequent class, whatever the image shows: the floor under every accuracy."""

from typing import Any

from tuner.baselines.base import Baseline


def estimator(seed: int) -> Any:
    """A classifier whose probabilities are the shares of the classes in training."""
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="prior", random_state=seed)


BASELINE = Baseline(
    name="majority",
    summary="always the most frequent class",
    source="common practice (scikit-learn's DummyClassifier)",
    estimator=estimator,
)
