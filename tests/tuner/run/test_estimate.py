"""`tune plan`: takes what a run takes, and says what a budget would cut."""

from pathlib import Path

import pytest

from tests.helpers.runs import Tune
from tuner.config import RunConfig
from tuner.run.estimate import offers
from tuner.run_json import PlanRecord


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (None, []),
        (4000.0, ["--budget 1 h 6 min has room for all of that"]),
        (20.0, ["--budget 20s is too short", "--budget 40s would do"]),
        (
            300.0,
            [
                "--budget 5 min is less: getting ready about 10 s, the search about",
                "trials have 5 epochs instead of 20",
            ],
        ),
    ],
)
def test_what_a_budget_would_cut(budget: float | None, expected: list[str]) -> None:
    found = offers(
        RunConfig("digits", budget=budget),
        3000.0,
        PlanRecord(epochs=20, epoch_seconds=2.0, start_seconds=3.0),
        1,
        spent=10.0,
        images=4_000,
    )
    assert len(found) == len(expected)
    for line, start in zip(found, expected, strict=True):
        assert line.startswith(start)


def test_the_options_of_a_run_with_plan_before_them(tune_curves: Tune, tmp_path: Path) -> None:
    options = ["--budget", "1h", "--engine", "keras-tuner", "--algorithm", "random", "--precision", "float32"]
    options += [
        "--seed",
        "1",
        "--metric",
        "auc",
        "--name",
        "x",
        "--out",
        "o",
        "--trials",
        "3",
        "--epochs",
        "2",
    ]
    done = tune_curves("plan", "digits", *options, "--fresh", "--workers", "1", "--quiet", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 trials of at most 2 epochs" in done.stdout
    assert done.stdout.endswith("--budget 1 h 0 min has room for all of that\n")
    assert not (tmp_path / "o").exists()
