"""Runs the search: data sets, trials on devices, retraining, baselines.

`from tuner import tune, load` is the Python interface; it is imported when it is asked for.
"""

from typing import Any

INTERFACE = ("Run", "load", "tune")


def __getattr__(name: str) -> Any:
    """The Python interface, from `tuner.api`."""
    if name in INTERFACE:
        from importlib import import_module

        return getattr(import_module("tuner.api"), name)
    raise AttributeError(f"module 'tuner' has no attribute {name!r}")
