"""The end of a run: who is trained on the fresh folds, how often, and from how many seeds."""

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.runs import Tune
from tuner.ending.contenders import Contender, in_order

RUN = ["digits", "--trials", "6", "--epochs", "4", "--workers", "2", "--seeds", "4", "--finalists", "2"]


@pytest.fixture(scope="module")
def ended(tune_curves: Tune, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What a run says in which one baseline of two is weak, and its directory."""
    cwd = tmp_path_factory.mktemp("final")
    options = ["--baselines", "dense-512,three-layer", "--set", "filters=8"]
    done = tune_curves(*RUN, *options, cwd=cwd, CURVE_WEAK="dense_512")
    assert done.returncode == 0, done.stderr
    return done.stdout, cwd / "runs" / "digits"


@pytest.fixture(scope="module")
def final(ended: tuple[str, Path]) -> dict[str, Any]:
    """Its `final.json`."""
    found: dict[str, Any] = json.loads((ended[1] / "final.json").read_text())
    return found


def test_a_baseline_far_behind_is_trained_less(final: dict[str, Any]) -> None:
    models = {model["name"]: model for model in final["models"]}
    trained = {
        name: (len(model["validation"]["accuracy_per_fold"]), len(model["seeds"]))
        for name, model in models.items()
    }
    assert trained == {"tuned": (3, 4), "default": (3, 4), "three-layer": (3, 4), "dense-512": (1, 2)}
    assert [line for line in final["cut"] if "15 points behind" in line and line.endswith("`dense-512`")]


def test_the_default_is_a_finalist_whatever_its_rank(final: dict[str, Any]) -> None:
    trials = [row["trial"] for row in final["finalists"]]
    assert 0 in trials
    assert len(trials) in {2, 3}  # the best two, and the default where it is none of them


def test_a_budget_cuts_the_strongest_baseline_and_the_default_last() -> None:
    """As they are retrained in this order, and what does not fit into the time is cut from its end."""
    others = [
        Contender(name, "baseline", "", "", {}) for name in ("default", "majority", "deep", "dense", "other")
    ]
    scores = {"default": 0.9, "majority": 0.1, "deep": 0.8, "dense": 0.6, "other": math.nan}
    seconds = {"default": 50.0, "majority": 0.1, "deep": 90.0, "dense": 8.0, "other": 1.0}
    ordered = [each.name for each in in_order(others, scores, seconds)]
    assert ordered == ["deep", "default", "majority", "other", "dense"]


def test_half_the_data_is_compared_on_the_same_folds_and_for_as_many_steps(final: dict[str, Any]) -> None:
    half, whole = final["data_curve"]
    assert (half["share"], whole["share"]) == (0.5, 1.0)
    assert len(half["accuracy_per_fold"]) == len(whole["accuracy_per_fold"])


def test_less_data_is_trained_on_beside_the_retrainings(ended: tuple[str, Path]) -> None:
    retraining, closer_look = ended[0].split("retraining: ")[1].split("a closer look")
    assert "tuned on half the data" in retraining
    assert "tuned on half the data" not in closer_look


def test_a_slot_without_a_fold_left_begins_with_the_default(tune_curves: Tune, tmp_path: Path) -> None:
    """Whoever wins, the default is retrained; with two slots, one is idle during the last of three folds."""
    options = ["--trials", "1", "--epochs", "4", "--workers", "2", "--seeds", "4", "--baselines", "none"]
    done = tune_curves("digits", *options, cwd=tmp_path, CURVE_SECONDS="0.2")
    assert done.returncode == 0, done.stderr
    # A line of a retraining ends with the model's name: it has no score.
    first, *_ = re.findall(r"\] (default|tuned)(?:;.*)?$", done.stdout, re.MULTILINE)
    assert first == "default"


def test_a_finalist_that_falls_behind_is_trained_on_no_other_fold(tune_curves: Tune, tmp_path: Path) -> None:
    options = ["--finalists", "6", "--seeds", "1", "--baselines", "none", "--set", "filters=8"]
    done = tune_curves("digits", "--trials", "6", "--epochs", "4", "--workers", "2", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    first, *others = json.loads((tmp_path / "runs" / "digits" / "final.json").read_text())["finalists"]
    behind = [row for row in others if len(row["folds"]) == 1]
    assert behind
    assert all(row["folds"][0] < first["folds"][0] - 0.05 for row in behind)
    assert all(len(row["folds"]) in {2, 3} for row in others if row not in behind)
    assert f"trial {behind[0]['trial']} (fell behind)" in done.stdout
    report = (tmp_path / "runs" / "digits" / "report.md").read_text()
    assert (
        "The default configuration and the 5 best of the other trials were trained again on 3 fresh" in report
    )
    assert "Too far behind the leader" in report
