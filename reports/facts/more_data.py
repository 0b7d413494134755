"""The winner trained on a part of the data and on all of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from reports.statistics import intervals as stats


@dataclass(frozen=True)
class DataPoint:
    """The winner's validation accuracy when trained on a share of the duplicate groups.

    Attributes:
        share: above 0 to 1.
        images, groups: trained on, mean over the folds.
        folds: accuracy on each fresh fold.
    """

    share: float
    images: int
    groups: int
    folds: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over the folds."""
        return float(np.mean(self.folds))


@dataclass(frozen=True)
class DataCurve:
    """Whether the winner would gain from more data.

    Attributes:
        points: smallest share first, all of the data last.
        gain: in accuracy by the last step, mean over the folds that both have.
        noise: half-width of the 95 % interval of that; None where it is of one fold.
    """

    points: tuple[DataPoint, ...]
    gain: float
    noise: float | None

    @property
    def sure(self) -> bool:
        """Whether the gain is beyond its noise."""
        return self.noise is not None and abs(self.gain) > self.noise


def data_curve(final: Mapping[str, Any], held_out: float) -> DataCurve | None:
    """The winner on less data and on all; None where that was not tried."""
    points = tuple(
        DataPoint(float(p["share"]), int(p["images"]), int(p["groups"]), tuple(p["accuracy_per_fold"]))
        for p in final.get("data_curve", ())
    )
    if len(points) < 2:
        return None
    half, whole = points[-2:]
    gains = [after - before for before, after in zip(half.folds, whole.folds, strict=False)]
    gain = float(np.mean(gains))
    noise = stats.fold_half_width(gains, held_out) if len(gains) > 1 else None
    return DataCurve(points, gain, noise)
