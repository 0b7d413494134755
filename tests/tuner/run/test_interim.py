"""The report that stands while the end of a run goes on."""

import time
from pathlib import Path

import pytest

from tests.helpers.runs import Tune, read_until, report_of, start

RUN = [
    "digits",
    "--trials",
    "4",
    "--epochs",
    "4",
    "--workers",
    "1",
    "--seeds",
    "2",
    "--baselines",
    "none",
    "--plain",
]


@pytest.mark.slow
def test_a_report_of_the_search_and_then_of_the_finalists_is_there_before_the_end(
    curves: dict[str, str], tmp_path: Path
) -> None:
    slow = {**curves, "CURVE_END_SECONDS": "0.3", "COMMAND_LINE": "tests.helpers.eager"}
    run = start(slow, tmp_path, *RUN)
    read_until(run, "the search is done")
    report = tmp_path / "runs" / "digits" / "report.md"
    while not report.exists():
        assert run.poll() is None, "the run ended first"
        time.sleep(0.1)
    assert "The search is done." in report.read_text()
    assert report_of(report.parent)["final"] is None
    read_until(run, "fresh folds trial")
    while " leads (accuracy" not in report.read_text():
        assert run.poll() is None, "the run ended first"
        time.sleep(0.1)
    assert report_of(report.parent)["final"] is None
    said, _ = run.communicate(timeout=120)
    assert run.returncode == 0, said
    assert "The search is done." not in report.read_text()
    assert report_of(report.parent)["final"] is not None


def test_after_a_short_search_there_is_none(tune_curves: Tune, tmp_path: Path) -> None:
    done = tune_curves(*RUN, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "retraining: " in done.stdout
    assert "the search is done" not in done.stdout
