"""How a budget is divided: the length of trials that fits it, and what is kept for the end of the run."""

import math

from tuner.display import duration
from tuner.ending.final import LEAST_EPOCHS
from tuner.errors import UsageError
from tuner.run_json import PlanRecord

FULL_TRAININGS = 8
"""Trainings as long as a whole trial that a budget is planned to have room for between the search and the
retrainings: two finalists and the default on the fresh folds, with a deadline that may leave out folds."""

WINNER_SHARE = 0.5
"""Of the time that is left when a run begins to train: what one retraining of the winner may take."""

ALONE_SHARE = 0.85
"""The same where there is no time for a search."""

SEARCH_SHARE = 0.5
"""Of the time that the winner's own training leaves: so much goes to the search."""

ALL_IMAGES = 1.25
"""A retraining has so many times the images of a trial: those of all five folds, not of four."""

ALONE_EPOCHS = 3
"""Where trials or the winner's own training would have to be shorter than this, nothing is searched."""

GOOD_EPOCHS = 8
"""Trials that would have to be shorter than this are trained on fewer images instead."""

FEW_IMAGES = 5_000
"""But not on fewer than this: a rank found on very few says little about all of them."""

OVERHEAD_SECONDS = 20.0
"""Of a run without a budget, for starting workers and for writing the report."""

SLACK_SECONDS = 5.0
"""Of a budget, set aside for what nobody foresees."""

REPORT_SECONDS = 15.0
REPORT_SHARE = 0.25
"""Of the budget, kept for writing the report: so much, but no more than that share."""

REPORT_MARGIN = 1.5
REPORT_LEAST = 5.0
"""Once a report of the same run has been written, so many times the seconds that it took are enough, and at
least so many seconds: the last one has more to show."""

SPARE = 1.2
"""The budget that is offered instead of one that is too small is longer than the least by this factor."""


class TooShortError(UsageError):
    """The budget is too short for any run; nothing was done."""


def fit_budget(
    epochs: int, seconds_left: float, epoch_seconds: float, start_seconds: float, slots: int, images: int
) -> PlanRecord:
    """Divides a budget between the winner's own training and all that is trained to find it.

    The retraining of the winner on all images is paid first, as long as was asked or as long as
    `WINNER_SHARE` of the time allows. The search gets half of what is left, and `FULL_TRAININGS` whole
    trials have to fit into the other half: where these would be shorter than `GOOD_EPOCHS`, they have fewer
    images, and where there are few images, fewer epochs. Where they, or that retraining, would be shorter
    than `ALONE_EPOCHS`, nothing is searched: the default is trained, for nearly all of the time.

    Args:
        epochs: that were asked for.
        seconds_left: of the budget, until the report.
        epoch_seconds: of the default configuration on a trial's images, all workers busy; 0 if not known.
        start_seconds: to build and compile a model.
        slots: workers.
        images: training images of a trial.
    """
    if not epoch_seconds:
        return PlanRecord(epochs=epochs)
    left = max(0.0, seconds_left - SLACK_SECONDS)
    final = _winner_epochs(WINNER_SHARE * left, epochs, epoch_seconds, start_seconds)
    took = _retraining(final, epoch_seconds, start_seconds)
    room = (1 - SEARCH_SHARE) * (left - took) * slots / FULL_TRAININGS - start_seconds
    good = min(GOOD_EPOCHS, epochs)
    share = 1.0
    chosen = min(epochs, math.floor(room / epoch_seconds))
    if chosen < good:
        share = min(1.0, max(room / (good * epoch_seconds), FEW_IMAGES / images))
        chosen = min(good, math.floor(room / (share * epoch_seconds)))
    alone = min(chosen, final) < min(ALONE_EPOCHS, epochs)
    if alone:
        chosen = min(LEAST_EPOCHS, epochs)
        final = _winner_epochs(ALONE_SHARE * left, epochs, epoch_seconds, start_seconds)
    notes = []
    if alone:
        notes.append(
            "the budget is too small for a search that could find more than the default: that is trained "
            "alone; with a larger one, begin anew with --fresh"
        )
    if share < 1 and not alone:
        notes.append(
            f"trials and finalists are trained on {share:.0%} of the training images, to hold the budget"
        )
    if chosen < epochs and not alone:
        notes.append(f"trials have {chosen} epochs instead of {epochs}, to hold the budget")
    if final < epochs:
        who = "the default and the baselines are " if alone else "the winner and the baselines are re"
        notes.append(f"{who}trained for {final} epochs instead of {epochs}")
    return PlanRecord(
        epochs=chosen,
        epoch_seconds=epoch_seconds,
        start_seconds=start_seconds,
        share=share,
        final_epochs=final,
        trials=1 if alone else None,
        notes=notes,
    )


def _winner_epochs(seconds: float, epochs: int, epoch_seconds: float, start_seconds: float) -> int:
    """The epochs of a retraining that fit into so many seconds."""
    fitting = math.floor((seconds - start_seconds) / (ALL_IMAGES * epoch_seconds))
    return max(min(LEAST_EPOCHS, epochs), min(epochs, fitting))


def _retraining(epochs: int, epoch_seconds: float, start_seconds: float) -> float:
    """Seconds of a training on all images."""
    return start_seconds + epochs * ALL_IMAGES * epoch_seconds


def winner_seconds(planned: PlanRecord) -> float:
    """Seconds that the retraining of the winner takes; 0 where nothing is known."""
    if not planned.epoch_seconds:
        return 0.0
    return _retraining(planned.final_epochs or planned.epochs, planned.epoch_seconds, planned.start_seconds)


def search_seconds(left: float, planned: PlanRecord) -> float:
    """Seconds of the search: half of the time that the winner's own training leaves.

    Args:
        left: seconds until the report.
        planned: with the length of that training.
    """
    return SEARCH_SHARE * max(0.0, left - winner_seconds(planned))


def split(budget: float, spent: float, planned: PlanRecord) -> str:
    """How the time will be divided.

    Args:
        budget: of the whole command, in seconds.
        spent: seconds of it, for getting ready.
        planned: what there is time for.
    """
    left = seconds_left(budget, spent)
    winner = min(left, winner_seconds(planned))
    search = 0.0 if planned.trials else search_seconds(left, planned)
    parts = {
        "getting ready": spent,
        "the search": search,
        "the winner's own training": winner,
        "fresh folds, more seeds and baselines": left - search - winner,
        "the report": report_seconds(budget),
    }
    return ", ".join(f"{what} about {duration(seconds)}" for what, seconds in parts.items() if seconds >= 1)


def report_seconds(budget: float, took: float = 0.0, *, written: bool = False) -> float:
    """Seconds at the end of a budget that are the report's.

    Args:
        budget: of the whole command, in seconds.
        took: seconds that a report of the same run has taken, on this machine as busy as it is.
        written: whether one is finished; else it has taken `took` so far.
    """
    usual = min(REPORT_SECONDS, REPORT_SHARE * budget)
    if written:
        usual = min(usual, max(REPORT_LEAST, REPORT_MARGIN * took))
    return max(usual, took)


def seconds_left(budget: float, spent: float) -> float:
    """Seconds of a budget until the report, when so many are spent."""
    return budget - spent - report_seconds(budget)


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
