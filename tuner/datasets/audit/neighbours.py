"""Pairs of images that are near each other, as seen from both, in bounded memory."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]

_TILE = 2048


def neighbours(vectors: Floats, others: Floats, count: int) -> tuple[Rows, Rows]:
    """Pairs a < b of which one is the other's nearest, or each is among the `count` nearest of the other.

    The nearest are those that correlate most. No more than n · (`count` + 1) / 2 pairs are found.

    Args:
        vectors: (n, values), as `unit_vectors` gives them.
        others: the same images mirrored, or not: likewise.
        count: at least 1.
    """
    nearest = np.concatenate([_nearest(vectors, others, i, count) for i in range(0, len(vectors), _TILE)])
    rows = np.arange(len(vectors))
    linked = (nearest[nearest] == rows[:, None, None]).any(2)
    linked[:, 0] = True
    pairs = np.unique(np.sort(np.column_stack([np.nonzero(linked)[0], nearest[linked]]), 1), axis=0)
    a, b = pairs[pairs[:, 0] < pairs[:, 1]].T
    return a, b


def _nearest(vectors: Floats, others: Floats, start: int, count: int) -> Rows:
    """Of a tile of vectors the nearest others, (tile, count); an image itself is not counted."""
    left = vectors[start : start + _TILE]
    rows = np.arange(len(left))
    near, who = np.empty((len(left), 0), np.float32), np.empty((len(left), 0), np.intp)
    for begin in range(0, len(others), _TILE):
        correlation = left @ others[begin : begin + _TILE].T
        if begin == start:
            np.fill_diagonal(correlation, -np.inf)
        for _ in range(min(count, correlation.shape[1])):
            best = correlation.argmax(1)
            near = np.column_stack([near, correlation[rows, best]])
            who = np.column_stack([who, begin + best])
            correlation[rows, best] = -np.inf
        order = np.argsort(-near, 1, kind="stable")[:, :count]
        near, who = np.take_along_axis(near, order, 1), np.take_along_axis(who, order, 1)
    return who
