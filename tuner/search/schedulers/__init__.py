"""The schedulers, which decide how far each trial is trained, by the name that `--pruner` takes."""

SCHEDULERS = {
    "screen": "tuner.search.schedulers.screen:Screen",
    "asha": "tuner.search.schedulers.asha:Asha",
    "hyperband": "tuner.search.schedulers.hyperband:Hyperband",
    "median": "tuner.search.schedulers.median:Median",
    "none": "tuner.search.schedulers.base:Scheduler",
}
"""The first is the default with Optuna; Keras Tuner's own default is none."""
