"""The median rule."""

from tuner.search.schedulers.base import DEFAULT, LAST_RUNG, Scheduler, Scores

LEAST = 5
"""Trials that an epoch must have been reached by before any is stopped there."""


class Median(Scheduler):
    """Stops a trial whose score is below the median of the others at the same epoch.

    The median stopping rule of Google Vizier (doi.org/10.1145/3097983.3098043), with the score of the
    epoch itself; it is asked after each epoch from the first rung on.
    """

    def __init__(self, epochs: int, steps_per_epoch: int, lag: int = 0) -> None:
        super().__init__(epochs, steps_per_epoch, lag)
        first = self.rungs[0] if self.rungs else epochs
        self._scores = {epoch: Scores(lag) for epoch in range(first, epochs) if epoch < epochs * LAST_RUNG}

    def report(self, trial: int, epoch: int, score: float) -> bool:
        """Records a score; returns whether the trial goes on."""
        if epoch not in self._scores:
            return True
        self._scores[epoch].add(trial, score)
        better, count = self._scores[epoch].rank(trial, score)
        return trial == DEFAULT or count <= LEAST or better <= count // 2
