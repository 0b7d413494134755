import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.helpers.make_run import make_run
from tests.helpers.runs import Tune
from tuner.cli import commands

HEAVY = ("keras", "tensorflow", "jax", "torch", "optuna", "pandas", "numpy", "sklearn", "scipy", "matplotlib")


def test_help_imports_no_framework() -> None:
    code = (
        "import sys\nsys.argv = ['tune', '--help']\nfrom tuner.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('HEAVY', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "HEAVY []" in done.stdout
    assert "tune digits" in done.stdout


def test_without_arguments_there_is_the_help_alone(tune: Tune, tmp_path: Path) -> None:
    bare, help_, short = (tune(*arguments, cwd=tmp_path) for arguments in ([], ["--help"], ["-h"]))
    assert (bare.returncode, help_.returncode, short.returncode) == (2, 0, 0)
    assert "Commands" in help_.stdout
    assert bare.stdout == help_.stdout == short.stdout
    assert bare.stderr == help_.stderr == short.stderr == ""


def test_the_help_of_a_run_lists_its_options(tune: Tune, tmp_path: Path) -> None:
    text = tune("run", "--help", cwd=tmp_path).stdout
    for option in (
        "--trials",
        "--budget",
        "--space",
        "--set",
        "--baselines",
        "--data-dir",
        "--fresh",
        "--json",
    ):
        assert option in text
    assert "Examples:" in text
    assert "tune asl --space resnet" in text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["digit"], "no command or data set 'digit'; did you mean 'digits'?"),
        (["run", "digit"], "no data set 'digit'; did you mean 'digits'?"),
        (["predct", "x"], "no command or data set 'predct'; did you mean 'predict'?"),
        (["list"], "no command or data set 'list'; did you mean 'datasets' or 'spaces' or 'baselines'?"),
        (["help"], "no command or data set 'help'; did you mean '--help'?"),
        (["photos/"], "no file or folder 'photos/'"),
        (["digits", "--trials", "ten"], "--trials 'ten': expected a whole number"),
        (["status", "--trial", "x"], "no run in runs"),
        (["spaces", "cnm"], "no search space 'cnm'; did you mean 'cnn'?"),
        (["digits", "--set", "filters=8-32"], "a range is written 8..32"),
        (["digits", "--space", "cnm"], "no search space 'cnm'; did you mean 'cnn'?"),
        (["digits", "--space", "no.py:FAMILY"], "no file 'no.py'"),
        (["digits", "--baselines", "logistik"], "no baseline 'logistik'; did you mean 'logistic'?"),
        (["digits", "--set", "filtres=8"], "filtres"),
        (["digits", "--set", "filters=many"], "filters=many"),
        (["digits", "--trials", "x"], "--trials"),
        (["digits", "--trials", "0"], "--trials 0: expected a whole number from 1"),
        (["digits", "--budget", "soon"], "--budget 'soon'"),
        (["digits", "--workers", "none"], "--workers none: expected auto or a whole number"),
        (["digits", "--devices", "7"], "--devices 7: no GPU '7'"),
        (["digits", "--trails", "5"], "--trails"),
        (["--trials", "5"], "DATASET"),
        (["status", "nothing"], "no run 'nothing'"),
        (["asl", "--no-download"], "sign_mnist_train.csv"),
    ],
)
def test_bad_input_is_one_plain_error(
    tune: Tune, tmp_path: Path, arguments: list[str], expected: str
) -> None:
    done = tune(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert expected in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 3
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


def test_options_may_stand_before_the_data_set(tune: Tune, tmp_path: Path) -> None:
    assert "no data set 'digit'" in tune("--trials", "5", "digit", cwd=tmp_path).stderr


@pytest.mark.parametrize("arguments", [["status", "nothing", "--debug"], ["--debug", "digit"]])
def test_every_command_shows_tracebacks_when_told(tune: Tune, tmp_path: Path, arguments: list[str]) -> None:
    done = tune(*arguments, cwd=tmp_path)
    assert done.stderr.startswith("Traceback")
    assert "UsageError: no " in done.stderr


def test_an_unknown_keras_backend_is_refused(tune: Tune, tmp_path: Path) -> None:
    done = tune("digits", cwd=tmp_path, KERAS_BACKEND="theano")
    assert (done.returncode, "KERAS_BACKEND is 'theano'" in done.stderr) == (2, True)


def test_lists(tune: Tune, tmp_path: Path) -> None:
    assert "digits: 1,797 handwritten digits" in tune("datasets", cwd=tmp_path).stdout
    assert "filters: 16 to 64 in steps of 8, log; default 32" in tune("spaces", cwd=tmp_path).stdout
    baselines = tune("baselines", cwd=tmp_path).stdout
    assert all(f"{name}: " in baselines for name in ("course-cnn", "cnn", "default"))
    one = tune("spaces", "cnn", cwd=tmp_path).stdout
    assert "learning_rate: 0.001 to 0.015, log" in one
    assert "mlp: " not in one


def test_commands_on_a_finished_run(tune: Tune, curve_run: Path, tmp_path: Path) -> None:
    shutil.copytree(curve_run, tmp_path / "runs" / "digits")
    status = tune("status", "digits", cwd=tmp_path)
    assert "4 asked for" in status.stdout
    assert "best so far" in status.stdout
    one = tune("status", "digits", "--trial", "0", cwd=tmp_path)
    assert "filters = " in one.stdout
    assert "epoch 1: " in one.stdout
    assert tune("status", "digits", "--trial", "9", cwd=tmp_path).returncode == 2
    assert "--trial 'x': expected a whole number" in tune("status", "--trial", "x", cwd=tmp_path).stderr
    make_run(tmp_path / "runs" / "older", "alone")
    for path in (tmp_path / "runs" / "older").iterdir():
        os.utime(path, (1e9, 1e9))
    assert tune("status", cwd=tmp_path).stdout == status.stdout
    (tmp_path / "runs" / "digits" / "report.md").unlink()
    assert tune("report", "digits", cwd=tmp_path).returncode == 0
    assert (tmp_path / "runs" / "digits" / "report.md").read_text().startswith("# ")
    assert "digits" in tune("compare", cwd=tmp_path).stdout
    assert "runs" not in tune("clean", cwd=tmp_path, TUNE_CACHE_DIR=str(tmp_path / "none")).stdout


def test_clean_removes_caches_and_runs_set_aside_only_when_told(
    fresh_tune_curves: Tune, tmp_path: Path
) -> None:
    aside = tmp_path / "runs" / "digits.20260101-120000"
    kept = tmp_path / "runs" / "digits"
    for folder in (aside, kept, tmp_path / "cache" / "x"):
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(b"0" * 1000)
    # A temporary directory of its own: another test's cluster has its images in the usual one.
    places = {"TUNE_CACHE_DIR": str(tmp_path / "cache"), "TMPDIR": str(tmp_path)}
    assert str(aside.name) in fresh_tune_curves("clean", cwd=tmp_path, **places).stdout
    assert aside.exists()
    fresh_tune_curves("clean", "--yes", cwd=tmp_path, **places)
    assert not aside.exists()
    assert kept.exists()
    assert not (tmp_path / "cache" / "x").exists()


def test_all_runs_are_compared_that_the_index_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, variant in (("one", "alone"), ("two", "interrupted"), ("one.20260101-101010", "alone")):
        make_run(tmp_path / name, variant)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text("{")
    assert commands.compare([], tmp_path) == 0
    shown = capsys.readouterr()
    table, differing = shown.out.split("\n\n")
    assert len(table.splitlines()) == 3
    assert "  --trials: 4 (one); 9 (two)" in differing.splitlines()
    assert "not finished (interrupted)" in shown.out
    assert shown.err.startswith(f"warning: {tmp_path / 'broken'} is left out: ")


def test_the_version_is_told_with_that_of_the_backend(tune: Tune, tmp_path: Path) -> None:
    done = tune("--version", cwd=tmp_path, KERAS_BACKEND="tensorflow")
    first, second = done.stdout.splitlines()
    assert first == f"tune {version('tune-images')}"
    assert second == f"Keras {version('keras')} on tensorflow {version('tensorflow')}"


def test_a_report_is_opened_in_the_browser(tune: Tune, tmp_path: Path) -> None:
    make_run(tmp_path / "runs" / "asl", "one-trial")
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f'#!/bin/sh\necho "$1" > {seen}\n')
    browser.chmod(0o755)
    done = tune("report", "asl", "--open", cwd=tmp_path, BROWSER=f"{browser} %s")
    assert done.returncode == 0, done.stderr
    page = tmp_path / "runs" / "asl" / "report.html"
    assert page.is_file()
    assert seen.read_text().strip() == page.resolve().as_uri()
