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
    from sklearn import metrics

    predicted = probabilities.argmax(axis=1)
    if metric == "balanced-accuracy":
        present = np.unique(labels)
        return float(np.mean([(predicted[labels == c] == c).mean() for c in present]))
    if metric == "f1-macro":
        return float(metrics.f1_score(labels, predicted, average="macro", zero_division=0))
    return _auc(probabilities, labels)


def _auc(probabilities: Probabilities, labels: NDArray[np.int32]) -> float:
    from sklearn.metrics import roc_auc_score

    classes = [1] if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    # A class that is absent, or alone, among the validation images has no curve.
    curves = [c for c in classes if 0 < (labels == c).sum() < len(labels)]
    if not curves:
        return 0.5
    return float(np.mean([roc_auc_score(labels == c, probabilities[:, c]) for c in curves]))
