"""Each engine with each algorithm in a real search on `digits`, through the command line.

The trials are trained with the default algorithm of each engine, and follow curves with the others: which
values an algorithm may choose is tested with all of them in `tests/contracts`, and that every space can be
built. The end of a run is trained once, with Keras Tuner's Hyperband; `test_run.py` has one of Optuna.
"""

import json
import signal
from pathlib import Path

import pytest

from tests.contracts.test_engines import COMBINATIONS
from tests.helpers.runs import Tune, read_until, report_of, start, trials
from tuner.search.engines import ALGORITHMS

pytestmark = pytest.mark.slow

SHORT_RUN = [
    "digits", "--workers", "1", "--seeds", "1", "--finalists", "1", "--baselines", "none",
    "--set", "filters=4", "--set", "dense_units=16", "--set", "dropout=0.1..0.3",
]  # fmt: skip
HYPERBAND = [*SHORT_RUN, "--engine", "keras-tuner", "--trials", "4", "--epochs", "3"]


TRAINED = [(engine, default) for engine, (default, *_) in ALGORITHMS.items()]


@pytest.mark.parametrize(("engine", "algorithm"), COMBINATIONS, ids=map("-".join, COMBINATIONS))
def test_each_algorithm_of_each_engine_searches(
    tune_trials: Tune, tune_curves: Tune, tmp_path: Path, engine: str, algorithm: str
) -> None:
    if algorithm == "gp":
        pytest.importorskip("torch", reason="PyTorch is not installed")
    chosen = ["--engine", engine, "--algorithm", algorithm, "--trials", "3", "--epochs", "2"]
    tune = tune_trials if (engine, algorithm) in TRAINED else tune_curves
    done = tune(*SHORT_RUN, *chosen, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = report_of(tmp_path / "runs" / "digits")["search"]
    assert (report["engine"], report["algorithm"]) == (engine, algorithm)
    assert sum(report["trials"].values()) == 3
    found = trials(tmp_path / "runs" / "digits")
    assert [trial.number for trial in found] == [0, 1, 2]
    assert all(trial.state.is_finished() and trial.intermediate_values for trial in found)
    assert len({json.dumps(trial.user_attrs["params"]) for trial in found}) == 3


def scores(run: Path) -> list[tuple[str, dict[int, float], object]]:
    return [(t.state.name, t.intermediate_values, t.user_attrs["params"]) for t in trials(run)]


def test_hyperband_promotes_and_is_trained_to_the_end(tune_forked: Tune, tmp_path: Path) -> None:
    assert tune_forked(*HYPERBAND, cwd=tmp_path).returncode == 0
    promoted(tmp_path / "runs" / "digits")


def test_hyperband_goes_on_after_a_kill(curves: dict[str, str], tune_curves: Tune, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    assert tune_curves(*HYPERBAND, "--name", "whole", cwd=tmp_path).returncode == 0
    process = start({**curves, "CURVE_SECONDS": "0.2"}, tmp_path, *HYPERBAND)
    read_until(process, "[1/4]")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert tune_curves(*HYPERBAND, cwd=tmp_path).returncode == 0
    promoted(runs / "digits")
    assert scores(runs / "digits") == scores(runs / "whole")


def promoted(run: Path) -> None:
    """Two of four have gone on, and nothing was trained twice."""
    states = [state for state, _, _ in scores(run)]
    assert (states.count("COMPLETE"), states.count("PRUNED")) == (2, 2)
    for trial in trials(run):
        assert trial.user_attrs["epochs"] == len(trial.intermediate_values)
    assert not (run / "checkpoints").exists()


def test_a_pruner_beside_keras_tuner_is_refused(tune: Tune, tmp_path: Path) -> None:
    done = tune(*HYPERBAND, "--pruner", "asha", cwd=tmp_path)
    assert done.returncode == 2
    assert "--pruner 'asha': the keras-tuner engine takes only none with hyperband" in done.stderr


SCREENED = [*SHORT_RUN, "--trials", "6", "--epochs", "4", "--set", "batch_size=16"]
"""With so many steps an epoch, trials wait after two."""


def test_screening_goes_on_with_the_best_after_a_kill(
    trials_only: dict[str, str], tune_trials: Tune, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    assert tune_trials(*SCREENED, "--name", "whole", cwd=tmp_path).returncode == 0
    states = [state for state, _, _ in scores(runs / "whole")]
    assert 3 <= states.count("COMPLETE") < 6
    process = start(trials_only, tmp_path, *SCREENED)
    read_until(process, "[6/6]")  # all wait; the first goes on
    process.kill()
    process.communicate()
    assert tune_trials(*SCREENED, cwd=tmp_path).returncode == 0
    assert scores(runs / "digits") == scores(runs / "whole")
    for trial in trials(runs / "digits"):
        assert trial.user_attrs["epochs"] == len(trial.intermediate_values)


OWN = """
from search_spaces.family import Family, Recipe
from search_spaces.space import Categorical, SearchSpace

SPACE = SearchSpace("own", {"units": Categorical((4, 8), 8)})
FAMILY = Family("own", "two configurations", lambda task: SPACE, None, lambda params: Recipe())
"""


def test_a_grid_that_is_exhausted_ends_the_search(tune_curves: Tune, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    options = ["--space", "own.py:FAMILY", "--algorithm", "grid", "--trials", "9", "--epochs", "1"]
    done = tune_curves(*SHORT_RUN[: SHORT_RUN.index("--set")], *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = report_of(tmp_path / "runs" / "digits")["search"]
    assert report["stopped_by"] == "exhausted"
    assert sum(report["trials"].values()) == 2
