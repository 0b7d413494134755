"""Splits into folds: stratified by class, with every duplicate group on one side."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]

TEST_SEED = 20_010_131
"""Of the test split of data that comes without one. Not an option, so that nobody can look for a
lucky split."""

TEST_FOLDS = 5
"""One of these is held out for the test where the data has no test split: 20 %."""

MIN_IMAGES = 5
"""Training images of a class: one for each of five folds."""

_ORDERS = 16
_ORDER_BUDGET = 20_000


def search_folds(images: int) -> int:
    """How many folds the search splits its training images into: 5, or 10 from 20,000 images.

    One fold is validated on, so few images leave 20 % for it, many 10 %.
    """
    return 5 if images < 20_000 else 10


def group_folds(labels: Ints, groups: Ints, folds: int, seed: int) -> Ints:
    """Assigns every image to a fold.

    Groups of several images are dealt first, roughly the largest first, each to the fold where its
    classes are most wanted. Single images then fill what is missing, class by class, which makes the
    split exact (to one image a class) wherever there are enough of them. Of several random orders the
    one nearest to an exact stratification is kept; different seeds give different splits.

    Args:
        labels: int (n,), the class of each image, 0 or more.
        groups: int (n,), any ids; images of one id stay together.
        folds: 2 or more.
        seed: of the random order.

    Returns:
        int32 (n,), the fold of each image, 0 to `folds` - 1.
    """
    labels = np.asarray(labels)
    _, group = np.unique(groups, return_inverse=True)
    sizes = np.bincount(group)
    single = sizes[group] == 1
    large = _rows(group, sizes)
    tallies = [np.unique(labels[rows], return_counts=True) for rows in large]
    rng = np.random.default_rng([seed, folds, len(labels)])
    target = np.maximum(np.bincount(labels), 1) / folds

    best: tuple[float, list[int], NDArray[np.float64]] | None = None
    for _ in range(max(1, min(_ORDERS, _ORDER_BUDGET // max(1, len(large))))):
        dealt, counts = _deal_groups(tallies, target, folds, rng)
        miss = float((np.maximum(counts - target, 0) ** 2 / target).sum())
        if best is None or miss < best[0]:
            best = (miss, dealt, counts)
    assert best is not None
    _, dealt, counts = best

    result = np.empty(len(labels), np.int32)
    for rows, fold in zip(large, dealt, strict=True):
        result[rows] = fold
    _deal_singles(result, np.flatnonzero(single), labels, counts, rng)
    return result


def hold_out(labels: Ints, groups: Ints) -> NDArray[np.bool_]:
    """Which images become the test split of data that has none: a stratified 20 %, groups whole.

    The same for the same data whatever `--seed` is. With few groups a fold may hold all images of a
    class: then the first fold is held out that leaves every class with the most images to train on, up
    to `MIN_IMAGES`, and of these the one with most classes.
    """
    fold_of = group_folds(labels, groups, TEST_FOLDS, TEST_SEED)
    counts = np.zeros((TEST_FOLDS, int(labels.max()) + 1), np.int64)
    np.add.at(counts, (fold_of, labels), 1)
    left = np.minimum(counts.sum(0) - counts, MIN_IMAGES).sum(1)
    empty = counts.sum(1) == 0  # there may be fewer groups than folds
    held: NDArray[np.bool_] = fold_of == np.lexsort((-(counts > 0).sum(1), -left, empty))[0]
    return held


@dataclass(frozen=True)
class Stratification:
    """How near folds are to an exact stratification.

    Attributes:
        smallest, largest: share of all images in the smallest and largest fold, fractions of 1.
        off: most images by which a class of some fold misses its share, beyond rounding.
        label: the class that does.
        absent: classes that some fold has no image of.
    """

    smallest: float
    largest: float
    off: int
    label: int
    absent: tuple[int, ...]

    @property
    def exact(self) -> bool:
        """Whether every fold has its share of each class, to one image."""
        return self.off == 0


def stratification(labels: Ints, fold_of: Ints) -> Stratification:
    """Measures folds as `group_folds` gives them."""
    folds, classes = int(fold_of.max()) + 1, int(labels.max()) + 1
    counts = np.bincount(fold_of.astype(np.int64) * classes + labels, minlength=folds * classes)
    counts = counts.reshape(folds, classes)
    share = counts.sum(0) / folds
    off = np.maximum(np.ceil(np.abs(counts - share)).astype(int) - 1, 0).max(0)
    present = counts.sum(0) > 0
    sizes = counts.sum(1) / len(labels)
    absent = tuple(int(c) for c in np.flatnonzero(present & (counts.min(0) == 0)))
    return Stratification(float(sizes.min()), float(sizes.max()), int(off.max()), int(off.argmax()), absent)


def describe_folds(labels: Ints, fold_of: Ints, class_names: tuple[str, ...]) -> str:
    """One sentence on how near the folds are to an exact stratification."""
    near = stratification(labels, fold_of)
    folds = int(fold_of.max()) + 1
    if near.exact:
        return f"{folds} folds, each with its exact share of every class"
    text = (
        f"{folds} folds of {near.smallest:.1%} to {near.largest:.1%} of the images:"
        f" groups stay whole, so shares of a class are off by up to {near.off} images"
        f" (class {class_names[near.label]!r})"
    )
    if near.absent:
        names = ", ".join(repr(class_names[c]) for c in near.absent[:5])
        text += f"; some fold has no image of {names}" + (" and others" if len(near.absent) > 5 else "")
    return text


def _rows(group: NDArray[np.int64], sizes: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The images of each group of two or more."""
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(sizes)
    return [order[end - size : end] for end, size in zip(ends, sizes, strict=True) if size > 1]


def _deal_groups(
    tallies: list[tuple[Ints, NDArray[np.int64]]],
    target: NDArray[np.float64],
    folds: int,
    rng: np.random.Generator,
) -> tuple[list[int], NDArray[np.float64]]:
    """Folds of the groups, and the images of each class (folds, classes) that this brings.

    `tallies` holds, for each group, its classes and how many images it has of each.
    """
    sizes = np.array([float(count.sum()) for _, count in tallies])
    # Sizes are jittered: strictly largest first would give much the same split for every seed.
    order = np.argsort(-sizes * rng.lognormal(sigma=0.3, size=len(sizes)))
    counts = np.zeros((folds, len(target)))
    dealt = [0] * len(tallies)
    for g in order:
        classes, count = tallies[g]
        cost = (counts[:, classes] * (count / target[classes])).sum(1)
        cost += 1e-6 * counts.sum(1) / len(target) + 1e-9 * rng.random(folds)
        fold = int(cost.argmin())
        counts[fold, classes] += count
        dealt[g] = fold
    return dealt, counts


def _deal_singles(
    result: Ints, rows: NDArray[np.int64], labels: Ints, counts: NDArray[np.float64], rng: np.random.Generator
) -> None:
    """Deals single images so that the folds of each class fill up to one level, as water does."""
    if not len(rows):
        return
    totals = counts.sum(1)
    order = rng.permutation(rows)
    order = order[np.argsort(labels[order], kind="stable")]
    classes, starts = np.unique(labels[order], return_index=True)
    for label, members in zip(classes, np.split(order, starts[1:]), strict=True):
        wanted = _levels(counts[:, label], totals, len(members), rng)
        result[members] = np.repeat(np.arange(len(wanted)), wanted)
        totals = totals + wanted


def _levels(
    have: NDArray[np.float64], totals: NDArray[np.float64], images: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """How many of `images` each fold gets, so that the lowest folds are raised first."""
    ascending = np.sort(have)
    below = np.arange(1, len(have) + 1)
    levels = (images + np.cumsum(ascending)) / below
    level = levels[np.flatnonzero(levels >= ascending)[-1]]
    given: NDArray[np.int64] = np.floor(np.maximum(level - have, 0)).astype(np.int64)
    # The rest of rounding goes to folds that have fewest images in all, among those below the level.
    left = images - int(given.sum())
    open_to = np.lexsort((rng.random(len(have)), totals, np.where(have + given < level, 0, 1)))
    given[open_to[:left]] += 1
    return given
