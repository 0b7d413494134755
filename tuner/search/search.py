"""The search: ask, train, compare, tell."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tuner.constraints import Constraints
from tuner.display import Display
from tuner.errors import RunError
from tuner.records import EpochReport, Outcome, PastTrial, TrialResult, TrialSpec
from tuner.search.engines.base import Engine
from tuner.search.pace import Pace
from tuner.search.schedulers.base import Scheduler
from tuner.search.stopping import Closed, Limits, Settled
from tuner.workers.driver import Halt, drive
from tuner.workers.executors.base import Executor

SAME_FAILURES = 5
"""A search whose first trials all fail stops after this many."""


@dataclass
class Search:
    """A search under way; the `Work` of the driver.

    Attributes:
        engine: chooses trials.
        scheduler: prunes them; gets the study's past when the search starts.
        executor: where they run.
        display: shows them.
        trials: how many in all: complete, pruned and failed.
        clock: seconds since the search began, over all its sittings.
        limits: what else ends it.
        constraints: what a model must hold to win.
        deadline: `time.monotonic()` at which it must have ended, or None.
        closed: why no new trials are asked for any more; "" while they are.
    """

    engine: Engine
    scheduler: Scheduler
    executor: Executor
    display: Display
    trials: int
    clock: Callable[[], float]
    limits: Limits = field(default_factory=Limits)
    deadline: float | None = None
    constraints: Constraints = field(default_factory=Constraints)
    closed: Closed = ""
    _pruned: set[int] = field(default_factory=set)
    _started: dict[int, float] = field(default_factory=dict)
    _epochs: dict[int, list[EpochReport]] = field(default_factory=dict)
    _running: dict[int, TrialSpec] = field(default_factory=dict)
    _failures: list[TrialResult] = field(default_factory=list)
    _complete: dict[int, float] = field(default_factory=dict)
    _settled: dict[int, Settled] = field(default_factory=dict)
    _may_win: dict[int, bool] = field(default_factory=dict)
    _pace: Pace = field(default_factory=Pace)
    _ahead: TrialSpec | None = None
    _cut: bool = False

    def __post_init__(self) -> None:
        past, paused = self.engine.past(), [*self.engine.paused(), *self.engine.interrupted()]
        self._may_win = {trial.number: trial.feasible for trial in paused}
        for trial in [*past, *paused]:
            for epoch, score in trial.scores.items():
                self.scheduler.report(trial.number, epoch, score)
            # As it was when the trial first ended or waited; a score of a later epoch is another one.
            first = trial.scores.get(self.scheduler.first(trial.scores), trial.score)
            self._settle(trial.number, trial.outcome, trial.scores, first, feasible=trial.feasible)
            if trial.outcome == "complete" and trial.feasible and trial.score is not None:
                self._complete[trial.number] = trial.score
            self._pace.learn(trial.epochs, trial.seconds, trial.starting)
        self.display.search_started(self.trials, past, paused, self._left, self._whole)

    @property
    def completed(self) -> int:
        """Trials that ran to the end, and may win."""
        return len(self._complete)

    def _settle(
        self,
        number: int,
        outcome: Outcome,
        scores: dict[int, float],
        score: float | None,
        *,
        feasible: bool,
    ) -> None:
        """Notes a trial's score that can be compared with the others', or that there is none.

        A default that is too large has none: it can not win, so nothing ends because it is good.
        """
        if not feasible:
            self._settled.setdefault(number, Settled(None, None))
            return
        if outcome == "complete" and score is not None:
            self._complete[number] = score
        compared = self.scheduler.signal(scores)
        if compared is None:
            compared = self._complete.get(number)
        self._settled.setdefault(number, Settled(score, compared))  # at the first rung, if it went on

    def next(self) -> tuple[TrialSpec, str] | None:
        """The next trial, or one that goes on; None when there is neither (yet)."""
        if self._hopeless():
            return None
        spec = self._take() or self.engine.ask(self._most())
        self._drop()
        if spec is None:
            spec = self._go_on()
        if spec is None:
            return None
        self._started[spec.number] = self.clock()
        self._epochs[spec.number] = []
        self._running[spec.number] = spec
        self.display.trial_started(spec)
        return spec, f"trial-{spec.number}"

    def prepare(self) -> None:
        """Asks for the next trial while the last one still trains: no worker waits for the sampler.

        At once when that has begun, so that what the sampler knows does not depend on the time it takes.
        """
        if self._ahead is None and not self._hopeless():
            self._ahead = self.engine.ask(self._most())

    def _take(self) -> TrialSpec | None:
        """The trial that was asked for ahead, unless there are to be no new ones any more."""
        spec, self._ahead = self._ahead, None
        if spec is not None and not spec.resume_from and self._most() <= self._asked:
            self.engine.put_back(spec.number)
            return None
        return spec

    def _most(self) -> int:
        """How many trials there are to be; no more than there are once the search is closed."""
        if not self.closed and self._asked < self.trials:
            self.closed = self._limit()
        return self._asked if self.closed else self.trials

    @property
    def _asked(self) -> int:
        """Trials that have begun."""
        return len(self._settled) + sum(number not in self._settled for number in self._running)

    def _limit(self) -> Closed:
        if self.deadline is not None and time.monotonic() + self._later(self._asked) > self.deadline:
            return "budget"
        if self.limits == Limits():
            return ""
        lag = self.scheduler.lag
        upto = self._asked - lag if lag else self._asked
        return self.limits.reached({n: trial for n, trial in self._settled.items() if n <= upto})

    def _later(self, trials: int) -> float:
        """Seconds until those of so many trials that are to go on will have ended."""
        epochs = self.scheduler.later(trials, self.completed)
        return epochs * self._pace.epoch_seconds / self._slots()

    def _slots(self) -> int:
        return max(1, len(self.executor.free()) + len(self._running))

    def _left(self) -> float:
        """Seconds that the search has left."""
        new = max(0, self.trials - len(self._settled)) * self._pace.trial_seconds / self._slots()
        return new + self._later(self.trials)

    def _whole(self) -> float:
        """Seconds that one whole training more would take, beside others."""
        return self._pace.whole(self.scheduler.epochs) / self._slots()

    def _go_on(self) -> TrialSpec | None:
        """The best of the trials that wait, once all that it is compared with are known."""
        waiting = self.engine.waiting()
        if not waiting or (self._running and self._asked < self._most()):
            return None
        # With a lag, which trials go on must not depend on which of them is the first to end.
        if not self.scheduler.lag and any(map(self.limits.is_target, self._complete.values())):
            return None
        kept = self.scheduler.keep(waiting, self._most())
        if not kept or any(spec.until < self.scheduler.end for spec in self._running.values()):
            return None
        spec = self.engine.go_on(kept[0])
        self.display.trial_continues(spec, len(kept))
        return spec

    def goes_on(self, spec: TrialSpec, report: EpochReport) -> bool:
        """Whether a trial goes on after an epoch: as its scheduler says, but always to where it pauses."""
        if report.score is None:
            return True
        goes_on = self.scheduler.report(spec.number, report.epoch, report.score)
        if goes_on or report.epoch >= spec.until:
            return True
        self._pruned.add(spec.number)
        return False

    def epoch(self, slot: int, spec: TrialSpec, report: EpochReport) -> None:
        """Records an epoch."""
        self.engine.report(spec.number, report)
        self._epochs[spec.number].append(report)
        self.display.epoch(spec, report, self.executor.device(slot))

    def done(self, slot: int, spec: TrialSpec, result: TrialResult, halt: Halt) -> None:
        """Records how a trial ended, or that it waits."""
        del self._running[spec.number]
        outcome = self._outcome(spec, result, halt)
        if outcome == "failed":
            self._failures.append(result)
        self._cut |= halt == "deadline" and result.state == "stopped"
        if not result.epochs:  # failed, or stopped in mid-epoch: what it had reported is still true
            result = replace(
                result,
                seconds=self.clock() - self._started[spec.number],
                epochs=self._epochs[spec.number],
                reason=result.reason or ("budget" if halt == "deadline" else ""),
            )
        self._note(spec.number, result)
        feasible = self._feasible(spec, result)
        self.engine.tell(spec.number, result, outcome, (slot, self.executor.device(slot)))
        if outcome != "waiting":
            scores = {each.epoch: each.score for each in result.epochs if each.score is not None}
            self._settle(spec.number, outcome, scores, result.score, feasible=feasible)
            if result.state != "refused":
                self._pace.learn(len(result.epochs), result.seconds, result.starting)
        self.display.trial_ended(spec, result, outcome, wins=feasible)
        self._drop()

    def _feasible(self, spec: TrialSpec, result: TrialResult) -> bool:
        """Whether a trial may win; what goes on after a pause was looked at before it."""
        broken = self.constraints.broken(result.parameters, result.latency_ms)
        found = self._may_win.get(spec.number, True) and not broken
        self._may_win[spec.number] = found
        return found

    def _note(self, number: int, result: TrialResult) -> None:
        if result.log:
            self.engine.note(number, "log", result.log)
        if result.micro_batches > 1:
            self.engine.note(number, "micro_batches", result.micro_batches)
        self.engine.note(number, "began", self._started[number])

    def _drop(self, *, everything: bool = False) -> None:
        for trial in self.engine.drop(self._most(), everything=everything):
            self.display.trial_dropped(trial)

    def _outcome(self, spec: TrialSpec, result: TrialResult, halt: Halt) -> Outcome:
        if result.state == "failed":
            return "failed"
        if result.state in {"complete", "paused"}:
            return "complete" if spec.until >= self.scheduler.end else "paused"
        if result.state == "refused" or spec.number in self._pruned or halt == "deadline":
            return "pruned"
        return "waiting"

    def _hopeless(self) -> bool:
        enough = min(SAME_FAILURES, self.trials)
        return len(self._failures) >= enough and len(self._failures) == len(self._settled)

    def run(self, halt: Callable[[], Halt], grace: float) -> None:
        """Searches until there are `trials`, or `halt` says why to end before.

        Raises:
            RunError: every trial fails.
        """
        drive(self.executor, self, halt, grace)
        if halt() == "deadline" and (self._cut or self._asked < self.trials or self.engine.waiting()):
            self.closed = self.closed or "budget"
        if self._ahead is not None:
            self.engine.put_back(self._ahead.number)
        if halt() != "interrupt":  # after that, paused trials may still go on
            self._drop(everything=True)
        if self._hopeless():
            last = self._failures[-1]
            raise RunError(
                f"the first {len(self._failures)} trials all failed; the last: {last.reason}\n{last.message}"
            )


def best(past: list[PastTrial], count: int) -> list[PastTrial]:
    """The best complete trials that meet all limits, by score at the end of the schedule, best first."""
    complete = [t for t in past if t.outcome == "complete" and t.score is not None and t.feasible]
    return sorted(complete, key=lambda trial: (-(trial.score or 0.0), trial.number))[:count]
