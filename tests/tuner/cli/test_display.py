"""The live table, which Rich draws from a thread of its own."""

import io
import json
import re
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

from tests.helpers.runs import Tune
from tuner.cli.commands import headline
from tuner.display import Display, redraws
from tuner.records import EpochReport, TrialResult, TrialSpec


def test_the_table_is_drawn_while_trials_come_and_go() -> None:
    asked_by = set()

    def left() -> float:
        asked_by.add(threading.current_thread())
        return 60.0

    display = Display(Console(file=io.StringIO(), force_terminal=True, width=100), live=True)
    began, number = time.monotonic(), 0
    with display.showing():
        display.search_started(100, [], [], left)
        while time.monotonic() - began < 1.5:
            specs = [TrialSpec(number + i, "trial", "a:B", {}, 0, "search", 0, 2) for i in range(40)]
            for spec in specs:
                display.trial_started(spec)
            for spec in specs:
                display.trial_ended(spec, TrialResult("complete", 1.0), "complete")
            number += len(specs)
    assert asked_by == {threading.main_thread()}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def spec(number: int) -> TrialSpec:
    return TrialSpec(number, "trial", "a:B", {}, 0, "search", 0, 2)


def drawn(display: Display) -> list[str]:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
    console.print(display._render())
    file = console.file
    assert isinstance(file, io.StringIO)
    return [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in file.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "dumb"}, False),
        ({}, False),
        ({"TERM": "xterm-color", "JPY_PARENT_PID": "7"}, False),
        ({"TERM": "xterm-color", "COLAB_RELEASE_TAG": "x"}, False),
    ],
)
def test_a_table_is_drawn_only_where_it_can_be_drawn_again(environment: dict[str, str], wanted: bool) -> None:
    assert redraws(Terminal(), environment) is wanted
    assert not redraws(io.StringIO(), environment)


def test_each_worker_has_a_line_of_its_own() -> None:
    display = Display(Console(file=io.StringIO()), live=True)
    display.search_started(4, [], [], lambda: 60.0)
    for number in (0, 1):
        display.trial_started(spec(number))
        display.epoch(spec(number), EpochReport(1, 0.5, 0.5, 0.5, 0.5, 0.5, 100, 1.0, 1e-3))
    _, bar, first, second = drawn(display)
    assert "trial" not in bar
    assert first == "  trial 0: epoch 1 of 2, 0.5000"
    assert second == "  trial 1: epoch 1 of 2, 0.5000"


def test_before_anything_is_counted_nothing_is() -> None:
    assert drawn(Display(Console(file=io.StringIO()), live=True)) == ["starting"]


def test_what_has_ended_stays_above_the_table() -> None:
    out = io.StringIO()
    display = Display(Console(file=out, force_terminal=True, width=100), live=True)
    with display.showing():
        display.search_started(1, [], [], lambda: 0.0)
        display.trial_started(spec(0))
        display.trial_ended(spec(0), TrialResult("complete", 0.5), "complete")
        display.fits_started("retraining", 1)
        display.fit_ended("tuned", spec(1), TrialResult("complete", 0.5))
    assert "[1/1] trial 0 complete" in out.getvalue()
    assert "[1/1] tuned" in out.getvalue()


def test_the_time_left_is_that_of_the_whole_run(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("tuner.display.time.monotonic", lambda: now[0])
    out = io.StringIO()
    display = Display(Console(file=out, width=100))
    display.end_planned(10)
    display.search_started(2, [], [], lambda: 60.0, lambda: 30.0)
    display.trial_started(spec(0))
    display.trial_ended(spec(0), TrialResult("complete", 0.5), "complete")
    assert "about 6 min left" in out.getvalue()
    display.fits_started("finalists", 4)
    now[0] += 40.0
    display.fit_ended("tuned", spec(1), TrialResult("complete", 0.5))
    assert "[1/4] tuned; about 6 min left" in " ".join(out.getvalue().split())
    for number in range(9):
        display.fit_ended("tuned", spec(number), TrialResult("complete", 0.5))
    assert not out.getvalue().rstrip().endswith("left")


def test_trainings_under_way_count_as_half_done(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("tuner.display.time.monotonic", lambda: now[0])
    out = io.StringIO()
    display = Display(Console(file=out, width=100))
    display.fits_started("finalists", 10)
    for number in range(4):  # on four slots, which end one after the other
        display.fit_epoch("tuned", spec(number), EpochReport(1, 0.5, 0.5, None, None, None, 64, 1.0, 0.01))
    for number in range(4):
        now[0] += 30.0 if number == 0 else 0.1
        display.fit_ended("tuned", spec(number), TrialResult("complete", 0.5))
    told = [line for line in out.getvalue().splitlines() if "left" in line]
    assert "about 1 min 30 s left" in told[0]
    assert "about 45 s left" in told[-1]


def test_a_budget_is_the_most_that_can_be_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner.display.time.monotonic", lambda: 1000.0)
    out = io.StringIO()
    display = Display(Console(file=out, width=100))
    display.must_end(1045.0)
    display.end_planned(10)
    display.search_started(20, [], [], lambda: 60.0, lambda: 30.0)
    display.trial_ended(spec(0), TrialResult("complete", 0.5), "complete")
    assert "about 45 s left" in out.getvalue()


def test_the_terminal_gives_the_figures_of_the_report(curve_run: Path, tune_curves: Tune) -> None:
    report = (curve_run / "report.md").read_text().replace("\u00a0", " ")
    lines = headline(json.loads((curve_run / "report.json").read_text()))
    figures = [figure for line in lines for figure in re.findall(r"\d+(?:\.\d+)? %", line)]
    assert len(figures) > 1
    assert [figure for figure in figures if figure not in report] == []
    status = tune_curves("status", str(curve_run), cwd=curve_run.parent).stdout
    best = re.search(r"best so far: (\S+ %)", status)
    assert best is not None
    assert best[1] in report
