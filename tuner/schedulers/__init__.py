"""What decides how far each trial is trained, by the name that `--pruner` takes."""

SCHEDULERS = {
    "screen": "tuner.schedulers.screen:Screen",
    "asha": "tuner.schedulers.asha:Asha",
    "hyperband": "tuner.schedulers.hyperband:Hyperband",
    "median": "tuner.schedulers.median:Median",
    "none": "tuner.schedulers.base:Scheduler",
}
"""The first is the default with Optuna; Keras Tuner's own default is none."""
