"""How fast this machine trains: a few steps of the default configuration on every worker."""

from collections import deque
from collections.abc import Callable

from search_spaces.space import SearchSpace
from tuner import seeds
from tuner.records import TrialSpec
from tuner.workers.driver import Halt, Items, drive
from tuner.workers.executors.base import Executor

START_SECONDS = 3.0
"""To build and compile a model, where the probe does not show that it is less."""


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
    work = Items(deque([(spec, "probe")] * slots))
    # At once, whatever the reason: a run that ends has no use for a measured pace.
    drive(executor, work, lambda: "deadline" if halt() else "", grace=0.0)
    good = [result for result in work.results if result.state == "complete"]
    if not good:
        return 0.0, 0.0
    slowest = max(good, key=lambda result: result.epochs[0].seconds)
    # The probe itself began with the imports and the first compilation: no trial takes longer to start.
    return slowest.epochs[0].seconds, min(START_SECONDS, max(result.seconds for result in good))
