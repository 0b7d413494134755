"""`tune plan`: the audit, and what a run would take, from a short probe."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tuner.config import RunConfig
from tuner.datasets.audit.build import describe as describe_audit
from tuner.display import Display, duration
from tuner.ending.contenders import Contender
from tuner.ending.trainings import FOLDS
from tuner.files import write_arrays
from tuner.records import WorkContext
from tuner.registry import resolve
from tuner.run import budget, features, probe
from tuner.run.preparation import Prepared, asked, policy, prepare
from tuner.run.resume import splits
from tuner.run_json import PlanRecord
from tuner.search.schedulers import of_run
from tuner.workers.devices import told
from tuner.workers.driver import wait_until_ready
from tuner.workers.executors import EXECUTORS
from tuner.workers.executors.base import Executor

PRUNED_SHARE = 0.3
"""Share of all trials' time that a pruned search takes: a fifth of the epochs, some of wider networks."""

BASELINE_TRAININGS = 5
"""Of a neural baseline: three where it is far behind on the first fresh fold, eight or so where it is not."""


FAILED = "the probe failed: the default configuration does not train here; `tune run` says why"


@dataclass(frozen=True)
class Costs:
    """Time, memory and disk that a run would take.

    Attributes:
        images_per_second: training images of the default configuration, on each worker.
        epoch_seconds: of the default configuration.
        workers_on: how many workers, and where.
        seconds: of the whole run without a budget.
        features_seconds: those of them that features of the images take which are still to be computed.
        features: a sentence on these, none where there are none.
        budget: sentences on what `--budget` would cut.
    """

    images_per_second: float
    epoch_seconds: float
    workers: int
    workers_on: str
    seconds: float
    memory_bytes: int
    disk_bytes: int
    features_seconds: float
    features: list[str]
    budget: list[str]


def describe(config: RunConfig, display: Display, began: float) -> Iterator[str]:
    """Plain lines: the data as soon as they are known, then time, memory and disk.

    Args:
        config: what would be run.
        display: shows what is being done.
        began: `time.monotonic()` when the command started; a budget counts from there.
    """
    prepared = prepare(config, display)
    yield from describe_audit(prepared.dataset.audit, prepared.dataset.class_names)
    yield ""
    if prepared.why:
        yield f"search space {prepared.space.name}: {prepared.why}"
    with tempfile.TemporaryDirectory(prefix="tune-plan-") as scratch:
        yield from _told(config, _costs(config, prepared, display, Path(scratch), began))


def as_json(config: RunConfig, display: Display, began: float) -> dict[str, Any]:
    """The same as JSON has it, of the schema in `docs/json.md`; the arguments are those of `describe`."""
    prepared = prepare(config, display)
    with tempfile.TemporaryDirectory(prefix="tune-plan-") as scratch:
        costs = _costs(config, prepared, display, Path(scratch), began)
    return {
        "dataset": config.dataset,
        "classes": list(prepared.dataset.class_names),
        "audit": prepared.dataset.audit,
        "space": {"name": prepared.space.name, "why": prepared.why},
        "trials": config.trials,
        "epochs": config.epochs,
        "budget_seconds": config.budget,
        "costs": None if costs is None else asdict(costs),
    }


def _told(config: RunConfig, costs: Costs | None) -> list[str]:
    """The estimate as plain lines of text."""
    if costs is None:
        return [FAILED]
    return [
        *([f"counted: {costs.workers_on}"] if config.on != "local" else []),
        *costs.features,
        f"the default configuration trains {costs.images_per_second:,.0f} images a second on each of "
        f"{costs.workers} worker{'s' if costs.workers != 1 else ''} ({costs.epoch_seconds:.1f} s an epoch)",
        f"{config.trials} trials of at most {config.epochs} epochs, then the end of the run: "
        f"about {duration(costs.seconds)}",
        f"memory: about {costs.memory_bytes / 1e9:.1f} GB in all; "
        f"disk: about {costs.disk_bytes / 1e6:.0f} MB",
        *costs.budget,
    ]


def _costs(
    config: RunConfig, prepared: Prepared, display: Display, scratch: Path, began: float
) -> Costs | None:
    """None where the probe fails."""
    dataset = prepared.dataset
    folds = splits(dataset, config.seed)
    write_arrays(scratch / "splits.npz", folds)
    images = int((folds["search"] != 0).sum())
    precision = policy(config, prepared, display)
    context = WorkContext(
        str(scratch), str(dataset.directory.resolve()), dataset.classes, config.metric, False, precision
    )
    executor: Executor = resolve(EXECUTORS[config.on])(
        prepared.slots, context, scratch / "logs", asked(config), display.say
    )
    try:
        wait_until_ready(executor, lambda: "")
        about_features, features_seconds = _features(executor, prepared, display)
        epoch_seconds, start_seconds = probe.pace(executor, prepared.space, prepared.model, config.seed)
        memory = executor.memory()
    finally:
        executor.stop()
    if not epoch_seconds:
        return None
    slots = len(prepared.slots)
    planned = PlanRecord(epochs=config.epochs, epoch_seconds=epoch_seconds, start_seconds=start_seconds)
    repeats = prepared.seeds(config.seeds)
    fits = end_trainings(config.finalists, repeats, prepared.baselines)
    scheduler = of_run(config.pruner, on_features=prepared.family.features is not None)
    seconds = estimate_seconds(planned, config.trials, slots, fits, pruned=scheduler != "none")
    seconds += features_seconds
    return Costs(
        images_per_second=images / epoch_seconds,
        epoch_seconds=epoch_seconds,
        workers=slots,
        workers_on=told(prepared.slots),
        seconds=seconds,
        memory_bytes=int(memory),
        disk_bytes=int(_disk(prepared, repeats)),
        features_seconds=features_seconds,
        features=about_features,
        budget=offers(config, seconds, planned, slots, time.monotonic() - began, images),
    )


def _features(executor: Executor, prepared: Prepared, display: Display) -> tuple[list[str], float]:
    """A line on the features that are still to be computed, and the seconds they take.

    A piece for each worker is computed, and kept, to know how long all of them take.
    """
    missing = features.needed(prepared, prepared.family)
    if not missing.pieces:
        return (["features of the images are there already"] if prepared.family.features else []), 0.0
    slots = len(prepared.slots)
    missing.compute(executor, display, lambda: "", most=slots)
    seconds = missing.seconds_an_image()
    workers = f"{slots} worker{'s' if slots != 1 else ''}"
    line = (
        f"features of {missing.images:,} images: about {duration(missing.images * seconds / slots)}, "
        f"{1000 * seconds:.1f} ms an image on each of {workers}; computed once, then kept"
    )
    return [line], features.needed(prepared, prepared.family).images * seconds / slots


def end_trainings(finalists: int, seeds: int, baselines: Sequence[Contender]) -> int:
    """Trainings after the search, each as long as a whole trial of the default."""
    neural = sum(contender.neural for contender in baselines)
    return FOLDS * (finalists + 1) + seeds * 2 + neural * BASELINE_TRAININGS


def _disk(prepared: Prepared, repeats: int) -> float:
    models = len(prepared.baselines) + 2
    test = len(prepared.dataset.test_images) * prepared.dataset.classes * 4
    validation = len(prepared.dataset.train_labels) * prepared.dataset.classes * 4
    return 20e6 + 2 * models * (repeats * test + validation)


def offers(
    config: RunConfig, seconds: float, planned: PlanRecord, slots: int, spent: float, images: int
) -> list[str]:
    """Sentences on what a budget would cut.

    Args:
        config: with its budget.
        seconds: that the run would take without one.
        planned: its trials, as they would be without one.
        slots: workers.
        spent: seconds of the budget that are gone for getting ready.
        images: training images of a trial.
    """
    if config.budget is None:
        return []
    text = f"--budget {duration(config.budget)}"
    if spent + seconds <= config.budget:
        return [f"{text} has room for all of that"]
    left = budget.seconds_left(config.budget, spent)
    shorter = budget.fit_budget(
        config.epochs, left, planned.epoch_seconds, planned.start_seconds, slots, images
    )
    try:
        budget.check_budget(config.budget, spent, shorter)
    except budget.TooShortError as error:
        return str(error).splitlines()
    return [f"{text} is less: {budget.split(config.budget, spent, shorter)}", *shorter.notes]


def estimate_seconds(planned: PlanRecord, trials: int, slots: int, fits: int, *, pruned: bool) -> float:
    """Rough wall-clock seconds of a whole run without a budget."""
    whole = planned.epochs * planned.epoch_seconds
    share = PRUNED_SHARE if pruned else 1.0
    search = trials * (planned.start_seconds + share * whole)
    end = fits * (planned.start_seconds + whole)
    return (search + end) / slots + budget.OVERHEAD_SECONDS
