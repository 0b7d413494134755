"""How fast this machine trains: a few steps of the default configuration on every worker."""

from collections.abc import Callable
from dataclasses import dataclass

from search_spaces.space import SearchSpace
from tuner import seeds
from tuner.records import EpochReport, TrialResult, TrialSpec
from tuner.workers.driver import Halt, drive
from tuner.workers.executors.base import Executor

START_SECONDS = 3.0
"""To build and compile a model, where the probe does not show that it is less."""


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


def pace(
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
    # At once, whatever the reason: a run that ends has no use for a measured pace.
    drive(executor, work, lambda: "deadline" if halt() else "", grace=0.0)
    good = [result for result in work.results if result.state == "complete"]
    if not good:
        return 0.0, 0.0
    slowest = max(good, key=lambda result: result.epochs[0].seconds)
    # The probe itself began with the imports and the first compilation: no trial takes longer to start.
    return slowest.epochs[0].seconds, min(START_SECONDS, max(result.seconds for result in good))
