"""`--target`, `--patience` and `--budget`: a search that ends before it has all its trials."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.runs import Tune
from tuner.search.stopping import Limits, Settled

SEARCH = [
    "digits", "--trials", "60", "--workers", "1", "--baselines", "none", "--seeds", "1", "--finalists", "1",
]  # fmt: skip


def compared(*scores: float | None) -> dict[int, Settled]:
    return {number: Settled(score, score) for number, score in enumerate(scores)}


def test_without_limits_nothing_ends() -> None:
    assert Limits().reached(compared(0.9, 0.1, 0.1)) == ""


def test_patience_counts_trials_without_a_better_one() -> None:
    limits = Limits(patience=3)
    assert limits.reached(compared(0.5, 0.6, 0.6, None)) == ""
    assert limits.reached(compared(0.5, 0.6, 0.6, None, 0.1)) == "plateau"
    assert limits.reached(compared(0.5, 0.6, 0.6, None, 0.7)) == ""


def test_a_target_is_a_score_that_was_reached_not_a_trend() -> None:
    assert Limits(target=0.8).reached({0: Settled(0.7, 0.9)}) == ""
    assert Limits(target=0.8).reached({0: Settled(0.8, 0.9)}) == "target"


def searched(tune_curves: Tune, folder: Path, *more: str, **environment: str) -> Any:
    done = tune_curves(*SEARCH, *more, cwd=folder, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "runs" / "digits" / "report.json").read_text())["search"]


@pytest.mark.parametrize(
    ("option", "value", "why"), [("--target", "0.7", "target"), ("--patience", "5", "plateau")]
)
@pytest.mark.parametrize("pruner", ["screen", "asha"])
def test_a_search_ends_at_its_limit_and_says_which(
    tune_curves: Tune, tmp_path: Path, option: str, value: str, why: str, pruner: str
) -> None:
    report = searched(tune_curves, tmp_path, option, value, "--pruner", pruner)
    assert report["stopped_by"] == why
    assert report["trials"]["complete"] >= 1
    assert sum(report["trials"].values()) < 60
    assert report["trials"]["unfinished"] == 0


@pytest.mark.slow
def test_a_budget_leaves_time_for_those_that_wait(tune_curves: Tune, tmp_path: Path) -> None:
    report = searched(tune_curves, tmp_path, "--trials", "900", "--budget", "40s", CURVE_SECONDS="0.02")
    assert report["stopped_by"] == "budget"
    assert report["trials"]["complete"] >= 3
    assert report["trials"]["unfinished"] == 0


def test_a_search_that_its_limit_ended_goes_on_with_another(tune_curves: Tune, tmp_path: Path) -> None:
    first = searched(tune_curves, tmp_path, "--target", "0.7")
    assert searched(tune_curves, tmp_path, "--target", "0.7")["trials"] == first["trials"]
    more = searched(tune_curves, tmp_path, "--patience", "6")
    assert more["stopped_by"] == "plateau"
    assert sum(more["trials"].values()) > sum(first["trials"].values())
    assert more["trials"]["unfinished"] == 0
