"""All pairs of images that correlate above a threshold, in bounded memory."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]

_TILE = 2048
_BOUND_FROM = 8192
_DIRECTIONS = 63
_SAMPLE = 1024
_SLACK = 1e-5
_FEW = 50_000


def pairs_above(vectors: Floats, threshold: float) -> Iterator[tuple[int, int, Rows, Rows, Floats]]:
    """Pairs a < b whose correlation exceeds `threshold`, one tile of the upper triangle at a time.

    Args:
        vectors: (n, values), as `unit_vectors` gives them.
        threshold: below 1.

    Yields:
        Tiles done, tiles in all, the rows a and b of each pair, and its correlation.
    """
    starts = range(0, len(vectors), _TILE)
    tiles = [(i, j) for i in starts for j in starts if j >= i]
    short = _bounding(vectors, threshold) if len(vectors) >= _BOUND_FROM else None
    for done, (i, j) in enumerate(tiles, start=1):
        left, right = vectors[i : i + _TILE], vectors[j : j + _TILE]
        bounds = None if short is None else (short[i : i + _TILE], short[j : j + _TILE])
        a, b, product = _tile_pairs(left, right, bounds, threshold)
        if i == j:
            upper = a < b
            a, b, product = a[upper], b[upper], product[upper]
        yield done, len(tiles), a + i, b + j, product


def _bounding(vectors: Floats, threshold: float) -> Floats | None:
    """Short vectors whose products are never below those of the long ones; None where they would not help.

    They hold the coordinates along the leading principal directions q of a sample, and the length of what
    is left: x·y = qx·qy + rest_x·rest_y ≤ qx·qy + |rest_x||rest_y|. With them most pairs are ruled out
    at a tenth of the work, and none wrongly.
    """
    if vectors.shape[1] < 4 * _DIRECTIONS:
        return None
    chosen = np.random.default_rng(0).choice(len(vectors), _SAMPLE, replace=False)
    sample = vectors[chosen]
    values, mixes = np.linalg.eigh(sample @ sample.T)
    usable = values[-_DIRECTIONS:] > 1e-3 * values[-1]
    directions = sample.T @ (mixes[:, -_DIRECTIONS:][:, usable] / np.sqrt(values[-_DIRECTIONS:][usable]))
    short = _short(vectors, directions)
    share = float((short[chosen] @ short[chosen].T > threshold).mean()) - 1 / _SAMPLE
    return short if share * _TILE**2 < _FEW else None


def _short(vectors: Floats, directions: Floats) -> Floats:
    parts = []
    for part in (vectors[i : i + _TILE] for i in range(0, len(vectors), _TILE)):
        along = part @ directions
        rest = np.einsum("ij,ij->i", part, part) - np.einsum("ij,ij->i", along, along)
        parts.append(np.concatenate([along, np.sqrt(np.maximum(rest, 0) + _SLACK)[:, None]], 1))
    return np.concatenate(parts)


def _tile_pairs(
    left: Floats, right: Floats, bounds: tuple[Floats, Floats] | None, threshold: float
) -> tuple[Rows, Rows, Floats]:
    """Rows of `left` and of `right` whose product exceeds `threshold`, and the product."""
    if bounds is not None:
        a, b = _above(bounds[0] @ bounds[1].T, threshold - _SLACK)
        if len(a) < _FEW:
            product = np.concatenate(
                [np.empty(0, np.float32)]
                + [
                    np.einsum("ij,ij->i", left[a[k : k + _TILE]], right[b[k : k + _TILE]])
                    for k in range(0, len(a), _TILE)
                ]
            )
            high = product > threshold
            return a[high], b[high], product[high]
    product = left @ right.T
    a, b = _above(product, threshold)
    return a, b, product[a, b]


def _above(product: Floats, threshold: float) -> tuple[Rows, Rows]:
    """`np.nonzero(product > threshold)`, five times as fast where little is."""
    a, b = np.divmod(np.flatnonzero(product > threshold), product.shape[1])
    return a, b
