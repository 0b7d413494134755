"""Installed versions of the packages that decide results."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("keras", "tensorflow", "jax", "torch", "optuna", "keras-tuner", "numpy", "pandas", "scikit-learn")


def installed(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """The versions of those of some packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
