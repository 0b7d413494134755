"""The search of a run: its engine, its scheduler, what ends it, and what is recorded of it."""

import time

from tuner import registry
from tuner.records import PastTrial
from tuner.run import budget
from tuner.run.sitting import Sitting
from tuner.run_json import SearchRecord
from tuner.search.engines import ENGINES
from tuner.search.engines.base import Engine
from tuner.search.schedulers import SCHEDULERS, of_run
from tuner.search.schedulers.base import Scheduler
from tuner.search.search import Search
from tuner.search.stopping import Limits
from tuner.workers.executors.base import Executor

LAG = 8
"""With `--deterministic`, a trial is chosen and compared knowing those up to this many before it."""

SEARCH_GRACE = 0.05
"""Of the budget: so much may go to the search's last epochs beyond that."""

HEADS_SHARE = 0.75
"""Of the budget, where heads are trained on features: the search, which takes seconds, has ended by then."""


def search(sitting: Sitting, executor: Executor) -> list[PastTrial] | None:
    """Searches; returns the trials that have ended, None when interrupted."""
    if sitting.halt():
        return None
    config = sitting.config
    before, start = sitting.record.seconds["search"], time.monotonic()

    def clock() -> float:
        return before + time.monotonic() - start

    scheduler = _scheduler(sitting)
    engine = _engine(sitting, scheduler)
    trials, deadline = _trials(sitting), _ends(sitting)
    limits = Limits(config.target, config.patience)
    searched = Search(
        engine, scheduler, executor, sitting.display, trials, clock, limits, deadline, config.constraints
    )
    # Without a single whole trial there is no winner: then the first may run on, into the end's time.
    latest = sitting.deadline(1.0 - SEARCH_GRACE)
    halt = sitting.until(deadline, latest, lambda: searched.completed > 0)
    searched.run(halt, SEARCH_GRACE * (config.budget or 0.0))
    past, seconds = engine.past(), clock()
    images = sum(trial.images for trial in past)
    told = SearchRecord(
        seconds=seconds,
        epochs_trained=sum(trial.epochs for trial in past),
        images_trained=images,
        images_per_second=images / seconds if seconds else 0.0,
        stopped_by=sitting.halt() or searched.closed or _ended_by(sitting, len(past)),
    )
    sitting.save(search=told, seconds={**sitting.record.seconds, "search": seconds})
    return None if sitting.halt() else past


def _scheduler(sitting: Sitting) -> Scheduler:
    prepared = sitting.prepared
    name = of_run(sitting.config.pruner, on_features=prepared.family.features is not None)
    batch = prepared.family.recipe(prepared.space.default()).batch_size
    scheduler: Scheduler = registry.resolve(SCHEDULERS[name])(
        sitting.plan.epochs,
        round(sitting.plan.share * sitting.search_images) // batch,
        LAG if sitting.config.deterministic else 0,
    )
    return scheduler


def _engine(sitting: Sitting, scheduler: Scheduler) -> Engine:
    config, prepared = sitting.config, sitting.prepared
    engine: Engine = registry.resolve(ENGINES[config.engine])(
        sitting.directory.journal,
        prepared.space,
        prepared.model,
        config.algorithm,
        config.seed,
        scheduler,
        config.constraints,
        sitting.starts,
        sitting.plan.share,
    )
    return engine


def _trials(sitting: Sitting) -> int:
    """How many are trained at most: those asked for, or what the budget has room for."""
    return min(sitting.config.trials, sitting.plan.trials or sitting.config.trials)


def _ended_by(sitting: Sitting, trials: int) -> str:
    """Why a search that nothing interrupted has ended."""
    if trials < _trials(sitting):
        return "exhausted"
    return "trials" if _trials(sitting) == sitting.config.trials else "budget"


def _ends(sitting: Sitting) -> float | None:
    """When a search has to end, or None."""
    if sitting.prepared.family.features is not None:
        return sitting.deadline(HEADS_SHARE)
    end = sitting.deadline(less=budget.report_seconds(sitting.config.budget or 0.0))
    if end is None:
        return None
    now = time.monotonic()
    return now + budget.search_seconds(end - now, sitting.plan)
