"""When a search has seen enough: a target that is reached, or no progress any more."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Closed = Literal["", "target", "plateau", "budget"]
"""Why a search asks for no more new trials; "" while it does. Those that wait may still go on."""


@dataclass(frozen=True)
class Limits:
    """The limits that end a search before it has all its trials.

    Attributes:
        target: validation score that is good enough; None for none.
        patience: trials in a row without a better one than before; None for no such rule.
    """

    target: float | None = None
    patience: int | None = None

    def reached(self, trials: Mapping[int, "Settled"]) -> Closed:
        """Which limit is reached, if any.

        Args:
            trials: those that have ended, or wait, by number.
        """
        if any(self.is_target(trial.score) for trial in trials.values()):
            return "target"
        if self.patience is None:
            return ""
        best, since = float("-inf"), 0
        for number in sorted(trials):
            compared = trials[number].compared
            better = compared is not None and compared > best
            best, since = (compared, 0) if compared is not None and better else (best, since + 1)
        return "plateau" if since >= self.patience else ""

    def is_target(self, score: float | None) -> bool:
        """Whether a score is good enough."""
        return self.target is not None and score is not None and score >= self.target


@dataclass(frozen=True)
class Settled:
    """The score of a trial when it first ended or waited.

    Attributes:
        score: at its last epoch then; None if it had none.
        compared: what it can be compared with others by (`Scheduler.signal`, or the score of a whole
            training); None of those that were stopped before that, or failed.
    """

    score: float | None
    compared: float | None
