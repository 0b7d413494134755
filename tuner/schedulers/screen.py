"""Screening: all trials for a few epochs, the best few to the end."""

import bisect
from collections.abc import Container

from tuner.schedulers.base import DEFAULT, Scheduler

SHARE = 0.12
LEAST = 4
"""Of all trials, so many go on to the end, and not fewer than these."""


class Screen(Scheduler):
    """Trains every trial to the first rung, where it waits; then the best of all go on to the end.

    What waits keeps its state, so nothing is trained twice, and a trial is compared with all others
    instead of those that happened to come before it. Good early scores find good trials better than
    successive halving does (arXiv 2307.15422 and 2404.04111; `nox -s bench` has our own replays).
    """

    def __init__(self, epochs: int, steps_per_epoch: int, lag: int = 0) -> None:
        super().__init__(epochs, steps_per_epoch, lag)
        self.rungs = self.rungs[:1]
        self.common = self.rungs[0] if self.rungs else None
        self._scores: dict[int, float] = {}
        self._ranked: list[tuple[float, int]] = []  # (-score, number): the best first

    def until(self, trial: int, trained: int) -> int:
        """The epoch up to which a trial goes on: the rung, then the end."""
        return self.common if self.common and trained < self.common else self.epochs

    def report(self, trial: int, epoch: int, score: float) -> bool:
        """Records a score; a trial that is on its way is never stopped."""
        if epoch == self.common and trial not in self._scores:
            self._scores[trial] = score
            bisect.insort(self._ranked, (-score, trial))
        return True

    def keep(self, waiting: Container[int], trials: int) -> list[int]:
        """Those among the best of all trials so far, and the default."""
        best = [number for _, number in self._ranked[: kept(trials)]]
        return [number for number in [*best, DEFAULT] if number in waiting]

    def later(self, trials: int, complete: int) -> int:
        """Epochs from the rung to the end, for those that are not there yet."""
        return max(0, kept(trials) - complete) * (self.epochs - self.common) if self.common else 0


def kept(trials: int) -> int:
    """How many of so many trials go on to the end."""
    return max(LEAST, round(SHARE * trials))
