"""`--json` of the commands that only read: standard output is one object of the schema in docs/json.md."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests import ROOT
from tests.helpers.make_run import make_run
from tests.helpers.runs import Tune, report_of

PAGE = (ROOT / "docs" / "json.md").read_text()


def documented(command: str) -> set[str]:
    """The names in the page's section on a command."""
    (section,) = re.findall(rf"^## `tune {command}`\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return set(re.findall(r"`(\w+)`", section))


def told(tune: Tune, cwd: Path, *arguments: str) -> Any:
    """The object, with every key of it documented."""
    done = tune(*arguments, "--json", cwd=cwd)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.pop("schema_version") == 1
    assert set(found) <= documented(arguments[0])
    return found


@pytest.fixture
def runs(curve_run: Path, tmp_path: Path) -> Path:
    shutil.copytree(curve_run, tmp_path / "runs" / "digits")
    return tmp_path


def test_status_of_a_run_that_is_done(tune: Tune, runs: Path) -> None:
    found, report = told(tune, runs, "status", "digits"), report_of(runs / "runs" / "digits")
    assert (found["name"], found["state"], found["seconds_left"]) == ("digits", "done", None)
    counts = found["trials"]
    assert counts.pop("asked_for") == sum(counts.values()) == 4
    assert found["best"]["score"] > 0
    assert found["test_accuracy"] == report["final"]["test_accuracy"]
    assert found["comparison"] == report["comparison"]


def test_status_while_a_run_goes_on(tune: Tune, tmp_path: Path) -> None:
    make_run(tmp_path / "runs" / "asl", "interrupted")
    found = told(tune, tmp_path, "status")
    assert found["test_accuracy"] is None
    assert found["comparison"] == []
    assert found["trials"]["complete"] > 0


def test_one_trial(tune: Tune, runs: Path) -> None:
    found = told(tune, runs, "status", "digits", "--trial", "0")
    assert (found["number"], found["parameters"]["dense_units"]) == (0, 16)
    assert [epoch["epoch"] for epoch in found["epochs"]] == list(range(1, len(found["epochs"]) + 1))


def test_compare(tune: Tune, runs: Path) -> None:
    make_run(runs / "runs" / "asl")
    make_run(runs / "runs" / "again")
    make_run(runs / "runs" / "begun", "interrupted")
    (runs / "runs" / "broken").mkdir()
    (runs / "runs" / "broken" / "run.json").write_text("{")
    found = told(tune, runs, "compare")
    asl, begun = (
        next(run for run in found["runs"] if Path(run["path"]).name == name) for name in ("asl", "begun")
    )
    assert asl["test_accuracy"]["ci95"][0] < asl["test_accuracy"]["mean"] < asl["test_accuracy"]["ci95"][1]
    assert asl["best_baseline"]["tuned_minus_it"] > 0
    assert (begun["test_accuracy"], begun["best_baseline"]) == (None, None)
    assert set(asl) | set(asl["best_baseline"]) <= documented("compare") | {"mean", "ci95"}
    assert [Path(item["path"]).name for item in found["unreadable"]] == ["broken"]
    data = next(item for item in found["differing_options"] if item["option"] == "data")
    assert {"digits"} in [set(item["runs"]) for item in data["values"]]
    pairs = [item for item in found["pairs"] if {item["first"], item["second"]} == {"asl", "again"}]
    assert [item["first_minus_second"] for item in pairs] == [0.0]


def test_the_lists(tune: Tune, tmp_path: Path) -> None:
    sets = told(tune, tmp_path, "datasets")["datasets"]
    assert {each["name"]: each["on_disk"] for each in sets}["digits"] is True
    (space,) = told(tune, tmp_path, "spaces", "cnn")["spaces"]
    rate = next(each for each in space["parameters"] if each["name"] == "learning_rate")
    assert (rate["low"], rate["log"], set(rate) <= documented("spaces")) == (0.001, True, True)
    assert len(told(tune, tmp_path, "spaces")["spaces"]) > 3
    baselines = told(tune, tmp_path, "baselines")["baselines"]
    assert {"course-cnn", "cnn"} < {each["name"] for each in baselines}
    assert all(set(each) <= documented("baselines") for each in baselines)


def test_plan(tune_curves: Tune, tmp_path: Path) -> None:
    found = told(tune_curves, tmp_path, "plan", "digits", "--workers", "1", "--budget", "1h")
    assert (found["budget_seconds"], found["trials"], len(found["classes"])) == (3600, 20, 10)
    assert found["audit"]["images"]["train"] > 1000
    assert set(found["costs"]) <= documented("plan")
    assert found["costs"]["seconds"] > 0
    assert "has room" in found["costs"]["budget"][0]


def test_an_error_leaves_standard_output_empty(tune: Tune, tmp_path: Path) -> None:
    done = tune("status", "nothing", "--json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: no run")
