"""The schedulers, which decide how far each trial is trained, by the name that `--pruner` takes."""

SCHEDULERS = {
    "screen": "tuner.search.schedulers.screen:Screen",
    "asha": "tuner.search.schedulers.asha:Asha",
    "hyperband": "tuner.search.schedulers.hyperband:Hyperband",
    "median": "tuner.search.schedulers.median:Median",
    "none": "tuner.search.schedulers.base:Scheduler",
}
"""The first is the default with Optuna; Keras Tuner's own default is none."""


def of_run(named: str, *, on_features: bool) -> str:
    """The scheduler that a run has: heads on features are trained to their end by default, in a second.

    Args:
        named: as the configuration has it, which does not tell a default from the same name given.
        on_features: whether the family trains heads on features.
    """
    return "none" if on_features and named == next(iter(SCHEDULERS)) else named
