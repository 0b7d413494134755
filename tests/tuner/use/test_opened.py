"""A run that has ended, in a notebook or script."""

import re
from pathlib import Path

import numpy as np
import optuna
import pytest

import tuner
from tests.tuner.use.conftest import digits
from tuner.errors import UsageError
from tuner.opened import Run


@pytest.fixture(scope="module")
def run(used: Path) -> Run:
    loaded = tuner.load("digits", used / "runs")
    assert isinstance(loaded, Run)
    return loaded


def test_the_interface_is_in_the_package_itself() -> None:
    from tuner import api, load, tune

    assert tune is api.tune
    assert load is api.load
    with pytest.raises(AttributeError, match="no attribute 'tunes'"):
        tuner.tunes  # noqa: B018


def test_it_opens_an_earlier_run_and_says_how_it_ended(run: Run, used: Path) -> None:
    assert not run.interrupted
    assert repr(run).startswith("Run('")
    assert re.search(r", done, test accuracy [\d.]+ %\)$", repr(run))
    shown = run._repr_html_()
    assert "digits: " in shown
    assert "<code>majority</code>" in shown
    assert shown.count("data:image/png;base64,") == 2
    with pytest.raises(UsageError, match="no run 'digitz'"):
        tuner.load("digitz", used / "runs")


def test_trials_leaderboard_and_study_are_tables_that_do_not_touch_the_run(
    run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    journal = (run.path / "study.journal").read_bytes()
    trials = run.trials
    assert list(trials["number"]) == [0, 1, 2, 3]
    assert {"state", "score", "epochs", "filters"} <= set(trials.columns)
    assert run.leaderboard["model"].isin(["tuned", "default", "majority", "dense-512"]).sum() >= 3
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.INFO)
    study = run.study
    assert optuna.logging.get_verbosity() == optuna.logging.INFO
    optuna.logging.set_verbosity(verbosity)
    assert capfd.readouterr().err == ""
    assert len(study.trials) == len(trials)
    study.set_user_attr("note", "mine")
    study.ask()
    assert (run.path / "study.journal").read_bytes() == journal


def test_it_predicts_arrays_and_files(run: Run, used: Path) -> None:
    images = digits(5)
    said = run.predict(images)
    expected = run.model().predict(images, verbose=0)
    assert list(said.columns[:2]) == ["label", "probability"]
    assert said[[str(i) for i in range(10)]].to_numpy() == pytest.approx(expected, abs=1e-6)
    assert list(said["label"]) == [str(i) for i in expected.argmax(axis=1)]
    assert run.predict(np.zeros((0, 8, 8, 1), np.uint8)).empty
    files = run.predict([used / "photos" / "a.png", str(used / "photos" / "b.png")])
    assert files["label"][0] == said["label"][0]
    assert list(files["inverted"]) == [False, True]
