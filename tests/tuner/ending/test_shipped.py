"""Limits hold for the model that is saved, with workers that follow curves."""

from pathlib import Path

from tests.helpers.runs import SMALL_RUN, Tune, report_of


def test_seeds_that_together_break_a_limit_are_not_saved_as_one(tune_curves: Tune, tmp_path: Path) -> None:
    """A model has 1,000 parameters a filter, and at most 8 filters: one holds 10,000, two do not."""
    done = tune_curves(*SMALL_RUN, "--max-parameters", "10000", "--set", "filters=8", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "runs" / "digits"
    final = report_of(run)["final"]
    assert final["shipped"]["seeds"] == 1
    assert any(
        "one model is saved, not the 2 seeds as one: 16,000 parameters" in text for text in final["cut"]
    )
    assert "one model is saved" in (run / "report.md").read_text().lower()


def test_without_a_limit_they_are(curve_run: Path) -> None:
    assert report_of(curve_run)["final"]["shipped"]["seeds"] == 2
