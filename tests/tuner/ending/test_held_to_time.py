"""Trainings after the search within a deadline, on a clock of their own."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from rich.console import Console

from tuner.display import Display
from tuner.ending.cuts import left_out
from tuner.ending.fits import Fit, Fits
from tuner.records import EpochReport, TrialResult, TrialSpec
from tuner.run.budget import report_seconds
from tuner.run_dir import RunDir
from tuner.workers.driver import POLL_SECONDS
from tuner.workers.executors.base import Event, Finished, Progress

EPOCHS = 10


@dataclass
class Machine:
    """An executor of one slot on a clock that its polls turn on.

    Attributes:
        pace: seconds that an epoch takes which begins at a time.
        begun: when each item was begun, and how many epochs of it there are.
    """

    pace: Callable[[float], float]
    now: float = 0.0
    begun: list[tuple[float, str]] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    cancelled: list[float] = field(default_factory=list)
    _spec: TrialSpec | None = None
    _epochs: list[EpochReport] = field(default_factory=list)
    _began: float = 0.0
    _answered: bool = True

    def clock(self) -> float:
        return self.now

    def free(self) -> list[int]:
        return [] if self._spec else [0]

    def device(self, slot: int) -> str:
        return "cpu"

    def submit(self, slot: int, spec: TrialSpec, key: str) -> None:
        self._spec, self._epochs, self._began = spec, [], self.now
        self.begun.append((self.now, spec.model))

    def poll(self, timeout: float) -> Event | None:
        spec = self._spec
        assert spec is not None
        if len(self._epochs) == spec.epochs:
            self._spec = None
            self.ended.append(self.now)
            return Finished(
                0, spec, TrialResult("complete", sum(report.seconds for report in self._epochs), self._epochs)
            )
        seconds = self.pace(self._began)
        if self.now + timeout < self._began + seconds:
            self.now += timeout
            return None
        self.now = self._began = max(self.now, self._began + seconds)
        report = EpochReport(len(self._epochs) + 1, 0.1, 0.9, None, None, None, 100, seconds, 1e-3)
        self._epochs.append(report)
        return Progress(0, spec, report)

    def answer(self, slot: int, *, go_on: bool) -> None:
        """Nothing is stopped before its end but by `cancel`."""

    def end_waits(self) -> None:
        """Nothing waits."""

    def cancel(self, slot: int) -> None:
        self._spec = None
        self.cancelled.append(self.now)

    def memory(self) -> int:
        return 0

    def stop(self) -> None:
        """There is no process."""


def trainings(models: str) -> list[Fit]:
    """One of each model, from a seed of its own."""
    specs = (TrialSpec(i, "retrain", name, {}, i, None, -1, EPOCHS) for i, name in enumerate(models, 1))
    return [Fit(spec.model, spec) for spec in specs]


def done_by(
    machine: Machine, deadline: Callable[[], float], models: str, path: Path, out: Console | None = None
) -> Fits:
    fits = Fits(
        RunDir(path / "run"),
        "",
        path / "cache",
        machine,
        Display(out or Console(quiet=True)),
        lambda: False,
        machine.clock,
        deadline,
    )
    fits.do("retraining", trainings(models))
    return fits


def test_what_would_not_end_in_time_is_not_begun(tmp_path: Path) -> None:
    machine = Machine(lambda _: 1.0)
    fits = done_by(machine, lambda: 35.0, "aaaaa", tmp_path)
    assert len(machine.ended) == 3
    assert (machine.cancelled, len(fits.cut)) == ([], 2)
    assert machine.now <= 35.0


@pytest.mark.parametrize("load", [1.5, 2.0, 4.0])
def test_a_machine_that_becomes_busy_breaks_no_deadline(tmp_path: Path, load: float) -> None:
    machine = Machine(lambda began: 1.0 if began < 10 else load)
    fits = done_by(machine, lambda: 60.0, "aaaaaa", tmp_path)
    assert machine.now <= 60.0 + 2 * POLL_SECONDS  # seen at the next look
    assert len(machine.ended) + len(fits.cut) == 6
    begun = [time for time, _ in machine.begun]
    assert all(time + EPOCHS * load <= 60.0 for time in begun[2:])  # the second taught it the pace


def test_a_training_that_the_budget_ends_is_told_as_that(tmp_path: Path) -> None:
    machine, out = Machine(lambda began: 1.0 if began < 10 else 4.0), io.StringIO()
    done_by(machine, lambda: 30.0, "ab", tmp_path, Console(file=out, width=120))
    assert machine.cancelled
    assert "[1/2] a" in out.getvalue()
    assert "[2/2] b stopped: the budget has no more time for it" in out.getvalue()


def test_a_report_that_takes_longer_than_was_kept_for_it_ends_trainings_sooner(tmp_path: Path) -> None:
    machine = Machine(lambda _: 1.0)

    def deadline() -> float:  # the report of the search took 30 seconds, from its begin at 10
        return 90.0 - report_seconds(90.0, min(30.0, max(0.0, machine.now - 10)))

    done_by(machine, deadline, "aaaaaaaaa", tmp_path)
    assert machine.ended[-1] == 60.0
    assert report_seconds(90.0) == report_seconds(90.0, 3.0) == 15.0


@pytest.mark.parametrize(("budget", "took", "kept"), [(90, 2, 5), (90, 6, 9), (90, 20, 20), (16, 3, 4)])
def test_a_report_that_is_written_leaves_the_last_one_little_more(
    budget: float, took: float, kept: float
) -> None:
    assert report_seconds(budget, took, written=True) == kept


def test_what_was_cut_is_told_once_and_as_what_it_is(tmp_path: Path) -> None:
    machine = Machine(lambda _: 1.0)
    fits = done_by(machine, lambda: 0.0, "", tmp_path)
    spec = TrialSpec(1, "finalist", "a:B", {}, 0, "fresh", 0, EPOCHS)
    cut = [
        Fit("tuned", spec),
        Fit("augmentation", replace(spec, purpose="preview", epochs=0)),
        Fit("ensemble", replace(spec, purpose="ensemble", epochs=0, members=("a", "b"))),
        Fit("occlusion", replace(spec, purpose="occlusion", epochs=0)),
    ]
    assert left_out(fits, cut, {"tuned": (3, 5)}, 3, 1.0) == [
        "to hold the budget, some models had fewer trainings on fresh folds: `tuned` 2 of 3",
        "to hold the budget, the figure of augmented images was left out",
        "to hold the budget, the ensemble was not saved",
    ]
