from pathlib import Path

import pytest

from search_spaces.space import Categorical, Float, Int, SearchSpace
from tuner.errors import RunError
from tuner.records import EpochReport, Outcome, TrialResult, TrialSpec
from tuner.search.engines.journal import mend
from tuner.search.engines.optuna_engine import OptunaEngine
from tuner.search.schedulers.base import Scheduler
from tuner.search.schedulers.screen import Screen

SPACE = SearchSpace(
    "toy",
    {
        "width": Int(1, 64, 8, log=True),
        "rate": Float(1e-4, 1e-1, 1e-2, log=True),
        "head": Categorical(("a", "b"), "a"),
        "depth": Int(1, 3, 2, active_if=("head", ("b",))),
        "fixed": Float(0.0, 1.0, 0.5, searched=False),
    },
)


def engine(folder: Path, seed: int = 0) -> OptunaEngine:
    return OptunaEngine(folder / "study.journal", SPACE, "a:B", "tpe", seed, Scheduler(3, 100))


def ask(chosen: OptunaEngine) -> TrialSpec:
    spec = chosen.ask()
    assert spec is not None
    return spec


def report(epoch: int, score: float) -> EpochReport:
    return EpochReport(epoch, 1.0, 0.5, 1.0, score, score, 100, 0.1, 1e-3)


def play(chosen: OptunaEngine, trials: int) -> list[dict[str, object]]:
    asked: list[dict[str, object]] = []
    for _ in range(trials):
        spec = ask(chosen)
        asked.append(dict(spec.params))
        epochs = [report(e, float(spec.params["rate"])) for e in (1, 2, 3)]
        for each in epochs:
            chosen.report(spec.number, each)
        chosen.tell(spec.number, TrialResult("complete", 1.0, epochs), "complete", (0, "cpu"))
    return asked


def test_trial_0_is_the_default(tmp_path: Path) -> None:
    assert ask(engine(tmp_path)).params == SPACE.default()


def test_the_same_seed_asks_the_same_whether_or_not_it_was_resumed(tmp_path: Path) -> None:
    for name in ("whole", "parts", "other"):
        (tmp_path / name).mkdir()
    whole = play(engine(tmp_path / "whole"), 16)
    parts = [params for count in (1, 11, 4) for params in play(engine(tmp_path / "parts"), count)]
    assert parts == whole
    assert play(engine(tmp_path / "other", seed=1), 16) != whole


def test_what_costs_less_than_the_default_is_trained_further_before_it_waits(tmp_path: Path) -> None:
    known = SearchSpace(SPACE.name, SPACE.parameters, cost=lambda params: float(params["width"]))
    screen = Screen(20, 100)
    chosen = OptunaEngine(tmp_path / "study.journal", known, "a:B", "random", 0, screen)
    specs = [ask(chosen) for _ in range(20)]
    stops = {float(spec.params["width"]): (spec.until, spec.validate_every) for spec in specs}
    assert stops == {
        width: (screen.until(1, 0, width / 8), screen.until(1, 0, width / 8) - 1) for width in stops
    }
    assert stops[8] == (3, 2)
    assert {until for until, _ in stops.values()} >= {2, 3, 7}


def test_an_interrupted_trial_comes_again_with_its_number_and_parameters(tmp_path: Path) -> None:
    first = engine(tmp_path)
    play(first, 3)
    lost = ask(first)
    first.report(lost.number, report(1, 0.5))
    again = engine(tmp_path)  # the first process is gone, its trial still running in the journal
    spec = ask(again)
    assert (spec.number, spec.params, spec.seed) == (lost.number, lost.params, lost.seed)
    epochs = [report(1, 0.5), report(2, 0.6)]
    for each in epochs:
        again.report(spec.number, each)
    again.tell(spec.number, TrialResult("complete", 1.0, epochs), "complete", (0, "cpu"))
    assert [trial.number for trial in again.past()] == [0, 1, 2, 3]
    assert again.past()[3].scores == {1: 0.5, 2: 0.6}


def test_a_failed_trial_counts_as_failed_and_keeps_its_reason(tmp_path: Path) -> None:
    chosen = engine(tmp_path)
    spec = ask(chosen)
    chosen.tell(spec.number, TrialResult("failed", 1.0, reason="nan", message="no"), "failed", (0, "cpu"))
    (trial,) = engine(tmp_path).past()
    assert (trial.outcome, trial.score) == ("failed", None)
    assert chosen.study.trials[0].user_attrs["reason"] == "failed: nan"


def test_samplers_are_not_shown_a_failed_trial_as_a_good_one(tmp_path: Path) -> None:
    """One that was among the best at the first rung, and failed after it."""
    from tuner.search.engines.view import seen

    scheduler = Screen(9, 100)
    chosen = OptunaEngine(tmp_path / "study.journal", SPACE, "a:B", "tpe", 0, scheduler)
    outcomes: list[Outcome] = ["paused", "paused", "failed"]
    for outcome in outcomes:
        spec = ask(chosen)
        epochs = [report(epoch, 0.5 + 0.1 * spec.number) for epoch in range(1, spec.until + 1)]
        for each in epochs:
            chosen.report(spec.number, each)
        chosen.tell(spec.number, TrialResult("paused", 1.0, epochs, reason="nan"), outcome, (0, "cpu"))
    shown = seen(chosen.study.trials, scheduler.signal, None, {})
    assert [trial.state.name for trial in shown] == ["COMPLETE", "COMPLETE", "PRUNED"]


@pytest.mark.parametrize("tail", [b'{"op_code": 4, "work', b"\0" * 512, b'{"op_code": 4}garbage\n{"a"'])
def test_a_torn_journal_is_mended_and_nothing_finished_is_lost(tmp_path: Path, tail: bytes) -> None:
    play(engine(tmp_path), 3)
    journal = tmp_path / "study.journal"
    whole = journal.read_bytes()
    journal.write_bytes(whole + tail)
    mended = engine(tmp_path)
    assert len(mended.past()) == 3
    play(mended, 2)
    assert len(engine(tmp_path).past()) == 5
    assert journal.read_bytes().startswith(whole)


def test_a_journal_damaged_in_the_middle_is_not_cut(tmp_path: Path) -> None:
    play(engine(tmp_path), 2)
    journal = tmp_path / "study.journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    damaged = b"".join([*lines[:3], b"\0" * 64 + b"\n", *lines[4:]])
    journal.write_bytes(damaged)
    with pytest.raises(RunError, match="damaged at byte"):
        engine(tmp_path)
    assert journal.read_bytes() == damaged


def test_a_whole_journal_is_left_alone(tmp_path: Path) -> None:
    play(engine(tmp_path), 1)
    assert mend(tmp_path / "study.journal") == 0
    assert mend(tmp_path / "none") == 0


@pytest.mark.parametrize("name", ["study.journal.lock", "study.journal.lock0b1c.rename"])
def test_locks_of_a_process_that_was_killed_are_removed(tmp_path: Path, name: str) -> None:
    play(engine(tmp_path), 1)
    (tmp_path / name).touch()
    play(engine(tmp_path), 1)
    assert not (tmp_path / name).exists()
