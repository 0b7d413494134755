"""Screening: all trials for a few epochs, the best of them for some more."""

import bisect
import math
from collections.abc import Container, Mapping
from dataclasses import dataclass, field

from tuner.search.schedulers.base import DEFAULT, LAST_RUNG, Scheduler, first_rung

STOPS = (0.15, 0.4)
"""Shares of the schedule: the default is trained to the first, other trials about as long, the best to the
second."""

KEPT, LEAST = 0.12, 6
"""Share of all trials that go on, and how many at least."""

KEPT_TO_THE_END, LEAST_TO_THE_END = 0.06, 3
"""The same in a schedule so short that it has one such stop: from there they are trained to its end."""

TREND = 0.1
"""Share of the schedule over which the trend of the default's score is taken."""


class Screen(Scheduler):
    """Trains every trial to a first stop, where it waits; the best of all go on to a second, and are done.

    What costs less than the default comes further before it is compared, what costs more less far: by the
    square root of the cost. At one epoch for all wide networks are ahead, as they learn more in an epoch, and
    are no better in the end.

    Nobody is trained to the end of the schedule: finalists are, on fresh folds, and who is one hardly depends
    on more epochs. A trial that waits keeps its state, so nothing is trained twice, and a trial is compared
    with all others instead of those that happened to come before it. The score is compared plus its gain
    since an epoch at the start: strong augmentation, dropout and small rates start slowly and end well.
    `tests/benchmarks/README.md` has the replays that chose all this. It extends "train two epochs, finish the
    best few", which knows no trend (arXiv 2307.15422, 2404.04111).
    """

    def __init__(self, epochs: int, steps_per_epoch: int, lag: int = 0) -> None:
        super().__init__(epochs, steps_per_epoch, lag)
        stops = _stops(epochs, steps_per_epoch)
        self.rungs = stops[:1]
        self.end = stops[1] if len(stops) > 1 else epochs
        self._gap = max(1, round(TREND * epochs))
        first = self.rungs[0] if self.rungs else epochs
        self._start = first - min(self._gap, first - 1)
        self._scores: dict[int, dict[int, float]] = {}
        self._ranking = _Ranking()
        self._least = max(first_rung(steps_per_epoch), self._start + 1)

    def until(self, trial: int, trained: int, cost: float = 1.0) -> int:
        """The next stop; to the end for what waits at the last one, in runs of earlier versions."""
        if self.rungs and not trained:
            return max(self._least, min(self.end - 1, round(self.rungs[0] / math.sqrt(cost))))
        return self.end if trained < self.end else self.epochs

    def validate_every(self, until: int) -> int:
        """On the way to the first stop, what the trend is taken since; then some points of a curve."""
        return until - self._start if self.rungs and until < self.end else max(1, min(self._gap, until - 1))

    def first(self, scores: Mapping[int, float]) -> int:
        """The first epoch with a score after the one that the trend is taken since."""
        return min((epoch for epoch in scores if epoch > self._start), default=self.epochs)

    def report(self, trial: int, epoch: int, score: float) -> bool:
        """Records a score; a trial that is on its way is never stopped."""
        scores = self._scores.setdefault(trial, {})
        scores[epoch] = score
        signal = self.signal(scores)
        if signal is not None:  # what is rebuilt from a study may come in another order
            self._ranking.put(trial, signal)
        return True

    def signal(self, scores: Mapping[int, float]) -> float | None:
        """The score at the first stop, with its trend; None of trials that have not reached it."""
        first = self.first(scores)
        if not self.rungs or first not in scores:
            return None
        return 2 * scores[first] - scores.get(self._start, scores[first])

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
    """The epochs at which the default is compared with others, two at most."""
    found = sorted({max(first_rung(steps_per_epoch), round(share * epochs)) for share in STOPS})
    return [stop for stop in found if stop < LAST_RUNG * epochs]
