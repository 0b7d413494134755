"""How a budget is divided: the length of trials that fits it, and what is kept for the end of the run."""

import math

from tuner.ending.final import LEAST_EPOCHS
from tuner.errors import UsageError
from tuner.run_record import PlanRecord

FULL_TRAININGS = 16
"""Trainings as long as a whole trial that the end of a run is planned to have room for, with a
budget: finalists, three retrainings of winner and default, a baseline twice as slow."""

OVERHEAD_SECONDS = 20.0
"""Set aside for starting workers and for writing the report."""

REPORT_SECONDS = 15.0
REPORT_SHARE = 0.25
"""Of the budget, kept for writing the report: so much, but no more than that share."""

SPARE = 1.2
"""The budget that is offered instead of one that is too small is longer than the least by this factor."""


class TooShortError(UsageError):
    """The budget is too short for any run; nothing was done."""


def fit_budget(
    epochs: int, seconds_left: float, epoch_seconds: float, start_seconds: float, slots: int
) -> PlanRecord:
    """Shortens trials so that a search, and the end of the run, fit the budget.

    Half of the time is the end's, which needs room for `FULL_TRAININGS` whole trainings.
    """
    if not epoch_seconds:
        return PlanRecord(epochs=epochs)
    room = max(0.0, seconds_left - OVERHEAD_SECONDS) / 2 * slots / FULL_TRAININGS
    fitting = math.floor((room - start_seconds) / epoch_seconds)
    chosen = max(LEAST_EPOCHS, min(epochs, fitting))
    notes = (
        [] if chosen >= epochs else [f"trials have {chosen} epochs instead of {epochs}, to hold the budget"]
    )
    return PlanRecord(
        epochs=min(chosen, epochs), epoch_seconds=epoch_seconds, start_seconds=start_seconds, notes=notes
    )


def report_seconds(budget: float) -> float:
    """Seconds at the end of a budget that are the report's."""
    return min(REPORT_SECONDS, REPORT_SHARE * budget)


def check_budget(budget: float, spent: float, planned: PlanRecord) -> None:
    """Lets a run go on that can hold its budget.

    Args:
        budget: of the whole command, in seconds.
        spent: seconds of it, for the audit, the start of the workers and the probe.
        planned: what it is to do; its trials are as short as the budget has them.

    Raises:
        TooShortError: there is no time for one whole trial and one retraining of it.
    """
    training = planned.epochs * planned.epoch_seconds
    if spent + 2 * training + report_seconds(budget) <= budget:
        return
    offer = SPARE * (spent + 2 * training + REPORT_SECONDS)
    raise TooShortError(
        f"--budget {budget:.0f}s is too short: getting ready took {spent:.0f} s, and one trial of "
        f"{planned.epochs} epochs and one retraining take {2 * training:.0f} s\n"
        f"--budget {_option(offer)} would do for the least, more for a search worth the name"
    )


def _option(seconds: float) -> str:
    """As the option takes it, rounded up to 10 seconds or to minutes."""
    tens = math.ceil(seconds / 10) * 10
    return f"{tens}s" if tens <= 120 else f"{math.ceil(tens / 60)}m"
