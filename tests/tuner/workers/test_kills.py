"""kill -9 at any moment of a search: the same command ends with the same trials, each trained once."""

import json
import random
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.contracts.test_engines import EPOCHS, SMALL, make, screened, search, train
from tests.helpers.runs import commands_in, start, trials, wait_for
from tuner.records import PastTrial
from tuner.run_dir import RunDir
from tuner.search.engines.base import Engine
from tuner.search.schedulers.base import Scheduler
from tuner.search.schedulers.screen import Screen

TRIALS = 7


def opened(folder: Path) -> tuple[Engine, Scheduler]:
    """As a search is opened that has all its trials wait."""
    scheduler = Screen(EPOCHS, 100)
    engine = make(folder, ("optuna", "random"), scheduler=scheduler)
    for trial in [*engine.past(), *engine.paused(), *engine.interrupted()]:
        for epoch, value in trial.scores.items():
            scheduler.report(trial.number, epoch, value)
    return engine, scheduler


def whole_screening(folder: Path) -> list[PastTrial]:
    engine, scheduler = opened(folder)
    assert screened(engine, scheduler, TRIALS)
    engine.drop(TRIALS, everything=True)
    return engine.past()


def whole_hyperband(folder: Path) -> list[PastTrial]:
    engine = make(folder, ("keras-tuner", "hyperband"), space=SMALL)
    search(engine, TRIALS)
    engine.drop(TRIALS, everything=True)
    return engine.past()


@pytest.mark.slow
@pytest.mark.parametrize("whole", [whole_screening, whole_hyperband])
def test_a_crash_after_any_line_of_the_journal_changes_nothing(
    tmp_path: Path, whole: Callable[[Path], list[PastTrial]]
) -> None:
    expected = whole(tmp_path / "whole")
    assert 2 <= sum(trial.outcome == "complete" for trial in expected) < TRIALS
    lines = (tmp_path / "whole" / "study.journal").read_bytes().splitlines(keepends=True)
    for count in range(len(lines)):
        folder = tmp_path / str(count)
        folder.mkdir()
        (folder / "study.journal").write_bytes(b"".join(lines[:count]))
        assert whole(folder) == expected, f"after {count} lines, before {lines[count]!r}"


def test_of_several_that_were_interrupted_the_one_that_had_gone_on_comes_first(tmp_path: Path) -> None:
    """Trial 1 holds its bracket up, so that one of the next bracket goes on before it has ended."""
    combination = ("keras-tuner", "hyperband")
    engine = make(tmp_path, combination)
    specs = [spec for spec in (engine.ask(), engine.ask()) if spec is not None]
    train(engine, specs[0])
    while (gone_on := engine.ask()) is not None and not gone_on.resume_from:
        train(engine, gone_on)
    assert gone_on is not None
    again = make(tmp_path, combination)
    assert [again.ask(), again.ask()] == [gone_on, specs[1]]


SEARCH = [
    "digits", "--trials", "30", "--epochs", "12", "--workers", "2", "--deterministic", "--quiet",
    "--baselines", "none", "--seeds", "1", "--finalists", "1",
]  # fmt: skip
SCREENING, PROMOTION, END = 9, 6, 5
"""Kills in each part of the run."""

Moment = tuple[str, int]
"""A thing that grows, and how far it has grown: bytes of the journal, or trainings after the search."""


def moments(run: RunDir, rng: random.Random) -> list[Moment]:
    """At which to kill, in their order, drawn from the course of a whole run."""
    journal = run.journal.read_bytes()
    promotion, end = journal.index(b'"user_attr":{"until":5}'), len(journal)
    screening = [rng.randrange(promotion) for _ in range(SCREENING)]
    promoted = [rng.randrange(promotion, end) for _ in range(PROMOTION)]
    fits = [rng.randrange(len(list(run.fits.glob("*.json")))) for _ in range(END)]
    return [("journal", at) for at in sorted(screening + promoted)] + [("fits", at) for at in sorted(fits)]


def reached(run: RunDir, moment: Moment) -> bool:
    what, at = moment
    if what == "journal":
        return run.journal.exists() and run.journal.stat().st_size >= at
    return run.fits.exists() and len(list(run.fits.glob("*.json"))) >= at


def run_until_killed(
    environment: dict[str, str], run: RunDir, moment: Moment, later: float, whole_group: bool
) -> None:
    """Starts the command, and kills it `later` seconds after a moment, with its workers or without."""
    process = start(environment, run.path.parents[1], *SEARCH)
    while not reached(run, moment):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.002)
    time.sleep(later)
    parent = psutil.Process(process.pid)
    workers = parent.children(recursive=True)
    for victim in [parent, *(workers if whole_group else [])]:
        with suppress(psutil.NoSuchProcess):
            victim.kill()
    process.communicate()
    assert not psutil.wait_procs(workers, timeout=30)[1]
    # A worker that was just being started ends as soon as it looks for its parent.
    wait_for(lambda: not at_work_in(run), seconds=30)


def at_work_in(run: RunDir) -> list[Any]:
    """Processes that have its directory on their command line, as workers do."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if str(run.path) in " ".join(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


@pytest.mark.slow
def test_twenty_kills_at_random_moments_change_nothing(curves: dict[str, str], tmp_path: Path) -> None:
    environment = {**curves, "CURVE_SECONDS": "0.004"}
    tune = commands_in(environment)
    assert tune(*SEARCH, "--name", "whole", cwd=tmp_path).returncode == 0
    whole, run = (RunDir(tmp_path / "runs" / name) for name in ("whole", "digits"))
    rng = random.Random(4)
    groups = rng.sample([True, False] * 10, 20)
    for moment, whole_group in zip(moments(whole, rng), groups, strict=True):
        run_until_killed(environment, run, moment, rng.uniform(0, 0.05), whole_group)
    done = tune(*SEARCH, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    ended = trials(run.path)
    assert [trial.number for trial in ended] == list(range(30))
    assert {trial.state.name for trial in ended} == {"COMPLETE", "PRUNED"}
    for trial in ended:
        assert trial.user_attrs["epochs"] == len(trial.intermediate_values)  # nothing was trained twice
    assert curves_of(ended) == curves_of(trials(whole.path))
    assert all(json.loads(line) for line in run.journal.read_text().splitlines())
    assert not run.checkpoints.exists()
    assert not [path for path in run.path.rglob("*") if path.suffix in {".tmp", ".rename"}]


def curves_of(ended: list[Any]) -> list[Any]:
    return [(trial.params, trial.intermediate_values, trial.state, trial.value) for trial in ended]
