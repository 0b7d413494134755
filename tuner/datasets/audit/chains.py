"""Frames of a moving camera: images that follow each other and show the same, a little further on.

From one frame to the next but a few pixels move, from the first to the last everything: only the chain holds
them together. That images follow each other is known where they are in the order in which they were taken.
"""

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.audit.shifts import AGREES, Splits, agreement

Rows = NDArray[np.intp]

OFTEN = 0.2
"""Share of neighbours in order that have to agree in detail for the order to be one of frames."""

SELDOM = 0.25
"""Times as often as those, pairs of one class drawn at random may agree: silhouettes do, in any order."""

_SAMPLE = 1024


def chained_pairs(splits: Splits, labels: NDArray[np.int32]) -> tuple[Rows, Rows]:
    """Neighbours in order, of one split, whose detail agrees; none where the order is not one of frames.

    Args:
        splits: the images, numbered over all splits.
        labels: (n,), -1 where a label is not to be looked at.
    """
    nothing = (np.empty(0, np.intp), np.empty(0, np.intp))
    ends = np.cumsum([len(images) for images in splits])
    before = np.setdiff1d(np.arange(ends[-1] - 1), ends - 1)
    one, other = _of_one_class(labels)
    if not len(before) or not len(one):
        return nothing
    some = np.random.default_rng(0).permutation(before)[:_SAMPLE]
    often = float((agreement(splits, some, some + 1) > AGREES).mean())
    if often < OFTEN or (agreement(splits, one, other) > AGREES).mean() > SELDOM * often:
        return nothing
    agrees = agreement(splits, before, before + 1) > AGREES
    return before[agrees], before[agrees] + 1


def _of_one_class(labels: NDArray[np.int32]) -> tuple[Rows, Rows]:
    """Pairs of different images with the same known label, drawn at random."""
    rng = np.random.default_rng(1)
    one = rng.permutation(np.flatnonzero(labels >= 0))
    order = one[np.argsort(labels[one], kind="stable")]  # each class in a random order
    same = labels[order[:-1]] == labels[order[1:]]
    chosen = rng.permutation(np.flatnonzero(same))[:_SAMPLE]
    return order[chosen], order[chosen + 1]
