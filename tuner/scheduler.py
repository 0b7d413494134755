"""Decides after each epoch whether a trial goes on: our own rungs, in memory.

Only what is in the study is needed to rebuild a scheduler, by reporting it all again.
"""

import bisect
import math
from typing import Protocol

ETA = 3
"""A rung lets the best 1 in `ETA` of those that reached it pass."""

LAST_RUNG = 2 / 3
"""Share of the schedule from which no trial is stopped any more."""

FIRST_RUNG_EPOCHS = 2
FIRST_RUNG_STEPS = 60
"""The first rung: not before this many epochs, nor this many optimizer steps."""


class Scheduler(Protocol):
    """Told of every epoch of every trial."""

    def report(self, trial: int, epoch: int, score: float) -> bool:
        """Records a score; returns whether the trial goes on."""
        ...


class NoPruning:
    """Every trial runs to the end."""

    def report(self, trial: int, epoch: int, score: float) -> bool:
        """Always goes on."""
        return True


class Asha:
    """Asynchronous successive halving, stop-only (arXiv 1810.05934).

    A trial that reaches a rung goes on when its score is among the best third of all that have
    reached that rung so far. Trial 0, the space's default, is never stopped: it is a baseline.
    A report costs a binary search in one sorted list.
    """

    def __init__(self, epochs: int, steps_per_epoch: int, eta: int = ETA) -> None:
        self.rungs = rungs(epochs, steps_per_epoch, eta)
        self._eta = eta
        self._scores: dict[int, list[float]] = {rung: [] for rung in self.rungs}
        self._seen: set[tuple[int, int]] = set()

    def report(self, trial: int, epoch: int, score: float) -> bool:
        """Records a score; returns whether the trial goes on."""
        if epoch not in self._scores:
            return True
        scores = self._scores[epoch]
        if (trial, epoch) not in self._seen:  # an interrupted trial reports the same epochs again
            self._seen.add((trial, epoch))
            bisect.insort(scores, score)
        better = len(scores) - bisect.bisect_right(scores, score)
        return trial == 0 or better < max(1, len(scores) // self._eta)


def rungs(epochs: int, steps_per_epoch: int, eta: int = ETA) -> list[int]:
    """Epochs after which trials are compared: the first rung, then `eta` times as many.

    None lies in the last third: there the rate falls, and stopping saves next to nothing.

    Args:
        epochs: length of a whole trial.
        steps_per_epoch: optimizer steps an epoch.
        eta: factor between rungs.
    """
    first = max(FIRST_RUNG_EPOCHS, math.ceil(FIRST_RUNG_STEPS / max(1, steps_per_epoch)))
    found = []
    while first < epochs * LAST_RUNG:
        found.append(first)
        first *= eta
    return found


def make(pruner: str, epochs: int, steps_per_epoch: int) -> Scheduler:
    """The scheduler that `--pruner` names."""
    return NoPruning() if pruner == "none" else Asha(epochs, steps_per_epoch)
