"""The processes that commands, trainings and workers under test are forks of, one of each a session."""

import os
from pathlib import Path

from tests.helpers.forks import COMMON, Origin

COMMANDS = Origin(
    (
        "numpy", "optuna", "optuna.storages.journal", "optuna.importance", "optuna.samplers", "scipy.stats",
        "sklearn.datasets", "sklearn.linear_model", "sklearn.metrics", "matplotlib.figure", "pandas",
        "matplotlib.backends.backend_agg", "PIL.Image", "PIL.JpegImagePlugin", "PIL.GifImagePlugin",
        "rich.live", "typer.rich_utils", "webbrowser", "tests.helpers.parsed",
        "search_spaces.cnn", "tuner.run.runner", "tuner.datasets.prepare", "tuner.workers.executors.local",
        "tuner.search.engines.optuna_engine", "tuner.search.schedulers.screen", "reports.write",
        "reports.compare", "reports.sections.audit", "reports.sections.leaderboard", "reports.sections.usage",
    ),
    "-W",
    "error",
)  # fmt: skip
"""For the command line, which notes when it is imported, so that each command has to import it; warnings are
errors there."""

QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "JAX_PLATFORMS": "cpu",
    "JAX_COMPILATION_CACHE_DIR": str(COMMON / "compiled"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    "XLA_FLAGS": "--xla_backend_optimization_level=0",
}
"""Frameworks say little; XLA compiles a program once a session, and not for speed."""

TRAININGS = {
    backend: Origin(
        ("keras", "keras.src.trainers.trainer", "tuner.training.perform", "search_spaces.cnn"),
        KERAS_BACKEND=backend,
        **QUIET,
    )
    for backend in ("tensorflow", "jax")
}
"""For what trains, by Keras' backend."""

_KERAS = Origin(("keras", "numpy", "PIL.Image"), KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3")


def with_keras(code: str, folder: Path, *arguments: str) -> str:
    """Runs code in a folder where Keras is imported and this project is not; returns what it prints."""
    (folder / "alone.py").write_text(code)
    done = _KERAS.run("alone", arguments, folder, {**os.environ, "PYTHONPATH": ""}, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout
