"""Screening: all trials for a few epochs, the best of them for some more, the best few to the end."""

import bisect
import math
from collections.abc import Container, Mapping
from dataclasses import dataclass, field

from tuner.search.schedulers.base import DEFAULT, FIRST_RUNG_EPOCHS, FIRST_RUNG_STEPS, LAST_RUNG, Scheduler

STAGES = ((0.15, 0.12), (0.4, 0.06))
"""Shares: of the schedule, at which trials are compared; and of all trials, that go on from there."""

LEAST = (6, 3)
"""So many go on from each stage at least."""

TREND = 0.1
"""Share of the schedule over which the trend of a score is taken."""


class Screen(Scheduler):
    """Trains every trial to a first rung, where it waits; the best of all go on to a second, and so on.

    A trial that waits keeps its state, so nothing is trained twice, and a trial is compared with all others
    instead of those that happened to come before it. The score is compared plus its gain over
    the last tenth of the schedule: strong augmentation, dropout and small rates start slowly and end
    well. `tests/benchmarks/README.md` has the replays that chose all this. It extends "train two
    epochs, finish the best few", which knows no trend (arXiv 2307.15422, 2404.04111).
    """

    def __init__(self, epochs: int, steps_per_epoch: int, lag: int = 0) -> None:
        super().__init__(epochs, steps_per_epoch, lag)
        self.rungs = _rungs(epochs, steps_per_epoch)
        self._gap = max(1, round(TREND * epochs))
        self._scores: dict[int, dict[int, float]] = {}
        self._rankings = {rung: _Ranking() for rung in self.rungs}

    def until(self, trial: int, trained: int) -> int:
        """The next rung, or the end."""
        return next((rung for rung in self.rungs if rung > trained), self.epochs)

    def validate_every(self, until: int) -> int:
        """What the trend at that epoch is taken over."""
        return max(1, self._before(until))

    def report(self, trial: int, epoch: int, score: float) -> bool:
        """Records a score; a trial that is on its way is never stopped."""
        scores = self._scores.setdefault(trial, {})
        scores[epoch] = score
        for rung in self.rungs:  # what is rebuilt from a study may come in another order
            if rung in scores and rung - self._before(rung) <= epoch <= rung:
                self._rankings[rung].put(trial, self._trend(scores, rung))
        return True

    def signal(self, scores: Mapping[int, float]) -> float | None:
        """The score at the first rung, with its trend; None of trials that have not reached it."""
        return self._trend(scores, self.rungs[0]) if self.rungs and self.rungs[0] in scores else None

    def _before(self, rung: int) -> int:
        return min(self._gap, rung - 1)

    def _trend(self, scores: Mapping[int, float], rung: int) -> float:
        return 2 * scores[rung] - scores.get(rung - self._before(rung), scores[rung])

    def keep(self, waiting: Container[int], trials: int) -> list[int]:
        """Those among the best at the rung where they wait, and the default; early rungs first."""
        found = []
        for place, rung in enumerate(self.rungs):
            best = self._rankings[rung].best(self.kept(place, trials))
            chosen = dict.fromkeys([*best, *([DEFAULT] if DEFAULT in self._rankings[rung].values else [])])
            beyond = self._rankings.get(self.until(DEFAULT, rung), _Ranking()).values
            found += [number for number in chosen if number in waiting and number not in beyond]
        return found

    def kept(self, place: int, trials: int) -> int:
        """How many of so many trials go on from the rung at a place; the default may be one more."""
        least = LEAST[-len(self.rungs) :][place]
        return max(least, round(STAGES[-len(self.rungs) :][place][1] * trials))

    def later(self, trials: int, complete: int) -> int:
        """Epochs from rung to rung and to the end, for those that are not there yet."""
        epochs = 0
        for place, rung in enumerate(self.rungs):
            following = self.until(DEFAULT, rung)
            beyond = len(self._rankings[following].values) if following in self._rankings else complete
            epochs += max(0, min(trials, self.kept(place, trials) + 1) - beyond) * (following - rung)
        return epochs


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


def _rungs(epochs: int, steps_per_epoch: int) -> list[int]:
    """The epochs at which trials are compared; not before two, nor `FIRST_RUNG_STEPS` steps."""
    first = max(FIRST_RUNG_EPOCHS, math.ceil(FIRST_RUNG_STEPS / max(1, steps_per_epoch)))
    found = sorted({max(first, round(share * epochs)) for share, _ in STAGES})
    return [rung for rung in found if rung < LAST_RUNG * epochs]
