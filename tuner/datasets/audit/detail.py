"""Fine detail as evidence: it confirms that images which are alike in the large are of one photograph.

A crop, a small turn or shift, and a mirrored copy leave less correlation than the strict rule asks
for, but their detail (what a blur takes away) still agrees, which that of other photographs does not.
Of silhouettes (digits, garments) it does agree: there detail is the outline, and proves nothing.
"""

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.audit.aligned import aligned_agreement
from tuner.datasets.audit.pairs import Mirror, pairs_above
from tuner.datasets.audit.shifts import AGREES, Splits, agreement, seen_shape

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]

CANDIDATE = 0.8
"""Correlation of all pixels above which fine detail is looked at."""

FEW = 0.9, 200_000
"""That is raised to this, where more pairs than this many would be looked at."""

ALIKE = 0.01
"""Share of the pairs of different groups, those that correlate most, in which detail has to differ."""

TELLING = 0.05
"""Share of those pairs that may agree in detail all the same. Photographs: 0.000 to 0.02 (cats and dogs,
hands); handwritten digits 0.17 and more, drawn garments 0.28 and more."""

_SAMPLE = 1024
_LEAST_PAIRS = 500
_LEAST_ALIKE = 50


def is_telling(vectors: Floats, splits: Splits, groups: Ints) -> bool:
    """Whether images that are alike in the large, but of different groups, differ in their detail.

    Decided on at most 1,024 images; False where there are too few pairs to say.

    Args:
        vectors: (n, values), as `unit_vectors` gives them.
        splits: the images, n in all.
        groups: int32 (n,), of what are copies in any case.
    """
    n = len(vectors)
    rows = np.sort(np.random.default_rng(0).choice(n, min(n, _SAMPLE), replace=False))
    a, b = np.triu_indices(len(rows), 1)
    apart = groups[rows][a] != groups[rows][b]
    if apart.sum() < _LEAST_PAIRS:
        return False
    large = (vectors[rows] @ vectors[rows].T)[a, b][apart]
    most = min(len(large), max(_LEAST_ALIKE, round(ALIKE * len(large))))
    chosen = np.argpartition(-large, most - 1)[:most]
    agrees = agreement(splits, rows[a[apart][chosen]], rows[b[apart][chosen]], mirrored=False) > AGREES
    return float(agrees.mean()) < TELLING


def candidate(vectors: Floats) -> float:
    """Correlation above which fine detail is looked at: `CANDIDATE`, or more where that is too much work."""
    some = vectors[np.random.default_rng(0).permutation(len(vectors))[:_SAMPLE]]
    above = (np.count_nonzero(some @ some.T > CANDIDATE) - len(some)) / len(some) ** 2
    higher, many = FEW
    return CANDIDATE if above * len(vectors) ** 2 / 2 <= many else higher


def confirmed_pairs(vectors: Floats, splits: Splits) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of images, one of them mirrored or not, that correlate above `candidate` and agree in detail."""
    least = candidate(vectors)
    found: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = []
    for mirror in (None, _mirror_of(splits[0].shape)):
        for _, _, a, b, _ in pairs_above(vectors, least, mirror):
            if len(a):
                agrees = aligned_agreement(splits, a, b, mirrored=mirror is not None) > AGREES
                found.append((a[agrees], b[agrees]))
    if not found:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    return np.concatenate([a for a, _ in found]), np.concatenate([b for _, b in found])


def _mirror_of(shape: tuple[int, ...]) -> Mirror:
    """The function that mirrors the vectors of images of that shape."""
    rows, columns, channels = seen_shape(shape)

    def mirror(vectors: Floats) -> Floats:
        turned = vectors.reshape(-1, rows, columns, channels)[:, :, ::-1]
        return np.ascontiguousarray(turned).reshape(len(vectors), -1)

    return mirror
