"""The interface of schedulers, which decide whether and when a trial waits, goes on or ends.

A scheduler lives in memory. Only what is in the study is needed to rebuild it, by reporting it all
again, in any order.
"""

import bisect
import math
from collections.abc import Container, Mapping
from dataclasses import dataclass, field

ETA = 3
"""A rung lets the best 1 in `ETA` of those that reached it pass."""

LAST_RUNG = 2 / 3
"""Share of the schedule from which no trial is stopped any more."""

FIRST_RUNG_EPOCHS = 2
FIRST_RUNG_STEPS = 60
"""The first rung: not before this many epochs, nor this many optimizer steps."""

DEFAULT = 0
"""The trial that is never stopped: the space's own configuration is one of the baselines."""


class Scheduler:
    """Lets every trial run to its end; the others decide more.

    Attributes:
        epochs: of a whole training.
        rungs: epochs after which trials are compared.
        end: the epoch at which a trial is done, at most that of a whole training.
        lag: a trial is compared only with those whose number is at least this much smaller; 0 to
            compare it with all.
    """

    def __init__(self, epochs: int, steps_per_epoch: int, lag: int = 0) -> None:
        self.epochs = self.end = epochs
        self.rungs = rungs(epochs, steps_per_epoch)
        self.lag = lag

    def until(self, trial: int, trained: int, cost: float = 1.0) -> int:
        """The epoch at which a trial that has trained so many ends, or waits if below `end`.

        Args:
            trial: its number.
            trained: epochs that it has trained.
            cost: of an epoch of it, divided by that of the default.
        """
        return self.epochs

    def first(self, scores: Mapping[int, float]) -> int:
        """The epoch at which a trial with these scores, by epoch, waited first, or ended."""
        return self.epochs

    def validate_every(self, until: int) -> int:
        """The epochs before that one which `report` wants: so many apart, counted back from it."""
        return 1

    def report(self, trial: int, epoch: int, score: float) -> bool:
        """Records a score; returns whether the trial goes on."""
        return True

    def signal(self, scores: Mapping[int, float]) -> float | None:
        """A score by which all trials can be compared, those that went on and those that did not.

        Args:
            scores: of a trial, by epoch.

        Returns:
            None where there is no such point, or the trial has not reached it; then final scores
            count, and samplers treat what was pruned in their own way.
        """
        return None

    def keep(self, waiting: Container[int], trials: int) -> list[int]:
        """Which of the waiting trials may go on, as far as is known; the best first.

        Args:
            waiting: their numbers.
            trials: that the search is to have in all.
        """
        return []

    def later(self, trials: int, complete: int) -> int:
        """Epochs that waiting trials will still be trained for.

        Args:
            trials: that the search is to have in all.
            complete: how many of them are.
        """
        return 0


@dataclass
class Scores:
    """The scores of trials at one rung.

    Attributes:
        lag: see `Scheduler`.
    """

    lag: int = 0
    by_trial: dict[int, float] = field(default_factory=dict)
    _sorted: list[float] = field(default_factory=list)

    def add(self, trial: int, score: float) -> None:
        """Records a score; an interrupted trial reports the same epochs again."""
        if trial not in self.by_trial:
            self.by_trial[trial] = score
            bisect.insort(self._sorted, score)

    def rank(self, trial: int, score: float) -> tuple[int, int]:
        """(how many are better, how many there are): this one among those it is compared with."""
        if not self.lag:  # a binary search, however many trials there are
            return len(self._sorted) - bisect.bisect_right(self._sorted, score), len(self._sorted)
        known = [other for number, other in self.by_trial.items() if number <= trial - self.lag]
        return sum(other > score for other in known), len(known) + 1


def rungs(epochs: int, steps_per_epoch: int) -> list[int]:
    """Epochs after which trials are compared: the first rung, then `ETA` times as many.

    None lies in the last third: there the rate falls, and stopping saves next to nothing.

    Args:
        epochs: length of a whole trial.
        steps_per_epoch: optimizer steps an epoch.
    """
    rung, found = first_rung(steps_per_epoch), []
    while rung < epochs * LAST_RUNG:
        found.append(rung)
        rung *= ETA
    return found


def first_rung(steps_per_epoch: int) -> int:
    """The first epoch after which trials may be compared."""
    return max(FIRST_RUNG_EPOCHS, math.ceil(FIRST_RUNG_STEPS / max(1, steps_per_epoch)))
