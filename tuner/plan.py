"""How long a run will take, and how long its trials may be, from a short probe."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Self

from search_spaces.space import SearchSpace
from tuner import seeds
from tuner.drive import Halt, drive
from tuner.errors import UsageError
from tuner.executors.base import Executor
from tuner.records import EpochReport, TrialResult, TrialSpec

PRUNED_SHARE = 0.4
"""Share of all trials' epochs that a pruned search trains: the rungs' own third, and some luck."""

FULL_TRAININGS = 16
"""Trainings as long as a whole trial that the end of a run is planned to have room for, with a
budget: finalists, three retrainings of winner and default, a baseline twice as slow."""

LEAST_EPOCHS = 2
START_SECONDS = 3.0
"""To build and compile a model."""

OVERHEAD_SECONDS = 20.0
"""Set aside for starting workers and for writing the report."""

REPORT_SECONDS = 15.0
REPORT_SHARE = 0.25
"""Of the budget, kept for writing the report: so much, but no more than that share."""

SPARE = 1.2
"""The budget that is offered instead of one that is too small is longer than the least by this factor."""


class TooShortError(UsageError):
    """The budget is too short for any run; nothing was done."""


@dataclass(frozen=True)
class Plan:
    """The length of trials, and what they will take.

    Attributes:
        epochs: of a whole trial.
        epoch_seconds: of the default configuration on one worker, all workers busy; 0 if not probed.
        start_seconds: to build and compile a model.
        notes: what was changed to hold the budget, a sentence each.
    """

    epochs: int
    epoch_seconds: float = 0.0
    start_seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `run.json` keeps it."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """From what `to_json` gave."""
        return cls(**{**data, "notes": tuple(data["notes"])})


@dataclass
class _Probe:
    """The `Work` of a probe: the default configuration once on every slot."""

    specs: list[TrialSpec]
    results: list[TrialResult]

    def next(self) -> tuple[TrialSpec, str] | None:
        return (self.specs.pop(), "probe") if self.specs else None

    def prepare(self) -> None:
        """Nothing."""

    def goes_on(self, spec: TrialSpec, report: EpochReport) -> bool:
        return True

    def epoch(self, slot: int, spec: TrialSpec, report: EpochReport) -> None:
        """Nothing."""

    def done(self, slot: int, spec: TrialSpec, result: TrialResult, halt: Halt) -> None:
        self.results.append(result)


def probe(
    executor: Executor, space: SearchSpace, model: str, seed: int, halt: Callable[[], Halt] = lambda: ""
) -> tuple[float, float]:
    """Trains a few steps of the default configuration on every slot at once.

    Args:
        executor: where.
        space: whose default.
        model: reference of its family.
        seed: of the run.
        halt: says why to end before.

    Returns:
        Seconds an epoch on one worker, and seconds to build and compile; zeros if the probe fails, or
        is halted before.
    """
    slots = len(executor.free())
    spec = TrialSpec(0, "probe", model, space.default(), seeds.derive(seed, "probe"), "search", 0, 1)
    work = _Probe([spec] * slots, [])
    # At once, whatever the reason: steps that are to tell the pace are of no use to a run that ends.
    drive(executor, work, lambda: "deadline" if halt() else "", grace=0.0)
    good = [result for result in work.results if result.state == "complete"]
    if not good:
        return 0.0, 0.0
    slowest = max(good, key=lambda result: result.epochs[0].seconds)
    return slowest.epochs[0].seconds, START_SECONDS


def fit_budget(
    epochs: int, seconds_left: float, epoch_seconds: float, start_seconds: float, slots: int
) -> Plan:
    """Shortens trials so that a search, and the end of the run, fit the budget.

    Half of the time is the end's, which needs room for `FULL_TRAININGS` whole trainings.
    """
    if not epoch_seconds:
        return Plan(epochs)
    room = max(0.0, seconds_left - OVERHEAD_SECONDS) / 2 * slots / FULL_TRAININGS
    fitting = math.floor((room - start_seconds) / epoch_seconds)
    chosen = max(LEAST_EPOCHS, min(epochs, fitting))
    notes = (
        () if chosen >= epochs else (f"trials have {chosen} epochs instead of {epochs}, to hold the budget",)
    )
    return Plan(min(chosen, epochs), epoch_seconds, start_seconds, notes)


def report_seconds(budget: float) -> float:
    """Seconds at the end of a budget that are the report's."""
    return min(REPORT_SECONDS, REPORT_SHARE * budget)


def check_budget(budget: float, spent: float, planned: Plan) -> None:
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


def estimate_seconds(plan: Plan, trials: int, slots: int, fits: int, *, pruned: bool) -> float:
    """Rough wall-clock seconds of a whole run without a budget."""
    whole = plan.epochs * plan.epoch_seconds
    share = PRUNED_SHARE if pruned else 1.0
    search = trials * (plan.start_seconds + share * whole)
    end = fits * (plan.start_seconds + whole)
    return (search + end) / slots + OVERHEAD_SECONDS
