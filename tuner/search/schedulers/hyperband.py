"""Hyperband: successive halving with several first rungs."""

import math

from tuner.search.schedulers.asha import Asha
from tuner.search.schedulers.base import ETA, Scheduler


class Hyperband(Scheduler):
    """Hyperband (arXiv 1603.06560), its brackets halved asynchronously.

    A bracket leaves out the first rungs: none of them, one, …, all. The more a bracket has, the more
    trials it gets, so that each trains about as many epochs. A trial belongs to one bracket, by its
    number, and is compared within it.
    """

    def __init__(self, epochs: int, steps_per_epoch: int, lag: int = 0) -> None:
        super().__init__(epochs, steps_per_epoch, lag)
        most = len(self.rungs)
        self._brackets = [Asha(epochs, steps_per_epoch, lag, first) for first in range(most + 1)]
        counts = [len(bracket.rungs) for bracket in self._brackets]
        self._sizes = [math.ceil((most + 1) / (count + 1) * ETA**count) for count in counts]

    def bracket(self, trial: int) -> int:
        """The bracket of a trial: 0 has all rungs, the last has none."""
        place = (trial - 1) % sum(self._sizes)  # the default, which nothing stops, takes no place
        for index, size in enumerate(self._sizes):
            if place < size:
                return index
            place -= size
        raise AssertionError(trial)

    def report(self, trial: int, epoch: int, score: float) -> bool:
        """Records a score; returns whether the trial goes on."""
        return self._brackets[self.bracket(trial)].report(trial, epoch, score)
