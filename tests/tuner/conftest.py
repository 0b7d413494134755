import os
from collections.abc import Callable
from pathlib import Path

import pytest

from search_spaces.backbones import weights
from tests import ROOT
from tests.helpers.caches import new_cache
from tests.helpers.once import Session
from tests.helpers.origins import TRAININGS
from tests.helpers.pictures import tiles
from tests.helpers.runs import SMALL_RUN, Tune, commands_in, fresh_commands_in


@pytest.fixture(scope="session")
def environment(session: Session) -> dict[str, str]:
    """The environment of commands under test: their own cache and data directories, a wide terminal."""
    own = session.folder("user")
    return {
        **os.environ,
        "TUNE_CACHE_DIR": new_cache(own / "cache"),
        "TUNE_DATA_DIR": str(own / "data"),
        "COLUMNS": "200",
        "KERAS_BACKEND": "tensorflow",
        "PYTHONPATH": str(ROOT),  # for `TUNE_WORKER=tests.helpers.curve_worker`
    }


@pytest.fixture(scope="session")
def curves(environment: dict[str, str], session: Session) -> dict[str, str]:
    """The environment of commands whose workers follow curves, and whose figures are not drawn; a cache of
    their own keeps what they say from runs that train."""
    return {
        **environment,
        "TUNE_WORKER": "tests.helpers.curve_worker",
        "TUNE_CACHE_DIR": new_cache(session.folder("curves")),
        "COMMAND_LINE": "tests.helpers.undrawn",
    }


@pytest.fixture(scope="session")
def forked(environment: dict[str, str]) -> dict[str, str]:
    """The environment of commands whose workers train, and start at once; figures are not drawn."""
    return {
        **environment,
        "TUNE_WORKER": "tests.helpers.forked_worker",
        "FORKED_FROM": TRAININGS[environment["KERAS_BACKEND"]].address,
        "COMMAND_LINE": "tests.helpers.undrawn",
    }


@pytest.fixture(scope="session")
def trials_only(forked: dict[str, str], session: Session) -> dict[str, str]:
    """The environment of commands whose workers train the trials of a search, and nothing after it."""
    return {
        **forked,
        "FORKED_WORKER": "tests.helpers.trials_worker",
        "TUNE_CACHE_DIR": new_cache(session.folder("trials-only")),
    }


@pytest.fixture(scope="session")
def tune(environment: dict[str, str]) -> Tune:
    """The command line, with workers that train."""
    return commands_in(environment)


@pytest.fixture(scope="session")
def tune_forked(forked: dict[str, str]) -> Tune:
    """The command line, with workers that train, and start at once."""
    return commands_in(forked)


@pytest.fixture(scope="session")
def tune_trials(trials_only: dict[str, str]) -> Tune:
    """The command line, with workers that train the trials of a search, and nothing after it."""
    return commands_in(trials_only)


@pytest.fixture(scope="session")
def fresh_tune_curves(curves: dict[str, str]) -> Tune:
    """The command line, with workers that follow curves, each command in a new interpreter."""
    return fresh_commands_in(curves)


@pytest.fixture(scope="session")
def tune_curves(curves: dict[str, str]) -> Tune:
    """The command line, with workers that follow curves."""
    return commands_in(curves)


@pytest.fixture(scope="session")
def small_run(forked: dict[str, str], session: Session) -> Path:
    """The run directory of a finished small run, with its figures. Tests copy it before they change it."""
    drawn = commands_in({**forked, "COMMAND_LINE": "tuner.cli"})
    return session.once("small", whole(drawn)) / "runs" / "digits"


@pytest.fixture(scope="session")
def curve_run(tune_curves: Tune, session: Session) -> Path:
    """The same run, by workers that follow curves."""
    return session.once("curve-run", whole(tune_curves)) / "runs" / "digits"


WRONG = ("025.png", "043.png", "067.png", "085.png")
"""Pieces of the one photograph that pass for pieces of the other."""

PHOTOGRAPHS = ["--trials", "2", "--epochs", "3", "--workers", "1", "--seeds", "2", "--finalists", "1",
    "--no-download", "--baselines", "majority", "--set", "flip=true", "--set", "views=2",
    "--set", "unfrozen=0", "--set", "resolution=96"]  # fmt: skip


@pytest.fixture(scope="session")
def photograph_run(tune_forked: Tune, session: Session) -> Path:
    """A finished run of heads on ImageNet features, in a folder beside its `photographs`, of which eight have
    wrong labels."""
    if weights.installed() is None:
        pytest.skip("no ImageNet weights are here; the extra pretrained has some")

    def make(folder: Path) -> None:
        tiles(folder / "photographs")
        for number in WRONG:
            one, other = (folder / "photographs" / name / number for name in ("china", "flower"))
            piece = one.read_bytes()
            one.write_bytes(other.read_bytes())
            other.write_bytes(piece)
        done = tune_forked("photographs", *PHOTOGRAPHS, cwd=folder)
        assert done.returncode == 0, done.stderr

    return session.once("photograph-run", make) / "runs" / "photographs"


def whole(tune: Tune) -> Callable[[Path], None]:
    """Makes a small run in a folder."""

    def make(folder: Path) -> None:
        done = tune(*SMALL_RUN, cwd=folder)
        assert done.returncode == 0, done.stderr

    return make
