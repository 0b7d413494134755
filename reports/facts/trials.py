"""The material of a report: facts of the data and of the search, nothing formatted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tuner.constraints import REFUSED

TrialState = Literal["complete", "pruned", "failed", "unfinished"]


@dataclass(frozen=True)
class Trial:
    """One trial of the search.

    Attributes:
        number: from 0; 0 is the default of the space.
        state: unfinished if the run was interrupted in it.
        params: the searched parameters.
        curve: (epoch, score) pairs, in order.
        score: at the end of the schedule, or the last one before it was stopped; None without any.
        stints: when it trained; more than one where it waited in between.
        seconds: it took on its workers.
        epochs: it trained.
        reason, message: of a failure, or of a trial that was refused before it was trained.
        parameters: weights of its model.
        warm_start: the earlier run whose winner it tried, "" for none.
        feasible: whether its model holds the limits of the run; only such a trial can win.
    """

    number: int
    state: TrialState
    params: Mapping[str, Any]
    curve: tuple[tuple[int, float], ...]
    score: float | None
    stints: tuple["Stint", ...]
    seconds: float | None
    epochs: int
    reason: str
    message: str
    parameters: int | None
    feasible: bool = True
    warm_start: str = ""

    @property
    def refused(self) -> bool:
        """Whether it was not trained, as its model breaks a limit of the run."""
        return self.reason == REFUSED


@dataclass(frozen=True)
class Stint:
    """A training without a pause.

    Attributes:
        started: seconds since the search began.
        seconds: it took.
        slot: where.
        device: of that slot; "" in runs of earlier versions.
    """

    started: float
    seconds: float
    slot: int
    device: str = ""


@dataclass(frozen=True)
class Importance:
    """Share of a parameter in what separates good trials from the rest, all shares adding up to 1.

    Attributes:
        low, high: the middle 80 % over random halves of the trials; None with fewer than 20.
    """

    param: str
    importance: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Search:
    """The search as a whole.

    Attributes:
        importance: most important first; empty where the trials do not allow any.
        seconds, epochs_trained, images_per_second, stopped_by: None where the run did not get there.
    """

    trials: tuple[Trial, ...]
    importance: tuple[Importance, ...]
    seconds: float | None
    epochs_trained: int
    images_per_second: float | None
    stopped_by: str | None

    def count(self, state: TrialState) -> int:
        """Number of trials in that state."""
        return sum(trial.state == state for trial in self.trials)

    def of_state(self, state: TrialState) -> tuple[Trial, ...]:
        """Trials in that state, by number."""
        return tuple(trial for trial in self.trials if trial.state == state)

    @property
    def best(self) -> Trial | None:
        """The complete trial with the highest score among those that can win."""
        complete = [t for t in self.of_state("complete") if t.score is not None and t.feasible]
        return max(complete, key=lambda trial: (trial.score or 0.0, -trial.number), default=None)

    def ranked(self) -> tuple[Trial, ...]:
        """Trials with a score: the complete ones first, each kind best first."""
        scored = [trial for trial in self.trials if trial.score is not None and trial.state != "failed"]
        return tuple(sorted(scored, key=lambda t: (t.state != "complete", -(t.score or 0.0), t.number)))
