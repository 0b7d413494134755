"""Screening: all trials for a few epochs, the best of them for some more."""

import bisect
import math
from collections.abc import Container, Mapping
from dataclasses import dataclass, field

from tuner.search.schedulers.base import DEFAULT, FIRST_RUNG_EPOCHS, FIRST_RUNG_STEPS, LAST_RUNG, Scheduler

STOPS = (0.15, 0.4)
"""Shares of the schedule: all trials are trained to the first, the best of them to the second."""

KEPT, LEAST = 0.12, 6
"""Share of all trials that go on, and how many at least."""

KEPT_TO_THE_END, LEAST_TO_THE_END = 0.06, 3
"""The same in a schedule so short that it has one such stop: from there they are trained to its end."""

TREND = 0.1
"""Share of the schedule over which the trend of a score is taken."""


class Screen(Scheduler):
    """Trains every trial to a first stop, where it waits; the best of all go on to a second, and are done.

    Nobody is trained to the end of the schedule: finalists are, on fresh folds, and who is one hardly depends
    on more epochs. A trial that waits keeps its state, so nothing is trained twice, and a trial is compared
    with all others instead of those that happened to come before it. The score is compared plus its gain over
    the last tenth of the schedule: strong augmentation, dropout and small rates start slowly and end
    well. `tests/benchmarks/README.md` has the replays that chose all this. It extends "train two
    epochs, finish the best few", which knows no trend (arXiv 2307.15422, 2404.04111).
    """

    def __init__(self, epochs: int, steps_per_epoch: int, lag: int = 0) -> None:
        super().__init__(epochs, steps_per_epoch, lag)
        stops = _stops(epochs, steps_per_epoch)
        self.rungs = stops[:1]
        self.end = stops[1] if len(stops) > 1 else epochs
        self._gap = max(1, round(TREND * epochs))
        self._scores: dict[int, dict[int, float]] = {}
        self._ranking = _Ranking()

    def until(self, trial: int, trained: int) -> int:
        """The next stop; to the end for what waits at the last one, in runs of earlier versions."""
        return next((stop for stop in (*self.rungs, self.end) if stop > trained), self.epochs)

    def validate_every(self, until: int) -> int:
        """What the trend at that epoch is taken over."""
        return max(1, self._before(until))

    def report(self, trial: int, epoch: int, score: float) -> bool:
        """Records a score; a trial that is on its way is never stopped."""
        scores = self._scores.setdefault(trial, {})
        scores[epoch] = score
        for rung in self.rungs:  # what is rebuilt from a study may come in another order
            if rung in scores and rung - self._before(rung) <= epoch <= rung:
                self._ranking.put(trial, self._trend(scores, rung))
        return True

    def signal(self, scores: Mapping[int, float]) -> float | None:
        """The score at the first stop, with its trend; None of trials that have not reached it."""
        return self._trend(scores, self.rungs[0]) if self.rungs and self.rungs[0] in scores else None

    def _before(self, rung: int) -> int:
        return min(self._gap, rung - 1)

    def _trend(self, scores: Mapping[int, float], rung: int) -> float:
        return 2 * scores[rung] - scores.get(rung - self._before(rung), scores[rung])

    def keep(self, waiting: Container[int], trials: int) -> list[int]:
        """Those among the best where they wait, and the default."""
        best = self._ranking.best(self._kept(trials))
        default = [DEFAULT] if DEFAULT in self._ranking.values else []
        further = [number for number, scores in self._scores.items() if self.end in scores]
        return [number for number in dict.fromkeys([*best, *default, *further]) if number in waiting]

    def _kept(self, trials: int) -> int:
        """How many of so many trials go on; the default may be one more."""
        share, least = (KEPT, LEAST) if self.end < self.epochs else (KEPT_TO_THE_END, LEAST_TO_THE_END)
        return max(least, round(share * trials))

    def later(self, trials: int, complete: int) -> int:
        """Epochs to the last stop, for those that are not there yet."""
        if not self.rungs:
            return 0
        return max(0, min(trials, self._kept(trials) + 1) - complete) * (self.end - self.rungs[0])


@dataclass
class _Ranking:
    """Trials by a value, the best first."""

    values: dict[int, float] = field(default_factory=dict)
    _sorted: list[tuple[float, int]] = field(default_factory=list)

    def put(self, trial: int, value: float) -> None:
        """Puts a trial at its place, whether or not it had another."""
        if trial in self.values:
            self._sorted.remove((-self.values[trial], trial))
        self.values[trial] = value
        bisect.insort(self._sorted, (-value, trial))

    def best(self, count: int) -> list[int]:
        """The best so many."""
        return [trial for _, trial in self._sorted[:count]]


def _stops(epochs: int, steps_per_epoch: int) -> list[int]:
    """The epochs at which trials are compared, two at most; not before two, nor `FIRST_RUNG_STEPS` steps."""
    first = max(FIRST_RUNG_EPOCHS, math.ceil(FIRST_RUNG_STEPS / max(1, steps_per_epoch)))
    found = sorted({max(first, round(share * epochs)) for share in STOPS})
    return [stop for stop in found if stop < LAST_RUNG * epochs]
