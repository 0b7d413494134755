"""How a budget is divided: the length of trials that fits it, and what is kept for the end of the run."""

import math

from tuner.ending.final import LEAST_EPOCHS
from tuner.errors import UsageError
from tuner.run_json import PlanRecord

FULL_TRAININGS = 16
"""Trainings as long as a whole trial that the end of a run is planned to have room for, with a
budget: finalists, three retrainings of winner and default, a baseline twice as slow."""

WINNER_SHARE = 0.3
"""Of the time that is left when a run begins to train: what one retraining of the winner may take."""

GOOD_EPOCHS = 8
"""Trials that would have to be shorter than this are trained on fewer images instead."""

FEW_IMAGES = 5_000
"""But not on fewer than this: a rank found on very few says little about all of them."""

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
    epochs: int, seconds_left: float, epoch_seconds: float, start_seconds: float, slots: int, images: int
) -> PlanRecord:
    """Divides a budget between the winner's own training and all that is trained to find it.

    The retraining of the winner on all images is paid first, as long as was asked or as long as
    `WINNER_SHARE` of the time allows. All other trainings get what is left, which has to be enough for
    `FULL_TRAININGS` whole trials: where these would be shorter than `GOOD_EPOCHS`, they have fewer
    images, and where there are few images, fewer epochs.

    Args:
        epochs: that were asked for.
        seconds_left: of the budget.
        epoch_seconds: of the default configuration on all images, all workers busy; 0 if not known.
        start_seconds: to build and compile a model.
        slots: workers.
        images: training images of a trial.
    """
    if not epoch_seconds:
        return PlanRecord(epochs=epochs)
    left = max(0.0, seconds_left - OVERHEAD_SECONDS)
    final = _within(math.floor((WINNER_SHARE * left - start_seconds) / epoch_seconds), epochs)
    room = left / 2 * slots / FULL_TRAININGS - start_seconds
    chosen = _within(math.floor(room / epoch_seconds), epochs)
    share = 1.0
    if chosen < min(GOOD_EPOCHS, epochs):
        good = min(GOOD_EPOCHS, epochs)
        share = min(1.0, max(room / (good * epoch_seconds), FEW_IMAGES / images))
        chosen = _within(math.floor(room / (share * epoch_seconds)), good)
    notes = []
    if share < 1:
        notes.append(
            f"trials and finalists are trained on {share:.0%} of the training images, to hold the budget"
        )
    if chosen < epochs:
        notes.append(f"trials have {chosen} epochs instead of {epochs}, to hold the budget")
    if final < epochs:
        notes.append(f"the winner and the baselines are retrained for {final} epochs instead of {epochs}")
    return PlanRecord(
        epochs=chosen,
        epoch_seconds=epoch_seconds,
        start_seconds=start_seconds,
        share=share,
        final_epochs=final,
        notes=notes,
    )


def _within(fitting: int, epochs: int) -> int:
    return max(min(LEAST_EPOCHS, epochs), min(epochs, fitting))


def report_seconds(budget: float, took: float = 0.0) -> float:
    """Seconds at the end of a budget that are the report's.

    Args:
        budget: of the whole command, in seconds.
        took: seconds that a report of the same run has taken, on this machine as busy as it is.
    """
    return max(min(REPORT_SECONDS, REPORT_SHARE * budget), took)


def check_budget(budget: float, spent: float, planned: PlanRecord) -> None:
    """Refuses a run that cannot keep to its budget.

    Args:
        budget: of the whole command, in seconds.
        spent: seconds of it, for the audit, the start of the workers and the probe.
        planned: what it is to do; its trials are as short as the budget has them.

    Raises:
        TooShortError: there is no time for one whole trial and one retraining of it.
    """
    trial = planned.share * planned.epochs * planned.epoch_seconds
    least = trial + min(LEAST_EPOCHS, planned.epochs) * planned.epoch_seconds
    if spent + least + report_seconds(budget) <= budget:
        return
    offer = SPARE * (spent + least + REPORT_SECONDS)
    raise TooShortError(
        f"--budget {budget:.0f}s is too short: getting ready took {spent:.0f} s, and one trial of "
        f"{planned.epochs} epochs and one retraining take {least:.0f} s\n"
        f"--budget {_option(offer)} would do as a minimum; a useful search needs more"
    )


def _option(seconds: float) -> str:
    """As the option takes it, rounded up to 10 seconds or to minutes."""
    tens = math.ceil(seconds / 10) * 10
    return f"{tens}s" if tens <= 120 else f"{math.ceil(tens / 60)}m"
