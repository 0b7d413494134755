"""`--deterministic`: the same trials and decisions, however many workers there are."""

from pathlib import Path
from typing import Any

import pytest

from tests.helpers.runs import Tune, trials

SEARCH = [  # fewer than 20 trials, of which a report resamples no importance
    "digits", "--trials", "18", "--epochs", "12", "--deterministic", "--baselines", "none", "--seeds", "1",
    "--finalists", "1",
]  # fmt: skip


def record(run: Path) -> list[Any]:
    return [(t.number, t.state, t.params, t.intermediate_values, t.value) for t in trials(run)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("chosen", "workers"),
    [
        ("--pruner screen", "124"),
        ("--pruner asha", "124"),
        ("--pruner median --algorithm cmaes", "14"),
        ("--pruner hyperband --algorithm random", "14"),
        ("--engine keras-tuner --algorithm random --pruner asha", "14"),
    ],
)
def test_the_number_of_workers_changes_nothing(
    tune_curves: Tune, fresh_tune_curves: Tune, tmp_path: Path, chosen: str, workers: str
) -> None:
    found: list[Any] = []
    for each in workers:
        tune = tune_curves if found else fresh_tune_curves
        options = [*SEARCH, *chosen.split(), "--workers", each, "--name", each]
        done = tune(*options, cwd=tmp_path, CURVE_SECONDS="0.005")
        assert done.returncode == 0, done.stderr
        found.append(record(tmp_path / "runs" / each))
    assert all(other == found[0] for other in found[1:])
    states = [state.name for _, state, _, _, _ in found[0]]
    assert 2 <= states.count("COMPLETE") < 18


def test_without_it_they_differ(tune_curves: Tune, tmp_path: Path) -> None:
    """Otherwise the test above could not fail."""
    found = []
    for workers in ("1", "4"):
        options = [*(word for word in SEARCH if word != "--deterministic"), "--workers", workers]
        done = tune_curves(*options, "--name", workers, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        found.append(record(tmp_path / "runs" / workers))
    assert found[0] != found[1]


def test_oracles_that_depend_on_what_has_ended_are_refused(tune: Tune, tmp_path: Path) -> None:
    done = tune("digits", "--deterministic", "--engine", "keras-tuner", cwd=tmp_path)
    assert done.returncode == 2
    assert "--deterministic: keras-tuner's hyperband chooses by whatever has ended" in done.stderr
