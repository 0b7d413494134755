"""Workers that train, in an environment that would break them."""

from pathlib import Path

import pytest

from tests import ROOT
from tests.helpers.runs import Tune
from tuner.workers.executors import surroundings

PLAN = ["plan", "digits", "--workers", "1", "--set", "filters=4", "--set", "dense_units=16"]


@pytest.mark.slow
def test_a_worker_starts_whatever_the_environment_says(tune: Tune, tmp_path: Path) -> None:
    settings = tmp_path / "keras-home"
    settings.mkdir()
    (settings / "keras.json").write_text(
        '{"image_data_format": "channels_first", "floatx": "float16", "backend": "nothing"}'
    )
    (tmp_path / "keras.py").write_text("raise ImportError('the wrong Keras')\n")
    done = tune(
        *PLAN,
        cwd=tmp_path,
        MPLBACKEND="module://matplotlib_inline.backend_inline",
        KERAS_HOME=str(settings),
        PYTHONOPTIMIZE="2",
        PYTHONWARNINGS="error",
        PYTHONIOENCODING="ascii",
        TF_XLA_FLAGS="--no_such_flag",
        TF_CONFIG="{",
    )
    assert done.returncode == 0, done.stderr
    assert "images a second" in done.stdout


@pytest.mark.slow
def test_what_may_keep_workers_from_starting_is_named(tune: Tune, tmp_path: Path) -> None:
    (tmp_path / "other" / "keras").mkdir(parents=True)
    (tmp_path / "other" / "keras" / "__init__.py").write_text("raise ImportError('another Keras')\n")
    done = tune(*PLAN, cwd=tmp_path, PYTHONPATH=f"{tmp_path / 'other'}:{ROOT}")
    assert done.returncode == 1
    assert "workers do not start: ImportError: another Keras\n" in done.stderr
    assert "PYTHONPATH" in done.stderr.splitlines()[2]


def test_the_environment_of_a_worker_keeps_what_is_the_users() -> None:
    given = {"PYTHONPATH": "/mine", "HOME": "/home/me", "PYTHONWARNINGS": "error", "MPLBACKEND": "x"}
    made = surroundings.environment(given, {"OMP_NUM_THREADS": "1"})
    assert made["PYTHONPATH"].startswith("/mine")
    assert (made["HOME"], made["OMP_NUM_THREADS"], made["MPLBACKEND"]) == ("/home/me", "1", "agg")
    assert "PYTHONWARNINGS" not in made
