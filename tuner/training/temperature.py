"""A temperature: one number that makes the probabilities of a model mean what they say.

After Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks" (2017, arXiv 1706.04599):
the logits are divided by it, which changes no answer, only how sure it is. Models that learnt with smoothed
labels are right more often than they claim, and get one below 1.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST = 1e-7
"""Added to every probability, so that each has a logarithm, also in float32."""

COLDEST, HOTTEST = 0.1, 10.0

MIN_GROUPS = 10
"""Of fewer groups nothing is fitted."""


def scaled(probabilities: NDArray[Any], temperature: float) -> NDArray[Any]:
    """The probabilities at another temperature, as `model_of` has them; the same ones at 1.

    Args:
        probabilities: (n, classes).
        temperature: above 0; below 1 for a model that is too little sure.
    """
    if temperature == 1:
        return probabilities
    found: NDArray[Any] = np.exp(_log(probabilities, temperature)).astype(probabilities.dtype)
    return found


def fitted(probabilities: NDArray[Any], labels: NDArray[Any], groups: NDArray[Any]) -> float:
    """The temperature with the least log loss, on images that the models had not seen.

    One group more is counted, misread as surely as the mean group is read (a rule of succession): models
    without a mistake on so many groups would otherwise be called infallible.

    Args:
        probabilities: (n, classes), each row by a model that was not trained on the image.
        labels: (n,), 0 to classes - 1.
        groups: (n,) group of near-copies of each image.
    """
    from scipy.optimize import minimize_scalar

    many = len(np.unique(groups))
    if many < MIN_GROUPS:
        return 1.0
    rows, best = np.arange(len(labels)), probabilities.argmax(axis=1)

    def loss(log_temperature: float) -> float:
        said = _log(probabilities, float(np.exp(log_temperature)))
        others = np.where(np.arange(said.shape[1]) == best[:, None], -np.inf, said)
        wrong = -np.logaddexp.reduce(others, axis=1).mean()
        return float(wrong / many - said[rows, labels].mean())

    found = minimize_scalar(loss, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded")
    return round(float(np.exp(found.x)), 3)


def of_mean(temperature: float) -> float:
    """The temperature of the mean of several models' probabilities, from that of one of them.

    A mean is less sure than its members, and right at least as often. Where they are too little sure
    (below 1) it is as well, and their temperature suits it: on four data sets its log loss is within 0.02
    nats of that at its own (`nox -s bench -- calibration`). Above 1 its own lies between 1 and theirs, and
    the geometric mean of these is taken.
    """
    return temperature if temperature <= 1 else round(float(np.sqrt(temperature)), 3)


def model_of(model: Any, temperature: float) -> Any:
    """A Keras model of stock layers and operations that says what `scaled` makes of what `model` says."""
    import keras
    from keras import layers, ops

    said = model.output
    logs = ops.log(layers.Rescaling(1.0, LEAST, name="above_zero")(said))
    two = said.shape[-1] == 1
    if two:
        logs -= ops.log(layers.Rescaling(-1.0, 1.0 + LEAST, name="other_class")(said))
    logits = layers.Rescaling(1 / temperature, name="temperature")(logs)
    last = layers.Activation("sigmoid" if two else "softmax", name="calibrated")
    return keras.Model(model.input, last(logits), name=model.name)


def _log(probabilities: NDArray[Any], temperature: float) -> Floats:
    logits = np.log(probabilities.astype(np.float64) + LEAST) / temperature
    logits -= logits.max(axis=1, keepdims=True)
    logs: Floats = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return logs
