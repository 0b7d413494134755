"""Who chooses the trials of a study: one file an engine, one line each here."""

ENGINES = {
    "optuna": "tuner.engines.optuna_engine:OptunaEngine",
    "keras-tuner": "tuner.engines.keras_tuner_engine:KerasTunerEngine",
}

ALGORITHMS = {
    "optuna": ("tpe", "random", "grid", "qmc", "cmaes", "gp"),
    "keras-tuner": ("hyperband", "bayesian", "random", "grid"),
}
"""The algorithms of each engine, its default first."""
