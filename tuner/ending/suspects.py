"""Labels that are hard or wrong, by confident learning on predictions of models that did not see them.

After Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset labels" (2021,
arXiv 1911.00068): a class is predicted with confidence where its probability reaches the mean that it has
among the images labelled so. Images predicted with confidence as another class than their label says (the
confident joint off its diagonal) are named. The thresholds fit themselves to models that are never
sure, as those that learnt from wrong labels are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.base import Dataset

KEPT = 100
"""So many are named at most, the most doubtful first."""

PICTURES = 24
"""So many of them at most are kept as images, for the report."""


@dataclass(frozen=True)
class Suspect:
    """An image whose label is hard or wrong.

    Attributes:
        row: of the image among those that were looked at.
        predicted: the class that it is read as.
        probability: of that class.
        given: probability of its label.
    """

    row: int
    predicted: int
    probability: float
    given: float


def suspected(probabilities: NDArray[Any], labels: NDArray[Any]) -> list[Suspect]:
    """Images that are predicted with confidence as another class than their label, most doubtful first.

    Args:
        probabilities: (n, classes), each row by a model that was not trained on the image.
        labels: (n,), 0 to classes - 1, as given.
    """
    probabilities = np.asarray(probabilities, np.float64)
    rows, classes = np.arange(len(labels)), probabilities.shape[1]
    thresholds = np.array([_mean(probabilities[labels == label, label]) for label in range(classes)])
    confident = np.where(probabilities >= thresholds, probabilities, -1.0)
    predicted, given = confident.argmax(1), probabilities[rows, labels]
    probability = confident.max(1)
    named = np.flatnonzero((probability >= 0) & (predicted != labels))
    doubt = probability[named] - given[named]
    return [
        Suspect(int(row), int(predicted[row]), float(probability[row]), float(given[row]))
        for row in named[np.argsort(-doubt, kind="stable")]
    ]


def among_training_images(
    arrays: Mapping[str, NDArray[Any]], folds: NDArray[Any], dataset: Dataset, names: Sequence[str]
) -> dict[str, Any]:
    """The entry of `final.json` about the training labels.

    The most doubtful image of each group of near-copies comes first, `apart` of them, then their copies.

    Args:
        arrays: predictions, "validation/tuned/<fold>" among them: the winner's on its fresh folds.
        folds: (training images,), the fresh fold of each.
        dataset: for labels and class names.
        names: the file or row of each training image.
    """
    used = [fold for fold in np.unique(folds) if f"validation/tuned/{fold}" in arrays]
    rows = [np.flatnonzero(folds == fold) for fold in used]
    looked_at = np.concatenate(rows) if rows else np.empty(0, np.int64)
    found: list[Suspect] = []
    if used:
        probabilities = np.concatenate([arrays[f"validation/tuned/{fold}"] for fold in used])
        found = suspected(probabilities, dataset.train_labels[looked_at])
    groups = dataset.train_groups[looked_at[np.array([each.row for each in found], np.int64)]]
    firsts = np.sort(np.unique(groups, return_index=True)[1])
    found = [*(found[i] for i in firsts), *(found[i] for i in np.setdiff1d(np.arange(len(found)), firsts))]
    return {
        "looked_at": len(looked_at),
        "of": len(folds),
        "found": len(found),
        "apart": len(firsts),
        "items": [_item(each, int(looked_at[each.row]), dataset, names) for each in found[:KEPT]],
    }


def pictures(told: Mapping[str, Any], dataset: Dataset) -> NDArray[np.uint8]:
    """The first of the images that `among_training_images` names: uint8 (n, height, width, channels)."""
    chosen = [item["image"] for item in told["items"][:PICTURES]]
    return np.asarray(dataset.train_images[chosen])


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else np.inf


def _item(each: Suspect, image: int, dataset: Dataset, names: Sequence[str]) -> dict[str, Any]:
    return {
        "image": image,
        "name": names[image],
        "label": dataset.class_names[dataset.train_labels[image]],
        "predicted": dataset.class_names[each.predicted],
        "probability": round(each.probability, 4),
        "given": round(each.given, 4),
    }
