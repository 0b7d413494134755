"""Asynchronous successive halving."""

from tuner.search.schedulers.base import DEFAULT, ETA, Scheduler, Scores


class Asha(Scheduler):
    """Asynchronous successive halving, stop-only (arXiv 1810.05934).

    A trial that reaches a rung goes on when its score is among the best third of all that have
    reached that rung so far. The rungs before the one at place `first` are left out.
    """

    def __init__(self, epochs: int, steps_per_epoch: int, lag: int = 0, first: int = 0) -> None:
        super().__init__(epochs, steps_per_epoch, lag)
        self.rungs = self.rungs[first:]
        self._scores = {rung: Scores(lag) for rung in self.rungs}

    def report(self, trial: int, epoch: int, score: float) -> bool:
        """Records a score; returns whether the trial goes on."""
        if epoch not in self._scores:
            return True
        self._scores[epoch].add(trial, score)
        better, count = self._scores[epoch].rank(trial, score)
        return trial == DEFAULT or better < max(1, count // ETA)
