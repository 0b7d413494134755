"""Predictions and other arrays as the run directory keeps them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.errors import DataError
from tuner.training import temperature

Arrays = Mapping[str, NDArray[Any]]


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of an `.npz` file; none where there is no such file."""
    if not path.exists():
        return {}
    try:
        with np.load(path, allow_pickle=False) as loaded:
            return {key: loaded[key] for key in loaded.files}
    except (ValueError, OSError) as error:
        raise DataError(f"{path} is damaged: {error}") from error


def seed_rows(model: str, arrays: Arrays) -> list[NDArray[Any]]:
    """The (images, classes) test probabilities of each seed of a model, by seed."""
    rows: list[NDArray[Any]] = []
    while f"test/{model}/{len(rows)}" in arrays:
        rows.append(arrays[f"test/{model}/{len(rows)}"])
    return rows


def said_by(seeds: int, degree: float, rows: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The test probabilities of a model that averages the first `seeds` of the winner's, at a temperature."""
    mean: NDArray[Any] = np.mean(rows[:seeds], axis=0)
    return temperature.scaled(mean, degree)
