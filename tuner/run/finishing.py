"""The end of a run: runs it and reports its progress."""

import threading

from tuner import datasets
from tuner.ending.final import Final
from tuner.ending.finalists import Finalist
from tuner.ending.fits import Fits
from tuner.ending.trainings import Plan
from tuner.records import PastTrial
from tuner.run import budget, interim, resume
from tuner.run.sitting import Sitting
from tuner.workers.executors.base import Executor

OVERTIME = 0.25
"""Of the budget: so much longer the one training may take without which a run has no result."""


def finish(sitting: Sitting, executor: Executor, past: list[PastTrial]) -> bool:
    """Finalists, retraining, baselines; returns False when interrupted.

    A report of what is known stands while it goes on, where the search was not a short one; with a budget,
    once the finalists are known.
    """
    import reports

    # while the workers train
    threading.Thread(target=reports.make_ready, args=(len(past),), daemon=True).start()
    with interim.Interim(sitting.directory.path) as report:
        if sitting.record.search.seconds >= interim.WORTH_SECONDS:
            where = sitting.directory.path / "report.md"
            sitting.display.say(f"the search is done; its report, until the whole one: {where}")
            report.write()
        final = Final(
            _plan(sitting),
            sitting.directory,
            sitting.prepared.dataset,
            _fits(sitting, executor, report),
            past,
            lambda ranking: _tell_finalists(sitting, ranking, report),
        )
        done = final.do()
    sitting.record = sitting.record.spent(**final.seconds)
    if done:
        sitting.note_done()
    return done


def _plan(sitting: Sitting) -> Plan:
    config, prepared, planned = sitting.config, sitting.prepared, sitting.plan
    return Plan(
        space=prepared.space,
        model=prepared.model,
        baselines=prepared.baselines,
        seed=config.seed,
        seeds=prepared.seeds(config.seeds),
        finalists=config.finalists,
        epochs=planned.epochs,
        final_epochs=planned.final_epochs or planned.epochs,
        share=planned.share,
        single=config.single,
        constraints=config.constraints,
        fine_tune=not config.deterministic and not _keeps_to_heads(sitting),
    )


def _fits(sitting: Sitting, executor: Executor, report: interim.Interim) -> Fits:
    def deadline() -> float | None:
        given, took = sitting.config.budget or 0.0, report.seconds()
        return sitting.deadline(less=budget.report_seconds(given, took, written=report.written))

    return Fits(
        run=sitting.directory,
        identity=resume.identity(sitting.record) + _weights(sitting),
        cache=datasets.default_cache_dir() / "fits",
        executor=executor,
        display=sitting.display,
        interrupted=sitting.interrupt.asked,
        deadline=deadline,
        latest=sitting.deadline(1.0 + OVERTIME),
    )


def _keeps_to_heads(sitting: Sitting) -> bool:
    """Whether `--set` decides how much of a network is trained beside the head."""
    wanted = sitting.prepared.family.features
    named = {setting.split("=")[0].strip() for setting in sitting.config.settings}
    return wanted is not None and wanted.unfrozen in named


def _weights(sitting: Sitting) -> str:
    """The weights that features come from, because they affect the trained heads; "" where there are none."""
    wanted = sitting.prepared.family.features
    if wanted is None:
        return ""
    default, shape = sitting.prepared.space.default(), sitting.prepared.dataset.image_shape
    return f" {wanted.identity(default, shape)['weights']}"


def _tell_finalists(sitting: Sitting, ranking: list[Finalist], report: interim.Interim) -> None:
    """Who leads on the fresh folds, in the display and in a report, while the retrainings go on."""
    from reports.facts.dataset import dataset_facts
    from reports.sections import leading

    rows = [{"params": each.contender.params, **each.to_json()} for each in ranking]
    sitting.save(finalists=rows)
    run = sitting.record.to_json()
    held_out = dataset_facts(run["dataset"], run["plan"]).held_out
    if said := leading.sentence(rows, sitting.config.metric, held_out):
        sitting.display.say(said)
    if sitting.config.budget or sitting.record.search.seconds >= interim.WORTH_SECONDS:
        report.write()  # with a budget also to learn what the last one will take
