"""Scores of predicted probabilities against labels."""

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.float32]


def accuracy(probabilities: Probabilities, labels: NDArray[np.int32]) -> float:
    """Share of images whose most probable class is their label, 0 to 1."""
    return float((probabilities.argmax(axis=1) == labels).mean())


def log_loss(probabilities: Probabilities, labels: NDArray[np.int32]) -> float:
    """Mean negative log-likelihood in nats; probabilities below 1e-7 count as that."""
    of_label = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(of_label.astype(np.float64), 1e-7)).mean())


def score(metric: str, probabilities: Probabilities, labels: NDArray[np.int32]) -> float:
    """The metric that a search maximises.

    Args:
        metric: accuracy; balanced-accuracy (mean recall over the classes present); f1-macro (mean
            F1 over all classes present in labels or predictions); auc (one against the rest, mean
            over classes, for two classes of class 1).
        probabilities: (n, classes), rows summing to 1.
        labels: (n,).
    """
    if metric == "accuracy":
        return accuracy(probabilities, labels)
    if metric == "auc":
        return _auc(probabilities, labels)
    predicted = probabilities.argmax(axis=1)
    of_label, of_answer = (np.bincount(of, minlength=probabilities.shape[1]) for of in (labels, predicted))
    right = np.bincount(labels[predicted == labels], minlength=probabilities.shape[1])
    if metric == "balanced-accuracy":
        return float((right / np.maximum(of_label, 1))[of_label > 0].mean())
    both = of_label + of_answer
    return float((2 * right / np.maximum(both, 1))[both > 0].mean())


def _auc(probabilities: Probabilities, labels: NDArray[np.int32]) -> float:
    classes = [1] if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    # A class that is absent, or alone, among the validation images has no curve.
    curves = [c for c in classes if 0 < (labels == c).sum() < len(labels)]
    return float(np.mean([_area(probabilities[:, c], labels == c) for c in curves])) if curves else 0.5


def _area(values: NDArray[np.float32], inside: NDArray[np.bool_]) -> float:
    """Area under the ROC curve, from ranks.

    Mann and Whitney's U: in how many of all pairs of an image of the class and one of another class the
    first has the higher value; a tie counts half.
    """
    _, place, ties = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[place]
    members = int(inside.sum())
    above = ranks[inside].sum() - members * (members + 1) / 2
    return float(above / (members * (len(values) - members)))
