"""Whether one model is better than another on the same test images; notation as in `intervals`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from reports.statistics.intervals import (
    LEVEL,
    MIN_GROUPS,
    Correct,
    Interval,
    SeedVariance,
    half_width,
    variance_parts,
)

Verdict = Literal["better", "worse", "not distinguishable"]


@dataclass(frozen=True)
class Difference:
    """A paired difference in accuracy, first model minus second.

    Attributes:
        difference: -1 to 1.
        interval: 95 % interval, not corrected for several comparisons; None below 10 groups, and where
            one of the models depends on its seed and was trained from one only.
        p_value: of no difference, likewise uncorrected; None where there is no interval.
    """

    difference: float
    interval: Interval | None
    p_value: float | None


def difference(
    first: tuple[Correct, SeedVariance | None], second: tuple[Correct, SeedVariance | None]
) -> Difference:
    """Paired difference of two models on the same test images; each comes with its seed variance.

    Groups by the differences d_g of the counts (mean over seeds), seeds as those of either model.
    Two models that answer alike on every group have no variance to show; the difference is then
    bounded by the largest share of groups that could differ and yet show none among G. Where two models
    differ on a handful of groups only, both near 1, intervals cover a true difference in 83-91 %; of two
    equal models they then call fewer than 2 % different, so that the verdicts stay honest.
    """
    counts = first[0].counts.mean(axis=0) - second[0].counts.mean(axis=0)
    value = float(counts.sum() / first[0].sizes.sum())
    groups = len(counts)
    if groups < MIN_GROUPS or not (first[0].comparable and second[0].comparable):
        return Difference(value, None, None)
    parts = variance_parts([first, second], counts)
    half = half_width(parts) if counts.any() else 1 - ((1 - LEVEL) / 2) ** (1 / groups)
    return Difference(value, (max(-1.0, value - half), min(1.0, value + half)), _p_value(value, parts))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number by Holm's step-down rule, in the order given."""
    order = np.argsort(p_values, kind="stable")
    corrected, highest = [0.0] * len(order), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected


def verdicts(differences: Sequence[Difference]) -> list[Verdict]:
    """The verdict on each difference, with Holm's correction over all of them.

    Without it, six baselines as good as the winner bring a false verdict in 14-19 % of runs.
    """
    known = [index for index, d in enumerate(differences) if d.p_value is not None]
    corrected = dict(zip(known, holm([differences[i].p_value or 0.0 for i in known]), strict=True))
    words: list[Verdict] = []
    for index, item in enumerate(differences):
        sure = index in corrected and corrected[index] <= 1 - LEVEL and item.difference != 0
        words.append(("better" if item.difference > 0 else "worse") if sure else "not distinguishable")
    return words


def better_than_every(differences: Sequence[Difference]) -> bool:
    """Whether the first model may be called better than every other.

    That needs every uncorrected lower bound above 0 (an intersection-union test, which needs no
    correction: the claim is false as soon as one part is).
    """
    return bool(differences) and all(d.interval is not None and d.interval[0] > 0 for d in differences)


def _p_value(value: float, parts: Sequence[tuple[float, float]]) -> float:
    """1 - the level at which the interval just touches 0, by bisection on log10 of p."""
    if value == 0:
        return 1.0
    if not any(variance for variance, _ in parts):
        return 0.0
    low, high = -15.0, 0.0
    for _ in range(24):  # to a millionth of it
        middle = (low + high) / 2
        if half_width(parts, 1 - 10**middle) > abs(value):
            low = middle
        else:
            high = middle
    return float(10**high)
