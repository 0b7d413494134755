"""Fine detail as evidence: it confirms that images which are alike in the large are of one photograph.

A crop, a small turn or shift, and a mirrored copy leave less correlation than the strict rule asks
for, but their detail (what a blur takes away) still agrees, which that of other photographs does not.
Of silhouettes (digits, garments) it does agree: there detail is the outline, and proves nothing.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.audit.pairs import Mirror, pairs_above
from tuner.datasets.audit.vectors import MAX_SIDE, unit_vectors

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]
Splits = Sequence[NDArray[np.uint8]]

CANDIDATE = 0.9
"""Correlation of all pixels above which fine detail is looked at."""

AGREES = 0.6
"""Correlation of fine detail above which such a pair is of one photograph."""

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
    fine = unit_vectors(images_at(splits, rows), detail=True)
    a, b = np.triu_indices(len(rows), 1)
    apart = groups[rows][a] != groups[rows][b]
    if apart.sum() < _LEAST_PAIRS:
        return False
    large = (vectors[rows] @ vectors[rows].T)[a, b][apart]
    most = min(len(large), max(_LEAST_ALIKE, round(ALIKE * len(large))))
    chosen = np.argpartition(-large, most - 1)[:most]
    agrees = (fine @ fine.T)[a, b][apart][chosen] > AGREES
    return float(agrees.mean()) < TELLING


def confirmed_pairs(vectors: Floats, splits: Splits) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of images, one of them mirrored or not, that correlate above `CANDIDATE` and agree in detail."""
    found: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = []
    for mirror in (None, _mirror_of(splits[0].shape)):
        for _, _, a, b, _ in pairs_above(vectors, CANDIDATE, mirror):
            if len(a):
                agrees = _agreement(splits, a, b, mirrored=mirror is not None) > AGREES
                found.append((a[agrees], b[agrees]))
    if not found:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    return np.concatenate([a for a, _ in found]), np.concatenate([b for _, b in found])


def images_at(splits: Splits, rows: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Images by their number over all splits."""
    result = np.empty((len(rows), *splits[0].shape[1:]), np.uint8)
    start = 0
    for images in splits:
        here = (rows >= start) & (rows < start + len(images))
        result[here] = images[rows[here] - start]
        start += len(images)
    return result


def _agreement(splits: Splits, a: NDArray[np.intp], b: NDArray[np.intp], *, mirrored: bool) -> Floats:
    """Correlation of the fine detail of each pair, the second image mirrored or not."""
    left, of_a = np.unique(a, return_inverse=True)
    right, of_b = np.unique(b, return_inverse=True)
    fine_a = unit_vectors(images_at(splits, left), detail=True)
    fine_b = unit_vectors(images_at(splits, right), detail=True, mirrored=mirrored)
    parts = [
        np.einsum("ij,ij->i", fine_a[of_a[k : k + _SAMPLE]], fine_b[of_b[k : k + _SAMPLE]])
        for k in range(0, len(a), _SAMPLE)
    ]
    agreement: Floats = np.concatenate(parts)
    return agreement


def _mirror_of(shape: tuple[int, ...]) -> Mirror:
    """The function that mirrors the vectors of images of that shape."""
    _, height, width, channels = shape
    columns = width // -(-width // MAX_SIDE)
    rows = height // -(-height // MAX_SIDE)

    def mirror(vectors: Floats) -> Floats:
        turned = vectors.reshape(-1, rows, columns, channels)[:, :, ::-1]
        return np.ascontiguousarray(turned).reshape(len(vectors), -1)

    return mirror
