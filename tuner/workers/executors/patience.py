"""How long a worker may be silent before it counts as hung."""

import os
from dataclasses import dataclass

from tuner.errors import UsageError

LEAST_SECONDS = 120.0
FIRST_TIMES = 15
"""The first epoch of a work item also builds and compiles the model; estimators have no other."""

EPOCH_TIMES = 10


def least_seconds() -> float:
    """Seconds of silence that are always allowed: `$TUNE_HANG_SECONDS`, else 120.

    Raises:
        UsageError: it is not a positive number.
    """
    given = os.environ.get("TUNE_HANG_SECONDS", str(LEAST_SECONDS))
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise UsageError(f"TUNE_HANG_SECONDS is {given!r}; expected a number of seconds above 0")
    return seconds


@dataclass(frozen=True)
class Patience:
    """The silence that a worker is allowed, learnt from the pace of its own work item.

    Attributes:
        least: seconds of silence that are always allowed.
        longest: seconds of the longest epoch so far, None before the first.
    """

    least: float
    longest: float | None = None

    def after(self, seconds: float) -> "Patience":
        """The patience after an epoch that took so many seconds."""
        return Patience(self.least, max(seconds, self.longest or 0.0))

    @property
    def seconds(self) -> float:
        """Of silence, as allowed now: 15 times `least` in the first epoch, then 10 times the longest."""
        if self.longest is None:
            return FIRST_TIMES * self.least
        return max(self.least, EPOCH_TIMES * self.longest)
