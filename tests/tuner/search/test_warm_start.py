"""`--warm-start`: the winners of earlier runs are tried first."""

import json
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from search_spaces.family import Task
from search_spaces.space import Categorical, Float, Int, SearchSpace
from tests.helpers.runs import Tune, read_until, start, trials
from tuner.errors import UsageError
from tuner.search import warm_start
from tuner.search.warm_start import Start

SPACE = SearchSpace(
    "demo",
    {
        "filters": Int(16, 64, 32, log=True, minimum=1, maximum=512),
        "rate": Float(1e-3, 1e-2, 3e-3, log=True),
        "head": Categorical(("dense", "pooling"), "pooling"),
        "kernel": Categorical((3, 5), 3, searched=False),
    },
)
TASK = Task((28, 28, 1), 10, 10_000)


def write_run(out: Path, name: str, params: dict[str, Any], images: int = 10_000, **changes: Any) -> Path:
    """A run directory with what a warm start reads of it, and nothing else."""
    path = out / name
    path.mkdir(parents=True)
    about = {"name": name, "n_train": images, "class_names": list("0123456789"), "image_shape": [28, 28, 1]}
    run = {"name": name, "state": "done", "dataset": {**about, **changes.pop("dataset", {})}, **changes}
    (path / "run.json").write_text(json.dumps(run))
    models = [{"kind": "winner", "params": params}, {"kind": "baseline", "params": {"filters": 99}}]
    (path / "final.json").write_text(json.dumps({"models": models}))
    return path


def find(
    names: list[str], out: Path, own: str = "own", space: SearchSpace = SPACE
) -> tuple[list[Start], str]:
    said: list[str] = []
    return warm_start.find(names, out, out / own, TASK, space, said.append), "\n".join(said)


def test_the_nearest_data_come_first(tmp_path: Path) -> None:
    write_run(tmp_path, "smaller", {"filters": 20}, images=5_000)
    write_run(tmp_path, "alike", {"filters": 24})
    write_run(tmp_path, "much-larger", {"filters": 28}, images=80_000)
    write_run(tmp_path, "coloured", {"filters": 40}, dataset={"image_shape": [56, 56, 3]})
    starts, said = find(["auto"], tmp_path)
    assert [(one.run, one.distance) for one in starts] == [
        ("alike", 0), ("smaller", 1), ("coloured", round(8**0.5, 3)), ("much-larger", 3)
    ]  # fmt: skip
    assert starts[0].params == {"filters": 24, "rate": 3e-3, "head": "pooling", "kernel": 3}
    assert "the winner of alike is trial 1" in said
    assert [Start.from_json(json.loads(json.dumps(one.to_json()))) for one in starts] == starts


def test_values_are_moved_into_the_space_and_none_is_tried_twice(tmp_path: Path) -> None:
    write_run(tmp_path, "a", {"filters": 200, "rate": 1.0, "head": "sofa", "kernel": 5, "other": 1})
    write_run(tmp_path, "b", {"filters": 64, "rate": 0.01})
    write_run(tmp_path, "c", {"filters": 32, "rate": "fast"})
    starts, said = find(["auto"], tmp_path)
    assert [one.params for one in starts] == [{"filters": 64, "rate": 0.01, "head": "pooling", "kernel": 3}]
    assert "the winner of b is in the search already" in said
    assert "the winner of c is in the search already" in said  # it is the default


def test_auto_takes_a_few_finished_runs_that_share_parameters(tmp_path: Path) -> None:
    write_run(tmp_path, "searching", {"filters": 20}, state="searching")
    write_run(tmp_path, "digits.20260101-120000", {"filters": 21})
    write_run(tmp_path, "own", {"filters": 22})
    write_run(tmp_path, "stranger", {"units": 5})
    broken = write_run(tmp_path, "broken", {"filters": 23})
    (broken / "final.json").write_text("{")
    starts, said = find(["auto"], tmp_path)
    assert starts == []
    assert f"no finished run in {tmp_path} shares parameters with demo; none is used" in said
    for index in range(7):
        write_run(tmp_path, f"run{index}", {"filters": 40 + index}, images=10_000 + index)
    assert [one.run for one in find(["auto"], tmp_path)[0]] == [f"run{index}" for index in range(5)]
    named = find(["auto", "run6", str(tmp_path / "searching")], tmp_path)[0]
    assert {one.run for one in named} == {*(f"run{index}" for index in range(5)), "run6", "searching"}
    assert find([], tmp_path) == ([], "")


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    write_run(tmp_path, "stranger", {"units": 5})
    (write_run(tmp_path, "unfinished", {"filters": 5}) / "final.json").unlink()
    with pytest.raises(UsageError, match=r"--warm-start: no run 'nothing'\nruns in .*: stranger, unfinished"):
        find(["nothing"], tmp_path)
    with pytest.raises(UsageError, match="--warm-start unfinished: this run has no winner yet"):
        find(["unfinished"], tmp_path)
    with pytest.raises(UsageError, match="its space shares no searched parameter with demo"):
        find(["stranger"], tmp_path)


SEARCH = [
    "digits", "--trials", "8", "--workers", "1", "--baselines", "none", "--seeds", "1", "--finalists", "1",
]  # fmt: skip


def test_a_run_tries_the_winners_first_and_remembers_them(
    tune_curves: Tune, curves: dict[str, str], tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    wanted = {"filters": 24, "learning_rate": 0.004, "dropout": 0.5, "head": "pooling"}
    write_run(runs, "first", wanted, images=1437, dataset={"image_shape": [8, 8, 1]})
    write_run(runs, "second", {"filters": 500})
    options = [*SEARCH, "--warm-start", "first,auto"]
    killed = start({**curves, "CURVE_SECONDS": "0.05"}, tmp_path, *options)
    read_until(killed, "[2/8]")
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    shutil.rmtree(runs / "first")  # what was chosen when the run began is in its run.json
    write_run(runs, "third", {"filters": 17})
    resumed = tune_curves(*options, cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    told = json.loads((runs / "digits" / "run.json").read_text())["warm_start"]
    assert [each["run"] for each in told] == ["first", "second"]
    found = trials(runs / "digits")
    assert len(found) == 8
    assert [trial.user_attrs.get("warm_start") for trial in found] == [None, "first", "second", *[None] * 5]
    assert [trial.user_attrs["params"] for trial in found[1:3]] == [each["params"] for each in told]
    assert found[1].params.items() >= wanted.items()
    assert found[2].params["filters"] == 64
    report = (runs / "digits" / "report.md").read_text()
    assert "Trials 1 to 2 were warm starts: the winners of earlier runs." in report
    assert "On validation the best of them reached" in report
    assert "the best of the other trials" in report
    assert "and the default" in report

    write_run(runs, "first", wanted, images=1437, dataset={"image_shape": [8, 8, 1]})
    shutil.rmtree(runs / "third")
    whole = tune_curves(*options, "--fresh", cwd=tmp_path)
    assert whole.returncode == 0, whole.stderr
    assert "warm start: the winner of first is trial 1 (its data are 0.0 away)" in whole.stdout
    again = trials(runs / "digits")
    assert [(t.params, t.state, t.value) for t in again] == [(t.params, t.state, t.value) for t in found]


def test_a_run_that_is_not_there_is_one_plain_error(tune_curves: Tune, tmp_path: Path) -> None:
    write_run(tmp_path / "runs", "digits-1", {"filters": 20})
    done: subprocess.CompletedProcess[str] = tune_curves(*SEARCH, "--warm-start", "digits-2", cwd=tmp_path)
    assert done.returncode == 2
    assert "error: --warm-start: no run 'digits-2'\nruns in runs: digits-1\n" in done.stderr
    assert not (tmp_path / "runs" / "digits").exists()
