"""The audit: facts about images and labels that matter before any hour of training.

Looks at test images, never at test labels: what disagrees there is for the end of a run.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.datasets import reading
from tuner.datasets.audit.duplicates import Duplicates
from tuner.datasets.audit.text import describe
from tuner.datasets.audit.vectors import unit_vectors
from tuner.datasets.base import Images, Prepared, RawData
from tuner.datasets.splits import describe_folds, group_folds, search_folds

__all__ = ["build_audit", "describe"]

_EXAMPLES = 6
_CONFLICTS = 100
_COMPARED = 400


def build_audit(data: Prepared, raw: RawData, found: Duplicates, notes: Sequence[str]) -> dict[str, Any]:
    """The audit, as `audit.json` has it.

    Args:
        data: the split data set.
        raw: what was read, for class names, notes and what the reader noticed.
        found: near-copies, of training images and then test images.
        notes: further sentences.
    """
    counts = np.bincount(data.train_labels, minlength=len(raw.class_names))
    folds = group_folds(data.train_labels, data.train_groups, search_folds(len(data.train_labels)), 0)
    split = f"validation: {describe_folds(data.train_labels, folds, raw.class_names)}"
    return {
        "images": {
            "train": len(data.train_images),
            "test": len(data.test_images),
            "shape": list(data.train_images.shape[1:]),
            "original_sizes": raw.audit.get("original_sizes"),
        },
        "reading": _reading(data, raw, counts),
        "scale": raw.audit.get("scale"),
        "classes": [
            {"name": name, "train": int(count)} for name, count in zip(raw.class_names, counts, strict=True)
        ],
        "imbalance": float(counts.max() / max(1, counts.min())),
        "values": {
            "min": int(data.train_images.min()),
            "max": int(data.train_images.max()),
            "mean": float(data.train_images.mean()),
        },
        "duplicates": _duplicates(data, found),
        "known_groups": None if raw.train_groups is None else _known(data),
        "constant_images": {"train": _constant(data.train_images), "test": _constant(data.test_images)},
        "corrupt": list(raw.audit.get("corrupt", [])),
        "label_conflicts": _conflicts(data, found),
        "notes": [*raw.notes, *notes, *_missing_classes(data, raw), split],
    }


def _reading(data: Prepared, raw: RawData, counts: NDArray[np.intp]) -> dict[str, Any]:
    classes = [(name, int(count)) for name, count in zip(raw.class_names, counts, strict=True)]
    found = raw.reading
    if not found.values:
        found = replace(found, values=f"{data.train_images.min()} to {data.train_images.max()}")
    return reading.as_json(found, reading.rows(found, classes, data.train_images.shape[1:]))


def _duplicates(data: Prepared, found: Duplicates) -> dict[str, Any]:
    n = len(data.train_labels)
    copied = np.bincount(found.groups)[found.groups] > 1
    return {
        "threshold": found.threshold,
        "rule": found.rule,
        "scenes": found.scenes,
        "dissolved": round(found.dissolved, 4),
        "groups": {"train": len(np.unique(found.groups[:n])), "test": len(np.unique(found.groups[n:]))},
        "largest_group": int(np.bincount(found.groups).max()),
        "images_with_copy": {"train": int(copied[:n].sum()), "test": int(copied[n:].sum())},
        "exact": {"train": int(found.exact[:n].sum()), "test": int(found.exact[n:].sum())},
        "leaked_test_images": np.flatnonzero(np.isin(data.test_groups, data.train_groups)).tolist(),
        "examples": _examples(data, found),
    }


def _known(data: Prepared) -> dict[str, int]:
    """Groups by `--group-column` or `--group-regex`, joined where near-copies join them."""
    return {"train": len(np.unique(data.train_groups)), "test": len(np.unique(data.test_groups))}


def _examples(data: Prepared, found: Duplicates) -> list[dict[str, Any]]:
    """The closest pair of a few groups: those in both splits first, then the largest."""
    n = len(data.train_labels)
    sizes = np.bincount(found.groups)
    leaks = np.intersect1d(found.groups[:n], found.groups[n:])
    largest = np.argsort(-sizes, kind="stable")
    order = [*leaks[np.argsort(-sizes[leaks], kind="stable")].tolist(), *largest.tolist()]
    chosen = list(dict.fromkeys(group for group in order[: 2 * _EXAMPLES] if sizes[group] > 1))[:_EXAMPLES]
    return [_closest(np.flatnonzero(found.groups == group), n, data) for group in chosen]


def _closest(members: NDArray[np.intp], n: int, data: Prepared) -> dict[str, Any]:
    """The pair of a group that correlates most; of a group in both splits, one image from each."""
    train, test = members[members < n], members[members >= n]
    across = len(train) > 0 and len(test) > 0
    left, right = (train, test) if across else (members, members)
    left, right = left[:_COMPARED], right[:_COMPARED]
    vectors, others = unit_vectors(_take(left, n, data)), _take(right, n, data)
    product = vectors @ unit_vectors(others).T
    turned = vectors @ unit_vectors(others, mirrored=True).T
    if not across:
        np.fill_diagonal(product, -2)
        np.fill_diagonal(turned, -2)
    mirrored = bool(turned.max() > product.max())
    product = turned if mirrored else product
    i, j = np.unravel_index(int(product.argmax()), product.shape)
    return {
        "a": _where(int(left[i]), n),
        "b": _where(int(right[j]), n),
        "correlation": round(min(1.0, float(product[i, j])), 4),
        "mirrored": mirrored,
    }


def _take(rows: NDArray[np.intp], n: int, data: Prepared) -> Images:
    return (
        data.train_images[rows]
        if rows[-1] < n
        else data.test_images[rows - n]
        if rows[0] >= n
        else np.concatenate([data.train_images[rows[rows < n]], data.test_images[rows[rows >= n] - n]])
    )


def _where(row: int, n: int) -> list[str | int]:
    return ["train", row] if row < n else ["test", row - n]


def _conflicts(data: Prepared, found: Duplicates) -> list[list[int]]:
    """Pairs of training images that are near-copies of each other but differ in their label."""
    n = len(data.train_labels)
    groups, labels = found.groups[:n], data.train_labels
    low = np.full(int(found.groups.max()) + 1, np.iinfo(np.int32).max, np.int64)
    high = np.full(len(low), -1, np.int64)
    np.minimum.at(low, groups, labels)
    np.maximum.at(high, groups, labels)
    pairs: list[list[int]] = []
    for group in np.flatnonzero((high >= 0) & (low < high)):
        members = np.flatnonzero(groups == group)[:_COMPARED]
        vectors = unit_vectors(data.train_images[members])
        close = (vectors @ vectors.T > found.threshold) & (labels[members][:, None] != labels[members])
        same = found.exact[members]  # constant images correlate with nothing, but may be equal
        if same.any():
            flat = data.train_images[members].reshape(len(members), -1)
            for i in np.flatnonzero(same):
                close[i] |= (flat == flat[i]).all(1) & (labels[members] != labels[members[i]])
        pairs += [[int(members[i]), int(members[j])] for i, j in np.argwhere(np.triu(close))]
        if len(pairs) >= _CONFLICTS:
            break
    return pairs[:_CONFLICTS]


def _constant(images: Images) -> list[int]:
    flat = images.reshape(len(images), -1)
    return np.flatnonzero(flat.min(1) == flat.max(1)).tolist()


def _missing_classes(data: Prepared, raw: RawData) -> list[str]:
    """Classes of which no group could stand on either side of a split."""
    few = [
        name
        for label, name in enumerate(raw.class_names)
        if len(np.unique(data.train_groups[data.train_labels == label])) < 2
    ]
    if not few:
        return []
    names = ", ".join(repr(name) for name in few[:5])
    return [
        f"all training images of {names} are one group: no fold can both train on that class and validate it"
    ]
