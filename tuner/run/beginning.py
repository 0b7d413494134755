"""The beginning of a run, before its search: features where heads are searched, and the length of trials."""

import time

from tuner.run import budget, features, probe
from tuner.run.sitting import Sitting
from tuner.run_json import PlanRecord
from tuner.workers.driver import wait_until_ready
from tuner.workers.executors.base import Executor

FEATURES_SHARE = 0.6
"""Of the budget, where heads are trained on features: at most this much goes to features."""


def begin(sitting: Sitting, executor: Executor) -> None:
    """Computes features and chooses the length of trials, unless that is done already.

    Raises:
        TooShortError: the budget runs out first.
    """
    _features(sitting, executor)
    # Not when interrupted: a probe that was cut short says nothing.
    planned = _plan(sitting, executor) if sitting.record.plan is None and not sitting.halt() else None
    if planned is not None:
        for note in planned.notes:
            sitting.display.say(note)
        sitting.note(plan=planned)
    sitting.record = sitting.record.spent(setup=time.monotonic() - sitting.began)
    sitting.save()


def _features(sitting: Sitting, executor: Executor) -> None:
    """Has what trials are trained on computed, if it is features and they are not there yet."""
    wait_until_ready(executor, sitting.until(sitting.deadline()))
    missing = features.needed(sitting.prepared, sitting.prepared.family)
    if not missing.pieces:
        return
    sitting.display.say(f"features of {missing.images:,} images: computed once, then kept")
    halt = sitting.until(sitting.deadline(FEATURES_SHARE))
    if not missing.compute(executor, sitting.display, halt) and not sitting.halt():
        raise budget.TooShortError(
            f"--budget {sitting.config.budget:.0f}s is too short: features of {missing.images:,} images "
            f"were not computed within {FEATURES_SHARE:.0%} of it\n"
            "finished ones are kept, and the same command continues from there; or give a larger --budget"
        )


def _plan(sitting: Sitting, executor: Executor) -> PlanRecord | None:
    """The result of the probe where there is a budget; None when it was interrupted."""
    config, prepared = sitting.config, sitting.prepared
    if config.budget is None:
        return PlanRecord(epochs=config.epochs)
    halt = sitting.until(sitting.deadline())
    pace = probe.pace(executor, prepared.space, prepared.model, config.seed, halt)
    if sitting.halt():
        return None
    if halt() and not any(pace):
        raise budget.TooShortError(
            f"--budget {config.budget:.0f}s is too short: a trial's first steps did not end within it\n"
            "a larger one would do, or a smaller model: see --space and --set"
        )
    spent = time.monotonic() - sitting.began
    left = budget.seconds_left(config.budget, spent)
    fitted = budget.fit_budget(config.epochs, left, *pace, len(prepared.slots), sitting.search_images)
    budget.check_budget(config.budget, spent, fitted)
    return fitted
