"""The processes that commands, trainings and workers under test are forks of, one of each a session."""

from tests.helpers.forks import COMMON, Origin

COMMANDS = Origin(
    (
        "numpy", "optuna", "optuna.storages.journal", "optuna.importance", "optuna.samplers", "scipy.stats",
        "sklearn.datasets", "sklearn.linear_model", "sklearn.metrics", "matplotlib.figure", "PIL.Image",
        "pandas", "matplotlib.backends.backend_agg", "rich.live", "typer.rich_utils",
        "tuner.run.runner", "reports.write",
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
