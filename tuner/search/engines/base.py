"""The interface of engines, which choose the trials of a study and record their results."""

import sys
from typing import Protocol

from tuner.records import EpochReport, Outcome, PastTrial, TrialResult, TrialSpec

UNLIMITED = sys.maxsize


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
        """Epochs trained by each waiting trial, by trial number."""
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
