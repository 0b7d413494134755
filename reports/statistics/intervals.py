"""Variances and intervals of accuracies measured on grouped test images with several training seeds.

Notation, used throughout: seeds s = 1..S, duplicate groups g = 1..G of n_g images, N images in all;
k[s, g] images of group g that seed s classifies correctly; p_s = sum_g k[s, g] / N; p = mean of p_s.

Two things are drawn at random and have to be paid for: the photographs (groups) that happen to be in
the test split, and the seed that a training happens to use. An interval speaks of new ones of both.
`tests/reports/test_stats.py` holds the coverage of all of this by simulation.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Interval = tuple[float, float]

LEVEL = 0.95
MIN_GROUPS = 10
"""Fewer groups give no interval: their variance cannot be estimated."""
PRIOR_FREEDOM = 2
"""Degrees of freedom that the other models' seed variance counts for beside a model's own."""
CAUTION = 9
"""Of a model with two seeds or one: how many times the variance of the others its own is taken for."""
LEAST_SEEDS = 2
"""Of a model that depends on its seed; with fewer nothing is said of a difference from another model."""


@dataclass(frozen=True)
class Correct:
    """How often a model was right.

    Attributes:
        counts: (seeds, groups) images that are classified correctly.
        sizes: (groups,) images in each group, at least 1.
        seeded: whether another seed would give another model (False: one row, no seed term).
    """

    counts: Floats
    sizes: Floats
    seeded: bool = True

    @property
    def per_seed(self) -> Floats:
        """Accuracy of each seed, 0 to 1."""
        accuracy: Floats = self.counts.sum(axis=1) / self.sizes.sum()
        return accuracy

    @property
    def mean(self) -> float:
        """Mean accuracy over the seeds, 0 to 1."""
        return float(self.counts.sum() / (self.sizes.sum() * len(self.counts)))

    @property
    def comparable(self) -> bool:
        """Whether its seeds tell enough of their noise for a difference from another model to be judged."""
        return not self.seeded or len(self.counts) >= LEAST_SEEDS


@dataclass(frozen=True)
class SeedVariance:
    """Variance of the accuracy from one training seed to the next, and its degrees of freedom."""

    variance: float
    freedom: float


def count_correct(correct: NDArray[Any], groups: NDArray[Any], *, seeded: bool = True) -> Correct:
    """Counts by group.

    Args:
        correct: (seeds, images) whether each prediction is right.
        groups: (images,) group of each image, any integers.
        seeded: whether the rows come from different training seeds.
    """
    _, index = np.unique(groups, return_inverse=True)
    counts = [np.bincount(index, weights=row) for row in np.asarray(correct, dtype=float)]
    return Correct(np.array(counts), np.bincount(index).astype(float), seeded)


def group_freedom(sizes: Floats) -> float:
    """Degrees of freedom of the variance over groups: Kish's effective number of groups, minus 1.

    G - 1 for groups of one size. A few large groups carry most of the variance when sizes differ
    much; with G - 1 intervals then cover 86-92 % in place of 95 (simulated, Pareto sizes).
    """
    return float(max(1.0, sizes.sum() ** 2 / (sizes**2).sum() - 1))


def group_variance(counts: Floats, sizes: Floats) -> float:
    """Variance of the ratio sum(counts) / sum(sizes) over draws of the groups.

    The jackknife that leaves out a group at a time: without group g the ratio r moves by
    -(k_g - n_g r) / (N - n_g), and the variance is (G - 1) / G times the sum of these squared. For
    groups of one size that is G / (G - 1) * sum_g (k_g - n_g r)^2 / N^2, the textbook variance of a
    ratio; for unequal ones it is larger, because a large group pulls r towards itself and so hides
    its own deviation. `counts` averaged over S seeds carry the part of the seed noise that differs
    from group to group, divided by S, which is as it should be. For a paired difference of two
    models pass the differences of their counts: what both find hard cancels.
    """
    total = sizes.sum()
    moved = (counts - sizes * counts.sum() / total) / (total - sizes)
    return float((len(sizes) - 1) / len(sizes) * (moved**2).sum())


def own_seed_variance(model: Correct) -> SeedVariance | None:
    """Variance of accuracy over seeds, from this model's seeds alone; None with fewer than two.

    var_s(p_s) is the wanted variance and that of the interaction of seeds and groups: two seeds also
    differ because they err on different ones of these test images. `group_variance` of the mean over
    seeds has that part already, so it is taken off here. r[s, g] = k[s, g] - n_g p_s is free of the
    level of seed s, r - mean_s(r) free of the group's own; its squares, over (S - 1) and with the
    jackknife's weights over groups, estimate the interaction's share in one p_s. May be negative.
    """
    seeds, groups = model.counts.shape
    if not model.seeded or seeds < 2 or groups < 2:
        return None
    residual = model.counts - np.outer(model.per_seed, model.sizes)
    residual = (residual - residual.mean(axis=0)) / (model.sizes.sum() - model.sizes)
    interaction = (groups - 1) / groups * (residual**2).sum() / (seeds - 1)
    return SeedVariance(float(model.per_seed.var(ddof=1) - interaction), seeds - 1)


def seed_variances(models: Sequence[Correct]) -> list[SeedVariance | None]:
    """Seed variance of each model of a run, borrowing from its other models.

    Three to five seeds say little of a variance (with 3, t = 4.3), so the other models help: their mean,
    each in units of p (1 - p) as one that is right more often varies less, and weighted by its S - 1,
    enters as if it had 2 degrees of freedom. Where three or more seeds of a model's own vary more than
    that, they alone count: a winner that varies six times as much as the others would otherwise be called
    different from its equals in 7 % (5 seeds) to 31 % (2 seeds) of runs. Two seeds say next to nothing by
    themselves (t = 12.7): there the others' variance, taken `CAUTION` times, is the least that is assumed.
    Clipped at 0 last, which only widens.

    Returns:
        For each model its variance of one seed; None where it has no seed noise (not seeded) or
        where no model of the run tells of it (one seed each).
    """
    own = [own_seed_variance(model) for model in models]
    scale = [p * (1 - p) for p in (_inside(model.mean, len(model.sizes)) for model in models)]
    result: list[SeedVariance | None] = []
    for index, model in enumerate(models):
        others = [(v, scale[i]) for i, v in enumerate(own) if v is not None and i != index]
        freedom = sum(v.freedom for v, _ in others)
        pooled = sum(v.freedom * v.variance / unit for v, unit in others) / freedom if freedom else 0.0
        prior = SeedVariance(max(0.0, pooled * scale[index]), min(PRIOR_FREEDOM, freedom))
        result.append(_combined(own[index], prior) if model.seeded else None)
    return result


def _combined(own: SeedVariance | None, prior: SeedVariance) -> SeedVariance | None:
    """A model's own seed variance with that of the others, as `seed_variances` says."""
    mine = own or SeedVariance(0.0, 0)
    total = mine.freedom + prior.freedom
    if not total:
        return None
    if prior.freedom and mine.freedom < LEAST_SEEDS:
        return SeedVariance(max(mine.variance, CAUTION * prior.variance), total)
    if mine.variance > prior.variance:
        return SeedVariance(mine.variance, mine.freedom)
    both = (prior.freedom * prior.variance + mine.freedom * mine.variance) / total
    return SeedVariance(max(0.0, both), total)


def accuracy_interval(model: Correct, seeds: SeedVariance | None) -> Interval | None:
    """95 % interval of the accuracy on new groups with a new seed; None below 10 groups.

    The half-width h adds the two variances, each with its own t quantile: h^2 = t^2 v_groups +
    t^2 v_seeds / S, on the logit scale (d logit = dp / (p (1 - p))), which keeps it within 0 and 1
    and gives the long side to where there is room. Within half a group of 0 or 1 there is nothing
    left to estimate a variance from: there the Clopper-Pearson limits with n = G groups hold.
    """
    groups = len(model.sizes)
    if groups < MIN_GROUPS:
        return None
    p = model.mean
    if p != _inside(p, groups):
        return _clopper_pearson(p * groups, groups)
    parts = variance_parts([(model, seeds)], model.counts.mean(axis=0))
    width = half_width(parts) / (p * (1 - p))
    logit = math.log(p / (1 - p))
    return _logistic(logit - width), _logistic(logit + width)


def variance_parts(
    models: Sequence[tuple[Correct, SeedVariance | None]], counts: Floats
) -> list[tuple[float, float]]:
    """(variance, degrees of freedom) of the groups and of each model's seeds."""
    sizes = models[0][0].sizes
    parts = [(group_variance(counts, sizes), group_freedom(sizes))]
    for model, seeds in models:
        if seeds is not None:
            parts.append((seeds.variance / len(model.counts), seeds.freedom))
    return parts


def half_width(parts: Sequence[tuple[float, float]], level: float = LEVEL) -> float:
    """Half-width of an interval from independent (variance, degrees of freedom) parts, each with its t."""
    from scipy.special import stdtrit  # the quantile of Student's t, without the weight of scipy.stats

    return math.sqrt(sum(float(stdtrit(freedom, (1 + level) / 2)) ** 2 * v for v, freedom in parts))


def fold_half_width(folds: Sequence[float], held_out: float) -> float:
    """Half-width of the 95 % t interval of a mean over folds whose training images overlap.

    The variance of the mean is (1 / J + n_validation / n_training) s^2 (Nadeau and Bengio 2003, Machine
    Learning 52): folds that share most of their training images do not vary independently, and s^2 / J
    would be too small.

    Args:
        folds: a value of each of J folds, at least two.
        held_out: n_validation / n_training of a fold.
    """
    count = len(folds)
    return half_width([((1 / count + held_out) * float(np.var(folds, ddof=1)), count - 1)])


def _inside(p: float, groups: int) -> float:
    """`p` kept at least half a group away from 0 and 1."""
    return min(max(p, 0.5 / groups), 1 - 0.5 / groups)


def _logistic(x: float) -> float:
    return 0.5 * (1 + math.tanh(x / 2))


def _clopper_pearson(right: float, groups: int) -> Interval:
    """Exact binomial limits for `right` (a real number) of `groups`."""
    from scipy.special import betaincinv  # the quantile of the beta distribution

    tail = (1 - LEVEL) / 2
    low = 0.0 if right <= 0 else float(betaincinv(right, groups - right + 1, tail))
    high = 1.0 if right >= groups else float(betaincinv(right + 1, groups - right, 1 - tail))
    return low, high
