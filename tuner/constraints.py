"""How large and how slow a model may be: larger ones are refused before they are trained."""

from collections.abc import Sequence
from dataclasses import dataclass

from tuner.records import PastTrial

REFUSED = "refused"
"""The reason of a trial that was not trained, as its model breaks a limit."""


@dataclass(frozen=True)
class Constraints:
    """The limits that a trial's model must keep to be trained, and to win.

    Attributes:
        max_parameters: weights of a model, None for any number.
        max_latency_ms: milliseconds to predict one image on one CPU thread, None for any.
    """

    max_parameters: int | None = None
    max_latency_ms: float | None = None

    def excesses(self, parameters: int, latency_ms: float | None) -> dict[str, float]:
        """By how much a model breaks each limit, as a share of it; 0 or less where it holds it.

        Shares, since samplers add them up.

        Args:
            parameters: weights of the model, 0 if they are not known.
            latency_ms: of the model, None if it is not known.

        Returns:
            Those that are known, by name, as Optuna wants constraints.
        """
        found = {}
        if self.max_parameters is not None and parameters:
            found["parameters"] = parameters / self.max_parameters - 1
        if self.max_latency_ms is not None and latency_ms is not None:
            found["latency_ms"] = latency_ms / self.max_latency_ms - 1
        return found

    def broken(self, parameters: int, latency_ms: float | None) -> str:
        """The model's size or latency and the limit that it breaks; "" where it keeps all limits."""
        excesses, parts = self.excesses(parameters, latency_ms), []
        if excesses.get("parameters", 0.0) > 0:
            parts.append(f"{parameters:,} parameters; --max-parameters allows {self.max_parameters:,}")
        if excesses.get("latency_ms", 0.0) > 0:
            parts.append(f"{latency_ms:.3g} ms an image; --max-latency-ms allows {self.max_latency_ms:g}")
        return "; ".join(parts)

    def hopeless(self, past: Sequence[PastTrial]) -> str:
        """The message for a search in which nothing that holds the limits ran to its end.

        Args:
            past: trials that have ended.

        Returns:
            "" where limits are not to blame.
        """
        over = [trial for trial in past if not trial.feasible]
        if not over:
            return ""
        smallest = min(over, key=lambda trial: trial.excess)
        return (
            f"no trial that holds the limits ran to its end; {len(over)} of {len(past)} break them\n"
            f"the nearest, trial {smallest.number}, has "
            f"{self.broken(smallest.parameters, smallest.latency_ms)}\n"
            "a higher limit would help, or smaller models: --set with lower ranges, or another --space"
        )
