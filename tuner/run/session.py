"""One sitting of a run: search, finalists, retraining, report."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tuner import datasets, registry
from tuner.config import PRUNERS, RunConfig
from tuner.display import Display
from tuner.ending.final import Final
from tuner.ending.finalists import Finalist
from tuner.ending.fits import Fits
from tuner.ending.trainings import Plan as FinalPlan
from tuner.files import write_arrays, write_json
from tuner.records import WorkContext
from tuner.run import budget, features, interim, probe, resume
from tuner.run.preparation import Prepared, asked, policy
from tuner.run_dir import RunDir
from tuner.run_json import PlanRecord, RunRecord, SearchRecord
from tuner.search.engines import ENGINES
from tuner.search.engines.base import Engine
from tuner.search.schedulers import SCHEDULERS
from tuner.search.schedulers.base import Scheduler
from tuner.search.search import Search
from tuner.search.stopping import Limits
from tuner.search.warm_start import Start
from tuner.workers import devices
from tuner.workers.driver import Halt, Interrupt, wait_until_ready
from tuner.workers.executors import EXECUTORS
from tuner.workers.executors.base import Executor

LAG = 8
"""With `--deterministic`, a trial is chosen and compared knowing those up to this many before it."""

SEARCH_GRACE = 0.05
"""Of the budget: so much may go to the search's last epochs beyond that."""

FEATURES_SHARE = 0.6
HEADS_SHARE = 0.75
"""Where heads are trained on features, of the budget: at most this much goes to features, and the search of
heads, which take seconds, has ended by then."""

OVERTIME = 0.25
"""Of the budget: so much longer the one training may take without which a run has no result."""


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        path: its directory.
        interrupted: by Ctrl-C or SIGTERM; the report then holds what was finished.
    """

    path: Path
    interrupted: bool


@dataclass
class Session:
    """One sitting of a run, under its lock."""

    config: RunConfig
    prepared: Prepared
    directory: RunDir
    display: Display
    command: list[str]
    began: float
    interrupt: Interrupt
    starts: list[Start]
    record: RunRecord = field(init=False)

    def run(self) -> Ended:
        """Search, end, report."""
        import reports

        self._open()
        if self.prepared.why:
            self.display.say(self.prepared.why)
        if self._is_done():
            self.display.say("everything asked for is done; writing the report again")
        else:
            self._note(state="searching", ends_by=self._ends_by())
            with self._executor() as executor:
                self._features(executor)
                self._plan(executor)
                if self._search(executor):
                    self._save(state="finishing")
                    with interim.Interim(self.directory.path) as report:
                        self._tell_search(report)
                        done = self._finish(executor, report)
                    self._note(state="done" if done else "interrupted")
        began = time.monotonic()
        self._save(state="done" if self.record.state == "done" else "interrupted")
        reports.write(self.directory.path)
        self._write_index()
        self._save(seconds={**self.record.seconds, "report": time.monotonic() - began})
        return Ended(self.directory.path, self.record.state == "interrupted")

    def _write_index(self) -> None:
        """Writes the index of all runs, which is a convenience: it never decides how a run ends."""
        from reports.compare import write_index

        folder = self.directory.path.parent
        try:
            if write_index(folder) is None:
                index = folder / "README.md"
                self.display.warn(f"{index} is not an index of runs, so it is left as it is")
        except Exception as error:  # noqa: BLE001 - whatever it is, the run is done
            self.display.warn(f"the index of runs in {folder} could not be written: {error}")

    def _tell_search(self, report: interim.Interim) -> None:
        """A report of the search, while the end of the run goes on."""
        if self.record.search.seconds < interim.WORTH_SECONDS:
            return
        self.display.say(
            f"the search is done; its report, until the whole one: {self.directory.path / 'report.md'}"
        )
        report.write()

    def _tell_finalists(self, ranking: list[Finalist], report: interim.Interim) -> None:
        """Who leads on the fresh folds, in the display and in a report, while the retrainings go on."""
        from reports.facts.dataset import dataset_facts
        from reports.sections import leading

        rows = [{"params": each.contender.params, **each.to_json()} for each in ranking]
        self._save(finalists=rows)
        run = self.record.to_json()
        held_out = dataset_facts(run["dataset"], run["plan"]).held_out
        if said := leading.sentence(rows, self.config.metric, held_out):
            self.display.say(said)
        if self.record.search.seconds >= interim.WORTH_SECONDS:
            report.write()

    def _note(self, **changes: Any) -> None:
        """Changes fields of the record; `_save` brings them to the disk."""
        self.record = replace(self.record, **changes)

    def _save(self, **changes: Any) -> None:
        self._note(**changes)
        self.record.write(self.directory.run)

    def _open(self) -> None:
        """Starts a new run directory, or checks that an earlier one can go on."""
        earlier = RunRecord.read(self.directory.run) if self.directory.run.exists() else None
        precision = (  # of the beginning, whatever "auto" would mean by now
            earlier.environment.precision if earlier else policy(self.config, self.prepared, self.display)
        )
        now = resume.new(self.config, self.prepared, self.directory.path, self.command, precision)
        if earlier:
            resume.check_agreement(earlier, now, self.config, self.directory.path)
            self.record = resume.resumed(earlier, now)
            self.starts = [Start.from_json(start) for start in earlier.warm_start]
            return
        self.record = replace(now, warm_start=[start.to_json() for start in self.starts])
        write_arrays(self.directory.splits, resume.splits(self.prepared.dataset, self.config.seed))
        write_json(self.directory.audit, self.prepared.dataset.audit)
        self._save()

    def _ends(self) -> dict[str, Any]:
        """All that decides the end of a run; as long as it is the same, the end need not be done again."""
        return {
            "trials": self.config.trials,
            "baselines": [contender.name for contender in self.prepared.baselines],
            "seeds": self.prepared.seeds(self.config.seeds),
            "finalists": self.config.finalists,
            "faithful_baselines": self.config.faithful_baselines,
            "single": self.config.single,
        }

    def _limits(self) -> dict[str, Any]:
        """The limits that may have cut the search, or the end of the run, short."""
        return {"budget": self.config.budget, "target": self.config.target, "patience": self.config.patience}

    def _is_done(self) -> bool:
        """Whether nothing is left to do: more time, or another limit, may let an ended search go on."""
        if self.record.state != "done" or self.record.ends != self._ends():
            return False
        earlier, now = self.record.limits or self._limits(), self._limits()
        had_all = self.record.search.stopped_by in {"trials", "exhausted"}
        return bool(earlier == now or (had_all and earlier["budget"] == now["budget"]))

    def _ends_by(self) -> str:
        deadline = self._deadline(1.0)
        if deadline is None:
            return ""
        left = timedelta(seconds=deadline - time.monotonic())
        return (datetime.now().astimezone() + left).isoformat(timespec="seconds")

    @contextmanager
    def _executor(self) -> Iterator[Executor]:
        config, slots = self.config, self.prepared.slots
        context = WorkContext(
            run_dir=str(self.directory.path),
            dataset_dir=str(self.prepared.dataset.directory.resolve()),
            classes=self.prepared.dataset.classes,
            metric=config.metric,
            class_weights=config.class_weights == "balanced",
            precision=self.record.environment.precision,
            max_parameters=config.max_parameters,
            max_latency_ms=config.max_latency_ms,
        )
        self.display.say(f"starting {devices.told(slots)}")
        executor: Executor = registry.resolve(EXECUTORS[config.on])(
            slots, context, self.directory.logs, asked(config), self.display.say
        )
        try:
            yield executor
        finally:
            executor.stop()

    def _halt(self) -> Halt:
        return "interrupt" if self.interrupt.asked() else ""

    def _features(self, executor: Executor) -> None:
        """Has what trials are trained on computed, if it is features and they are not there yet."""
        wait_until_ready(executor, self._until(self._deadline(1.0)))
        missing = features.needed(self.prepared, self.prepared.family)
        if not missing.pieces:
            return
        self.display.say(f"features of {missing.images:,} images: computed once, then kept")
        complete = missing.compute(executor, self.display, self._until(self._deadline(FEATURES_SHARE)))
        if not complete and not self._halt():
            raise budget.TooShortError(
                f"--budget {self.config.budget:.0f}s is too short: features of {missing.images:,} images "
                f"were not computed within {FEATURES_SHARE:.0%} of it\n"
                "finished ones are kept, and the same command continues from there; or give a larger --budget"
            )

    def _plan(self, executor: Executor) -> None:
        """Chooses the length of trials; not when interrupted, as a probe that was cut short says nothing."""
        planned = self._planned(executor) if self.record.plan is None and not self._halt() else None
        if planned is not None:
            for note in planned.notes:
                self.display.say(note)
            self._note(plan=planned)
        self.record = self.record.spent(setup=time.monotonic() - self.began)
        self._save()

    def _planned(self, executor: Executor) -> PlanRecord | None:
        """The result of the probe where there is a budget; None when it was interrupted."""
        config, prepared = self.config, self.prepared
        if config.budget is None:
            return PlanRecord(epochs=config.epochs)
        halt = self._until(self._deadline(1.0))
        pace = probe.pace(executor, prepared.space, prepared.model, config.seed, halt)
        if self._halt():
            return None
        if halt() and not any(pace):
            raise budget.TooShortError(
                f"--budget {config.budget:.0f}s is too short: a trial's first steps did not end within it\n"
                "a larger one would do, or a smaller model: see --space and --set"
            )
        spent = time.monotonic() - self.began
        left = budget.seconds_left(config.budget, spent)
        fitted = budget.fit_budget(config.epochs, left, *pace, len(prepared.slots), self._search_images())
        budget.check_budget(config.budget, spent, fitted)
        return fitted

    @property
    def _planned_run(self) -> PlanRecord:
        assert self.record.plan is not None
        return self.record.plan

    def _search_images(self) -> int:
        return self.record.dataset.n_train - self.record.dataset.n_validation

    def _deadline(self, share: float, less: float = 0.0) -> float | None:
        given = self.config.budget
        return None if given is None else self.began + share * given - less

    @property
    def _pruner(self) -> str:
        """As it was named; heads on features are trained to their end by default, which takes a second."""
        named = self.config.pruner
        return "none" if named == PRUNERS[0] and self.prepared.family.features is not None else named

    def _scheduler(self) -> Scheduler:
        batch = registry.resolve(self.prepared.model).recipe(self.prepared.space.default()).batch_size
        scheduler: Scheduler = registry.resolve(SCHEDULERS[self._pruner])(
            self._planned_run.epochs,
            round(self._planned_run.share * self._search_images()) // batch,
            LAG if self.config.deterministic else 0,
        )
        return scheduler

    def _engine(self, scheduler: Scheduler) -> Engine:
        config, prepared = self.config, self.prepared
        engine: Engine = registry.resolve(ENGINES[config.engine])(
            self.directory.journal,
            prepared.space,
            prepared.model,
            config.algorithm,
            config.seed,
            scheduler,
            config.constraints,
            self.starts,
            self._planned_run.share,
        )
        return engine

    def _search(self, executor: Executor) -> bool:
        """Searches; returns False when interrupted."""
        if self._halt():
            return False
        config = self.config
        before, start = self.record.seconds["search"], time.monotonic()

        def clock() -> float:
            return before + time.monotonic() - start

        scheduler = self._scheduler()
        engine = self._engine(scheduler)
        deadline = self._search_ends()
        limits = Limits(config.target, config.patience)
        search = Search(
            engine,
            scheduler,
            executor,
            self.display,
            self._trials,
            clock,
            limits,
            deadline,
            config.constraints,
        )
        # Without a single whole trial there is no winner: then the first may run on, into the end's time.
        latest = self._deadline(1.0 - SEARCH_GRACE)
        halt = self._until(deadline, latest, lambda: search.completed > 0)
        search.run(halt, SEARCH_GRACE * (config.budget or 0.0))
        self._record_search(engine, search, clock())
        return not self._halt()

    def _until(
        self,
        deadline: float | None,
        latest: float | None = None,
        enough: Callable[[], bool] = lambda: True,
    ) -> Callable[[], Halt]:
        """Halts at a deadline, but without `enough` no sooner than at the latest one; or when interrupted."""

        def halt() -> Halt:
            last = deadline if enough() else latest
            late = last is not None and time.monotonic() > last
            return self._halt() or ("deadline" if late else "")

        return halt

    @property
    def _trials(self) -> int:
        """How many are trained at most: those asked for, or what the budget has room for."""
        return min(self.config.trials, self._planned_run.trials or self.config.trials)

    def _ended_by(self, trials: int) -> str:
        """Why a search has ended that nothing has cut short."""
        if trials < self._trials:
            return "exhausted"
        return "trials" if self._trials == self.config.trials else "budget"

    def _search_ends(self) -> float | None:
        """When a search has to end, or None."""
        if self.prepared.family.features is not None:
            return self._deadline(HEADS_SHARE)
        end = self._deadline(1.0, less=budget.report_seconds(self.config.budget or 0.0))
        if end is None:
            return None
        now = time.monotonic()
        return now + budget.search_seconds(end - now, self._planned_run)

    def _keeps_to_heads(self) -> bool:
        """Whether `--set` decides how much of a network is trained beside the head."""
        wanted = self.prepared.family.features
        named = {setting.split("=")[0].strip() for setting in self.config.settings}
        return wanted is not None and wanted.unfrozen in named

    def _record_search(self, engine: Engine, search: Search, seconds: float) -> None:
        past = engine.past()
        images = sum(trial.images for trial in past)
        told = SearchRecord(
            seconds=seconds,
            epochs_trained=sum(trial.epochs for trial in past),
            images_trained=images,
            images_per_second=images / seconds if seconds else 0.0,
            stopped_by=self._halt() or search.closed or self._ended_by(len(past)),
        )
        self._save(search=told, seconds={**self.record.seconds, "search": seconds})

    def _weights(self) -> str:
        """The weights that features come from, as they decide what heads become; "" where there are none."""
        wanted = self.prepared.family.features
        if wanted is None:
            return ""
        default, shape = self.prepared.space.default(), self.prepared.dataset.image_shape
        return f" {wanted.identity(default, shape)['weights']}"

    def _finish(self, executor: Executor, report: interim.Interim) -> bool:
        """Finalists, retraining, baselines; returns False when interrupted."""
        import reports

        config, prepared = self.config, self.prepared
        past = self._engine(self._scheduler()).past()
        # while the workers train
        threading.Thread(target=reports.make_ready, args=(len(past),), daemon=True).start()

        def deadline() -> float | None:
            return self._deadline(1.0, less=budget.report_seconds(config.budget or 0.0, report.seconds()))

        fits = Fits(
            run=self.directory,
            identity=resume.identity(self.record) + self._weights(),
            cache=datasets.default_cache_dir() / "fits",
            executor=executor,
            display=self.display,
            interrupted=self.interrupt.asked,
            deadline=deadline,
            latest=self._deadline(1.0 + OVERTIME),
        )
        final_plan = FinalPlan(
            space=prepared.space,
            model=prepared.model,
            baselines=prepared.baselines,
            seed=config.seed,
            seeds=prepared.seeds(config.seeds),
            finalists=config.finalists,
            epochs=self._planned_run.epochs,
            final_epochs=self._planned_run.final_epochs or self._planned_run.epochs,
            share=self._planned_run.share,
            single=config.single,
            constraints=config.constraints,
            fine_tune=not config.deterministic and not self._keeps_to_heads(),
        )
        final = Final(
            final_plan,
            self.directory,
            prepared.dataset,
            fits,
            past,
            lambda ranking: self._tell_finalists(ranking, report),
        )
        done = final.do()
        self.record = self.record.spent(**final.seconds)
        if done:
            self._note(ends=self._ends(), limits=self._limits())
        return done
