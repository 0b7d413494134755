"""Labels that look wrong to a quick model: suspicions, not findings."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.audit.vectors import unit_vectors
from tuner.datasets.base import Images, Labels
from tuner.datasets.splits import group_folds

IMAGES = 10_000
"""At most so many images are looked at, which bounds the time to a few seconds."""

GOOD_ENOUGH = 0.85
"""Out-of-fold accuracy below which the quick model's disagreement means nothing."""

CONFIDENT = 0.9
"""Probability of another class from which a label is suspected."""

_SHOWN = 50
_SIDE = 16
_FOLDS = 4
_COMPONENTS = 40
_NEIGHBOURS = 10


def suspected_labels(
    images: Images, labels: Labels, groups: Labels, class_names: tuple[str, ...]
) -> tuple[list[dict[str, Any]] | None, str]:
    """Training images whose label a quick model, which was not trained on them, confidently disputes.

    The model is the vote of the nearest neighbours among principal components, out of fold with groups
    whole, on at most 10,000 images. Where its accuracy is below 0.85 it knows too little to dispute
    anything.

    Returns:
        Items {"image", "label", "predicted", "probability"}, most confident first, or None where the
        model knows too little; and a sentence that says which.
    """
    rows = _sample(len(images))
    labels = labels[rows]
    folds = group_folds(labels, groups[rows], _FOLDS, 0)
    probabilities = _out_of_fold(images[rows], labels, folds, len(class_names))
    predicted = probabilities.argmax(1)
    accuracy = float((predicted == labels).mean())
    model = f"a quick model (neighbours among principal components, out of fold, {len(rows):,} images)"
    of = f"{model} has accuracy {accuracy:.2f}"
    if accuracy < GOOD_ENOUGH:
        return None, f"label errors were not looked for: {of}, too little to dispute labels"
    confidence = probabilities.max(1)
    disputed = np.flatnonzero((predicted != labels) & (confidence >= CONFIDENT))
    disputed = disputed[np.argsort(-confidence[disputed], kind="stable")]
    items = [
        {
            "image": int(rows[i]),
            "label": class_names[labels[i]],
            "predicted": class_names[predicted[i]],
            "probability": round(float(confidence[i]), 3),
        }
        for i in disputed[:_SHOWN]
    ]
    return (
        items,
        f"{len(disputed)} labels are suspected to be wrong: {of}, and disputes these with confidence",
    )


def _sample(n: int) -> NDArray[np.intp]:
    if n <= IMAGES:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, IMAGES, replace=False))


def _out_of_fold(images: Images, labels: Labels, folds: Labels, classes: int) -> NDArray[np.float64]:
    """Class probabilities (n, classes) of each image by a model of the other folds."""
    from sklearn.decomposition import PCA
    from sklearn.neighbors import KNeighborsClassifier

    vectors = unit_vectors(images, _SIDE)
    components = min(_COMPONENTS, *vectors.shape)
    reduced = PCA(components, svd_solver="covariance_eigh").fit_transform(vectors)
    result = np.zeros((len(labels), classes))
    for fold in np.unique(folds):
        held = folds == fold
        neighbours = min(_NEIGHBOURS, int((~held).sum()))
        if not neighbours:
            continue
        model = KNeighborsClassifier(neighbours, algorithm="brute").fit(reduced[~held], labels[~held])
        result[np.ix_(held, model.classes_)] = model.predict_proba(reduced[held])
    return result
