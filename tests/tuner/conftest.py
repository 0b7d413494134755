import os
from pathlib import Path

import pytest

from tests import ROOT
from tests.helpers.runs import SMALL_RUN, Tune, commands_in


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of commands under test: their own cache and data directories, a wide terminal."""
    own = tmp_path_factory.mktemp("user")
    return {
        **os.environ,
        "TUNE_CACHE_DIR": str(own / "cache"),
        "TUNE_DATA_DIR": str(own / "data"),
        "COLUMNS": "200",
        "KERAS_BACKEND": "tensorflow",
        "PYTHONPATH": str(ROOT),  # for `TUNE_WORKER=tests.helpers.curve_worker`
    }


@pytest.fixture(scope="session")
def curves(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of commands whose workers follow curves; a cache of their own keeps what they say
    from runs that train."""
    cache = tmp_path_factory.mktemp("curves")
    return {**environment, "TUNE_WORKER": "tests.helpers.curve_worker", "TUNE_CACHE_DIR": str(cache)}


@pytest.fixture(scope="session")
def trials_only(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of commands whose workers train the trials of a search, and nothing after it."""
    cache = tmp_path_factory.mktemp("trials-only")
    return {**environment, "TUNE_WORKER": "tests.helpers.trials_worker", "TUNE_CACHE_DIR": str(cache)}


@pytest.fixture(scope="session")
def tune(environment: dict[str, str]) -> Tune:
    """The command line, with workers that train."""
    return commands_in(environment)


@pytest.fixture(scope="session")
def tune_curves(curves: dict[str, str]) -> Tune:
    """The command line, with workers that follow curves."""
    return commands_in(curves)


@pytest.fixture(scope="session")
def small_run(tune: Tune, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of a finished small run. Tests copy it before they change it."""
    cwd = tmp_path_factory.mktemp("small")
    done = tune(*SMALL_RUN, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return cwd / "runs" / "digits"


@pytest.fixture(scope="session")
def curve_run(tune_curves: Tune, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run, by workers that follow curves."""
    cwd = tmp_path_factory.mktemp("curve-run")
    done = tune_curves(*SMALL_RUN, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return cwd / "runs" / "digits"
