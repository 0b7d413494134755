"""The search: ask, train, prune, tell."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tuner.display import Display
from tuner.drive import Halt, drive
from tuner.engines.base import Engine, Outcome, PastTrial
from tuner.errors import RunError
from tuner.executors.base import Executor
from tuner.records import EpochReport, TrialResult, TrialSpec
from tuner.scheduler import Scheduler

SAME_FAILURES = 5
"""A search whose first trials all fail stops after this many."""


@dataclass
class Search:
    """A search under way; the `Work` of the driver.

    Attributes:
        engine: chooses trials.
        scheduler: prunes them; told of the study's past when the search starts.
        executor: where they run.
        display: shows them.
        trials: how many in all: complete, pruned and failed.
        clock: seconds since the search began, over all its sittings.
    """

    engine: Engine
    scheduler: Scheduler
    executor: Executor
    display: Display
    trials: int
    clock: Callable[[], float]
    _pruned: set[int] = field(default_factory=set)
    _started: dict[int, float] = field(default_factory=dict)
    _epochs: dict[int, list[EpochReport]] = field(default_factory=dict)
    _failures: list[TrialResult] = field(default_factory=list)
    _completed: int = 0
    _paused: bool = False

    def __post_init__(self) -> None:
        past = self.engine.past()
        for trial in past:
            for epoch, score in trial.scores.items():
                self.scheduler.report(trial.number, epoch, score)
            self._completed += trial.outcome == "complete"
        self.display.search_started(self.trials, past)

    @property
    def completed(self) -> int:
        """Trials that ran to the end."""
        return self._completed

    def next(self) -> tuple[TrialSpec, str] | None:
        """The next trial, None when all have been asked for, or when the engine has none (yet)."""
        spec = None if self._hopeless() else self.engine.ask(self.trials)
        self._drop()
        if spec is None:
            return None
        self._started.setdefault(spec.number, self.clock())
        self._epochs[spec.number] = []
        self.display.trial_started(spec)
        return spec, f"trial-{spec.number}"

    def epoch(self, slot: int, spec: TrialSpec, report: EpochReport) -> bool:
        """Records an epoch, and asks the scheduler."""
        assert report.score is not None
        self.engine.report(spec.number, report)
        self._epochs[spec.number].append(report)
        self.display.epoch(spec, report)
        last = report.epoch >= (spec.until or spec.epochs)
        if last or self.scheduler.report(spec.number, report.epoch, report.score):
            return True
        self._pruned.add(spec.number)
        return False

    def done(self, slot: int, spec: TrialSpec, result: TrialResult, halt: Halt) -> None:
        """Records how a trial ended."""
        outcome, log, micro_batches = self._outcome(spec, result, halt), result.log, result.micro_batches
        if outcome == "failed":
            self._failures.append(result)
        self._completed += outcome == "complete"
        self._paused |= outcome == "paused"
        if not result.epochs:  # failed, or stopped in mid-epoch: what it had reported is still true
            result = TrialResult(
                state=result.state,
                seconds=self.clock() - self._started[spec.number],
                epochs=self._epochs[spec.number],
                reason=result.reason or ("budget" if halt == "deadline" else ""),
                message=result.message,
            )
        if log:
            self.engine.note(spec.number, "log", log)
        if micro_batches > 1:
            self.engine.note(spec.number, "micro_batches", micro_batches)
        self.engine.note(spec.number, "started", self._started[spec.number])
        self.engine.tell(spec.number, result, outcome, (slot, self.executor.device(slot)))
        self.display.trial_ended(spec, result, outcome)
        self._drop()

    def _drop(self, *, everything: bool = False) -> None:
        for trial in self.engine.drop(everything=everything):
            self.display.trial_dropped(trial)

    def _outcome(self, spec: TrialSpec, result: TrialResult, halt: Halt) -> Outcome:
        if result.state == "failed":
            return "failed"
        if result.state in {"complete", "paused"}:
            return "complete" if result.state == "complete" else "paused"
        if spec.number in self._pruned or halt == "deadline":
            return "pruned"
        return "waiting"

    def _hopeless(self) -> bool:
        enough = min(SAME_FAILURES, self.trials)
        return len(self._failures) >= enough and not self._completed and not self._paused

    def run(self, halt: Callable[[], Halt], grace: float) -> None:
        """Searches until there are `trials`, or `halt` says why to end before.

        Raises:
            RunError: every trial fails.
        """
        drive(self.executor, self, halt, grace)
        if halt() != "interrupt":  # after that, paused trials may still go on
            self._drop(everything=True)
        if self._hopeless():
            last = self._failures[-1]
            raise RunError(
                f"the first {len(self._failures)} trials all failed; the last: {last.reason}\n{last.message}"
            )


def best(past: list[PastTrial], count: int) -> list[PastTrial]:
    """The best complete trials by their score at the end of the schedule, best first."""
    complete = [trial for trial in past if trial.outcome == "complete" and trial.score is not None]
    return sorted(complete, key=lambda trial: (-(trial.score or 0.0), trial.number))[:count]
