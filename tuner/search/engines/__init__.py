"""Who chooses the trials of a study: one file an engine, one line each here."""

ENGINES = {
    "optuna": "tuner.search.engines.optuna_engine:OptunaEngine",
    "keras-tuner": "tuner.search.engines.keras_tuner_engine:KerasTunerEngine",
}

ALGORITHMS = {
    "optuna": ("tpe", "random", "grid", "qmc", "cmaes", "gp"),
    "keras-tuner": ("hyperband", "bayesian", "random", "grid"),
}
"""The algorithms of each engine, its default first."""
