"""The environment that a worker gets: the user's, without what could change or break a training."""

import os
import site
from collections.abc import Mapping
from pathlib import Path

CLEARED = (
    "PYTHONINSPECT", "PYTHONOPTIMIZE", "PYTHONSTARTUP", "PYTHONWARNINGS", "PYTHONDEVMODE",
    "PYTHONPROFILEIMPORTTIME", "PYTHONTRACEMALLOC", "PYTHONVERBOSE", "PYTHONBREAKPOINT",
    "TF_XLA_FLAGS", "TF_CONFIG",
)  # fmt: skip
"""Warnings as errors, a shell at the end, a cluster's description, other numerics: not for a worker."""

SET = {
    "MPLBACKEND": "agg",  # a notebook's own need not be installed here
    "PYTHONIOENCODING": "utf-8:backslashreplace",  # what user code prints goes into the log
    "PYTHONSAFEPATH": "1",  # a `keras.py` in the current directory is not Keras
}

SUSPECTS = (
    "PYTHONPATH", "PYTHONHOME", "KERAS_HOME", "KERAS_BACKEND", "LD_PRELOAD", "LD_LIBRARY_PATH",
    "TF_ENABLE_ONEDNN_OPTS", "TF_GPU_ALLOCATOR", "TF_USE_LEGACY_KERAS", "XLA_FLAGS", "CUDA_HOME",
)  # fmt: skip
"""Variables that a user may need, and that are yet the usual reason why a framework does not start."""


def environment(given: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """The environment of a worker.

    Args:
        given: that of this process.
        own: what the worker's slot sets.
    """
    kept = {name: value for name, value in given.items() if name not in CLEARED}
    return {**kept, **SET, "PYTHONPATH": _python_path(given), **own}


def suspects(given: Mapping[str, str]) -> list[str]:
    """The names in an environment that may be why a framework does not start in it."""
    return [name for name in SUSPECTS if given.get(name)]


def _python_path(given: Mapping[str, str]) -> str:
    """The user's, and last the place of this package, should it not be installed."""
    root = str(Path(__file__).resolve().parents[3])
    paths = [path for path in given.get("PYTHONPATH", "").split(os.pathsep) if path]
    installed = {str(Path(path).resolve()) for path in [*site.getsitepackages(), site.getusersitepackages()]}
    return os.pathsep.join(paths if root in {*installed, *paths} else [*paths, root])
