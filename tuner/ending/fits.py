"""Trainings after the search: each done once, found again by what was trained, and within a deadline."""

import hashlib
import json
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tuner.display import Display
from tuner.records import EpochReport, TrialResult, TrialSpec
from tuner.run_dir import RunDir
from tuner.workers.driver import Halt, drive
from tuner.workers.executors.base import Executor


@dataclass(frozen=True)
class Fit:
    """One training to be done.

    Attributes:
        name: of the model that is trained, as in the report.
        spec: how.
        vital: never left out for another one's sake.
        necessary: without it the run has no result: begun in any case, and stopped for no deadline but
            the latest.
        shared: kept for other runs as well, as it depends on no search.
        label: what the display calls it; "" for its name.
    """

    name: str
    spec: TrialSpec
    vital: bool = False
    necessary: bool = False
    shared: bool = False
    label: str = ""


@dataclass(frozen=True)
class Done:
    """A training that was done."""

    spec: TrialSpec
    key: str
    result: TrialResult


@dataclass
class Fits:
    """Does trainings, and remembers them in the run directory. The `Work` of the driver.

    Attributes:
        run: where results are kept.
        identity: all that decides a result beside the work item: data, seed, precision, versions.
        cache: where results are kept that other runs may use.
        executor: where they run.
        display: shows them.
        interrupted: whether the user asked to stop.
        clock: seconds, `time.monotonic` but in tests.
        deadline: tells, on that clock, when everything must have ended, or None; it may change.
        latest: on that clock, when even what is necessary must have ended, or None.
        pace: seconds an epoch (of an estimator: in all) by model, learnt from what was done.
        starting: seconds beside these that a training takes, by model: to build, to compile, to predict.
        cut: trainings left out or stopped for the deadline.
        failed: trainings that failed.
    """

    run: RunDir
    identity: str
    cache: Path
    executor: Executor
    display: Display
    interrupted: Callable[[], bool]
    clock: Callable[[], float] = time.monotonic
    deadline: Callable[[], float | None] = lambda: None
    latest: float | None = None
    pace: dict[str, float] = field(default_factory=dict)
    starting: dict[str, float] = field(default_factory=dict)
    cut: list[Fit] = field(default_factory=list)
    failed: list[tuple[Fit, TrialResult]] = field(default_factory=list)
    _queue: deque[Fit] = field(default_factory=deque)
    _awaited: set[str] = field(default_factory=set)
    _wanted: Callable[[Fit], bool] | None = None
    _spare: Sequence[Fit] = ()
    _running: dict[int, Fit] = field(default_factory=dict)
    _slots: dict[int, TrialSpec] = field(default_factory=dict)
    _stage_until: float | None = None
    _number: int = 0

    def do(
        self,
        stage: str,
        fits: Sequence[Fit],
        until: float | None = None,
        wanted: Callable[[Fit], bool] | None = None,
        spare: Sequence[Fit] = (),
    ) -> bool:
        """Runs the unfinished ones, in their order.

        Args:
            stage: its name, for the display.
            fits: the trainings; equal ones are done once.
            until: on `clock`, when this stage must end, if before the deadline.
            wanted: asked before one begins: whether it can still change an answer.
            spare: what a slot trains that this stage has nothing left for, while others are busy. The stage
                does not wait for it: it goes on in the next one.

        Returns:
            False when the user interrupted it.
        """
        self._stage_until, self._wanted, self._spare = until, wanted, spare
        new = self._unfinished(fits)
        self._awaited = set(new)
        self._queue = deque(self._numbered(fit) for fit in new.values() if not self._under_way(fit))
        trains = any(fit.spec.epochs for fit in new.values())
        self.display.fits_started(stage, len(new), trains=trains, at_most=wanted is not None)
        drive(self.executor, self, self._halt, 0.0, self.clock, self._slots, self._enough)
        self.cut += self._queue
        self._queue.clear()
        return not self.interrupted()

    def _unfinished(self, fits: Sequence[Fit]) -> dict[str, Fit]:
        """Those that are to be done, by key."""
        new: dict[str, Fit] = {}
        for fit in fits:
            if self.result(fit) is None:
                new.setdefault(self.key(fit), fit)
        return new

    def _under_way(self, fit: Fit) -> bool:
        """Whether it is running, and will leave all that is asked for."""
        key = self.key(fit)
        return any(
            self.key(other) == key and other.spec.save >= fit.spec.save for other in self._running.values()
        )

    def _enough(self) -> bool:
        """Whether all that runs is spare."""
        return not self._queue and not any(self.key(fit) in self._awaited for fit in self._running.values())

    def _numbered(self, fit: Fit) -> Fit:
        """With a number of its own, so that concurrent trainings are not confused."""
        self._number += 1
        return replace(fit, spec=replace(fit.spec, number=self._number))

    def result(self, fit: Fit) -> TrialResult | None:
        """The result of a training, None if it was not done."""
        key = self.key(fit)
        found = self.run.load_fit(key, fit.spec)
        if found is None and fit.shared and self.run.fetch_fit(self.cache, key):
            found = self.run.load_fit(key, fit.spec)
        return found

    def found(self, fits: Sequence[Fit]) -> list[Done]:
        """Those of the trainings that were done."""
        results = ((fit, self.result(fit)) for fit in fits)
        return [Done(fit.spec, self.key(fit), result) for fit, result in results if result is not None]

    def key(self, fit: Fit) -> str:
        """The key of a training: a digest of all that decides its result."""
        decisive = {**fit.spec.to_json(), "number": 0, "save": False, "identity": self.identity}
        del decisive["validate_every"]
        for later in ("members", "images"):  # so that what was trained before there were these keeps its key
            if not decisive[later]:
                del decisive[later]
        if fit.spec.temperature == 1:
            del decisive["temperature"]
        if file := fit.spec.own_file:
            decisive["code"] = hashlib.sha256(file.read_bytes()).hexdigest()
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:20]

    def expected(self, fit: Fit) -> float:
        """Seconds that a training will take, by the pace of its model; 0 where nothing is known."""
        training = self.pace.get(fit.name, 0.0) * fit.spec.epochs * fit.spec.share
        return training + self.starting.get(fit.name, 0.0)

    def longest_first(self, fits: Sequence[Fit]) -> list[Fit]:
        """By what is expected: so no slot is left with a long one when the others have nothing to do."""
        return sorted(fits, key=self.expected, reverse=True)

    @property
    def _until(self) -> float | None:
        """When the stage must end."""
        return min((t for t in (self._stage_until, self.deadline()) if t is not None), default=None)

    def _halt(self) -> Halt:
        if self.interrupted():
            return "interrupt"
        needed = any(fit.necessary for fit in (*self._queue, *self._running.values()))
        until = self.latest if needed else self._until
        return "deadline" if until is not None and self.clock() > until else ""

    def next(self) -> tuple[TrialSpec, str] | None:
        """The next training that is wanted and can end in time, or a spare one beside others."""
        while self._queue:
            fit = self._queue.popleft()
            if self._wanted is not None and not self._wanted(fit):
                self.display.fits_changed(-1)
            elif fit.necessary or self._ends_in_time(fit):
                return self._begun(fit)
            else:
                self.cut.append(fit)
        if self._enough():
            return None
        tried = {self.key(fit) for fit, _ in self.failed}
        new = self._unfinished(self._spare).items()
        spare = (fit for key, fit in new if key not in tried and not self._under_way(fit))
        return next((self._begun(self._numbered(fit)) for fit in spare), None)

    def _begun(self, fit: Fit) -> tuple[TrialSpec, str]:
        self._running[fit.spec.number] = fit
        return fit.spec, self.key(fit)

    def prepare(self) -> None:
        """Nothing: all that is to be trained is known."""

    def _ends_in_time(self, fit: Fit) -> bool:
        until = self._until
        if until is None:
            return True
        vital = 0.0 if fit.vital else sum(self.expected(other) for other in self._queue if other.vital)
        slots = max(1, len(self.executor.free()) + len(self._running))
        return self.clock() + self.expected(fit) + vital / slots <= until

    def goes_on(self, spec: TrialSpec, report: EpochReport) -> bool:
        """Always: what is to be trained is known."""
        return True

    def epoch(self, slot: int, spec: TrialSpec, report: EpochReport) -> None:
        """Shows an epoch; one slower than was known tells the pace, also of a training that is cut later."""
        fit = self._running[spec.number]
        if report.epoch > 1:  # the first has the compilation in it
            self.pace[fit.name] = max(self.pace.get(fit.name, 0.0), report.seconds / spec.share)
        self.display.fit_epoch(fit.label or fit.name, spec, report, self.executor.device(slot))

    def done(self, slot: int, spec: TrialSpec, result: TrialResult, halt: Halt) -> None:
        """Remembers a training that ran to its end."""
        fit = self._running.pop(spec.number)
        late = halt == "deadline" and result.state == "stopped"
        if self.key(fit) not in self._awaited:
            self.display.fits_changed(1)
        self.display.fit_ended(fit.label or fit.name, spec, result, late=late)
        if result.state == "complete":
            training = result.seconds - result.starting
            self.pace[fit.name] = training / max(1, len(result.epochs)) / spec.share
            self.starting[fit.name] = result.starting
            self.run.save_fit(self.key(fit), result)
            if fit.shared:
                self.run.share_fit(self.cache, self.key(fit))
        elif result.state == "failed":
            self.failed.append((fit, result))
        else:
            self.cut.append(fit)
