"""Right and wrong answers of the winner: classes, confusions, mistakes, calibration."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.training.scores import log_loss

Floats = NDArray[np.float64]
BINS = 15
"""Of confidence, as in the paper that the calibration error is from."""
DRAWS = 200
"""Of the calibration error that a model would have by chance."""


@dataclass(frozen=True)
class Class:
    """One class in the test split, as the winner reads it, its seeds together.

    Attributes:
        precision: None where it never names the class.
        recall, f1: None where the test split has no image of it.
    """

    name: str
    images: int
    groups: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class Confusion:
    """`share` of the test images of class `true` are read as `said` (mean over seeds)."""

    true: int
    said: int
    images: float
    share: float


@dataclass(frozen=True)
class Reading:
    """The answer of the saved model for one test image of a group; probabilities are 0 to 1."""

    image: int
    group: int
    true: int
    said: int
    probability: float
    true_probability: float


@dataclass(frozen=True)
class Calibration:
    """Confidence of the saved model against its accuracy, in bins of equal width.

    Attributes:
        error: expected calibration error.
        chance: what it stays below in 95 % of cases with so many images, were every confidence exactly right.
        loss: log loss in nats.
        temperature: of its probabilities.
        raw_error, raw_loss: without the temperature.
        confidence, accuracy: mean over all images.
        bins: (mean confidence, accuracy, images) of each bin that has any.
    """

    error: float
    chance: float
    loss: float
    temperature: float
    raw_error: float
    raw_loss: float
    confidence: float
    accuracy: float
    bins: tuple[tuple[float, float, float], ...]


def confusion_matrix(rows: Sequence[NDArray[Any]], labels: NDArray[Any], classes: int) -> Floats:
    """(classes, classes) images of a true class (row) read as a class (column), mean over seeds."""
    matrix = np.zeros((classes, classes))
    for row in rows:
        np.add.at(matrix, (labels, row.argmax(axis=1)), 1.0)
    mean: Floats = matrix / len(rows)
    return mean


def class_rows(
    matrix: Floats, labels: NDArray[Any], groups: NDArray[Any], names: Sequence[str]
) -> tuple[Class, ...]:
    """Precision, recall and F1 of each class from the confusion matrix of all seeds together."""
    rows = []
    for label, name in enumerate(names):
        mine = labels == label
        right, said, images = matrix[label, label], matrix[:, label].sum(), int(mine.sum())
        precision = float(right / said) if said else None
        recall = float(right / images) if images else None
        f1 = float(2 * right / (said + images)) if images else None
        rows.append(Class(name, images, len(np.unique(groups[mine])), precision, recall, f1))
    return tuple(rows)


def confusions(matrix: Floats) -> tuple[Confusion, ...]:
    """Every confusion that happens, the one with most images first."""
    totals = matrix.sum(axis=1)
    found = [
        Confusion(int(true), int(said), float(matrix[true, said]), float(matrix[true, said] / totals[true]))
        for true, said in zip(*np.nonzero(matrix), strict=True)
        if true != said
    ]
    return tuple(sorted(found, key=lambda pair: (-pair.images, pair.true, pair.said)))


def reading(row: NDArray[Any], labels: NDArray[Any], groups: NDArray[Any], image: int) -> Reading:
    """The answer of one model for one test image."""
    said, true = int(row[image].argmax()), int(labels[image])
    return Reading(
        int(image), int(groups[image]), true, said, float(row[image, said]), float(row[image, true])
    )


def mistakes(row: NDArray[Any], labels: NDArray[Any], groups: NDArray[Any]) -> tuple[Reading, ...]:
    """The saved model's mistakes, the most confident first."""
    wrong = np.flatnonzero(row.argmax(axis=1) != labels)
    order = wrong[np.argsort(-row[wrong].max(axis=1), kind="stable")]
    return tuple(reading(row, labels, groups, image) for image in order)


def calibration(
    said: NDArray[Any], raw: NDArray[Any], labels: NDArray[Any], groups: NDArray[Any], temperature: float
) -> Calibration:
    """How well the saved model's probabilities `said` are calibrated; `raw` ones are without temperature."""
    confidence, right = said.max(axis=1).astype(float), said.argmax(axis=1) == labels
    index = bin_of(confidence)
    bins = tuple(
        (float(confidence[index == b].mean()), float(right[index == b].mean()), float((index == b).sum()))
        for b in range(BINS)
        if (index == b).any()
    )
    return Calibration(
        error=expected_calibration_error(said, labels),
        chance=chance_calibration_error(confidence, groups),
        loss=log_loss(said, labels),
        temperature=temperature,
        raw_error=expected_calibration_error(raw, labels),
        raw_loss=log_loss(raw, labels),
        confidence=float(confidence.mean()),
        accuracy=float(right.mean()),
        bins=bins,
    )


def chance_calibration_error(confidence: Floats, groups: NDArray[Any]) -> float:
    """The calibration error that 95 % of cases stay below if each confidence is exactly right.

    Drawn: an image is right with the probability of its confidence; near-copies are right together.
    """
    _, group = np.unique(groups, return_inverse=True)
    drawn = np.random.default_rng(0).random((DRAWS, group.max() + 1))
    errors = [_binned_error(confidence, row[group] < confidence, BINS) for row in drawn]
    return float(np.quantile(errors, 0.95))


def expected_calibration_error(probabilities: NDArray[Any], labels: NDArray[Any], bins: int = BINS) -> float:
    """Mean distance between confidence and accuracy, 0 to 1 (Guo et al. 2017, arXiv 1706.04599).

    Args:
        probabilities: (images, classes); the largest of a row is its confidence.
        labels: (images,) true classes.
        bins: number of bins of equal width over 0 to 1; each counts by its images.
    """
    confidence = probabilities.max(axis=1).astype(float)
    return _binned_error(confidence, probabilities.argmax(axis=1) == labels, bins)


def bin_of(confidence: Floats, bins: int = BINS) -> NDArray[np.int64]:
    """Which of the bins of equal width over 0 to 1 each confidence is in; a bin has its upper end."""
    return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)


def _binned_error(confidence: Floats, right: NDArray[np.bool_], bins: int) -> float:
    gaps = np.bincount(bin_of(confidence, bins), weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(right))
