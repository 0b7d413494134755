"""Groups of near-copies, found by the correlation of pixels, in bounded memory.

Images of one photograph (crops, contrast changes, neighbouring frames) on both sides of a split make
a validation accuracy meaningless: it then measures memory. So they are found, and kept together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.audit.chains import chained_pairs
from tuner.datasets.audit.detail import CONFIRMS, confirmed_pairs, is_telling
from tuner.datasets.audit.pairs import pairs_above
from tuner.datasets.audit.scenes import Giants, judge_giants
from tuner.datasets.audit.vectors import exact_copies, unit_vectors

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]

STRICT = 0.99
"""Correlation above which two images are near-copies."""

LOOSE = 0.95
"""Likewise where near-copies are the rule: at 0.99 one photograph falls into fragments."""

COMMON = 0.2
"""Share of the different images (exact copies count as one) with a neighbour above `STRICT`, from which
`LOOSE` applies."""


@dataclass(frozen=True)
class Duplicates:
    """The groups found among n images.

    Attributes:
        groups: int32 (n,), numbered from 0 in order of first appearance.
        threshold: the correlation that was applied.
        rule: a sentence saying which rule was applied and why.
        exact: bool (n,): the image has an exact copy.
        scenes: groups of more than a tenth of all images each, kept whole.
        dissolved: share of the images in groups that were no evidence of copying, so that of these only
            exact copies are known.
    """

    groups: Ints
    threshold: float
    rule: str
    exact: NDArray[np.bool_]
    scenes: int = 0
    dissolved: float = 0.0


def find_duplicates(
    splits: Sequence[NDArray[np.uint8]],
    labels: Ints | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Duplicates:
    """Groups images that are near-copies of each other, directly or through others.

    Two images are near-copies when the correlation of their mean-removed pixels exceeds 0.99, or 0.95
    where at least a fifth of the different images have such a neighbour. Where copies are no rule and
    fine detail tells photographs apart, also nearest neighbours in the large whose detail agrees,
    mirrored, shifted, turned and scaled or not; and neighbours in order whose detail agrees, where the
    order is one of frames.
    Groups are the connected components. One of more than a tenth of the images (and more than 20) is
    kept where it is one scene, and else dissolved to exact copies; where 0.95 makes such a group, 0.99
    applies. Constant images have no correlation; only exact copies of them count.

    Args:
        splits: uint8 (…, height, width, channels) each, n images in all: groups are numbered over them.
        labels: int (n,), -1 where a label is not to be looked at; they decide only whether a group of
            more than a tenth of the images is kept.
        progress: called with (tiles done, tiles in all) now and then.
    """
    vectors = np.concatenate([unit_vectors(images) for images in splits])
    copies = exact_copies(splits)
    known = np.full(len(vectors), -1, np.int32) if labels is None else labels
    strict, loose, common = _by_pixels(vectors, copies, progress)
    exact = np.bincount(copies)[copies] > 1
    frames = chained_pairs(splits, known)
    chained = len(frames[0]) > 0  # then detail tells images apart, as those of one class seldom agree in it
    if chained:
        for pairs in (frames, confirmed_pairs(vectors, splits, strict)):
            strict, loose = _merge(strict, *pairs), _merge(loose, *pairs)
    if common >= COMMON:
        telling = chained or is_telling(vectors, splits, loose)
        giants = judge_giants(loose, copies, vectors, known, LOOSE, links_are_evidence=telling)
        if not giants.dissolved:
            rule = _rule(LOOSE, common, detail=chained, chained=chained)
            return Duplicates(numbered(giants.groups), LOOSE, rule + _on_giants(giants), exact, giants.scenes)
    telling = chained or is_telling(vectors, splits, strict)
    if telling and not chained and common < COMMON:
        strict = _merge(strict, *confirmed_pairs(vectors, splits, strict))
    giants = judge_giants(strict, copies, vectors, known, STRICT, links_are_evidence=telling)
    detail = chained or (telling and common < COMMON)
    rule = _rule(STRICT, common, detail=detail, chained=chained) + _on_giants(giants)
    return Duplicates(numbered(giants.groups), STRICT, rule, exact, giants.scenes, giants.dissolved)


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


def _by_pixels(
    vectors: Floats, copies: Ints, progress: Callable[[int, int], None] | None
) -> tuple[Ints, Ints, float]:
    """Groups above `STRICT`, those above `LOOSE`, and how common copies are that are not exact."""
    same = _first_of(copies)
    strict = loose = _merge(np.arange(len(vectors), dtype=np.int32), np.arange(len(vectors)), same)
    near = np.zeros(int(copies.max()) + 1, np.bool_)
    for done, total, a, b, correlation in pairs_above(vectors, LOOSE):
        loose = _merge(loose, a, b)
        close = correlation > STRICT
        strict = _merge(strict, a[close], b[close])
        one, other = copies[a[close]], copies[b[close]]
        near[one[one != other]] = near[other[one != other]] = True
        if progress:
            progress(done, total)
    return strict, loose, float(near.mean())


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


def _first_of(copies: Ints) -> NDArray[np.intp]:
    _, first, inverse = np.unique(copies, return_index=True, return_inverse=True)
    return first[inverse]


def _rule(threshold: float, common: float, *, detail: bool, chained: bool) -> str:
    """The rule in words: whether fine detail was looked at, and whether the order is one of frames."""
    text = f"images are near-copies when their pixels correlate above {threshold}"
    if common >= COMMON:
        why = f"{common:.0%} of the images have a neighbour above {STRICT}, so copies are the rule"
        text += (
            f" (not {STRICT}: {why})"
            if threshold == LOOSE
            else f" ({why}, but {LOOSE} joins images that are no copies)"
        )
    if detail:
        text += (
            ", or when they are among each other's nearest in the large and their fine detail correlates"
            f" above {CONFIRMS}, with one of them mirrored, shifted, turned or scaled a little or not"
        )
    if chained:
        text += "; images that follow each other and show the same, a little shifted, are frames of one scene"
    return text


def _on_giants(giants: Giants) -> str:
    text = ""
    if giants.scenes:
        many = "one scene" if giants.scenes == 1 else f"only {giants.scenes} scenes"
        text += (
            f"; {giants.in_scenes:.0%} of the images come from {many}, each more than a tenth of all images"
            " and kept whole"
        )
    if giants.dissolved:
        text += (
            f"; {giants.dissolved:.0%} of the images hang together in groups too large or too mixed to be"
            " copies: there only exact copies count"
        )
    return text
