"""The search loop, with an executor that follows a closed form in this process, one event at a time."""

import itertools
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from reports.facts.journal import read_trials
from tests.tuner.search.test_engines import SPACE
from tuner import registry
from tuner.display import Display
from tuner.records import EpochReport, TrialResult, TrialSpec
from tuner.search.engines.optuna_engine import OptunaEngine
from tuner.search.schedulers import SCHEDULERS
from tuner.search.search import Search
from tuner.search.stopping import Limits
from tuner.workers.executors.base import Event, Finished, Progress

EPOCHS = 9


class KilledError(Exception):
    """Ends the process, as far as the search can tell."""


class Curves:
    """An executor whose slots take turns; killed after so many events, if at all."""

    def __init__(self, slots: int, events: int | None = None) -> None:
        self._running: dict[int, Iterator[Event]] = {}
        self._order = itertools.cycle(range(slots))
        self._slots = slots
        self._events = itertools.count() if events is None else iter(range(events))
        self.asked_for: list[int] = []
        self.engine: OptunaEngine | None = None

    def free(self) -> list[int]:
        return [slot for slot in range(self._slots) if slot not in self._running]

    def device(self, slot: int) -> str:
        return "cpu"

    def submit(self, slot: int, spec: TrialSpec, key: str) -> None:
        self._running[slot] = self._train(slot, spec)

    def _train(self, slot: int, spec: TrialSpec) -> Iterator[Event]:
        epochs = []
        last = spec.until or spec.epochs
        for epoch in range(spec.resume_from + 1, last + 1):
            score = min(1.0, float(spec.params.get("rate", 0.01)) * 8 * (1 - 0.5**epoch))
            epochs.append(EpochReport(epoch, 1.0, 0.5, 1.0, score, score, 100, 0.1, 1e-3))
            yield Progress(slot, spec, epochs[-1])
        yield Finished(slot, spec, TrialResult("complete" if last == spec.epochs else "paused", 1.0, epochs))

    def poll(self, timeout: float) -> Event | None:
        if next(self._events, None) is None:
            raise KilledError
        assert self.engine is not None
        self.asked_for.append(len(self.engine.study.trials))
        slot = next(slot for slot in self._order if slot in self._running)
        event = next(self._running[slot])
        if isinstance(event, Finished):
            del self._running[slot]
        return event

    def answer(self, slot: int, *, go_on: bool) -> None:
        assert go_on

    def end_waits(self) -> None:
        pass

    def cancel(self, slot: int) -> None:
        del self._running[slot]

    def memory(self) -> int:
        return 0

    def stop(self) -> None:
        self._running.clear()


def searched(
    folder: Path,
    curves: Curves,
    trials: int,
    pruner: str = "none",
    limits: Limits | None = None,
    lag: int = 0,
) -> OptunaEngine:
    folder.mkdir(exist_ok=True)
    scheduler = registry.resolve(SCHEDULERS[pruner])(EPOCHS, 100, lag)
    curves.engine = engine = OptunaEngine(folder / "study.journal", SPACE, "a:B", "tpe", 0, scheduler)
    display = Display(Console(quiet=True), quiet=True)
    Search(engine, scheduler, curves, display, trials, lambda: 0.0, limits or Limits()).run(lambda: "", 60.0)
    return engine


def begun(folder: Path) -> list[int]:
    return [trial.number for trial in read_trials(folder / "study.journal")]


def outcomes(engine: OptunaEngine) -> list[Any]:
    return [(trial.number, trial.outcome, trial.params, trial.scores) for trial in engine.past()]


@pytest.mark.parametrize("slots", [1, 2])
def test_the_next_trial_is_asked_for_while_the_last_one_still_trains(tmp_path: Path, slots: int) -> None:
    curves = Curves(slots)
    engine = searched(tmp_path, curves, 6)
    assert curves.asked_for[0] == slots + 1
    assert max(curves.asked_for) == 6
    assert [trial.outcome for trial in engine.past()] == ["complete"] * 6


@pytest.mark.parametrize("pruner", ["none", "screen"])
def test_a_search_that_is_killed_again_and_again_is_the_same_search(tmp_path: Path, pruner: str) -> None:
    whole = searched(tmp_path / "whole", Curves(1), 16, pruner)
    for events in (4, 20, 11, 9, 15, 13, 1):
        with suppress(KilledError):
            searched(tmp_path / "parts", Curves(1, events), 16, pruner)
    assert outcomes(searched(tmp_path / "parts", Curves(1), 16, pruner)) == outcomes(whole)


def test_a_trial_asked_for_ahead_does_not_begin_once_the_target_is_reached(tmp_path: Path) -> None:
    whole = searched(tmp_path / "whole", Curves(1), 12)
    best = max(trial.score or 0.0 for trial in whole.past())
    first = next(trial.number for trial in whole.past() if trial.score == best)
    closed = searched(tmp_path / "parts", Curves(1), 12, limits=Limits(target=best))
    assert [trial.number for trial in closed.past()] == list(range(first + 1))
    waiting = closed.study.trials[first + 1 :]
    assert [(trial.state.name, trial.intermediate_values) for trial in waiting] == [("WAITING", {})]
    assert begun(tmp_path / "parts") == list(range(first + 1))
    assert outcomes(searched(tmp_path / "parts", Curves(1), 12)) == outcomes(whole)


def test_asking_ahead_leaves_a_deterministic_search_as_it_is(tmp_path: Path) -> None:
    found = [
        outcomes(searched(tmp_path / str(slots), Curves(slots), 20, "screen", lag=8)) for slots in (1, 2, 5)
    ]
    assert found[0] == found[1] == found[2]


def test_what_was_promoted_trains_side_by_side(tmp_path: Path) -> None:
    """Trials on their way to one rung do not wait for each other."""
    together: list[int] = []

    class Watched(Curves):
        def submit(self, slot: int, spec: TrialSpec, key: str) -> None:
            super().submit(slot, spec, key)
            self.specs = {**getattr(self, "specs", {}), slot: spec}

        def poll(self, timeout: float) -> Event | None:
            specs = [self.specs[slot] for slot in self._running]
            together.append(sum(spec.resume_from == 2 for spec in specs))
            return super().poll(timeout)

    searched(tmp_path, Watched(4), 16, "screen")
    assert max(together) == 4
