"""`--budget`: held by the whole command, and refused at once where nothing fits into it."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.caches import new_cache
from tests.helpers.runs import Tune, report_of
from tuner.errors import UsageError
from tuner.run.budget import check_budget, fit_budget, search_seconds, split, winner_seconds
from tuner.run.finishing import OVERTIME
from tuner.run_json import PlanRecord

CURVES = {"TUNE_WORKER": "tests.helpers.curve_worker"}


@pytest.mark.parametrize(
    ("budget", "spent", "epoch_seconds", "offered"),
    [(30, 8, 5.0, "60s"), (60, 30, 10.0, "110s"), (60, 8, 100.0, "9m")],
)
def test_a_budget_too_short_for_one_trial_is_refused_with_one_that_is_not(
    budget: float, spent: float, epoch_seconds: float, offered: str
) -> None:
    with pytest.raises(UsageError, match=f"--budget {offered} would do"):
        check_budget(budget, spent, PlanRecord(epochs=2, epoch_seconds=epoch_seconds))
    seconds = float(offered[:-1]) * (60 if offered.endswith("m") else 1)
    check_budget(seconds, spent, PlanRecord(epochs=2, epoch_seconds=epoch_seconds))


def test_large_data_are_searched_on_a_part_and_the_winner_is_trained_long_enough() -> None:
    # Two workers, 48,000 images, 36 seconds an epoch: on all of them trials would have two epochs.
    plan = fit_budget(20, 720.0, 36.0, 3.0, slots=2, images=48_000)
    assert plan.share < 0.5
    assert plan.share * 48_000 >= 5_000
    assert plan.final_epochs is not None
    one = plan.share * plan.epochs * 36.0
    assert plan.epochs == 8
    assert plan.final_epochs >= 6
    assert search_seconds(685.0, plan) > 4 * one / 2  # several whole trials, two at a time
    assert winner_seconds(plan) + 2 * search_seconds(685.0, plan) == pytest.approx(685)
    assert len(plan.notes) == 3


@pytest.mark.parametrize(("minutes", "epochs"), [(2, 2), (4, 4)])
def test_a_budget_too_small_for_a_search_trains_the_default_alone(minutes: int, epochs: int) -> None:
    plan = fit_budget(20, 60.0 * minutes, 36.0, 3.0, slots=2, images=48_000)
    assert (plan.trials, plan.final_epochs) == (1, epochs)
    assert "too small for a search" in plan.notes[0]
    assert "the search" not in split(60.0 * minutes, 0.0, plan)


def test_small_data_keep_all_images_and_the_winner_its_whole_training() -> None:
    plan = fit_budget(20, 140.0, 1.0, 3.0, slots=2, images=1_200)
    assert (plan.share, plan.final_epochs) == (1.0, 20)
    assert 3 <= plan.epochs < 20


def test_a_budget_with_room_changes_nothing() -> None:
    plan = fit_budget(20, 7200.0, 2.0, 3.0, slots=2, images=48_000)
    assert (plan.epochs, plan.share, plan.final_epochs, plan.notes) == (20, 1.0, 20, [])


def test_a_run_that_cannot_fit_says_so_after_the_probe_and_leaves_nothing(tune: Tune, tmp_path: Path) -> None:
    options = ["digits", "--budget", "16s", "--baselines", "none", "--workers", "1"]
    done = tune(*options, cwd=tmp_path, CURVE_SECONDS="8", **CURVES)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "error: --budget 16s is too short" in done.stderr
    assert "would do" in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 3
    assert not list((tmp_path / "runs").iterdir())


HANGS = {
    "0": (1, "no trial ran to its end"),
    "probe": (2, "first steps did not end within it"),
    "retrain": (1, "the winner could not be retrained in time"),
}
"""What hangs, the exit code, and what is said."""


@pytest.fixture(scope="module")
def hung(tune_curves: Tune, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, float]]:
    """Commands in which something hangs, and the seconds that they took: at once, as they only wait."""
    options = ["digits", "--budget", "20s", "--trials", "5", "--baselines", "none", "--workers", "1"]

    def run(what: str) -> tuple[Any, float]:
        folder, began = tmp_path_factory.mktemp("hung", numbered=True), time.monotonic()
        faults = {"CURVE_FAULTS": json.dumps({what: "hang"}), "TUNE_CACHE_DIR": new_cache(folder / "cache")}
        done = tune_curves(*options, cwd=folder, **faults)
        return done, time.monotonic() - began

    tune_curves("datasets", cwd=tmp_path_factory.getbasetemp())  # starts what commands are forks of
    with ThreadPoolExecutor() as pool:
        return dict(zip(HANGS, pool.map(run, HANGS), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("what", HANGS)
def test_what_hangs_in_its_first_epoch_is_held_to_the_budget(
    hung: dict[str, tuple[Any, float]], what: str
) -> None:
    done, seconds = hung[what]
    code, said = HANGS[what]
    assert (done.returncode, said in done.stderr) == (code, True), done.stdout + done.stderr
    assert seconds < 20 * (1 + OVERTIME) + 15  # as below


@pytest.mark.slow
def test_a_budget_is_held_by_the_whole_command(tune: Tune, tmp_path: Path) -> None:
    options = ["digits", "--budget", "20s", "--trials", "1000", "--baselines", "none", "--workers", "2"]
    tune("datasets", cwd=tmp_path)
    began = time.monotonic()
    done = tune(*options, cwd=tmp_path, CURVE_SECONDS="0.05", **CURVES)
    took = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    began = time.monotonic()
    assert tune("report", "digits", cwd=tmp_path).returncode == 0
    busy = 5 + 4 * (time.monotonic() - began)  # what starting and the report take, on this machine just now
    assert took < 20 * 1.05 + busy
    report = report_of(tmp_path / "runs" / "digits")
    assert report["search"]["stopped_by"] == "budget"
    assert report["search"]["trials"]["complete"] >= 1
    assert report["cost"]["seconds"]["search"] < 20 * 0.55 + 2


@pytest.mark.slow
def test_a_run_that_has_become_slower_than_its_trials_still_has_a_winner(
    tune_curves: Tune, tmp_path: Path
) -> None:
    options = ["digits", "--budget", "30s", "--trials", "1000", "--baselines", "majority", "--workers", "2"]
    slower = {"CURVE_SECONDS": "0.025", "CURVE_END_SECONDS": "1", "TUNE_CACHE_DIR": new_cache(tmp_path / "c")}
    done = tune_curves(*options, cwd=tmp_path, **slower)
    assert done.returncode == 0, done.stdout + done.stderr
    report = report_of(tmp_path / "runs" / "digits")
    assert report["final"]["test_accuracy"]["per_seed"]
    assert "left out" in (tmp_path / "runs" / "digits" / "report.md").read_text()


@pytest.mark.slow
def test_the_default_is_tested_before_the_winner_has_all_its_seeds(tune_curves: Tune, tmp_path: Path) -> None:
    options = ["digits", "--budget", "24s", "--baselines", "majority", "--workers", "1", "--seeds", "30"]
    slow = {"CURVE_SECONDS": "0.05", "CURVE_END_SECONDS": "0.15", "TUNE_CACHE_DIR": new_cache(tmp_path / "c")}
    done = tune_curves(*options, "--epochs", "6", cwd=tmp_path, **slow)
    assert done.returncode == 0, done.stdout + done.stderr
    final = report_of(tmp_path / "runs" / "digits")["final"]
    assert 2 <= len(final["test_accuracy"]["per_seed"]) < 30
    text = (tmp_path / "runs" / "digits" / "report.md").read_text()
    assert "`default`" in text.split("## Leaderboard")[1].split("## What")[0]
    assert "some models had fewer retrainings: " in text
