"""What all stages of one sitting of a run share: its record, its deadlines, and whether it is to stop."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tuner.config import RunConfig
from tuner.display import Display
from tuner.files import write_arrays, write_json
from tuner.run import resume
from tuner.run.preparation import Prepared, policy
from tuner.run_dir import RunDir
from tuner.run_json import PlanRecord, RunRecord
from tuner.search.warm_start import Start
from tuner.workers.driver import Halt, Interrupt


@dataclass
class Sitting:
    """One sitting of a run, under its lock.

    Attributes:
        config: what is asked.
        prepared: the data, the space, the slots.
        directory: of the run.
        display: shows the progress.
        command: the command line that does it again.
        began: `time.monotonic()` when the command started; the budget counts from there.
        interrupt: whether the user asked to stop.
        starts: configurations to try right after the default.
        record: what `run.json` says; there once `open` was called.
    """

    config: RunConfig
    prepared: Prepared
    directory: RunDir
    display: Display
    command: list[str]
    began: float
    interrupt: Interrupt
    starts: list[Start]
    record: RunRecord = field(init=False)

    def open(self) -> None:
        """Starts a new run directory, or checks that an earlier one can go on."""
        earlier = RunRecord.read(self.directory.run) if self.directory.run.exists() else None
        precision = (  # of the beginning, whatever "auto" would mean by now
            earlier.environment.precision if earlier else policy(self.config, self.prepared, self.display)
        )
        now = resume.new(self.config, self.prepared, self.directory.path, self.command, precision)
        if earlier:
            resume.check_agreement(earlier, now, self.config, self.directory, self.prepared.dataset)
            self.record = resume.resumed(earlier, now)
            self.starts = [Start.from_json(start) for start in earlier.warm_start]
            return
        self.record = replace(now, warm_start=[start.to_json() for start in self.starts])
        write_arrays(self.directory.splits, resume.splits(self.prepared.dataset, self.config.seed))
        write_json(self.directory.audit, self.prepared.dataset.audit)
        self.save()

    def note(self, **changes: Any) -> None:
        """Changes fields of the record; `save` brings them to the disk."""
        self.record = replace(self.record, **changes)

    def save(self, **changes: Any) -> None:
        """Changes fields of the record, and writes it."""
        self.note(**changes)
        self.record.write(self.directory.run)

    def note_done(self) -> None:
        """Notes that everything asked for is done."""
        self.note(ends=self._ends(), limits=self._limits())

    def is_done(self) -> bool:
        """Whether nothing is left to do: more time, or another limit, may let an ended search go on."""
        if self.record.state != "done" or self.record.ends != self._ends():
            return False
        earlier, now = self.record.limits or self._limits(), self._limits()
        had_all = self.record.search.stopped_by in {"trials", "exhausted"}
        return bool(earlier == now or (had_all and earlier["budget"] == now["budget"]))

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

    @property
    def plan(self) -> PlanRecord:
        """How long trials are, once that is known."""
        assert self.record.plan is not None
        return self.record.plan

    @property
    def search_images(self) -> int:
        """Images that a trial of the search is trained on, unless its plan takes a share of them."""
        return self.record.dataset.n_train - self.record.dataset.n_validation

    def deadline(self, share: float = 1.0, less: float = 0.0) -> float | None:
        """When a share of the budget is spent, or some seconds before; None without a budget."""
        given = self.config.budget
        return None if given is None else self.began + share * given - less

    def ends_by(self) -> str:
        """When the budget is spent, as a date; "" without one."""
        deadline = self.deadline()
        if deadline is None:
            return ""
        left = timedelta(seconds=deadline - time.monotonic())
        return (datetime.now().astimezone() + left).isoformat(timespec="seconds")

    def halt(self) -> Halt:
        """Whether the user asked to stop."""
        return "interrupt" if self.interrupt.asked() else ""

    def until(
        self,
        deadline: float | None,
        latest: float | None = None,
        enough: Callable[[], bool] = lambda: True,
    ) -> Callable[[], Halt]:
        """Halts at `deadline`, or at `latest` while `enough` is false; or when interrupted."""

        def halt() -> Halt:
            last = deadline if enough() else latest
            late = last is not None and time.monotonic() > last
            return self.halt() or ("deadline" if late else "")

        return halt
