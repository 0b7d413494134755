"""Groups that hold a large part of all images: few scenes, or likeness that means nothing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]

GIANT = 0.1
"""Share of all images from which a group is looked at as a whole."""

GIANT_IMAGES = 20
"""A group of no more images than this is never called giant."""

BY_CHANCE = 0.1
"""Agreement of labels within a group (0 as in all images together, 1 all equal) below which they are mixed as
chance would."""

NOISE = 10
"""Divided by the images of a group: what chance alone exceeds in one of a thousand groups of two classes."""

_COMPARED = 400


@dataclass(frozen=True)
class Giants:
    """The outcome for groups of more than a tenth of the images.

    Attributes:
        groups: int32 (n,): every group; each image of those that are no evidence is one of its own.
        scenes: how many were kept.
        in_scenes: share of all images that are in these.
        dissolved: share of all images whose groups were no evidence of copying.
    """

    groups: Ints
    scenes: int
    in_scenes: float
    dissolved: float


def judge_giants(
    groups: Ints, copies: Ints, vectors: Floats, labels: Ints, alike: float, *, links_are_evidence: bool
) -> Giants:
    """Keeps groups that are one scene, and dissolves to exact copies those that are not.

    A group is dissolved where its labels are mixed as chance would mix them, as knowing the group then
    says nothing of the label; or where its typical pair is unlike, so that it only hangs together
    through a chain, unless the links of the chain are evidence.

    Args:
        groups: int32 (n,), from 0.
        copies: int32 (n,): equal numbers for equal images.
        vectors: (n, values), as `unit_vectors` gives them.
        labels: int (n,); -1 where a label is not to be looked at.
        alike: median correlation of the pairs of a group that is one scene.
        links_are_evidence: no two images of different scenes are ever linked.
    """
    n, sizes = len(groups), np.bincount(groups)
    giants = np.flatnonzero(sizes > max(GIANT * n, GIANT_IMAGES))
    unlike = [
        group
        for group in giants
        if _mixed(labels, groups == group)
        or not (links_are_evidence or _typical_pair(vectors, np.flatnonzero(groups == group)) >= alike)
    ]
    gone = np.isin(groups, unlike)
    broken = np.where(gone, len(sizes) + copies, groups).astype(np.int32)
    kept = np.setdiff1d(giants, unlike)
    return Giants(broken, len(kept), float(sizes[kept].sum() / n), float(gone.mean()))


def _typical_pair(vectors: Floats, members: NDArray[np.intp]) -> float:
    """Median correlation of the pairs of a group, of at most 400 of its images."""
    some = np.random.default_rng(0).permutation(members)[:_COMPARED]
    product = vectors[some] @ vectors[some].T
    return float(np.median(product[np.triu_indices(len(some), 1)]))


def _mixed(labels: Ints, inside: NDArray[np.bool_]) -> bool:
    """Whether two images of a group have the same label hardly more often than any two images."""
    known, own = labels[labels >= 0], labels[inside & (labels >= 0)]
    if len(own) < 2:
        return False
    chance = _agreement(known)
    return chance < 1 and (_agreement(own) - chance) / (1 - chance) < max(BY_CHANCE, NOISE / len(own))


def _agreement(labels: Ints) -> float:
    """Probability that two different images of these have the same label."""
    counts, n = np.bincount(labels).astype(float), len(labels)
    return float((counts * (counts - 1)).sum() / (n * (n - 1)))
