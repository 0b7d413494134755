"""Near-copies whose labels disagree, in the test split: known only when its labels may be read."""

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.audit.vectors import unit_vectors
from tuner.datasets.base import Images, Labels


def among_test_images(images: Images, groups: Labels, labels: Labels, threshold: float) -> list[list[int]]:
    """A pair of test images for each group that holds near-copies with different labels.

    Args:
        images: uint8 (n, height, width, channels).
        groups: int32 (n,): duplicate groups; one may also hold images that are no copies, where the
            user named groups.
        labels: int32 (n,).
        threshold: correlation above which two images are near-copies.

    Returns:
        Pairs of indices, smallest first.
    """
    pairs = []
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        if len(np.unique(labels[rows])) > 1:
            pair = _closest(images, rows, labels, threshold)
            pairs += [pair] if pair else []
    return sorted(pairs)


def _closest(images: Images, rows: NDArray[np.intp], labels: Labels, threshold: float) -> list[int] | None:
    vectors = unit_vectors(np.asarray(images[rows]))
    correlation = vectors @ vectors.T
    correlation[labels[rows][:, None] == labels[rows]] = -1.0
    one, other = np.unravel_index(correlation.argmax(), correlation.shape)
    if correlation[one, other] <= threshold:
        return None
    return sorted((int(rows[one]), int(rows[other])))
