"""Test accuracy against what validation promised."""

from dataclasses import dataclass

import numpy as np

from reports.facts.models import Model
from reports.statistics import intervals as stats


@dataclass(frozen=True)
class Shift:
    """The winner's test accuracy minus its validation accuracy over the fresh folds.

    Attributes:
        noise: half-width of what chance alone explains in 95 % of cases; None if unknown.
    """

    difference: float
    noise: float | None


def shift(winner: Model, held_out: float) -> Shift | None:
    """Test against validation: both are noisy, and the squares of their half-widths add.

    The test side is the half of its interval that points to the validation accuracy, the other one
    the t interval of a mean of folds, each fold with a split and a seed of its own.
    """
    if winner.test is None or winner.validation is None:
        return None
    moved = winner.test.mean - winner.validation
    if winner.test.interval is None or len(winner.folds) < 2:
        return Shift(moved, None)
    low, high = winner.test.interval
    tested = winner.test.mean - low if moved > 0 else high - winner.test.mean
    return Shift(moved, float(np.hypot(tested, stats.fold_half_width(winner.folds, held_out))))
