"""Groups of near-copies, found by the correlation of pixels, in bounded memory.

Images of one photograph (crops, contrast changes, neighbouring frames) on both sides of a split make
a validation accuracy meaningless: it then measures memory. So they are found, and kept together.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.audit.vectors import exact_copies, unit_vectors

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]

STRICT = 0.99
"""Correlation above which two images are near-copies."""

LOOSE = 0.95
"""Likewise where near-copies are the rule: at 0.99 one photograph falls into fragments."""

COMMON = 0.2
"""Share of images with a neighbour above `STRICT` from which `LOOSE` applies."""

GIANT = 0.1
"""Share of all images from which one connected component is no evidence of copying."""

GIANT_IMAGES = 20
"""A component of no more images than this is never called giant."""

_TILE = 2048
_BOUND_FROM = 8192
_DIRECTIONS = 63
_SAMPLE = 1024
_SLACK = 1e-5
_FEW = 50_000


@dataclass(frozen=True)
class Duplicates:
    """What was found among n images.

    Attributes:
        groups: int32 (n,), numbered from 0 in order of first appearance.
        threshold: the correlation that was applied.
        rule: a sentence saying which rule was applied and why.
        exact: bool (n,): the image has an exact copy.
    """

    groups: Ints
    threshold: float
    rule: str
    exact: NDArray[np.bool_]


def find_duplicates(
    splits: Sequence[NDArray[np.uint8]], progress: Callable[[int, int], None] | None = None
) -> Duplicates:
    """Groups images that are near-copies of each other, directly or through others.

    Two images are near-copies when the correlation of their mean-removed pixels exceeds 0.99, or 0.95
    where at least a fifth of all images have such a neighbour; groups are the connected components.
    A component of more than a tenth of the images (and more than 20) is no evidence of copying, as when
    all images show one shape: there, only exact copies count. Constant images have no correlation;
    only exact copies of them count.

    Args:
        splits: uint8 (…, height, width, channels) each, n images in all: groups are numbered over them.
        progress: told (tiles done, tiles in all) now and then.
    """
    vectors = np.concatenate([unit_vectors(images) for images in splits])
    strict = loose = np.arange(len(vectors), dtype=np.int32)
    near = np.zeros(len(vectors), np.bool_)
    for done, total, a, b, correlation in _pairs_above(vectors, LOOSE):
        loose = _merge(loose, a, b)
        close = correlation > STRICT
        near[a[close]] = near[b[close]] = True
        strict = _merge(strict, a[close], b[close])
        if progress:
            progress(done, total)
    copies = exact_copies(splits)
    common = float(near.mean())
    threshold, groups = (LOOSE, loose) if common >= COMMON else (STRICT, strict)
    groups, giant = _break_giants(groups, copies)
    groups = _merge(groups, np.arange(len(vectors)), _first_of(copies))
    exact = np.bincount(copies)[copies] > 1
    return Duplicates(numbered(groups), threshold, _rule(common, threshold, giant), exact)


def join_known(groups: Ints, known: NDArray[np.int64]) -> Ints:
    """Groups that keep both near-copies and images of one known group (a subject, a place) together.

    Args:
        groups: int32 (n,), as `find_duplicates` gives them.
        known: int64 (n,), ids of known groups; -1 for an image whose group is not known.
    """
    belongs = np.flatnonzero(known >= 0)
    _, first, inverse = np.unique(known[belongs], return_index=True, return_inverse=True)
    return numbered(_merge(groups, belongs, belongs[first[inverse]]))


def numbered(groups: NDArray[np.integer]) -> Ints:
    """The same groups, numbered from 0 in order of first appearance."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return rank[inverse].astype(np.int32)


def _pairs_above(
    vectors: Floats, threshold: float
) -> Iterator[tuple[int, int, NDArray[np.intp], NDArray[np.intp], Floats]]:
    """Pairs a < b whose product exceeds `threshold`, one tile of the upper triangle at a time."""
    starts = range(0, len(vectors), _TILE)
    tiles = [(i, j) for i in starts for j in starts if j >= i]
    bounds = _bounding(vectors, threshold) if len(vectors) >= _BOUND_FROM else None
    for done, (i, j) in enumerate(tiles, start=1):
        a, b, product = _tile_pairs(vectors, bounds, slice(i, i + _TILE), slice(j, j + _TILE), threshold)
        if i == j:
            upper = a < b
            a, b, product = a[upper], b[upper], product[upper]
        yield done, len(tiles), a + i, b + j, product


def _bounding(vectors: Floats, threshold: float) -> Floats | None:
    """Short vectors whose products are never below those of `vectors`; None where they would not help.

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
    along = vectors @ directions
    rest = np.einsum("ij,ij->i", vectors, vectors) - np.einsum("ij,ij->i", along, along)
    bounds: Floats = np.concatenate([along, np.sqrt(np.maximum(rest, 0) + _SLACK)[:, None]], 1)
    share = float((bounds[chosen] @ bounds[chosen].T > threshold).mean()) - 1 / _SAMPLE
    return bounds if share * _TILE**2 < _FEW else None


def _tile_pairs(
    vectors: Floats, bounds: Floats | None, left: slice, right: slice, threshold: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Rows of `left` and of `right` whose product exceeds `threshold`, and the product."""
    if bounds is not None:
        a, b = _above(bounds[left] @ bounds[right].T, threshold - _SLACK)
        if len(a) < _FEW:
            product = np.concatenate(
                [np.empty(0, np.float32)]
                + [
                    np.einsum("ij,ij->i", vectors[left][a[k : k + _TILE]], vectors[right][b[k : k + _TILE]])
                    for k in range(0, len(a), _TILE)
                ]
            )
            high = product > threshold
            return a[high], b[high], product[high]
    product = vectors[left] @ vectors[right].T
    a, b = _above(product, threshold)
    return a, b, product[a, b]


def _above(product: Floats, threshold: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """`np.nonzero(product > threshold)`, five times as fast where little is."""
    a, b = np.divmod(np.flatnonzero(product > threshold), product.shape[1])
    return a, b


def _merge(groups: Ints, a: NDArray[np.intp], b: NDArray[np.intp]) -> Ints:
    """Joins the groups of each pair of images (a, b)."""
    ends = np.unique(np.stack([groups[a], groups[b]], 1), axis=0) if len(a) else np.empty((0, 2), np.int32)
    ends = ends[ends[:, 0] != ends[:, 1]]
    if not len(ends):
        return groups
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = int(groups.max()) + 1
    links = coo_array((np.ones(len(ends), np.int8), (ends[:, 0], ends[:, 1])), shape=(count, count))
    joined: Ints = connected_components(links, directed=False)[1].astype(np.int32)
    return joined[groups]


def _break_giants(groups: Ints, copies: Ints) -> tuple[Ints, float]:
    """Falls back to exact copies in groups that are too large to be evidence; their share of the images."""
    sizes = np.bincount(groups)
    giant = (sizes > max(GIANT * len(groups), GIANT_IMAGES))[groups]
    broken = np.where(giant, len(sizes) + copies, groups).astype(np.int32)
    return numbered(broken), float(giant.mean())


def _first_of(copies: Ints) -> NDArray[np.intp]:
    _, first, inverse = np.unique(copies, return_index=True, return_inverse=True)
    return first[inverse]


def _rule(common: float, threshold: float, giant: float) -> str:
    text = f"images are near-copies when their pixels correlate above {threshold}"
    if threshold == LOOSE:
        text += (
            f" (not {STRICT}: {common:.0%} of the images have a neighbour above that, so copies are the rule)"
        )
    if giant:
        text += f"; {giant:.0%} of the images hang together in groups too large to be copies:"
        text += " there only exact copies count"
    return text
