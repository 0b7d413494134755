import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Tune = Callable[..., "subprocess.CompletedProcess[str]"]

SMALL_RUN = [
    "digits", "--trials", "4", "--epochs", "2", "--workers", "1", "--seeds", "2", "--finalists", "1",
    "--set", "filters=4..8", "--set", "dense_units=16", "--baselines", "majority,dense-512",
]  # fmt: skip
"""A whole run, every part in it, as short as it can be."""


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
        "PYTHONPATH": str(Path(__file__).parents[2]),  # for `TUNE_WORKER=tests.curve_worker`
    }


@pytest.fixture(scope="session")
def curves(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of commands whose workers follow curves; a cache of their own keeps what they say
    from runs that train."""
    cache = tmp_path_factory.mktemp("curves")
    return {**environment, "TUNE_WORKER": "tests.curve_worker", "TUNE_CACHE_DIR": str(cache)}


@pytest.fixture(scope="session")
def trials_only(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of commands whose workers train the trials of a search, and nothing after it."""
    cache = tmp_path_factory.mktemp("trials-only")
    return {**environment, "TUNE_WORKER": "tests.trials_worker", "TUNE_CACHE_DIR": str(cache)}


def command(*arguments: str) -> list[str]:
    """The command line; warnings are errors in the parent. Workers import frameworks, which warn."""
    return [sys.executable, "-W", "error", "-m", "tuner.cli", *arguments]


def commands_in(environment: dict[str, str]) -> Tune:
    """Runs the command line in a process of its own: `tune("digits", "--trials", "3", cwd=...)`."""

    def run(*arguments: str, cwd: Path, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command(*arguments),
            cwd=cwd,
            env={**environment, **more},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    return run


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
