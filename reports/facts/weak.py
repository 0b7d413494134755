"""Signs that a run has not found a model to rely on, each from facts of this run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reports.facts.curves import Curve
from reports.facts.final import Final

RISING = 0.02
"""Gain in validation accuracy over the last quarter of a schedule, on every fold, from which a model is still
learning: the noise of one fold's last epochs is below it."""
NEAR = 0.05
"""Above the share of the most frequent class: what is no better than that is near chance, where there is no
interval to say so."""


@dataclass(frozen=True)
class Weak:
    """Signs that the winner is weak.

    Attributes:
        chance: share of the most frequent class, where naming it alone is hardly worse; else None.
        rising: gain over the last quarter of its epochs, where it was still learning at their end; else None.
        never_said: classes that it never names though the test split has images of them.
        beaten_by: the baseline that is better than it beyond chance and by most; "" if none is.
    """

    chance: float | None
    rising: float | None
    never_said: tuple[str, ...]
    beaten_by: str

    def __bool__(self) -> bool:
        return self.chance is not None or self.rising is not None or bool(self.never_said or self.beaten_by)


def weaknesses(final: Final, curves: Sequence[Curve]) -> Weak:
    """Those of the winner; `curves` are all trainings of the run."""
    mine = [curve for curve in curves if curve.model == final.winner.name and curve.validation]
    worse = [item for item in final.comparisons if item.verdict == "worse"]
    return Weak(
        chance=_chance(final),
        rising=rising(mine),
        never_said=tuple(c.name for c in final.classes if c.images and c.precision is None),
        beaten_by=min(worse, key=lambda item: item.difference).baseline if worse else "",
    )


def rising(curves: Sequence[Curve]) -> float | None:
    """Mean gain over the last quarter of the epochs, where it is above `RISING` on every fold; else None."""
    gains = [
        curve.validation[-1] - curve.validation[-1 - max(1, len(curve.validation) // 4)]
        for curve in curves
        if len(curve.validation) > 1
    ]
    return float(np.mean(gains)) if gains and min(gains) > RISING else None


def cut_short(name: str, curves: Sequence[Curve], epochs: int) -> bool:
    """Whether a model was still learning when its epochs were over, of which a run gives at most `epochs`."""
    mine = [curve for curve in curves if curve.model == name and curve.validation]
    return any(len(curve.validation) >= epochs for curve in mine) and rising(mine) is not None


def _chance(final: Final) -> float | None:
    test, images = final.winner.test, [item.images for item in final.classes]
    if test is None or not images:
        return None
    share = max(images) / sum(images)
    near = test.interval[0] <= share if test.interval else test.mean <= share + NEAR
    return share if near else None
