"""Limits on size and latency: refused before training, avoided by the search, never the winner."""

import json
import math
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.runs import Tune, read_until, report_of, start, trials
from tests.helpers.training import make, train
from tuner.config import RunConfig
from tuner.constraints import Constraints
from tuner.errors import UsageError

SEARCH = [
    "digits", "--trials", "12", "--workers", "1", "--baselines", "none", "--seeds", "1", "--finalists", "2",
    "--max-parameters", "30000",
]  # fmt: skip
"""The stand-in's models have 1,000 parameters a filter: 16 to 64, by default 32."""


def test_a_limit_is_broken_by_what_is_above_it() -> None:
    limits = Constraints(max_parameters=500_000, max_latency_ms=2)
    assert limits.broken(500_000, 2.0) == ""
    assert limits.broken(0, None) == ""  # not known
    assert limits.broken(1_234_567, None) == "1,234,567 parameters; --max-parameters allows 500,000"
    assert limits.broken(1, 2.5) == "2.5 ms an image; --max-latency-ms allows 2"
    assert limits.excesses(750_000, 1.0) == {"parameters": 0.5, "latency_ms": -0.5}
    assert Constraints().excesses(10**9, 10.0) == {}


@pytest.mark.parametrize(
    "options", [{"max_parameters": 0}, {"max_latency_ms": 0.0}, {"max_latency_ms": math.nan}]
)
def test_what_is_no_limit_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="--max-"):
        RunConfig("digits", **options)


def test_a_time_decides_nothing_where_all_is_to_be_the_same() -> None:
    with pytest.raises(UsageError, match="--deterministic: --max-latency-ms decides by a time"):
        RunConfig("digits", deterministic=True, max_latency_ms=5.0)


def record(run: Path) -> list[Any]:
    return [(t.number, t.state, t.params, t.intermediate_values, t.value, t.constraints) for t in trials(run)]


def test_large_models_are_refused_before_training_also_after_a_kill(
    tune_curves: Tune, curves: dict[str, str], tmp_path: Path
) -> None:
    done = tune_curves(*SEARCH, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "runs" / "digits"
    found = trials(run)
    refused = [trial for trial in found if trial.user_attrs["reason"] == "refused"]
    assert refused
    assert all(trial.number and not trial.intermediate_values for trial in refused)
    for trial in found:
        large = trial.user_attrs["params"]["filters"] > 30
        assert large == (trial in refused or trial.number == 0)
        assert trial.constraints["parameters"] == pytest.approx(trial.user_attrs["parameters"] / 30_000 - 1)
    assert "--max-parameters allows 30,000" in refused[0].user_attrs["message"]
    assert "trial 0 waits" in done.stdout
    assert "(too large to win)" in done.stdout
    final = json.loads((run / "final.json").read_text())
    assert found[0].state.name == "COMPLETE"  # as a baseline
    assert not {0, *(trial.number for trial in refused)} & {row["trial"] for row in final["finalists"]}
    report = (run / "report.md").read_text()
    assert f"{len(refused)} configuration" in report
    assert "for more than 30,000 parameters" in report
    assert "The default configuration breaks a limit itself" in report
    status = tune_curves("status", "digits", cwd=tmp_path).stdout
    assert f"refused before training: {len(refused)} of those pruned" in status

    again = tmp_path / "again"
    again.mkdir()
    process = start({**curves, "CURVE_SECONDS": "0.05"}, again, *SEARCH)
    read_until(process, "[6/12]")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert tune_curves(*SEARCH, cwd=again).returncode == 0
    assert record(again / "runs" / "digits") == record(run)
    assert report_of(again / "runs" / "digits")["best"] == report_of(run)["best"]


def test_a_search_without_any_small_enough_says_what_would_help(tune_curves: Tune, tmp_path: Path) -> None:
    options = [*SEARCH[:-2], "--max-latency-ms", "0.5"]
    done = tune_curves(*options, cwd=tmp_path)
    assert done.returncode == 1
    assert "no trial that holds the limits ran to its end; 12 of 12 break them" in done.stderr
    smallest = min(trial.user_attrs["latency_ms"] for trial in trials(tmp_path / "runs" / "digits"))
    assert f"has {smallest:.3g} ms an image; --max-latency-ms allows 0.5" in done.stderr
    assert "a higher limit would help" in done.stderr


@pytest.mark.slow
def test_the_worker_looks_at_a_model_before_it_trains_it(tmp_path: Path) -> None:
    make(tmp_path)
    strict, lenient = (
        {"max_parameters": parameters, "max_latency_ms": latency}
        for parameters, latency in ((10, 1e-6), (10**9, 1e6))
    )
    items = [(1, {}), (1, strict), (0, strict), (1, lenient)]
    found = train(
        tmp_path, *({"number": number, "limits": limits, "epochs": 1, "until": 1} for number, limits in items)
    )
    free, refused, default, small = found
    assert free["latency_ms"] is None
    assert (refused["state"], refused["reason"], refused["epochs"]) == ("refused", "refused", [])
    assert refused["parameters"] == free["parameters"]
    assert "parameters; --max-parameters allows 10; " in refused["message"]
    assert "ms an image; --max-latency-ms allows 1e-06" in refused["message"]
    assert default["state"] == small["state"] == "complete"
    assert default["latency_ms"] > 0
    for other in (default, small):  # to look changes nothing of the training
        assert [epoch["loss"] for epoch in other["epochs"]] == [epoch["loss"] for epoch in free["epochs"]]
