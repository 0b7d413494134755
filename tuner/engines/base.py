"""What an engine is: it chooses the trials of a study, and records what comes of them."""

import sys
from dataclasses import dataclass
from typing import Literal, Protocol

from search_spaces.space import ParamValue
from tuner.records import EpochReport, TrialResult, TrialSpec

Outcome = Literal["complete", "pruned", "failed", "waiting", "paused"]
"""How a trial is told: waiting means that it was interrupted and is to come again, as it was; paused,
that its state is saved and that the engine may go on with it."""

UNLIMITED = sys.maxsize


@dataclass(frozen=True)
class PastTrial:
    """A trial that has ended, or waits.

    Attributes:
        number: in its study.
        outcome: complete, pruned, failed or paused.
        score: at its last epoch; None where there was none.
        params: all of them.
        scores: by epoch.
        epochs: trained.
        images: seen in training.
        seconds: on its worker.
        parameters: weights of its model, 0 if they are not known.
        latency_ms: of its model for one image, None if it was not measured.
        excess: by how much its model breaks the limits of the run, as a share of them; 0 if it
            holds them all, or is not known to break one.
    """

    number: int
    outcome: Outcome
    score: float | None
    params: dict[str, ParamValue]
    scores: dict[int, float]
    epochs: int
    images: int
    seconds: float
    parameters: int = 0
    latency_ms: float | None = None
    excess: float = 0.0

    @property
    def feasible(self) -> bool:
        """Whether it may win."""
        return self.excess <= 0


class Engine(Protocol):
    """Chooses trials; the Optuna study is the record, whichever engine chose them."""

    def ask(self, most: int = UNLIMITED) -> TrialSpec | None:
        """The next trial; interrupted ones come first, under their own number.

        Args:
            most: trials that the study may hold; paused ones may go on beyond that.

        Returns:
            None where there is none yet. Where nothing runs either, there will be none.
        """
        ...

    def report(self, number: int, report: EpochReport) -> None:
        """Records an epoch."""
        ...

    def tell(self, number: int, result: TrialResult, outcome: Outcome, where: tuple[int, str]) -> None:
        """Records how a trial ended, in which slot, on which device."""
        ...

    def note(self, number: int, key: str, value: object) -> None:
        """Records a fact of a running trial."""
        ...

    def paused(self) -> list[PastTrial]:
        """The trials that wait, by number."""
        ...

    def waiting(self) -> dict[int, int]:
        """The epochs that each of them has trained, by number."""
        ...

    def put_back(self, number: int) -> None:
        """Takes back a trial that was asked for and has not begun: it comes again, or waits again."""
        ...

    def interrupted(self) -> list[PastTrial]:
        """The trials that had gone on after a pause when they were interrupted, by number."""
        ...

    def go_on(self, number: int) -> TrialSpec:
        """Goes on with a paused trial, up to where the scheduler says."""
        ...

    def drop(self, most: int, *, everything: bool = False) -> list[PastTrial]:
        """Ends the paused trials that cannot go on any more, or all of them; returns those.

        Args:
            most: trials that the study is to have.
            everything: end all of them.
        """
        ...

    def past(self) -> list[PastTrial]:
        """The trials that have ended, by number."""
        ...
