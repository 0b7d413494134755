"""Fine detail as evidence: it confirms that images which are alike in the large are of one photograph.

A crop, a small turn or shift, and a mirrored copy leave less correlation than the strict rule asks
for, but their detail (what a blur takes away) still agrees, which that of other photographs does not.
Of silhouettes (digits, garments) it does agree: there detail is the outline, and proves nothing.
"""

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.audit.aligned import aligned_agreement
from tuner.datasets.audit.neighbours import neighbours
from tuner.datasets.audit.shifts import Splits, agreement, seen_shape
from tuner.datasets.audit.vectors import unit_vectors

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]

COARSE = 6
"""Images are averaged down to at most this many pixels a side to find which are alike in the large."""

NEIGHBOURS = 3
"""Fine detail is looked at of images that are each among so many nearest neighbours of the other, and of each
image and its nearest: without these, a group of ten copies falls into parts."""

CONFIRMS = 0.7
"""Agreement of detail, with one image brought over the other, above which such neighbours are of one
photograph. Different ones in frames of one form reach 0.68 (5,000 pairs of cats and dogs, at six sizes)."""

DIFFERS = 0.5
"""Agreement in detail up to which two images differ in it."""

TELLING = 0.07
"""Share of images that may agree in detail with one that is alike but no copy. Cats and dogs: 0.00, with
copies of each up to 0.05; hands 0.08, handwritten digits 0.26, garments 1.00, a fifth of these 0.19."""

LEFT_OUT = 10
"""So many nearest neighbours of an image may be copies; the one after them is taken for none."""

_SAMPLE = 1024
_LEAST = 30


def is_telling(vectors: Floats, splits: Splits, groups: Ints) -> bool:
    """Whether images differ in their detail from others that are alike in the large, but no copies.

    Decided on at most 1,024 images, each with its eleventh nearest; False where there are too few to say.

    Args:
        vectors: (n, values), as `unit_vectors` gives them.
        splits: the images, n in all.
        groups: int32 (n,), of what are copies in any case.
    """
    n = len(vectors)
    rows = np.sort(np.random.default_rng(0).choice(n, min(n, _SAMPLE), replace=False))
    if len(rows) <= LEFT_OUT:
        return False
    correlation = vectors[rows] @ vectors[rows].T
    correlation[groups[rows][:, None] == groups[rows]] = -np.inf
    alike = np.argsort(-correlation, axis=1, kind="stable")[:, LEFT_OUT]
    apart = groups[rows] != groups[rows][alike]
    if apart.sum() < _LEAST:
        return False
    agrees = agreement(splits, rows[apart], rows[alike][apart]) > DIFFERS
    return float(agrees.mean()) < TELLING


def confirmed_pairs(
    vectors: Floats, splits: Splits, groups: Ints
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of neighbours in the large, one of them mirrored or not, whose detail agrees.

    Args:
        vectors: (n, values), as `unit_vectors` gives them.
        splits: the images, n in all.
        groups: int32 (n,), of what are copies in any case: one image of each is looked at, so that copies
            do not hide each other's neighbours.
    """
    chosen = np.unique(groups, return_index=True)[1]
    seen = vectors[chosen].reshape(-1, *seen_shape(splits[0].shape))
    coarse = unit_vectors(seen, COARSE)
    found = []
    for mirrored in (False, True):
        others = unit_vectors(seen, COARSE, mirrored=mirrored)
        a, b = (chosen[rows] for rows in neighbours(coarse, others, NEIGHBOURS))
        agrees = aligned_agreement(splits, a, b, CONFIRMS, mirrored=mirrored) > CONFIRMS
        found.append((a[agrees], b[agrees]))
    return np.concatenate([a for a, _ in found]), np.concatenate([b for _, b in found])
