"""Whole runs, through the real command line and real worker processes."""

import csv
import json
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.helpers.caches import new_cache
from tests.helpers.runs import SMALL_RUN, Tune, fresh_commands_in, read_until, report_of, start, trials

pytestmark = pytest.mark.slow

TIMES = {"seconds", "latency_ms", "images_per_second", "cost", "created", "started", "environment", "command"}


def without_times(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: without_times(value) for key, value in data.items() if key not in TIMES}
    if isinstance(data, list):
        return [without_times(value) for value in data]
    return data


def test_a_run_leaves_what_it_promises(small_run: Path) -> None:
    names = {
        "report.md", "report.json", "leaderboard.csv", "run.json", "study.journal", "audit.json",
        "final.json", "predictions.npz", "histories.json", "test_reads.jsonl", "model", "figures", "logs",
    }  # fmt: skip
    assert names <= {path.name for path in small_run.iterdir()}
    assert json.loads((small_run / "model" / "labels.json").read_text()) == [str(d) for d in range(10)]
    report = report_of(small_run)
    assert sum(report["search"]["trials"].values()) == 4
    assert report["search"]["stopped_by"] == "trials"
    assert {row["name"] for row in report["baselines"]} == {"default", "majority", "dense-512"}
    assert report["dataset"]["test_readings"] == 1
    assert len((small_run / "test_reads.jsonl").read_text().splitlines()) == 1


def test_everyone_is_judged_on_the_same_images(small_run: Path) -> None:
    with np.load(small_run / "predictions.npz") as saved:
        labels = saved["test_labels"]
        for key in saved.files:
            if key.startswith("test/"):
                assert saved[key].shape == (len(labels), 10)
                assert np.allclose(saved[key].sum(axis=1), 1, atol=1e-3)
    accuracy = report_of(small_run)["final"]["test_accuracy"]["mean"]
    with np.load(small_run / "predictions.npz") as saved:
        seeds = [saved[f"test/tuned/{i}"].argmax(1) == saved["test_labels"] for i in range(2)]
    assert accuracy == pytest.approx(np.mean(seeds))


def test_search_and_finalists_have_splits_of_their_own(small_run: Path) -> None:
    facts = report_of(small_run)["dataset"]
    assert facts["n_train"] + facts["n_test"] == 1797
    with np.load(small_run / "splits.npz") as splits:
        assert set(np.unique(splits["search"])) == set(range(5))
        assert not np.array_equal(splits["search"], splits["fresh"])


def test_running_a_finished_run_again_only_writes_its_report(
    tune_curves: Tune, curve_run: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(curve_run, tmp_path / "runs" / "digits")
    began = time.monotonic()
    done = tune_curves(*SMALL_RUN, cwd=tmp_path)
    assert done.returncode == 0
    assert "everything asked for is done" in done.stdout
    assert time.monotonic() - began < 60
    assert len((run / "test_reads.jsonl").read_text().splitlines()) == 1


def test_more_trials_extend_a_run_and_the_readings_are_counted(
    tune_curves: Tune, curve_run: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(curve_run, tmp_path / "runs" / "digits")
    before = trials(run)
    more = ["6" if word == "4" else word for word in SMALL_RUN]
    assert tune_curves(*more, cwd=tmp_path).returncode == 0
    after = trials(run)
    assert len(after) == 6
    assert [t.datetime_start for t in after[:4]] == [t.datetime_start for t in before]
    readings = len((run / "test_reads.jsonl").read_text().splitlines())
    assert report_of(run)["dataset"]["test_readings"] == readings


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (["--seed", "7"], "--seed 7 (this run directory has 0)"),
        (["--epochs", "4"], "--epochs 4 (this run directory has 2)"),
        (["--set", "dropout=0.1"], "--set"),
    ],
)
def test_a_run_that_cannot_go_on_says_why(
    tune_curves: Tune, curve_run: Path, tmp_path: Path, change: list[str], named: str
) -> None:
    shutil.copytree(curve_run, tmp_path / "runs" / "digits")
    done = tune_curves(*SMALL_RUN, *change, cwd=tmp_path)
    assert done.returncode == 2
    assert named in done.stderr
    assert "--fresh" in done.stderr


def test_json_goes_to_standard_output_alone(tune_curves: Tune, curve_run: Path, tmp_path: Path) -> None:
    shutil.copytree(curve_run, tmp_path / "runs" / "digits")
    done = tune_curves(*SMALL_RUN, "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["schema_version"] == 1
    assert "report:" in done.stderr


def test_an_interrupted_run_goes_on_where_it_was_and_the_same_seed_gives_the_same_run(
    forked: dict[str, str], small_run: Path, tmp_path: Path
) -> None:
    own = {**forked, "TUNE_CACHE_DIR": new_cache(tmp_path / "cache")}  # takes nothing over from the other run
    process = start(own, tmp_path, *SMALL_RUN)
    read_until(process, "[2/4]")
    workers = psutil.Process(process.pid).children()
    process.kill()
    process.communicate(timeout=120)
    assert not psutil.wait_procs(workers, timeout=30)[1]
    went_on(fresh_commands_in(own), tmp_path, small_run)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_told_to_stop_reports_and_goes_on_where_it_was(
    curves: dict[str, str], tune_curves: Tune, curve_run: Path, tmp_path: Path, sent: signal.Signals
) -> None:
    process = start({**curves, "CURVE_SECONDS": "0.2"}, tmp_path, *SMALL_RUN)
    read_until(process, "[2/4]")
    process.send_signal(sent)
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 130, output
    assert "this continues" in output
    assert (tmp_path / "runs" / "digits" / "report.md").exists()
    went_on(tune_curves, tmp_path, curve_run)


def test_a_finished_run_that_is_stopped_while_it_is_extended_is_not_done(
    curves: dict[str, str], curve_run: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(curve_run, tmp_path / "runs" / "digits")
    more = ["9" if word == "4" else word for word in SMALL_RUN]
    process = start({**curves, "CURVE_SECONDS": "0.3"}, tmp_path, *more)
    read_until(process, "[5/9]")
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 130, output
    assert "this continues" in output
    assert json.loads((run / "run.json").read_text())["state"] == "interrupted"


def went_on(tune: Tune, cwd: Path, whole: Path) -> None:
    """The same command ends as a run without an interruption, and does nothing finished again."""
    run = cwd / "runs" / "digits"
    finished = {t.number: t.datetime_complete for t in trials(run) if t.state.is_finished()}
    assert 2 <= len(finished) < 4
    assert tune(*SMALL_RUN, cwd=cwd).returncode == 0
    after = trials(run)
    assert {n: after[n].datetime_complete for n in finished} == finished
    assert [(t.params, t.value, t.intermediate_values, t.state) for t in after] == [
        (t.params, t.value, t.intermediate_values, t.state) for t in trials(whole)
    ]
    assert without_times(report_of(run)) == without_times(report_of(whole))


def test_a_worker_that_dies_takes_only_its_trial_along(curves: dict[str, str], tmp_path: Path) -> None:
    process = start({**curves, "CURVE_SECONDS": "0.2"}, tmp_path, *SMALL_RUN)
    read_until(process, "[1/4]")
    (worker,) = psutil.Process(process.pid).children()
    worker.kill()
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 0, output
    failures = report_of(tmp_path / "runs" / "digits")["failures"]
    assert len(failures) == 1
    assert "worker" in failures[0]["reason"]
    assert report_of(tmp_path / "runs" / "digits")["search"]["trials"]["failed"] == 1


def test_two_commands_on_one_run_are_told_apart(
    curves: dict[str, str], tune_curves: Tune, tmp_path: Path
) -> None:
    process = start({**curves, "CURVE_SECONDS": "5"}, tmp_path, *SMALL_RUN)
    read_until(process, "starting 1 worker")
    second = tune_curves(*SMALL_RUN, cwd=tmp_path)
    assert second.returncode == 2
    assert "another tune command is at work" in second.stderr
    process.send_signal(signal.SIGKILL)
    process.communicate()
    third = start(curves, tmp_path, *SMALL_RUN)
    read_until(third, "[1/4]")  # the lock of a killed process is not left behind
    third.kill()
    third.communicate()


def test_a_run_set_aside_keeps_everything(curves: dict[str, str], curve_run: Path, tmp_path: Path) -> None:
    shutil.copytree(curve_run, tmp_path / "runs" / "digits")
    process = start(curves, tmp_path, *SMALL_RUN, "--fresh")
    seen = read_until(process, "set aside")
    process.kill()
    process.communicate()
    (aside,) = [path for path in (tmp_path / "runs").iterdir() if path.name != "digits"]
    assert aside.name in seen
    assert (aside / "report.md").read_bytes() == (curve_run / "report.md").read_bytes()


def test_a_space_that_always_fails_ends_the_run_with_its_reason(tune_forked: Tune, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(
        "from search_spaces.family import Family, Recipe\n"
        "from search_spaces.space import Float, SearchSpace\n"
        "def build(params, image_shape, classes):\n    raise RuntimeError('no such layer')\n"
        "SPACE = SearchSpace('broken', {'x': Float(0.0, 1.0, 0.5)})\n"
        "FAMILY = Family('broken', 'never builds', lambda task: SPACE, build, lambda params: Recipe())\n"
    )
    options = ["--trials", "9", "--workers", "1", "--space", "broken.py:FAMILY"]
    done = tune_forked("digits", *options, cwd=tmp_path)
    assert done.returncode == 1
    assert "RuntimeError: no such layer" in done.stderr
    assert "trials all failed" in done.stderr


OWN = """
import keras
from sklearn.naive_bayes import GaussianNB

CLASSIFIER = GaussianNB()

def network(image_shape, classes):
    inputs = keras.Input(image_shape, dtype="uint8")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    return keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(x))

NEITHER = 3
"""


def test_your_own_models_are_compared(tune_forked: Tune, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    short = [
        "digits",
        "--trials",
        "1",
        "--epochs",
        "2",
        "--seeds",
        "1",
        "--finalists",
        "1",
        "--set",
        "filters=4",
        "--workers",
        "1",
    ]
    done = tune_forked(*short, "--baselines", "own.py:network,own.py:CLASSIFIER", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in report_of(tmp_path / "runs" / "digits")["baselines"]}
    assert rows["classifier"]["test_accuracy"]["mean"] > 0.7
    assert rows["network"]["epochs"] in {1, 2}
    refused = tune_forked(*short, "--name", "b", "--baselines", "own.py:NEITHER", cwd=tmp_path)
    assert (refused.returncode, "expected a Baseline" in refused.stderr) == (2, True)


def test_baselines_are_trained_once_for_all_runs(tune_curves: Tune, curve_run: Path, tmp_path: Path) -> None:
    other = ["6" if word == "4" else word for word in SMALL_RUN]
    done = tune_curves(*other, "--name", "second", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "] dense-512" not in done.stdout  # trained for the first run, with the same seed
    again, before = (
        {row["name"]: row["test_accuracy"]["per_seed"] for row in report_of(run)["baselines"]}
        for run in (tmp_path / "runs" / "second", curve_run)
    )
    assert again == before


def test_the_winner_on_less_data_and_its_augmentation_are_shown(small_run: Path) -> None:
    final = json.loads((small_run / "final.json").read_text())
    shares = [point["share"] for point in final["data_curve"]]
    images = [point["images"] for point in final["data_curve"]]
    assert shares == [0.5, 1.0]
    assert images == sorted(images)
    report = (small_run / "report.md").read_text()
    assert "Would more data help?" in report
    with np.load(small_run / "images.npz") as saved:
        assert saved["augmented"].shape == (3, *saved["original"].shape)
        assert (saved["augmented"] != saved["original"]).any()


def test_mistakes_name_the_files_or_rows_that_they_are_of(small_run: Path) -> None:
    names = json.loads((small_run / "names.json").read_text())["test"]
    assert not any("train" in name for name in names)  # they were held out
    with (small_run / "mistakes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert all(row["file"] == names[int(row["test_image"])] for row in rows)
    assert f"`{rows[0]['file']}`" in (small_run / "report.md").read_text()


def test_the_report_shows_where_the_model_looks_and_again_without_the_data(
    small_run: Path, tune: Tune, tmp_path: Path
) -> None:
    with np.load(small_run / "images.npz") as images:
        assert images["drops"].shape == (12, 7, 7)
        assert images["drops"].max() > 0
        assert set(images["looked_at"]) <= set(images["indices"])
    copied = shutil.copytree(small_run, tmp_path / "digits")
    (copied / "figures" / "looked.png").unlink()
    assert tune("report", str(copied), cwd=tmp_path, TUNE_CACHE_DIR=str(tmp_path)).returncode == 0
    assert (copied / "figures" / "looked.png").exists()
    assert "## Where the model looks" in (copied / "report.md").read_text()
