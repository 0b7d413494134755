"""When a search has seen enough: a target that is reached, or no progress any more."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Closed = Literal["", "target", "plateau", "budget"]
"""Why a search asks for no more new trials; "" while it does. Those that wait may still go on."""


@dataclass(frozen=True)
class Limits:
    """What ends a search before it has all its trials.

    Attributes:
        target: validation score that is good enough; None for none.
        patience: trials in a row without a better one than before; None for no such rule.
    """

    target: float | None = None
    patience: int | None = None

    def reached(self, scores: Mapping[int, float | None]) -> Closed:
        """Which of them is reached, if any.

        Args:
            scores: of trials by number, at a point at which they can be compared; None of those
                that were stopped before it, or failed.
        """
        if self.target is None and self.patience is None:
            return ""
        best, since = float("-inf"), 0
        for number in sorted(scores):
            score = scores[number]
            better = score is not None and score > best
            best, since = (score, 0) if score is not None and better else (best, since + 1)
        if self.is_target(best):
            return "target"
        return "plateau" if self.patience is not None and since >= self.patience else ""

    def is_target(self, score: float) -> bool:
        """Whether a score is good enough."""
        return self.target is not None and score >= self.target
